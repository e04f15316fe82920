"""The two accounts of the commissioning tool: first secret, passwords, sessions, and how often somebody may try."""
