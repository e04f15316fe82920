"""Hardware layer: ports, wires, frames, drivers, twins and the simulated world. Knows nothing of evse."""
