"""What carries out each sub-command of `evse`."""
