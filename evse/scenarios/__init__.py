"""The scenarios that come with the program, by name: stories of a Parking station, each with what must come of it.

Data only, in the format of ``docs/scenarios.md``; ``evse sim NAME`` runs one, ``evse sim --list`` names them all. A file
added here is a test: ``tests/scenario/test_library.py`` runs every one of them with all invariants watching.
"""
