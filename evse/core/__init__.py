"""The pure core: pilot, outlet, interlock, energy, session. No clock, no I/O, no concurrency, no randomness."""
