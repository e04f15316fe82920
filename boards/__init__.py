"""Boards: profile and wires make a Board."""
