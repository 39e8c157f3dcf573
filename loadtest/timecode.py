"""The time code in the upper part of a test picture: 16 x 3 large blocks, black or white, row by row, most significant
bit first: 32 bits of time, then their CRC-16.

`loadtest.glass_pages` draws it in the page; reading back is done here, from each block's mean brightness. The blocks stand
on the 16-pixel grid of VP8 at 1280 and 640 pixels' width, and survive every scaling down to 160.
"""

from __future__ import annotations

from collections.abc import Sequence

COLUMNS, ROWS = 16, 3
HEIGHT_SHARE = 0.2  # of the picture, from its upper edge
TIME_BITS, CHECK_BITS = 32, 16
TICKS_PER_MS = 10  # as fine as a page's clock; wraps after 119 hours
POLYNOMIAL, START = 0x1021, 0xFFFF  # CRC-16/CCITT-FALSE
LEAST_CONTRAST = 60  # of 219: a picture that is grey all over holds no code, whatever its checksum says


def checksum(ticks: int) -> int:
    """CRC-16 of the 32 bits. Every fault of up to three blocks is noticed, of others all but one in 65,536."""
    crc = START
    for shift in range(TIME_BITS - 1, -1, -1):
        carry = (crc >> 15) ^ ((ticks >> shift) & 1)
        crc = ((crc << 1) & 0xFFFF) ^ (POLYNOMIAL if carry else 0)
    return crc


def blocks(ticks: int) -> list[bool]:
    """The 48 blocks of a time, True for white. Raises ValueError for what does not fit."""
    if not 0 <= ticks < 1 << TIME_BITS:
        raise ValueError(f"{ticks} does not fit into {TIME_BITS} bits")
    word = ticks << CHECK_BITS | checksum(ticks)
    return [bool(word >> shift & 1) for shift in range(TIME_BITS + CHECK_BITS - 1, -1, -1)]


def read(brightness: Sequence[float]) -> int | None:
    """The time that 48 means of brightness (0 to 255) show; None when they show none."""
    if len(brightness) != COLUMNS * ROWS:
        return None
    darkest, brightest = min(brightness), max(brightness)
    if brightest - darkest < LEAST_CONTRAST:
        return None
    middle = (darkest + brightest) / 2
    word = 0
    for value in brightness:
        word = word << 1 | (value > middle)
    ticks, check = word >> CHECK_BITS, word & ((1 << CHECK_BITS) - 1)
    return ticks if checksum(ticks) == check else None


def ticks_between(earlier: int, later: int) -> int:
    """From one time to another, over the wrap; negative when `later` is before `earlier`."""
    span = 1 << TIME_BITS
    return (later - earlier + span // 2) % span - span // 2
