"""Twins: the other end of each wire, with the behaviour of the real device."""
