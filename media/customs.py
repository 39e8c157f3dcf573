"""The process behind `media.incoming`: looks into one file that somebody sent, and makes what will be kept of it.

It has little memory, time and disk, so that what was made to do harm ends here. It says one line of JSON.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import resource
import sys
from pathlib import Path
from typing import Any

from media.errors import MediaFault, Oversized
from media.sniff import HEAD_BYTES, Sniffed, sniff

# Address space. The most that a legal file was seen to need: 1.65 GB, a turned WebP of 60 megapixels with transparency and a
# colour profile; a JPEG of that size 0.95 GB, a film of 8192x4352 1.1 GB.
MEMORY_BYTES = 2 * 1024**3
PROCESSORS = 2  # decoders start a thread for each that they see, and a thread reserves address space
SECONDS = 60
LARGEST_FILE_BYTES = 256 * 1024 * 1024
NICENESS = 10  # a call goes first


def examine(source: Path, folder: Path, sha256: str) -> dict[str, Any]:
    """What `media.incoming.Examined` holds. Raises MediaFault for what must not be kept."""
    with source.open("rb") as file:
        found = sniff(file.read(HEAD_BYTES))
        file.seek(0)
        if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
            raise MediaFault("The file arrived damaged. Send it again.")
    if found.kind == "photo":
        return _photo(source, folder, found)
    if found.kind == "media":
        try:
            return _media(source, folder, found)
        except Oversized:
            raise
        except MediaFault:
            pass  # nothing that a browser could play
    return {"kind": "file", "mime": found.mime, "suffix": found.suffix}  # to be downloaded, whatever it is


def _photo(source: Path, folder: Path, found: Sniffed) -> dict[str, Any]:
    from media.thumbs import develop

    jpeg, thumb, (width, height) = develop(source, found.reader)
    (folder / "kept").write_bytes(jpeg)
    (folder / "thumb").write_bytes(thumb)
    return {"kind": "image", "mime": "image/jpeg", "suffix": ".jpg", "width": width, "height": height}


def _media(source: Path, folder: Path, found: Sniffed) -> dict[str, Any]:
    from media.wave import play

    try:
        played = play(source, found.reader, folder / "kept")
    except MediaFault:
        (folder / "kept").unlink(missing_ok=True)
        raise
    said: dict[str, Any] = {"kind": "video" if played.is_film else "voice", "mime": played.mime}
    said |= {"suffix": played.suffix, "seconds": played.seconds, "wave": played.wave}
    if played.thumb is not None and played.size is not None:
        (folder / "thumb").write_bytes(played.thumb)
        said |= {"width": played.size[0], "height": played.size[1]}
    return said


def _limit() -> None:
    os.nice(NICENESS)
    seen = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, random.sample(seen, min(PROCESSORS, len(seen))))
    for what, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_FSIZE, LARGEST_FILE_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


if __name__ == "__main__":
    _limit()
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints must not be taken for the answer
    try:
        answer = examine(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
    except MediaFault as fault:
        answer = {"refused": fault.message}
    channel.write(json.dumps(answer))
    channel.close()
