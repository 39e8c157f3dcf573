"""The built library and the shapes of memory that `pump.h` names. Calls keep the interpreter's lock (they take microseconds),
save those that may wait."""

from __future__ import annotations

import ctypes
import functools
from ctypes import (
    POINTER,
    Structure,
    c_char_p,
    c_int,
    c_int16,
    c_int32,
    c_int64,
    c_uint8,
    c_uint32,
    c_void_p,
)
from pathlib import Path
from typing import Any, Final

import structlog

LIBRARY: Final = Path(__file__).resolve().parent / "libpump.so"
VERSION: Final = 10
DATAGRAM: Final = 2048
LARGEST_OUT: Final = 2560
REPORT_TRAILER: Final = 20  # tag and index of SRTCP
MOST_SHAPES: Final = 8
MOST_OUTLETS: Final = 4
LARGEST_HEADER: Final = 160
FRESH: Final = 4
FRESH_BY_PYTHON: Final = -1
# Pipe.payload_types
OTHER, VP8, H264 = 1, 2, 3

_EVP = (
    "EVP_CIPHER_CTX_new", "EVP_CIPHER_CTX_free", "EVP_aes_128_gcm", "EVP_EncryptInit_ex", "EVP_EncryptUpdate",
    "EVP_EncryptFinal_ex", "EVP_DecryptInit_ex", "EVP_DecryptUpdate", "EVP_DecryptFinal_ex", "EVP_CIPHER_CTX_ctrl",
)  # fmt: skip
_log = structlog.get_logger(__name__)


class Crypto(Structure):
    _fields_ = [*((name, c_void_p) for name in _EVP), ("is_openssl_only", c_int64)]


class Ring(Structure):
    _fields_ = [
        ("numbers", c_void_p), ("places", c_void_p), ("sizes", c_void_p), ("position", c_void_p), ("arena", c_void_p),
        ("arena_bytes", c_int64), ("mask", c_int64),
    ]  # fmt: skip


class Shape(Structure):
    _fields_ = [
        ("header_bytes", c_int32), ("sequence_at", c_int32), ("has_block", c_int32),
        ("mask", c_uint8 * LARGEST_HEADER), ("value", c_uint8 * LARGEST_HEADER),
    ]  # fmt: skip


class Plan(Structure):
    _fields_ = [
        ("wide_at", c_int32), ("time_at", c_int32), ("fresh_at", c_int32), ("fresh_header_bytes", c_int32),
        ("keep", c_uint8 * LARGEST_HEADER), ("put", c_uint8 * LARGEST_HEADER),
    ]  # fmt: skip


class Outlet(Structure):
    _fields_ = [
        ("sealer", c_void_p), ("counts", c_void_p), ("downlink", c_void_p), ("sent_uplinks", c_void_p),
        ("sent_numbers", c_void_p), ("sequence_offset", c_int64), ("stamp_offset", c_int64), ("sent", Ring), ("ssrc", c_uint32),
        ("address_bytes", c_int32), ("address", c_uint8 * 32), ("fresh", c_uint8 * FRESH),
        ("types", c_int16 * 256), ("plans", Plan * MOST_SHAPES),
    ]  # fmt: skip


class Pipe(Structure):
    _fields_ = [
        ("next", c_void_p), ("opener", c_void_p), ("source", c_void_p), ("signs", c_void_p), ("uplink", c_void_p),
        ("uplink_numbers", c_void_p), ("uplink_times", c_void_p), ("key", c_void_p), ("ring", Ring),
        ("uplink_id", c_int64), ("clock_khz", c_int64), ("tape", c_void_p),
        ("tape_stream", c_int32), ("is_armed", c_int32), ("is_video", c_int32), ("left_out", c_int32),
        ("shape_count", c_int32), ("outlet_count", c_int32),
        ("address_bytes", c_int32), ("ssrc", c_uint32), ("address", c_uint8 * 32), ("payload_types", c_uint8 * 128),
        ("shapes", Shape * MOST_SHAPES), ("outlets", Outlet * MOST_OUTLETS),
    ]  # fmt: skip


class Return(Structure):
    _fields_ = [
        ("next", c_void_p), ("opener", c_void_p), ("sealer", c_void_p), ("signs", c_void_p), ("work", c_void_p),
        ("downlink", c_void_p), ("sent_uplinks", c_void_p), ("sent_numbers", c_void_p), ("uplink", c_void_p),
        ("uplink_times", c_void_p), ("uplink_id", c_int64), ("speaker", c_uint32), ("spoken_of", c_uint32),
        ("address_bytes", c_int32), ("to_bytes", c_int32), ("address", c_uint8 * 32), ("to", c_uint8 * 32),
    ]  # fmt: skip


