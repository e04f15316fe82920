"""The machine below: its addresses, its time and its name, set through one port.

``port`` says what can be asked of a host; ``simulated`` only remembers it; ``systemd`` is a device with systemd. ``trial`` keeps
the old addresses until somebody has been seen to reach the station by the new ones. ``wifi`` and ``wifi_desk``: the Wi-Fi card of
a Smart Wallbox.
"""
