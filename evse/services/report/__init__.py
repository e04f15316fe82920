"""The maintenance report: what a support engineer needs, as data and as one HTML file.

``content`` chooses what is in it, value by value: nothing gets into a report that is not named there. ``html`` writes the
file, which needs nothing but itself.
"""