class Up(Structure):
    """One datagram that the pump did not carry: as it came (`kind` 0) or opened (1)."""

    _fields_ = [
        ("kind", c_int32), ("size", c_int32), ("now_ns", c_int64), ("address_bytes", c_int32), ("unused", c_int32),
        ("address", c_uint8 * 32), ("data", c_uint8 * DATAGRAM),
    ]  # fmt: skip


# name: what it answers, what it takes
_CALLS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "pump_new": (c_void_p, (POINTER(Crypto), c_int, c_int, c_void_p, c_void_p, c_void_p)),
    "pump_run": (None, (c_void_p,)),
    "pump_stop": (None, (c_void_p,)),
    "pump_free": (None, (c_void_p,)),
    "pump_lock": (None, (c_void_p,)),
    "pump_unlock": (None, (c_void_p,)),
    "pump_up": (c_void_p, (c_void_p,)),
    "pump_done": (None, (c_void_p,)),
    "pump_add": (None, (c_void_p, POINTER(Pipe))),
    "pump_remove": (None, (c_void_p, POINTER(Pipe))),
    "pump_add_return": (None, (c_void_p, POINTER(Return))),
    "pump_remove_return": (None, (c_void_p, POINTER(Return))),
    "pump_sizes": (c_int, (c_int,)),
    "opener_new": (c_void_p, (c_void_p, c_char_p, c_char_p, c_char_p, c_char_p)),
    "opener_free": (None, (c_void_p,)),
    "opener_open": (c_int, (c_void_p, c_void_p, c_char_p, c_int, c_void_p, c_int)),
    "opener_knows": (c_int, (c_void_p, c_uint32)),
    "opener_is_newest": (c_int, (c_void_p,)),
    "sealer_new": (c_void_p, (c_void_p, c_char_p, c_char_p, c_char_p, c_char_p)),
    "sealer_free": (None, (c_void_p,)),
    "sealer_seal": (c_int, (c_void_p, c_void_p, c_char_p, c_int, c_char_p, c_int, c_void_p)),
    "sealer_seal_rtcp": (c_int, (c_void_p, c_void_p, c_char_p, c_int, c_void_p)),
    "tape_new": (c_void_p, ()),
    "tape_free": (None, (c_void_p,)),
    "tape_keep": (None, (c_void_p, c_void_p, c_char_p, c_int)),
    "tape_take": (c_void_p, (c_void_p, c_void_p, POINTER(c_int64), POINTER(c_int64))),
    "tape_dropped": (c_int64, (c_void_p,)),
    "checksum": (c_uint32, (c_void_p, c_int64)),
    "can_checksum": (c_int, ()),
}


class Library:
    """The functions of the C files as attributes, and OpenSSL's for it. Raises ImportError when something does not fit."""

    def __init__(self, path: Path = LIBRARY) -> None:
        try:
            calls, runs = ctypes.PyDLL(str(path)), ctypes.CDLL(str(path))
            openssl = ctypes.CDLL("libcrypto.so.3")
            self.crypto = Crypto(*(ctypes.cast(getattr(openssl, name), c_void_p) for name in _EVP))
            for name, (answer, takes) in _CALLS.items():
                function = getattr(calls, name)
                function.restype, function.argtypes = answer, takes
            # The thread that calls these may wait, for packets or for the lock, which the event loop may have.
            for name in ("pump_run", "tape_keep", "tape_take", "checksum"):
                function = getattr(runs, name)
                function.restype, function.argtypes = _CALLS[name]
                setattr(calls, name, function)
        except (OSError, AttributeError) as fault:
            raise ImportError(f"the native pump cannot be used: {fault}") from fault
        self.call: Any = calls
        ours = (*(ctypes.sizeof(shape) for shape in (Pipe, Up, Crypto, Return)), VERSION)
        if tuple(calls.pump_sizes(which) for which in range(5)) != ours:
            raise ImportError("the native pump was built from another source: run make setup")


@functools.cache
def library() -> Library | None:
    """None: not built for this machine; all packets then go through Python."""
    if not LIBRARY.exists():
        return None
    try:
        return Library()
    except ImportError as fault:
        _log.warning("packets go through Python", reason=str(fault))
        return None
