from __future__ import annotations

from collections.abc import Callable

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pylibsrtp import Policy, Session

from rtc.counters import Counters
from rtc.native.library import LARGEST_OUT
from rtc.native.pump import Pump
from rtc.srtp import WINDOW, GcmOpener, GcmSealer, Opener, Sealer, derive_keys, header_length, srtcp_keys, srtp_keys
from rtc.srtp_sha1 import Sha1Opener, Sha1Sealer

KEY, SALT = bytes(range(16)), bytes(range(100, 112))
SALT_112 = bytes(range(100, 114))
REPORT = bytes.fromhex("80c90001") + bytes(4)


def rtp(sequence: int, payload: bytes = b"payload", ssrc: int = 0xCAFEBABE, first: int = 0x80) -> bytes:
    return bytes([first, 96]) + (sequence & 0xFFFF).to_bytes(2, "big") + bytes(4) + ssrc.to_bytes(4, "big") + payload


def report(ssrc: int = 0xCAFEBABE) -> bytes:
    return bytes.fromhex("80c90001") + ssrc.to_bytes(4, "big") + bytes.fromhex("81ca0002") + b"\x01\x02ab" + bytes(4)


Pair = Callable[[str, Counters], tuple[Sealer, Opener]]


@pytest.fixture(scope="module")
def pair(pump: Pump, openssl_pump: Pump) -> Pair:
    def made(profile: str, counters: Counters) -> tuple[Sealer, Opener]:
        if profile == "gcm":
            return GcmSealer(KEY, SALT), GcmOpener(KEY, SALT, counters)
        if profile == "pumped":
            return pump.sealer(KEY, SALT), pump.opener(KEY, SALT, counters)
        if profile == "pumped by openssl":
            return openssl_pump.sealer(KEY, SALT), openssl_pump.opener(KEY, SALT, counters)
        return Sha1Sealer(KEY, SALT_112), Sha1Opener(KEY, SALT_112, counters)

    return made


def seal(sealer: Sealer, packet: bytes) -> bytes:
    return sealer.seal_rtp(packet[:12], packet[12:])


def index_of(sealed: bytes) -> int:
    """Under which index a packet without extension was sealed, by trying all roll-over counts that tests come to."""
    key, salt = srtp_keys(KEY, SALT)
    text = AESGCM(key)
    sequence, ssrc = int.from_bytes(sealed[2:4], "big"), int.from_bytes(sealed[8:12], "big")
    for index in range(sequence, sequence + (100 << 16), 1 << 16):
        nonce = (int.from_bytes(salt, "big") ^ (ssrc << 48 | index)).to_bytes(12, "big")
        try:
            text.decrypt(nonce, sealed[12:], sealed[:12])
        except InvalidTag:
            continue
        return index
    raise AssertionError("sealed under no index")


def libsrtp(profile: str, direction: int) -> Session:
    gcm = profile != "sha1"
    policy = Policy(
        key=KEY + (SALT if gcm else SALT_112),
        ssrc_type=direction,
        srtp_profile=Policy.SRTP_PROFILE_AEAD_AES_128_GCM if gcm else Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
    )
    policy.window_size = WINDOW
    return Session(policy)


profiles = pytest.mark.parametrize("profile", ["gcm", "pumped", "pumped by openssl", "sha1"])
gcms = pytest.mark.parametrize("profile", ["gcm", "pumped"])
pumped = pytest.mark.parametrize("profile", ["pumped", "pumped by openssl"])


def test_session_keys_are_those_of_rfc_3711_b3() -> None:
    master, salt = bytes.fromhex("E1F97A0D3E018BE0D64FA32C06DE4139"), bytes.fromhex("0EC675AD498AFEEBB6960B3AABE6")
    key, session_salt = derive_keys(master, salt, (0, 2), 14)
    assert key == bytes.fromhex("C61E7A93744F39EE10734AFE3FF7A087")
    assert session_salt == bytes.fromhex("30CBBC08863D8C85D49DB34A9AE1")


def test_gcm_seals_as_rfc_7714_16_1_1() -> None:
    # The RFC's vector gives session keys; they are put in place of the derived ones.
    sealer = GcmSealer(KEY, SALT)
    sealer._rtp = AESGCM(bytes(range(16)))
    sealer._rtp_salt = int.from_bytes(bytes.fromhex("517569642070726f2071756f"), "big")
    header = bytes.fromhex("8040f17b8041f8d35501a0b2")
    sealed = sealer.seal_rtp(header, b"Gallia est omnis divisa in partes tres")
    assert sealed == header + bytes.fromhex(
        "f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833899d7f27beb16a9152cf765ee4390cce"
    )


