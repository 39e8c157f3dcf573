from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import Invalid
from rtc.answer import Ours, write_answer
from rtc.ice import Credentials
from rtc.offer import read_offer
from rtc.sdp import OPUS_FMTP, Negotiated, negotiate
from tests.support.rtc_client import AUDIO_SSRC, RTX_SSRC, VIDEO_SSRC, Client

OURS = Ours(1, 1, Credentials("ours", "p" * 24), "sha-256 AA:BB", [("192.0.2.1", 40000), ("2001:db8::1", 40000)])


@pytest.fixture
async def client() -> Client:
    return Client(9)


def answered(sdp: str) -> tuple[str, Negotiated]:
    offer = read_offer(sdp)
    agreed = negotiate(offer)
    return write_answer(offer, agreed, OURS), agreed


async def test_the_answer_mirrors_the_lines_and_drops_what_is_not_served(client: Client) -> None:
    answer, agreed = answered(client.offer())
    lines = answer.split("\r\n")
    assert [line for line in lines if line.startswith("m=")] == [
        "m=audio 9 UDP/TLS/RTP/SAVPF 111",
        "m=video 9 UDP/TLS/RTP/SAVPF 96 97",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
    ]
    assert "a=group:BUNDLE 0 1 2" in lines
    assert "a=ice-lite" in lines
    assert lines.count("a=setup:passive") == 3
    assert f"a=fmtp:111 {OPUS_FMTP}" in lines
    assert "VP9" not in answer
    assert "a=candidate:1 1 udp 2130706431 192.0.2.1 40000 typ host" in lines
    assert lines.count("a=end-of-candidates") == 1
    assert agreed.has_channel
    video, audio = agreed.line("video", 0), agreed.line("audio", 0)
    assert video is not None
    assert audio is not None
    assert (video.source_ssrcs, video.source_rtx_ssrcs) == ([VIDEO_SSRC], [RTX_SSRC])
    assert (audio.source_ssrcs, audio.source_rtx_ssrcs) == ([AUDIO_SSRC], [])
    assert video.codecs["VP8"].feedback == {"nack", "nack pli", "transport-cc"}
    assert video.codecs["VP8"].rtx_pt == 97
    # Ids above 14 would need two-byte headers.
    assert video.extensions == {"urn:ietf:params:rtp-hdrext:sdes:mid": 4}
    assert f"a=ssrc-group:FID {video.ssrc} {video.rtx_ssrc}" in lines
    assert audio.cname == video.cname


async def test_further_lines_are_slots_that_only_we_send_on(client: Client) -> None:
    answer, agreed = answered(client.offer(*["audio", "video"] * 4))
    assert [(line.kind, line.slot) for line in agreed.lines] == [
        (kind, slot) for slot in range(3) for kind in ("audio", "video")
    ]
    assert [line.accepts for line in agreed.lines] == [True, True] + [False] * 4
    assert answer.count("m=audio 0 ") == answer.count("m=video 0 ") == 1
    assert len({ssrc for line in agreed.lines for ssrc in (line.ssrc, line.rtx_ssrc)}) == 12


@pytest.mark.parametrize(
    ("offered", "answer"),
    [("sendrecv", "sendrecv"), ("sendonly", "recvonly"), ("recvonly", "sendonly"), ("inactive", "inactive")],
)
async def test_a_direction_is_mirrored(client: Client, offered: str, answer: str) -> None:
    text, _ = answered(client.offer("audio").replace("a=sendrecv", f"a={offered}"))
    assert f"\r\na={answer}\r\n" in text


async def test_constrained_baseline_with_packetization_mode_1_is_chosen(client: Client) -> None:
    h264 = "".join(
        f"a=rtpmap:{pt} H264/90000\r\na=fmtp:{pt} packetization-mode={mode};profile-level-id={profile}\r\n"
        for pt, mode, profile in ((100, 0, "42e01f"), (101, 1, "640c1f"), (102, 1, "42001f"), (103, 1, "42e01f"))
    )
    sdp = client.offer("video").replace("SAVPF 96", "SAVPF 100 101 102 103 96")
    answer, agreed = answered(sdp.replace("a=rtpmap:96", h264 + "a=rtpmap:96"))
    assert agreed.lines[0].codecs["H264"].pt == 103
    assert "m=video 9 UDP/TLS/RTP/SAVPF 96 97 103\r\n" in answer


