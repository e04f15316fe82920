"""Composition root: command line, processes, wiring. The only package that knows all the others."""