@profiles
def test_libsrtp_opens_what_we_seal_across_the_rollover(profile: str, pair: Pair) -> None:
    sealer, _ = pair(profile, Counters())
    other = libsrtp(profile, Policy.SSRC_ANY_INBOUND)
    for number in range(65000, 65000 + 1200):
        packet = rtp(number, bytes([number & 0xFF]) * 50)
        assert other.unprotect(seal(sealer, packet)) == packet
    for _ in range(3):
        assert other.unprotect_rtcp(sealer.seal_rtcp(report())) == report()


@profiles
def test_we_open_what_libsrtp_seals_across_two_rollovers_and_out_of_order(profile: str, pair: Pair) -> None:
    counters = Counters()
    _, opener = pair(profile, counters)
    other = libsrtp(profile, Policy.SSRC_ANY_OUTBOUND)
    for start in range(20000, 20000 + 65536 * 2, 500):
        packets = [rtp(number) for number in (start, start + 1, start + 2)]
        sealed = [other.protect(packet) for packet in packets]
        for at, newest in ((0, True), (2, True), (1, False)):
            assert opener.open_rtp(sealed[at]) == packets[at]
            assert opener.is_newest is newest
    assert opener.open_rtcp(other.protect_rtcp(report())) == report()
    assert opener.knows(0xCAFEBABE)
    assert counters.srtp_auth_failed == counters.srtp_replayed == 0


@profiles
def test_a_packet_that_comes_late_is_sealed_with_its_own_rollover_counter_and_once(profile: str, pair: Pair) -> None:
    sealer, opener = pair(profile, Counters())
    late = [65532, 65535, 1]
    sealed = [seal(sealer, rtp(number)) for number in range(65530, 65536 + 5) if number & 0xFFFF not in late]
    sealed += [seal(sealer, rtp(number)) for number in late]
    for datagram in sealed:
        assert opener.open_rtp(datagram) is not None
    for number in range(65530, 65536 + 5):
        assert seal(sealer, rtp(number, b"another text")) == b""


@gcms
@pytest.mark.parametrize("gap", [32_768, 40_000, 65_536, 65_536 + 32_768])
def test_what_comes_after_numbers_that_were_not_sealed_takes_no_nonce_again(profile: str, pair: Pair, gap: int) -> None:
    sealer, _ = pair(profile, Counters())
    used = [index_of(seal(sealer, rtp(number, b"one text"))) for number in range(70_000)]
    after = (seal(sealer, rtp(number, b"another text")) for number in range(70_000 + gap, 70_000 + gap + 65_536, 7))
    used += [index_of(sealed) for sealed in after if sealed]
    assert len(set(used)) == len(used)


@settings(deadline=None)
@given(
    st.sampled_from(("gcm", "pumped")),
    st.integers(0, 0xFFFF),
    st.lists(
        st.one_of(st.integers(-3, 3), st.integers(-1100, 1100), st.integers(-70_000, 70_000)), min_size=1, max_size=80
    ),
)
@example("gcm", 40_000, [1, 40_000, 1, -14_464, 1])
@example("pumped", 40_000, [1, 40_000, 1, -14_464, 1])
@example("gcm", 0, [32_767, 32_767, -1, 32_768, -1])
@example("pumped", 0, [32_767, 32_767, -1, 32_768, -1])
def test_no_index_is_sealed_twice_and_what_is_sealed_is_opened(
    pair: Pair, profile: str, start: int, steps: list[int]
) -> None:
    """Whatever numbers come in whatever order; each packet has a text of its own."""
    sealer, opener = pair(profile, Counters())
    other = libsrtp(profile, Policy.SSRC_ANY_INBOUND)
    used: set[int] = set()
    number = start
    for place, step in enumerate([0, *steps]):
        number += step
        packet = rtp(number, b"text %d" % place)
        sealed = seal(sealer, packet)
        if sealed:
            assert other.unprotect(sealed) == packet
            assert opener.open_rtp(sealed) == packet
            index = index_of(sealed)
            assert index not in used
            used.add(index)


@profiles
def test_a_replayed_packet_is_counted_and_dropped(profile: str, pair: Pair) -> None:
    counters = Counters()
    sealer, opener = pair(profile, counters)
    sealed = [seal(sealer, rtp(number)) for number in range(10)]
    for datagram in sealed:
        assert opener.open_rtp(datagram) is not None
    assert [opener.open_rtp(datagram) for datagram in sealed] == [None] * 10
    assert counters.srtp_replayed == 10
    same = sealer.seal_rtcp(report())
    assert opener.open_rtcp(same) == report()
    assert opener.open_rtcp(same) is None
    assert counters.srtcp_replayed == 1


