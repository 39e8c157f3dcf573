"""Databases for tests: an SQLite file, and a private PostgreSQL cluster that is started here and stopped by its id."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

START_S = 60
MISSING = (
    "These tests need PostgreSQL's server programs (initdb, pg_ctl) and found none on PATH or in /usr/lib/postgresql. "
    "Install them: apt-get install postgresql"
)


class Cluster:
    """A PostgreSQL of our own on a Unix socket in a private folder; nothing on it survives the tests."""

    def __init__(self, programs: Path, folder: Path, user: str) -> None:
        self._programs = programs
        self._folder = folder
        self._user = user

    def new_database(self, like: str = "") -> str:
        """The address of an empty database, or of a copy of the one at `like`, which nobody has open."""
        name = f"t{uuid4().hex}"
        copied = ("-T", urlsplit(like).path.removeprefix("/")) if like else ()
        self._run("createdb", "-h", str(self._folder), "-U", self._user, *copied, name)
        return f"postgresql://{self._user}@/{name}?host={self._folder}"

    def make(self) -> None:
        self._run(
            "initdb", "-D", str(self._folder / "data"), "-U", self._user, "--auth=trust", "--encoding=UTF8",
            "--locale=C.UTF-8", "--no-sync", "--no-instructions",
        )  # fmt: skip

    def start(self) -> None:
        options = (
            f"-c listen_addresses='' -c unix_socket_directories={self._folder} -c fsync=off -c max_connections=100"
        )
        data, log = str(self._folder / "data"), str(self._folder / "log")
        self._run("pg_ctl", "-D", data, "-l", log, "-w", "-t", str(START_S), "-o", options, "start")

    def stop(self) -> None:
        """Immediately, as in a power cut; pg_ctl reads the process id from this cluster's own folder."""
        if (self._folder / "data" / "postmaster.pid").exists():
            self._run("pg_ctl", "-D", str(self._folder / "data"), "-m", "immediate", "-w", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), *arguments]
        if os.geteuid() == 0:  # PostgreSQL refuses to be root
            command = ["runuser", "-u", self._user, "--", *command]
        environment = {**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        # output goes to a file: the server keeps its descriptors, and a pipe would be waited for until it stops
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(
                command,
                cwd="/",
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                timeout=START_S,
            )
            output.seek(0)
            assert done.returncode == 0, f"{program} failed: {output.read().decode()}"


@contextmanager
def postgresql_cluster() -> Iterator[Cluster]:
    """Fails with a sentence that says what to install when PostgreSQL is not there."""
    programs = _programs()
    user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    folder = Path(tempfile.mkdtemp(prefix="loupe-pg-", dir="/tmp"))  # a socket's path may have 107 characters at most
    cluster = Cluster(programs, folder, user)
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, user)
        cluster.make()
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder)


def sqlite_address(folder: Path) -> str:
    """The address of an SQLite file that does not exist yet."""
    return f"sqlite:///{folder / f'{uuid4().hex}.sqlite'}"


def _programs() -> Path:
    found = shutil.which("initdb")
    places = [Path(found).resolve().parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
    for place in places:
        if (place / "initdb").exists() and (place / "pg_ctl").exists():
            return place
    raise AssertionError(MISSING)


def _version(place: Path) -> int:
    number = re.search(r"/(\d+)/bin$", str(place))
    return int(number[1]) if number else 0
