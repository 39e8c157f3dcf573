"""`python -m rtc.native.build COMPILER...` makes the library beside its source, e.g. with `cc` or `python -m ziglang cc`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from rtc.native.library import LIBRARY, Library

HERE = Path(__file__).resolve().parent
SOURCES = tuple(
    str(HERE / f"{name}.c")
    for name in ("pump", "socket", "sieve", "pressure", "packet", "srtp", "cipher", "feedback", "tape", "checksum")
)
OPTIONS = ("-O3", "-std=gnu11", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", "-pthread", "-s")


def build(compiler: list[str]) -> None:
    """Raises CalledProcessError or OSError when the compiler fails, ImportError when what it made does not fit."""
    made = LIBRARY.with_suffix(".new")
    try:
        subprocess.run([*compiler, *OPTIONS, "-o", str(made), *SOURCES], check=True)
        Library(made)
        made.replace(LIBRARY)
    finally:
        made.unlink(missing_ok=True)


if __name__ == "__main__":
    build(sys.argv[1:] or ["cc"])
