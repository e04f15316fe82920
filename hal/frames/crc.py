"""Check sums of the serial frames.

CRC-16/CCITT-FALSE: polynomial 0x1021, start value 0xFFFF, bits not reflected, no final exclusive-or; the nine
characters ``123456789`` give 0x29B1. On the wire the high byte comes first.
"""

from __future__ import annotations

import binascii
from typing import Final

CRC16_START: Final = 0xFFFF


def crc16_ccitt_false(data: bytes) -> int:
    """Return the CRC-16/CCITT-FALSE of ``data``, 0 to 0xFFFF."""
    return binascii.crc_hqx(data, CRC16_START)
