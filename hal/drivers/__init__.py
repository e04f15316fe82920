"""Drivers: ports implemented on wires. Non-blocking; time is an argument."""
