"""What the page of a simulated station can do beyond the station's own: world, wires, recording, scenarios."""
