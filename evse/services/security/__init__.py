"""The security log: who did what that matters for the station's security, chained so that a change is seen."""