async def test_a_phone_without_a_camera_is_served(client: Client) -> None:
    _, agreed = answered(client.offer("audio", "application"))
    assert [line.kind for line in agreed.lines] == ["audio"]


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        (lambda sdp: "hello", "v=0"),
        (lambda sdp: "", "v=0"),
        (lambda sdp: "v=0\r\n", "m-lines"),
        (lambda sdp: sdp.replace("ice-ufrag", "x"), "ice-ufrag"),
        (lambda sdp: sdp.replace("ice-pwd", "x"), "ice-pwd"),
        (lambda sdp: sdp.replace("fingerprint", "x"), "fingerprint"),
        (lambda sdp: sdp.replace("sha-256", "sha-1"), "sha-256"),
        (lambda sdp: sdp.replace("actpass", "passive"), "setup"),
        (lambda sdp: sdp.replace("opus", "PCMU").replace("VP8", "AV1"), "neither audio"),
        (lambda sdp: sdp.replace("a=rtcp-mux", ""), "neither audio"),
        (lambda sdp: sdp.replace("a=mid", "a=dim"), "a=mid"),
        (lambda sdp: sdp.replace("a=mid:1", "a=mid:0"), "twice"),
        (lambda sdp: sdp.replace("m=audio 9", "m=audio nine"), "port"),
        (lambda sdp: sdp + "a=x\r\n" * 100_000, "too large"),
        (lambda sdp: sdp + "m=audio 0 X 0\r\n" * 20, "too many"),
    ],
)
async def test_a_refusal_says_what_is_missing(client: Client, change, missing: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(Invalid, match=missing):
        answered(change(client.offer()))


def test_only_a_channel_is_refused() -> None:
    with pytest.raises(Invalid, match="neither audio"):
        negotiate(read_offer(_OFFER[: _OFFER.index("m=audio")] + _OFFER[_OFFER.index("m=application") :]))


_OFFER = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE a b\r\na=ice-ufrag:abcd\r\n"
    "a=ice-pwd:" + "p" * 22 + "\r\na=fingerprint:sha-256 AA\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
    "a=mid:a\r\na=rtcp-mux\r\n"
    "a=rtpmap:111 opus/48000/2\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:b\r\n"
)


def _try(text: str) -> None:
    with contextlib.suppress(Invalid):
        answered(text)


@given(st.text(max_size=300))
def test_no_text_raises_anything_but_invalid(text: str) -> None:
    _try(text)
    _try("v=0\n" + text)


@settings(max_examples=300)
@given(st.lists(st.tuples(st.integers(0, len(_OFFER)), st.integers(0, 12), st.text(max_size=12)), max_size=6))
def test_no_altered_offer_raises_anything_but_invalid(changes: list[tuple[int, int, str]]) -> None:
    text = _OFFER
    for at, cut, noise in changes:
        text = text[:at] + noise + text[at + cut :]
    _try(text)


_VOCABULARY = (
    "m=audio|m=video|9|0|UDP/TLS/RTP/SAVPF|111|96|a=rtpmap:96|VP8/90000|a=fmtp:97|apt=96|apt=x|rtx/90000|a=mid:|a=ssrc:"
    "|a=ssrc:1|a=ssrc-group:FID|1|2|a=extmap:1|a=extmap:|a=rtcp-fb:*|nack|a=group:BUNDLE|a=rtcp-mux|opus/48000/2|\n"
)
_WORDS = st.sampled_from(_VOCABULARY.split("|"))


@given(st.lists(_WORDS, max_size=60))
def test_no_heap_of_words_raises_anything_but_invalid(words: list[str]) -> None:
    _try(_OFFER + " ".join(words))
