"""RTCP carried across: reports with the leg's numbers for the source's, requests for keyframes and packets, REMB.

Reception reports of the sink that shows a source first go to the source, so round trips and losses are those of the
whole way; without such a sink this server reports for itself. NTP times of sender reports stay the sender's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtc import rtcp, twcc
from rtc.nack import read_nack
from rtc.rtcp import Block, Report, SenderInfo

if TYPE_CHECKING:
    from rtc.congestion import Uplink
    from rtc.leg import Leg
    from rtc.party import Party
    from rtc.source import Source

Told = list[tuple["Party", bytes]]

REPORTS_KEPT = 8
REPORT_SILENT_NS = 2_500_000_000  # browsers report every second or so; after this we report in their place


def hear(party: Party, packet: bytes, now_ns: int) -> None:
    """One compound from a peer."""
    party.now_ns = now_ns
    for block in rtcp.blocks(packet):
        kind, data = block.kind, block.data
        cost = _cost(block)
        if cost > party.work[0]:
            party.reports_refused += 1
            return
        party.work[0] -= cost
        if kind == rtcp.SENDER_REPORT:
            _tell(_sender_report(party, block, now_ns) + _reception(party, block, now_ns))
        elif kind == rtcp.RECEIVER_REPORT:
            _tell(_reception(party, block, now_ns))
        elif kind == rtcp.TRANSPORT_FEEDBACK and block.subtype == rtcp.TRANSPORT_WIDE:
            _transport_wide(party, data, now_ns)
        elif kind == rtcp.TRANSPORT_FEEDBACK and block.subtype == rtcp.NACK:
            leg = party.legs_by_ssrc.get(rtcp.media_ssrc(data))
            if leg is not None:
                leg.nacked(read_nack(data), now_ns)
        elif kind == rtcp.PAYLOAD_FEEDBACK:
            _payload_feedback(party, block, now_ns)
        elif kind == rtcp.BYE:
            for ssrc in rtcp.bye_ssrcs(block):
                party.forget(ssrc)


def _cost(block: Block) -> int:
    """What a block asks for, in steps of about a microsecond, before any of it is done: 36 bytes of feedback can speak
    of 65535 packets, and a few such datagrams a second would keep everybody else waiting."""
    if block.kind == rtcp.TRANSPORT_FEEDBACK:
        if block.subtype == rtcp.TRANSPORT_WIDE:
            return 10 + int.from_bytes(block.data[14:16], "big")
        return 10 + 17 * (len(block.data) // 4)
    return 100 if block.kind == rtcp.SENDER_REPORT else 20


def _tell(told: Told) -> None:
    """Two who see each other are told of both directions at once: a datagram costs more than what is in it."""
    for party in dict.fromkeys(party for party, _ in told):
        party.send_rtcp(b"".join(packet for to, packet in told if to is party))


def _sender_report(party: Party, block: Block, now_ns: int) -> Told:
    info = rtcp.sender_info(block.data)
    told: Told = []
    if info is None:
        return told
    for source in party.sources.values():
        if source.ssrc == info.ssrc:
            source.sender_report = (info.ntp, info.rtp, now_ns)
            if len(source.sent_reports) >= REPORTS_KEPT:
                del source.sent_reports[next(iter(source.sent_reports))]
            source.sent_reports[info.ntp >> 16 & 0xFFFFFFFF] = _held(party)
            told += [(leg.party, _report(leg, info.ntp, info.rtp)) for leg in source.legs]
            if source.tap_report is not None:
                source.tap_report(block.data, now_ns, source.is_video)
    return told


def _held(party: Party) -> int:
    """For how long what is heard just now waited here, in 1/65536 s. The sender's round trip does not hold it."""
    return (party.pump.held_ns << 16) // 1_000_000_000 if party.pump is not None else 0


def _report(leg: Leg, ntp: int, stamp: int) -> bytes:
    info = SenderInfo(leg.ssrc, ntp, stamp + leg.stamp_offset, leg.packets, leg.octets)
    return rtcp.build_sender_report(info, leg.line.cname)


def tell_clock(source: Source, leg: Leg, now_ns: int) -> None:
    """The source's last sender report, moved on to now: a leg need not wait seconds for the next one."""
    if source.sender_report is None:
        return
    ntp, stamp, at_ns = source.sender_report
    passed = now_ns - at_ns
    now_ntp, now_stamp = ntp + (passed << 32) // 1_000_000_000, stamp + passed * leg.clock_hz // 1_000_000_000
    leg.party.send_rtcp(_report(leg, now_ntp, now_stamp))


