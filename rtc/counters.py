"""What the one port has seen, by cause. Plain integers, because they are touched for every datagram."""

from __future__ import annotations


class Counters:
    """Only ever grow. Names are part of `stats()` and of the metrics page."""

    __slots__ = (
        "address_kept",
        "address_moved",
        "bytes",
        "bytes_sent",
        "channel_faults",
        "channel_refused",
        "datagrams",
        "datagrams_sent",
        "dtls_dropped",
        "dtls_failed",
        "faults",
        "garbage",
        "peers_closed",
        "peers_expired",
        "peers_lost",
        "peers_opened",
        "sendto_dropped",
        "sendto_failed",
        "shed",
        "srtcp_auth_failed",
        "srtcp_opened",
        "srtcp_replayed",
        "srtp_auth_failed",
        "srtp_early",
        "srtp_malformed",
        "srtp_opened",
        "srtp_replayed",
        "srtp_too_many_sources",
        "srtp_unsealed",
        "stun_forged",
        "stun_ignored",
        "stun_malformed",
        "stun_ok",
        "stun_unknown",
        "text_too_large",
        "texts_received",
        "texts_refused",
        "texts_sent",
        "unknown_address",
    )

    def __init__(self) -> None:
        for name in self.__slots__:
            setattr(self, name, 0)

    # Declared for the type checker: every slot is an int.
    address_kept: int
    address_moved: int
    bytes: int
    bytes_sent: int
    channel_faults: int
    channel_refused: int
    datagrams: int
    datagrams_sent: int
    dtls_dropped: int
    dtls_failed: int
    faults: int
    garbage: int
    peers_closed: int
    peers_expired: int
    peers_lost: int
    peers_opened: int
    sendto_dropped: int
    sendto_failed: int
    shed: int
    srtcp_auth_failed: int
    srtcp_opened: int
    srtcp_replayed: int
    srtp_auth_failed: int
    srtp_early: int
    srtp_malformed: int
    srtp_opened: int
    srtp_replayed: int
    srtp_too_many_sources: int
    srtp_unsealed: int
    stun_forged: int
    stun_ignored: int
    stun_malformed: int
    stun_ok: int
    stun_unknown: int
    text_too_large: int
    texts_received: int
    texts_refused: int
    texts_sent: int
    unknown_address: int

    def as_dict(self) -> dict[str, float]:
        return {name: float(getattr(self, name)) for name in self.__slots__}
