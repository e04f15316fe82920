"""Firmware and emulator of an AC charging station: core, control, services, simulation."""