def _reception(party: Party, block: Block, now_ns: int) -> Told:
    told: dict[Party, list[Report]] = {}
    for report in rtcp.reports(block):
        leg = party.legs_by_ssrc.get(report.ssrc)
        source = leg.source if leg is not None else None
        if leg is None or source is None or source.ssrc < 0 or leg not in source.legs:
            continue
        fresh = max(report.lost - leg.lost_seen, 0)
        leg.lost_seen = report.lost
        if leg.slot != 0 or leg is not first_leg(source):
            continue
        source.reported_lost += fresh
        source.report_heard_ns = now_ns
        newest = source.highest + leg.sequence_offset
        highest = newest - ((newest - report.highest) & 0xFFFF) - leg.sequence_offset
        held = source.sent_reports.get(report.last_sr)
        told.setdefault(source.party, []).append(
            report._replace(
                ssrc=source.ssrc,
                lost=source.reported_lost,
                highest=max(highest, leg.first) - source.base,
                last_sr=report.last_sr if held is not None else 0,
                delay=min(report.delay + held + _held(party), 0xFFFFFFFF) if held is not None else 0,
            )
        )
    return [(sender, rtcp.build_receiver_report(sender.speaker[0], found)) for sender, found in told.items()]


def first_leg(source: Source) -> Leg | None:
    """The leg that answers for this source: the oldest in a sink's first slot."""
    for leg in source.legs:
        if leg.slot == 0:
            return leg
    return None


def _transport_wide(party: Party, data: bytes, now_ns: int) -> None:
    if party.downlink.pass_on(data, now_ns):
        return
    feedback = twcc.read_feedback(data)
    if feedback is None:
        return

    def tell(uplink: Uplink, numbers: list[int], arrivals: list[int | None]) -> None:
        uplink.party.tell_uplink(uplink.translated(*uplink.party.speaker, numbers, arrivals))

    party.downlink.heard(feedback, now_ns, tell)


def _payload_feedback(party: Party, block: Block, now_ns: int) -> None:
    if block.subtype == rtcp.PLI:
        wanted = [rtcp.media_ssrc(block.data)]
    elif block.subtype == rtcp.FIR:
        wanted = rtcp.fir_ssrcs(block.data)
    else:
        if block.subtype == rtcp.REMB:
            _remb(party, block.data)
        return
    for ssrc in wanted:
        leg = party.legs_by_ssrc.get(ssrc)
        if leg is not None and leg.source is not None:
            leg.source.request_keyframe(now_ns)


def _remb(party: Party, data: bytes) -> None:
    """A sink's estimate caps the sender that it shows first; senders take it beside transport-wide feedback as well."""
    found = rtcp.remb_bps(data)
    if found is None:
        return
    told: dict[Party, list[int]] = {}
    for leg in party.legs.values():
        source = leg.source
        if source is not None and leg.slot == 0 and source.ssrc >= 0 and leg is first_leg(source):
            told.setdefault(source.party, []).append(source.ssrc)
    for sender, ssrcs in told.items():
        sender.send_rtcp(rtcp.build_remb(sender.speaker[0], found[0], ssrcs))


def report_for_ourselves(party: Party, span_ns: int, now_ns: int) -> None:
    """Once a second: quality is measured, and where no sink reports, this server does."""
    found = []
    for source in party.sources.values():
        if source.ssrc < 0:
            continue
        lost, expected = source.measure(span_ns)
        if expected <= 0 or now_ns - source.report_heard_ns < REPORT_SILENT_NS:
            continue
        source.reported_lost += lost
        last_sr = delay = 0
        if source.sender_report is not None:
            last_sr = source.sender_report[0] >> 16 & 0xFFFFFFFF
            delay = min((now_ns - source.sender_report[2] << 16) // 1_000_000_000, 0xFFFFFFFF)
        found.append(
            Report(
                source.ssrc,
                min(lost * 256 // expected, 255),
                source.reported_lost,
                source.highest - source.base,
                source.meter.jitter,
                last_sr,
                delay,
            )
        )
    if found:
        party.send_rtcp(rtcp.build_receiver_report(party.speaker[0], found))
