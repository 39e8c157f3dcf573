"""Transport-wide feedback, read and written (draft-holmer-rmcat-transport-wide-cc-extensions-01).

Times are ticks of 250 us; a packet that did not arrive has the time None. Reading never raises.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

from rtc import rtcp

TICK_NS = 250_000
REFERENCE_TICKS = 256  # the reference time counts 64 ms
WRAP_TICKS = REFERENCE_TICKS << 24
MOST_PACKETS = 1200  # per feedback, so that one fits in a datagram however bad the deltas


class Feedback(NamedTuple):
    """`times[i]` is the arrival of sequence number `base + i`, in ticks of the receiver's clock modulo WRAP_TICKS."""

    media_ssrc: int
    base: int
    number: int
    times: list[int | None]


def read_feedback(data: bytes) -> Feedback | None:
    """None: cut short or against the draft."""
    if len(data) < 20:
        return None
    media, base, count, word = struct.unpack_from("!IHHI", data, 8)
    clock = (word >> 8) * REFERENCE_TICKS
    at, size = 20, len(data)
    symbols: list[int] = []
    while len(symbols) < count:
        if at + 2 > size:
            return None
        chunk = data[at] << 8 | data[at + 1]
        at += 2
        if not chunk & 0x8000:
            symbols += [chunk >> 13 & 3] * min(chunk & 0x1FFF, count - len(symbols))
            if not chunk & 0x1FFF:
                return None
        elif chunk & 0x4000:
            symbols += [chunk >> shift & 3 for shift in range(12, -1, -2)]
        else:
            symbols += [chunk >> shift & 1 for shift in range(13, -1, -1)]
    times: list[int | None] = []
    for symbol in symbols[:count]:
        if symbol == 1:
            if at >= size:
                return None
            clock += data[at]
            at += 1
        elif symbol == 2:
            if at + 2 > size:
                return None
            clock += struct.unpack_from("!h", data, at)[0]
            at += 2
        times.append(clock % WRAP_TICKS if symbol in (1, 2) else None)
    return Feedback(media, base, word & 0xFF, times)


def first_delta(data: bytes, count: int) -> tuple[int, int] | None:
    """Where the delta of the first packet that arrived lies, and its bytes (1 or 2), in feedback about `count` packets.
    None: none arrived, cut short or against the draft."""
    at, seen, size, deltas = 20, 0, 0, 0
    while seen < count:
        if at + 2 > len(data):
            return None
        chunk = data[at] << 8 | data[at + 1]
        at += 2
        if not chunk & 0x8000:
            symbol, run = chunk >> 13, min(chunk & 0x1FFF, count - seen)
            if symbol == 3 or not run:
                return None
            size = size or symbol
            deltas += symbol * run
            seen += run
        elif chunk & 0x4000:
            symbols = (chunk & 0x3FFF) >> 2 * max(seen + 7 - count, 0)
            ones, twos = symbols & 0x1555, symbols >> 1 & 0x1555
            if ones & twos:
                return None
            size = size or (symbols and 2 - symbols.bit_length() % 2)
            deltas += ones.bit_count() + 2 * twos.bit_count()
            seen += 7
        else:
            ones = (chunk & 0x3FFF) >> max(seen + 14 - count, 0)
            size = size or min(ones, 1)
            deltas += ones.bit_count()
            seen += 14
    return (at, size) if size and at + deltas <= len(data) else None


def build_feedback(sender: int, media: int, number: int, base: int, times: Sequence[int | None]) -> list[bytes]:
    """Feedback packets for `base`, `base + 1`, ...; more than one where a step in time is too long for 16 bits. They
    are numbered `number`, `number + 1`, ... A run without any arrival gives none (there is no time to refer to)."""
    packets: list[bytes] = []
    first, total = 0, len(times)
    while first < total:
        start = next((t for t in times[first:] if t is not None), None)
        if start is None:
            break
        reference = start // REFERENCE_TICKS
        clock = reference * REFERENCE_TICKS
        symbols = bytearray()
        deltas = bytearray()
        end = first
        while end < total and end - first < MOST_PACKETS:
            time = times[end]
            if time is None:
                symbols.append(0)
            else:
                delta = time - clock
                if 0 <= delta <= 255:
                    symbols.append(1)
                    deltas.append(delta)
                elif -32768 <= delta <= 32767:
                    symbols.append(2)
                    deltas += delta.to_bytes(2, "big", signed=True)
                else:
                    break
                clock = time
            end += 1
        body = struct.pack(
            "!IIHHI", sender, media, (base + first) & 0xFFFF, end - first,
            (reference & 0xFFFFFF) << 8 | (number + len(packets)) & 0xFF,
        ) + _chunks(symbols) + deltas  # fmt: skip
        packets.append(framed(body))
        first = end
    return packets


def framed(body: bytes | bytearray) -> bytes:
    """A whole packet from what follows its first four bytes."""
    gap = -len(body) % 4
    head = 0x80 | rtcp.TRANSPORT_WIDE | (0x20 if gap else 0)
    padding = bytes(gap - 1) + bytes((gap,)) if gap else b""  # RFC 3550 6.4.1: the last byte counts it
    return struct.pack("!BBH", head, rtcp.TRANSPORT_FEEDBACK, (len(body) + gap) // 4) + body + padding


def _chunks(symbols: bytearray) -> bytes:
    out = bytearray()
    at, total = 0, len(symbols)
    while at < total:
        symbol = symbols[at]
        run = 1
        while at + run < total and symbols[at + run] == symbol and run < 0x1FFF:
            run += 1
        if run >= 7 or at + run == total:
            chunk = symbol << 13 | run
            at += run
        else:
            taken = symbols[at : at + 7]
            chunk = 0xC000
            for place, value in enumerate(taken):
                chunk |= value << (12 - 2 * place)
            at += len(taken)
        out += struct.pack("!H", chunk)
    return bytes(out)
