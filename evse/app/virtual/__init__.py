"""Whole stations in virtual time, and what scenarios and stories run on."""
