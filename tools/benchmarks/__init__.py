"""Benchmarks of the product: ``tools/bench``. Each prints what it measured, what the goal is, and on what machine."""
