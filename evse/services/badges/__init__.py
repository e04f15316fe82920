"""Badges: the list, its rules, its storage, teaching and exchange as a file (EVlink commissioning guide DOCA0060, chapter 5)."""
