"""Firmware packages and the two slots they are installed into.

``manifest`` is what is signed, ``package`` checks a file before anything of it is used, ``slots`` keeps two versions and
returns to the old one when the new one does not prove itself. Nothing of a package is ever executed by the installer.
"""
