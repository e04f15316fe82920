"""Schema of a wire: what a device hangs on."""

from __future__ import annotations

from typing import Literal

from boards.keys import Strict, key

BaudRate = Literal[2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600]


class Wire(Strict):
    """What a device hangs on."""

    kind: Literal["simulated", "serial", "gpio"] = key(
        "simulated", "`simulated`: a twin over the real frames; `serial`: a device file; `gpio`: kernel GPIO lines"
    )
    path: str = key("", "Device file of a serial or GPIO wire; empty for a simulated one", max_length=255)
    baud: BaudRate = key(115200, "Speed of a serial or simulated line", unit="bit/s")
