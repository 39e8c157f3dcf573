"""STUN binding messages as ICE uses them (RFC 8489, RFC 8445 section 7): read, checked, answered."""

from __future__ import annotations

import hmac
import zlib
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton
from struct import Struct

MAGIC_COOKIE = 0x2112A442
REQUEST = 0x0001
INDICATION = 0x0011
SUCCESS = 0x0101
_USERNAME = 0x0006
_MESSAGE_INTEGRITY = 0x0008
_XOR_MAPPED_ADDRESS = 0x0020
_PRIORITY = 0x0024
_USE_CANDIDATE = 0x0025
_FINGERPRINT = 0x8028
_ICE_CONTROLLING = 0x802A
_FINGERPRINT_XOR = 0x5354554E
_V4_MAPPED = bytes(10) + b"\xff\xff"
_HEADER = Struct("!HHI12s")
_ATTRIBUTE = Struct("!HH")
_UINT32 = Struct("!I")


class Message:
    """A well-formed message with a right fingerprint; not yet authentic, see `is_authentic`.

    `integrity_at` is the offset of MESSAGE-INTEGRITY, 0 when there is none. What follows it is ignored (RFC 8489 14.5).
    """

    __slots__ = ("integrity_at", "mapped", "priority", "transaction", "type", "use_candidate", "username")

    def __init__(self, kind: int, transaction: bytes) -> None:
        self.type = kind
        self.transaction = transaction
        self.username: bytes | None = None
        self.priority = 0
        self.use_candidate = False
        self.integrity_at = 0
        self.mapped: tuple[str, int] | None = None


def parse(data: bytes) -> Message | None:
    """None: not STUN, cut off, or its FINGERPRINT is missing or wrong (ICE demands one, RFC 8445 7.1). Never raises."""
    size = len(data)
    if size < 20 or size % 4:
        return None
    kind, length, cookie, transaction = _HEADER.unpack_from(data)
    if cookie != MAGIC_COOKIE or length != size - 20 or kind & 0xC000:
        return None
    message = Message(kind, transaction)
    at = 20
    while at + 4 <= size:
        attribute, length = _ATTRIBUTE.unpack_from(data, at)
        end = at + 4 + length
        if end > size:
            return None
        if attribute == _FINGERPRINT:
            # The fingerprint is always last and covers all before it.
            if length != 4 or end != size:
                return None
            return message if _UINT32.unpack_from(data, at + 4)[0] == _fingerprint(data[:at]) else None
        if not message.integrity_at:
            if attribute == _USERNAME:
                message.username = data[at + 4 : end]
            elif attribute == _MESSAGE_INTEGRITY:
                if length != 20:
                    return None
                message.integrity_at = at
            elif attribute == _USE_CANDIDATE:
                message.use_candidate = True
            elif attribute == _PRIORITY and length == 4:
                message.priority = _UINT32.unpack_from(data, at + 4)[0]
            elif attribute == _XOR_MAPPED_ADDRESS:
                message.mapped = _read_mapped(data[at + 4 : end], transaction)
        at = end + (-length % 4)
    return None


def is_authentic(data: bytes, message: Message, password: bytes) -> bool:
    """Checks MESSAGE-INTEGRITY (HMAC-SHA1 over what precedes it, with the length as if it were last)."""
    at = message.integrity_at
    if not at:
        return False
    covered = data[:2] + (at + 4).to_bytes(2, "big") + data[4:at]
    return hmac.compare_digest(hmac.digest(password, covered, "sha1"), data[at + 4 : at + 24])


def success(message: Message, address: tuple[str, int], password: bytes) -> bytes:
    """The answer to a binding request: where it came from, signed with our own password."""
    return _finish(SUCCESS, message.transaction, _mapped(address, message.transaction), password)


def request(
    transaction: bytes, username: str, password: bytes, *, priority: int = 1, use_candidate: bool = False
) -> bytes:
    """A connectivity check as the controlling side sends it; the server itself never does (ICE-lite)."""
    body = _attribute(_USERNAME, username.encode())
    body += _attribute(_PRIORITY, _UINT32.pack(priority)) + _attribute(_ICE_CONTROLLING, transaction[:8])
    if use_candidate:
        body += _attribute(_USE_CANDIDATE, b"")
    return _finish(REQUEST, transaction, body, password)


def _finish(kind: int, transaction: bytes, body: bytes, password: bytes) -> bytes:
    head = _HEADER.pack(kind, len(body) + 24, MAGIC_COOKIE, transaction) + body
    head += _attribute(_MESSAGE_INTEGRITY, hmac.digest(password, head, "sha1"))
    head = head[:2] + (len(head) - 20 + 8).to_bytes(2, "big") + head[4:]
    return head + _attribute(_FINGERPRINT, _UINT32.pack(_fingerprint(head)))


def _fingerprint(data: bytes) -> int:
    return zlib.crc32(data) ^ _FINGERPRINT_XOR


def _attribute(kind: int, value: bytes) -> bytes:
    return _ATTRIBUTE.pack(kind, len(value)) + value + bytes(-len(value) % 4)


def _mapped(address: tuple[str, int], transaction: bytes) -> bytes:
    host = address[0].partition("%")[0]
    packed = inet_pton(AF_INET6, host) if ":" in host else inet_pton(AF_INET, host)
    if packed.startswith(_V4_MAPPED) and len(packed) == 16:
        packed = packed[12:]
    port = (address[1] ^ (MAGIC_COOKIE >> 16)).to_bytes(2, "big")
    family = b"\0\x01" if len(packed) == 4 else b"\0\x02"
    return _attribute(_XOR_MAPPED_ADDRESS, family + port + _xor(packed, _mask(len(packed), transaction)))


def _read_mapped(value: bytes, transaction: bytes) -> tuple[str, int] | None:
    if len(value) not in (8, 20) or value[1] != (1 if len(value) == 8 else 2):
        return None
    port = int.from_bytes(value[2:4], "big") ^ (MAGIC_COOKIE >> 16)
    host = _xor(value[4:], _mask(len(value) - 4, transaction))
    return inet_ntop(AF_INET if len(host) == 4 else AF_INET6, host), port


def _mask(size: int, transaction: bytes) -> bytes:
    return (_UINT32.pack(MAGIC_COOKIE) + transaction)[:size]


def _xor(left: bytes, right: bytes) -> bytes:
    return (int.from_bytes(left, "big") ^ int.from_bytes(right, "big")).to_bytes(len(left), "big")