@gcms
def test_a_packet_older_than_the_window_is_dropped(profile: str, pair: Pair) -> None:
    counters = Counters()
    sealer, opener = pair(profile, counters)
    old = seal(sealer, rtp(1))
    assert opener.open_rtp(seal(sealer, rtp(1 + WINDOW))) is not None
    assert opener.open_rtp(old) is None
    assert counters.srtp_replayed == 1


@profiles
def test_an_altered_packet_is_counted_and_leaves_no_trace(profile: str, pair: Pair) -> None:
    counters = Counters()
    sealer, opener = pair(profile, counters)
    good = seal(sealer, rtp(7))
    for at in range(len(good)):
        assert opener.open_rtp(good[:at] + bytes([good[at] ^ 0x20]) + good[at + 1 :]) is None
    assert not opener.knows(0xCAFEBABE)
    assert opener.open_rtp(good) == rtp(7)
    assert counters.srtp_auth_failed > 0
    sealed = sealer.seal_rtcp(report())
    assert opener.open_rtcp(sealed[:-1] + bytes([sealed[-1] ^ 1])) is None
    assert opener.open_rtcp(sealed) == report()


@gcms
def test_a_header_with_sources_and_an_extension_stays_in_the_clear_and_is_covered(profile: str, pair: Pair) -> None:
    sealer, opener = pair(profile, Counters())
    header = bytes([0x92]) + rtp(5, b"")[1:] + bytes(8) + bytes.fromhex("bede0001") + b"\x30a\0\0"
    sealed = sealer.seal_rtp(header, b"picture")
    assert sealed.startswith(header)
    assert opener.open_rtp(sealed) == header + b"picture"
    assert libsrtp(profile, Policy.SSRC_ANY_INBOUND).unprotect(sealed) == header + b"picture"


@gcms
def test_a_peer_cannot_open_sources_without_end(profile: str, pair: Pair) -> None:
    counters = Counters()
    sealer, (_, opener) = GcmSealer(KEY, SALT), pair(profile, counters)
    opened = [opener.open_rtp(seal(sealer, rtp(1, ssrc=number))) for number in range(1, 101)]
    assert sum(packet is not None for packet in opened) == 64
    assert counters.srtp_too_many_sources == 36


@gcms
def test_a_number_before_the_stream_began_is_not_sealed(profile: str, pair: Pair) -> None:
    sealer, _ = pair(profile, Counters())
    assert seal(sealer, rtp(3))
    assert seal(sealer, rtp(65533)) == b""


@given(st.binary(max_size=80))
def test_no_bytes_make_an_opener_raise_or_accept(pair: Pair, data: bytes) -> None:
    header_length(data)
    for profile in ("gcm", "pumped", "sha1"):
        _, opener = pair(profile, Counters())
        assert opener.open_rtp(data) is None
        assert opener.open_rtcp(data) is None


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(-1100, 1100), st.integers(0, 2)), min_size=1, max_size=60))
@example([(0, 0), (-1024, 0), (1023, 0), (1, 0), (-1024, 0), (1023, 0)])
@example([(0, 0), (-1, 0), (-1, 1), (1, 0)])
def test_the_pumps_window_is_the_other_ones(pair: Pair, steps: list[tuple[int, int]]) -> None:
    """Numbers that go up and down across roll-overs; some packets altered, some of another source."""
    told, told_pumped = Counters(), Counters()
    (sealer, opener), (pumped_sealer, pumped_opener) = pair("gcm", told), pair("pumped", told_pumped)
    number = 65000
    for step, form in steps:
        number += step
        packet = rtp(number, ssrc=7 if form == 2 else 8)
        sealed = seal(sealer, packet)
        assert seal(pumped_sealer, packet) == sealed
        if sealed and form == 1:
            sealed = sealed[:-1] + bytes((sealed[-1] ^ 1,))
        assert pumped_opener.open_rtp(sealed) == opener.open_rtp(sealed)
        assert pumped_opener.is_newest == opener.is_newest
    assert told.as_dict() == told_pumped.as_dict()


def signed_only(index: int) -> bytes:
    """A report that is not sealed, with the tag of all of it (RFC 7714 9.2)."""
    key, salt = srtcp_keys(KEY, SALT)
    packet, trailer = report(), index.to_bytes(4, "big")
    nonce = (int.from_bytes(salt, "big") ^ (0xCAFEBABE << 48 | index)).to_bytes(12, "big")
    return packet + AESGCM(key).encrypt(nonce, b"", packet + trailer) + trailer


def many_reports(sealer: Sealer) -> list[bytes]:
    return [sealer.seal_rtcp(report(ssrc=7 + (index % 5 == 0))) for index in range(2201)]


@pytest.fixture(scope="module")
def sealed_reports() -> list[bytes]:
    return many_reports(GcmSealer(KEY, SALT))


