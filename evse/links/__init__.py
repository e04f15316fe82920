"""The station's wires to other systems: they read Snapshots and events, and post Commands."""
