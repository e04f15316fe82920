"""The processes of a running station: supervisor and children, how they start, die and find each other."""