@pumped
def test_the_pump_seals_reports_as_the_others(profile: str, pair: Pair, sealed_reports: list[bytes]) -> None:
    sealer, _ = pair(profile, Counters())
    assert many_reports(sealer) == sealed_reports


@pumped
@settings(deadline=None)
@given(steps=st.lists(st.tuples(st.integers(0, 2200), st.integers(0, 3)), min_size=1, max_size=40))
@example(steps=[(0, 0), (1023, 0), (1024, 0), (0, 0), (1, 0), (1, 0), (1024, 1), (1025, 1), (2200, 0), (2200, 3)])
def test_the_pump_opens_reports_as_the_others(
    profile: str, pair: Pair, sealed_reports: list[bytes], steps: list[tuple[int, int]]
) -> None:
    """Sent in any order, twice, altered, of two sources, and such as are only signed."""
    told, told_pumped = Counters(), Counters()
    (_, opener), (_, pumped_opener) = pair("gcm", told), pair(profile, told_pumped)
    for index, form in steps:
        data = signed_only(index) if form == 2 else sealed_reports[index]
        if form == 1:
            data = data[:9] + bytes((data[9] ^ 1,)) + data[10:]
        elif form == 3:
            data = data[:-1] + bytes((data[-1] ^ 1,))
        assert pumped_opener.open_rtcp(data) == opener.open_rtcp(data)
    assert told.as_dict() == told_pumped.as_dict()


@pumped
def test_a_report_of_any_length_is_sealed_by_the_pump_as_by_the_others(profile: str, pair: Pair) -> None:
    (sealer, _), (pumped, opener) = pair("gcm", Counters()), pair(profile, Counters())
    for size in (8, 9, 2028, 2029, LARGEST_OUT - 20, LARGEST_OUT, 9000):
        packet = bytes.fromhex("80c90001") + bytes(size - 4)
        sealed = pumped.seal_rtcp(packet)
        assert sealed == sealer.seal_rtcp(packet)
        assert opener.open_rtcp(sealed) == (packet if size <= 2028 else None)


def test_the_pump_seals_nothing_larger_than_its_room_and_opens_nothing_larger_than_a_datagram(pair: Pair) -> None:
    counters = Counters()
    sealer, opener = pair("pumped", counters)
    largest = LARGEST_OUT - 12 - 16
    assert len(seal(sealer, rtp(1, bytes(largest)))) == LARGEST_OUT
    assert seal(sealer, rtp(2, bytes(largest + 1))) == b""
    assert sealer.seal_rtp(rtp(3)[:11], b"") == b""
    empty = seal(sealer, rtp(4, b""))
    assert opener.open_rtp(empty) == rtp(4, b"")
    assert opener.open_rtp(seal(sealer, rtp(5, bytes(2048 - 28)))) is not None
    assert opener.open_rtp(seal(sealer, rtp(6, bytes(2048 - 27)))) is None
    assert counters.srtp_malformed == 1


@pumped
@settings(deadline=None)
@given(
    sources=st.integers(0, 15),
    extension=st.integers(0, 12) | st.just(-1),
    size=st.integers(0, 1400),
    number=st.integers(0, 0xFFFF),
    ssrc=st.integers(0, 0xFFFFFFFF),
    flipped=st.integers(0, 1 << 20),
)
@example(sources=0, extension=-1, size=0, number=0, ssrc=0, flipped=0)
@example(sources=0, extension=1, size=128, number=1, ssrc=2, flipped=3)
@example(sources=15, extension=12, size=1400, number=1, ssrc=2, flipped=3)
def test_the_pump_seals_and_opens_every_length_as_the_others_and_nothing_that_was_altered(
    profile: str,
    pump: Pump,
    openssl_pump: Pump,
    sources: int,
    extension: int,
    size: int,
    number: int,
    ssrc: int,
    flipped: int,
) -> None:
    made = pump if profile == "pumped" else openssl_pump
    counters = Counters()
    sealer, opener, other = made.sealer(KEY, SALT), made.opener(KEY, SALT, counters), GcmSealer(KEY, SALT)
    header = rtp(number, b"", ssrc, 0x80 | (0x10 if extension >= 0 else 0) | sources) + bytes(range(4 * sources))
    if extension >= 0:
        header += b"\xbe\xde" + extension.to_bytes(2, "big") + bytes(range(4 * extension))
    payload = bytes((at * 7 + number) & 0xFF for at in range(size))
    sealed = sealer.seal_rtp(header, payload)
    assert sealed == other.seal_rtp(header, payload)
    altered = bytearray(sealed)
    place = flipped % (len(header) * 8, len(sealed) * 8)[flipped % 2]
    altered[place // 8] ^= 1 << place % 8
    assert opener.open_rtp(bytes(altered)) is None
    assert opener.open_rtp(sealed) == header + payload
