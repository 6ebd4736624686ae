"""Running a whole process and reading what the operating system says it used."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Run:
    """Seconds of wall and CPU time and peak memory (MB, all processes at one time) of a tree."""

    wall: float
    cpu: float
    peak_mb: float
    code: int
    output: str


def run(command: Sequence[str], environment: dict[str, str]) -> Run:
    """Run to the end; CPU counts every process of the tree that was waited for."""
    with tempfile.TemporaryFile() as output:
        started = time.monotonic()
        process = subprocess.Popen(
            command, env={**os.environ, **environment}, stdout=output, stderr=subprocess.STDOUT
        )
        memory = _Memory(process.pid)
        memory.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        memory.stop()
        output.seek(0)
        text = output.read().decode(errors="replace")
    result = Run(
        wall=wall,
        cpu=usage.ru_utime + usage.ru_stime,
        peak_mb=max(memory.peak_kb, usage.ru_maxrss) / 1024,
        code=process.returncode,
        output=text,
    )
    if result.code != 0:
        sys.exit(f"{' '.join(command)} ended with {result.code}:\n{text[-3000:]}")
    return result


class _Memory(threading.Thread):
    """Samples the resident memory of a process and its descendants, added up."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._over = threading.Event()
        self.peak_kb = 0

    def run(self) -> None:
        while not self._over.wait(0.25):
            self.peak_kb = max(self.peak_kb, _resident_kb(self._pid))

    def stop(self) -> None:
        self._over.set()
        self.join()


def _resident_kb(pid: int) -> int:
    """VmRSS of the tree (proc(5)); 0 where it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0
    own = next((int(line.split()[1]) for line in status.splitlines() if line[:6] == "VmRSS:"), 0)
    return own + sum(_resident_kb(int(child)) for child in children)
