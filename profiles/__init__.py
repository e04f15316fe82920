"""Board profiles: YAML data only."""
