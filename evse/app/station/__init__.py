"""What the services process is made of, around the hub of the station."""
