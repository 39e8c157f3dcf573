from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rtc import stun

# RFC 5769 2.1 and 2.2: a request and its IPv4 answer with a known password.
REQUEST = bytes.fromhex(
    "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff"
    "80290008932ff9b151263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249"
    "c1b571a280280004e57a3bcf"
)
ANSWER = bytes.fromhex(
    "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000080001a147e112a643"
    "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96"
)
ANSWER_V6 = bytes.fromhex(
    "010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000140002a1470113a9fa"
    "a5d3f179bc25f4b5bed2b9d900080014a382954e4be67bf11784c97c8292c275bfe3ed4180280004c8fb0b4c"
)
PASSWORD = b"VOkJxbRl1RmTxUk/WvJxBt"


def test_the_request_of_rfc_5769_is_read_and_authentic() -> None:
    message = stun.parse(REQUEST)
    assert message is not None
    assert (message.type, message.username, message.priority) == (stun.REQUEST, b"evtj:h6vY", 0x6E0001FF)
    assert stun.is_authentic(REQUEST, message, PASSWORD)
    assert not stun.is_authentic(REQUEST, message, b"another password")


def test_the_answers_of_rfc_5769_are_read_and_authentic() -> None:
    for data, mapped in ((ANSWER, ("192.0.2.1", 32853)), (ANSWER_V6, ("2001:db8:1234:5678:11:2233:4455:6677", 32853))):
        message = stun.parse(data)
        assert message is not None
        assert message.mapped == mapped
        assert stun.is_authentic(data, message, PASSWORD)


def test_an_answer_says_where_the_request_came_from() -> None:
    request = stun.parse(stun.request(bytes(range(12)), "a:b", b"secret", use_candidate=True))
    assert request is not None
    assert request.use_candidate
    for address, mapped in (
        (("127.0.0.1", 5000), ("127.0.0.1", 5000)),
        (("::ffff:10.1.2.3", 9), ("10.1.2.3", 9)),
        (("2001:db8::7", 65535), ("2001:db8::7", 65535)),
        (("fe80::1%eth0", 1), ("fe80::1", 1)),
    ):
        data = stun.success(request, address, b"secret")
        answer = stun.parse(data)
        assert answer is not None
        assert (answer.type, answer.mapped, answer.transaction) == (stun.SUCCESS, mapped, bytes(range(12)))
        assert stun.is_authentic(data, answer, b"secret")


def test_every_flipped_bit_is_noticed() -> None:
    for at in range(len(REQUEST)):
        altered = REQUEST[:at] + bytes([REQUEST[at] ^ 1]) + REQUEST[at + 1 :]
        message = stun.parse(altered)
        assert message is None or not stun.is_authentic(altered, message, PASSWORD)


def test_a_message_without_a_fingerprint_is_refused() -> None:
    assert stun.parse(REQUEST[:2] + (0x50).to_bytes(2, "big") + REQUEST[4:-8]) is None


@given(st.binary(max_size=200))
def test_no_bytes_make_the_parser_raise(data: bytes) -> None:
    stun.parse(data)


@given(st.integers(0, len(REQUEST) - 1), st.binary(min_size=1, max_size=40))
def test_no_altered_request_makes_the_parser_raise(at: int, noise: bytes) -> None:
    data = REQUEST[:at] + noise + REQUEST[at + len(noise) :]
    message = stun.parse(data)
    if message is not None:
        stun.is_authentic(data, message, PASSWORD)
