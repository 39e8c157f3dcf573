"""The tap of a call: the packet path appends, a thread writes for all calls, one of this recorder waits for the disk.

Appending costs one small bytes object and one list append; nothing waits for the disk. What was appended is in the file
within `FLUSH_EVERY` seconds (a killed process loses at most that), and on the disk (fsync) within `SYNC_EVERY`.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from media import journal
from media.errors import MediaFault
from media.held import Held, HeldList
from media.rounds import Rounds

FLUSH_EVERY = 0.4
SYNC_EVERY = (
    5.0  # only a machine that loses power needs it; each call's sync costs as much as forwarding a hundred packets
)
CLOSE_WITHIN = 5.0
_ROUNDS = Rounds(FLUSH_EVERY)


class Stream:
    """One opened stream of a recorder. Both methods are safe on the packet path and after the recorder was closed. Who
    writes RTP records into `held` without us names them `number`."""

    __slots__ = ("_keep", "held", "number")

    def __init__(self, number: int, held: Held) -> None:
        self.number = number
        self.held = held
        self._keep = held.keep

    def rtp(
        self,
        packet: bytes,
        arrival_ns: int,
        _pack: Callable[..., bytes] = journal.RECORD.pack,
        _kind: int = journal.RTP,
    ) -> None:
        """Keeps one whole RTP packet (decrypted, RTX already unwrapped); `arrival_ns` by `time.monotonic_ns`.

        When the disk has stood still until too many wait (`media.held`), the packet is dropped and counted."""
        self._keep(_pack(_kind, self.number, len(packet), arrival_ns) + packet)

    def sender_report(self, packet: bytes, arrival_ns: int) -> None:
        """Keeps one RTCP packet (compound or not) that holds a sender report (RFC 3550, 6.4.1)."""
        self._keep(journal.record(journal.REPORT, self.number, arrival_ns, packet))


class Recorder:
    """Writes one file of one call's journal into `folder`, which `open` makes (and its parents).

    `dropped_packets`, `write_faults` and `written_bytes` only grow. A block that cannot be written (disk full) is cut off
    the file again, counted as dropped, and the next one is tried.
    """

    def __init__(self, folder: Path, held: Held | None = None) -> None:
        self.folder = folder
        self._unwritten = 0
        self.write_faults = 0
        self.written_bytes = 0
        self._held = held if held is not None else HeldList()
        self._streams = 0
        self._fd = -1
        self._writing = threading.Lock()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._unsynced = False

    def open(self) -> None:
        """Makes the file, without waiting for the disk; raises MediaFault when it cannot be made."""
        if self._thread is not None:
            raise MediaFault("This recorder is already open.")
        wall_ns, mono_ns = time.time_ns(), time.monotonic_ns()
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            path = self.folder / f"{wall_ns:020d}-{os.getpid()}-{os.urandom(3).hex()}{journal.SUFFIX}"
            self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
            anchor = json.dumps({"wall_ns": wall_ns, "mono_ns": mono_ns, "boot": _boot()}).encode()
            head = journal.MAGIC + journal.block(journal.record(journal.RUN, 0, mono_ns, anchor))
            os.write(self._fd, head)
            self.written_bytes += len(head)
            self._unsynced = True
        except OSError as fault:
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1
            raise MediaFault(f"The recording cannot be written: {fault.strerror}.") from fault
        self._thread = threading.Thread(target=self._stay_safe, name="journal", daemon=True)
        self._thread.start()
        _ROUNDS.join(self._write_held)

    def stream(
        self, track: str, kind: str, payloads: dict[int, tuple[str, int, str]], orientation_id: int | None
    ) -> Stream:
        """Opens a stream. A track that had one before (rejoin, new camera, new connection) goes on in the same track."""
        self._streams += 1
        header = journal.StreamHeader(track, kind, payloads, orientation_id)
        data = journal.record(journal.STREAM, self._streams, time.monotonic_ns(), header.to_bytes())
        self._held.keep(data)
        return Stream(self._streams, self._held)

    @property
    def dropped_packets(self) -> int:
        return self._unwritten + self._held.dropped

    def pause(self, at_ns: int) -> None:
        """Marks that nothing will be kept from here on; the caller stops appending."""
        self._held.keep(journal.record(journal.PAUSE, 0, at_ns, b""))

    def resume(self, at_ns: int) -> None:
        self._held.keep(journal.record(journal.RESUME, 0, at_ns, b""))

    def flush(self) -> None:
        """Asks for what is held to be written now; returns at once."""
        _ROUNDS.now()

    def close(self) -> None:
        """Writes and syncs what is held, then ends the thread; waits at most `CLOSE_WITHIN` for a disk that stands still
        (call it off the event loop). Closed twice is closed."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._closing.set()
        thread.join(CLOSE_WITHIN)

    def _stay_safe(self) -> None:
        _sync_folder(self.folder)
        while not self._closing.wait(SYNC_EVERY):
            if self._unsynced:
                self._sync()
        _ROUNDS.leave(self._write_held)
        self._write_held()
        self._sync()
        with self._writing:
            fd, self._fd = self._fd, -1
        os.close(fd)

    def _write_held(self) -> None:
        with self._writing:
            while self._fd >= 0:
                records, count, checked = self._held.take()
                if not count:
                    break
                try:
                    self._write(journal.BLOCK.pack(journal.BLOCK_MARK, len(records), checked), records)
                except OSError:
                    self.write_faults += 1
                    self._unwritten += count
                    self._cut()

    def _write(self, head: bytes, records: bytes | memoryview) -> None:
        parts, written = [memoryview(head), memoryview(records)], 0
        while parts:
            size = os.writev(self._fd, parts)
            written += size
            while parts and size >= len(parts[0]):
                size -= len(parts.pop(0))
            if parts:
                parts[0] = parts[0][size:]
        self.written_bytes += written
        self._unsynced = True

    def _cut(self) -> None:
        try:
            os.ftruncate(self._fd, self.written_bytes)
        except OSError:
            self.write_faults += 1

    def _sync(self) -> None:
        self._unsynced = False
        try:
            os.fdatasync(self._fd)
        except OSError:
            self.write_faults += 1


def _boot() -> str:
    """Names this start of the machine, so that runs of one boot share the monotonic clock; empty where unknown."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _sync_folder(folder: Path) -> None:
    """Makes the new file's name last; where the folder is gone or cannot be synced, the packets still go into the file."""
    try:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return
    try:
        os.fsync(fd)
    except OSError:
        pass
    finally:
        os.close(fd)
