"""The simulated world: vehicle, cable, socket mechanics, grid. The only owner of physical truth."""
