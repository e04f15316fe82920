"""A USB stick at a station: configuration out and in, firmware in (*THØR/KEBA P30 configuration manual 120501*, 3.4, 6.2.2)."""
