"""Simulation: scheduler (jump and paced), scenarios, invariants."""
