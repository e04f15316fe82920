"""The machine below a station: its address and clock, and its name in the network; a THØR with its slaves or its master."""
