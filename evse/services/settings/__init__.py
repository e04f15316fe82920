"""The settings registry: every parameter of a station declared once, validated whole, kept durably, applied at once."""
