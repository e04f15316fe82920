"""What passes between control and the rest: Snapshot, Event, Command, frozen and serialisable."""
