"""The station's page and REST interface: reads the Snapshot, posts Commands, and in simulation the world's verbs."""
