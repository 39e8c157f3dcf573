"""The way of an owner's feedback through the pump: the plan by which C passes it on to the source until Python says otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtc.native import library as native
from rtc.native.address import pack_address, put_address
from rtc.native.srtp import PumpedOpener, PumpedSealer
from rtc.native.way import Way
from rtc.peer import Peer

if TYPE_CHECKING:
    from rtc.congestion import Uplink
    from rtc.native.pump import Pump


class Return(Way[native.Return]):
    """`handled` after feedback that Python passed on as it was. The plan depends on the owner, keys, addresses and SSRCs."""

    __slots__ = ("_uplink",)

    def __init__(self, pump: Pump, uplink: Uplink) -> None:
        super().__init__(pump, native.Return())
        self._uplink = uplink

    def handled(self) -> None:
        """Leaves it stopped when the present state is nothing for the pump."""
        uplink, downlink = self._uplink, self._uplink.owner
        if self._is_running or downlink is None:
            return
        source, sink = uplink.party.port, downlink.party.port
        if (
            not isinstance(source, Peer)
            or not isinstance(sink, Peer)
            or not isinstance(source.sealer, PumpedSealer)
            or not isinstance(sink.opener, PumpedOpener)
            or source.ice.address is None
            or sink.ice.address is None
        ):
            return
        plan = self.plan
        self._holds = [source.sealer, sink.opener]
        self.ends = {source, sink}
        plan.sealer, plan.opener = source.sealer.at, sink.opener.at
        plan.signs, plan.work = self._hold(sink.signs), self._hold(downlink.party.work)
        plan.downlink, plan.uplink = self._hold(downlink.state), self._hold(uplink.state)
        plan.sent_uplinks, plan.sent_numbers = self._hold(downlink.uplinks), self._hold(downlink.numbers)
        plan.uplink_times, plan.uplink_id = self._hold(uplink.times_ns), uplink.id
        plan.speaker, plan.spoken_of = uplink.party.speaker
        plan.address_bytes = put_address(plan.address, pack_address(sink.ice.address))
        plan.to_bytes = put_address(plan.to, pack_address(source.ice.address))
        self._run()
