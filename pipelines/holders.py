"""Who runs an in-process engine: enough to see, on the same machine, that it is gone."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from connectors.processes.model import Holder


def this_process() -> Holder:
    """The holder that this OS process is."""
    pid = os.getpid()
    return Holder(
        host=socket.gethostname(),
        boot_id=_boot_id(),
        pid_namespace=_pid_namespace(),
        pid=pid,
        started=_started(pid),
    )


def is_gone(holder: Holder) -> bool:
    """True only when the holder lived here and its process provably does not run any more.

    A holder elsewhere (other host, boot or PID namespace) may be alive: False. Where the system
    tells no boot id or start time (no /proc) nothing is proven either.
    """
    here = this_process()
    if not here.boot_id or not holder.started:
        return False
    if (holder.host, holder.boot_id, holder.pid_namespace) != (
        here.host,
        here.boot_id,
        here.pid_namespace,
    ):
        return False
    return _started(holder.pid) != holder.started


def _boot_id() -> str:
    return _read("/proc/sys/kernel/random/boot_id")


def _pid_namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _started(pid: int) -> str:
    """Field 22 of /proc/PID/stat (proc(5)): start time in ticks since boot; empty when gone.

    A zombie has ended although its entry remains.
    """
    stat = _read(f"/proc/{pid}/stat")
    after_name = stat.rpartition(")")[2].split()
    if len(after_name) < 20 or after_name[0] in {"Z", "X"}:
        return ""
    return after_name[19]


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""
