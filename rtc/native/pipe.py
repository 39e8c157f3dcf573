"""One source's way through the pump: the plan by which C forwards its ordinary packets until Python says otherwise."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

from rtc import rtp
from rtc.gop import PacketRing
from rtc.leg import LIVE, PLAYOUT, Leg
from rtc.native import library as native
from rtc.native.address import pack_address, put_address
from rtc.native.srtp import PumpedOpener, PumpedSealer
from rtc.native.way import Way
from rtc.peer import Peer
from rtc.rtp import Layout
from rtc.shapes import PLAIN

if TYPE_CHECKING:
    from rtc.native.pump import Pump
    from rtc.source import Source

_CODECS = {"VP8": native.VP8, "H264": native.H264}


class Pipe(Way[native.Pipe]):
    """`handled` after each packet that Python forwarded. The plan depends on legs, keys, addresses, headers and tapes."""

    __slots__ = ("_shape_count", "_source")

    def __init__(self, pump: Pump, source: Source) -> None:
        super().__init__(pump, native.Pipe())
        self._source = source
        self._shape_count = 0

    def handled(self) -> None:
        if not self._is_running or self._source.shapes.count != self._shape_count:
            self._start()

    def _start(self) -> None:
        """Leaves it stopped when the present state is nothing for the pump."""
        source = self._source
        self.stop()
        self._shape_count = source.shapes.count
        peer = source.party.port
        layouts = [PLAIN, *source.shapes.known][: native.MOST_SHAPES]
        layouts = [layout for layout in layouts if layout.header_bytes <= native.LARGEST_HEADER]
        if (
            not isinstance(peer, Peer)
            or not isinstance(peer.opener, PumpedOpener)
            or peer.ice.address is None
            or source.ssrc < 0
            or source.waiting
            or len(source.legs) > native.MOST_OUTLETS
            or (source.tap is not None and source.tape is None)
            or not all(_can_pour(leg) for leg in source.legs)
        ):
            return
        plan, uplink = self.plan, source.uplink
        ctypes.memset(ctypes.byref(plan), 0, ctypes.sizeof(plan))
        self._holds = [peer.opener, *([source.tape[0]] if source.tape else ())]
        self.ends = {peer}
        plan.opener = peer.opener.at
        plan.source, plan.signs = self._hold(source.state), self._hold(peer.signs)
        plan.uplink, plan.uplink_id = self._hold(uplink.state), uplink.id
        plan.uplink_numbers, plan.uplink_times = self._hold(uplink.numbers), self._hold(uplink.times_ns)
        self._write_ring(plan.ring, source.ring)
        plan.key = self._hold(source.ring.key)
        plan.clock_khz = source.meter.clock_khz
        if source.tape is not None:
            tape, plan.tape_stream = source.tape
            plan.tape = tape.at
        plan.ssrc, plan.is_video = source.ssrc, source.is_video
        plan.address_bytes = put_address(plan.address, pack_address(peer.ice.address))
        for payload_type, codec in enumerate(source.codecs):
            if codec and (codec in _CODECS or not source.is_video):
                plan.payload_types[payload_type] = _CODECS.get(codec, native.OTHER)
        plan.shape_count = len(layouts)
        for shape, layout in zip(plan.shapes, layouts, strict=False):
            _write_shape(shape, layout)
        plan.outlet_count = len(source.legs)
        for outlet, leg in zip(plan.outlets, source.legs, strict=False):
            self._write_outlet(outlet, leg, layouts)
        plan.is_armed = 1
        self._run()

    def _write_ring(self, ring: native.Ring, kept: PacketRing) -> None:
        arena = (ctypes.c_uint8 * len(kept.arena)).from_buffer(kept.arena)
        self._holds.append(arena)
        ring.arena, ring.arena_bytes, ring.mask = ctypes.addressof(arena), len(kept.arena), kept.mask
        ring.numbers, ring.places = self._hold(kept.numbers), self._hold(kept.places)
        ring.sizes, ring.position = self._hold(kept.sizes), self._hold(kept.position)

    def _write_outlet(self, outlet: native.Outlet, leg: Leg, layouts: list[Layout]) -> None:
        peer, downlink = leg.party.port, leg.downlink
        assert isinstance(peer, Peer)
        assert isinstance(peer.sealer, PumpedSealer)
        assert peer.ice.address is not None
        self._holds.append(peer.sealer)
        self.ends.add(peer)
        outlet.sealer = peer.sealer.at
        outlet.counts, outlet.downlink = self._hold(leg.counts), self._hold(downlink.state)
        outlet.sent_uplinks, outlet.sent_numbers = self._hold(downlink.uplinks), self._hold(downlink.numbers)
        outlet.sequence_offset, outlet.stamp_offset, outlet.ssrc = leg.sequence_offset, leg.stamp_offset, leg.ssrc
        outlet.address_bytes = put_address(outlet.address, pack_address(peer.ice.address))
        outlet.types[:] = leg.types
        if leg.sent is not None:
            self._write_ring(outlet.sent, leg.sent)
        for place, layout in enumerate(layouts):
            patches, wide_at, time_at = leg.plan(layout)
            plan = outlet.plans[place]
            plan.wide_at, plan.time_at = wide_at, time_at
            keep = bytearray(b"\xff" * layout.header_bytes)
            put = bytearray(layout.header_bytes)
            for where, data in patches:
                keep[where] = bytes(len(data))
                put[where] = data
            plan.keep[: len(keep)] = keep
            plan.put[: len(put)] = put
            if element := leg.fresh_id(layout):
                plan.fresh_at = native.FRESH_BY_PYTHON
                if layout.lead and layout.one_byte and element < 15:
                    fresh = bytes((element << 4 | len(PLAYOUT) - 1,)) + PLAYOUT
                    outlet.fresh[:] = fresh
                    plan.fresh_at, plan.fresh_header_bytes = _fresh_place(layout, patches, fresh)


def _can_pour(leg: Leg) -> bool:
    peer = leg.party.port
    return (
        leg.state == LIVE
        and isinstance(peer, Peer)
        and isinstance(peer.sealer, PumpedSealer)
        and peer.ice.address is not None
    )


def _fresh_place(layout: Layout, patches: tuple[tuple[slice, bytes], ...], fresh: bytes) -> tuple[int, int]:
    """Where one more element begins in a header of this shape, and how long the header is with it."""
    header = bytearray(b"\x90" + bytes(11) + layout.value.to_bytes(layout.header_bytes - 12, "big"))
    for where, data in patches:
        header[where] = data
    longer = rtp.add_element(header, fresh[0] >> 4, fresh[1:])
    return longer.rindex(fresh), len(longer)


def _write_shape(shape: native.Shape, layout: Layout) -> None:
    shape.header_bytes, shape.sequence_at, shape.has_block = layout.header_bytes, layout.sequence_at, bool(layout.lead)
    if layout.lead:
        block = layout.header_bytes - 12
        shape.mask[12 : layout.header_bytes] = layout.mask.to_bytes(block, "big")
        shape.value[12 : layout.header_bytes] = layout.value.to_bytes(block, "big")
