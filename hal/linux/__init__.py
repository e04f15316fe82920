"""Wires on Linux: serial ports and pseudo-terminals. The only importer of serial."""
