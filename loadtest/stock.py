"""A rival: aiortc as it comes, `MediaRelay` between the two people of a call, `MediaRecorder` for each.

Its own process: `python -m loadtest.stock` prints one JSON line `{"port": n}` and serves until SIGINT or the end of its
standard input. `POST /pair {"offers": [sdp, sdp], "record": path}` answers `{"answers": [sdp, sdp]}`; `path` without its suffix.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys

from aiohttp import web
from aioice import ice
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaRecorder, MediaRelay

RECORDERS: web.AppKey[list[MediaRecorder]] = web.AppKey("recorders", list)
CONNECTIONS: web.AppKey[list[RTCPeerConnection]] = web.AppKey("connections", list)


def _loopback(use_ipv4: bool, use_ipv6: bool) -> list[str]:
    return ["127.0.0.1"] if use_ipv4 else []


async def pair(request: web.Request) -> web.Response:
    """Two offers, each answered with the other's sound and picture."""
    asked = await request.json()
    offers = asked["offers"]
    peers = [RTCPeerConnection(), RTCPeerConnection()]
    request.app[CONNECTIONS].extend(peers)
    tracks: list[list[MediaStreamTrack]] = [[], []]
    for peer, offer, heard in zip(peers, offers, tracks, strict=True):
        peer.on("track", heard.append)
        await peer.setRemoteDescription(RTCSessionDescription(sdp=offer, type="offer"))
    relay = MediaRelay()
    answers = []
    for peer, others in zip(peers, reversed(tracks), strict=True):
        for track in others:
            peer.addTrack(relay.subscribe(track))
        await peer.setLocalDescription(await peer.createAnswer())
        answers.append(peer.localDescription.sdp)
    for number, heard in enumerate(tracks):
        recorder = MediaRecorder(f"{asked['record']}-{number}.mp4")
        for track in heard:
            recorder.addTrack(relay.subscribe(track))
        await recorder.start()
        request.app[RECORDERS].append(recorder)
    return web.json_response({"answers": answers})


async def _hang_up(app: web.Application) -> None:
    for recorder in app[RECORDERS]:
        await recorder.stop()
    await asyncio.gather(*(peer.close() for peer in app[CONNECTIONS]))


async def serve() -> None:
    # aioice leaves loopback out of its host addresses, and every measured packet stays on loopback.
    ice.get_host_addresses = _loopback
    app = web.Application()
    app[CONNECTIONS] = []
    app[RECORDERS] = []
    app.router.add_post("/pair", pair)
    app.on_cleanup.append(_hang_up)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        print(json.dumps({"port": runner.addresses[0][1]}), flush=True)
        end = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, end.set)
        loop.add_reader(sys.stdin, end.set)  # whoever started us is gone
        await end.wait()
        loop.remove_reader(sys.stdin)
    finally:
        await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(serve())
