"""A sandbox in a process of its own, for as long as a `with` block lasts."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from types import TracebackType
from typing import IO, Self

from connectors.errors import ConfigurationError
from connectors.sandbox.client import SandboxControl
from connectors.sandbox.settings import Settings

_STOP_SECONDS = 5.0


class SandboxProcess:
    """Starts `python -m connectors.sandbox`, waits until it answers, and stops it again.

    It also ends when the process that started it dies. Raises ConfigurationError on entering when
    it cannot start (a missing package, a taken port).
    """

    def __init__(self, settings: Settings | None = None, *, port: int = 0) -> None:
        self.settings = settings or Settings()
        self._port = port
        self._resources = ExitStack()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: SandboxControl | None = None
        self._url: str | None = None

    def __enter__(self) -> Self:
        errors = self._resources.enter_context(tempfile.TemporaryFile())
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "connectors.sandbox",
                "--follow-parent",
                f"--port={self._port}",
                f"--settings={self.settings.model_dump_json()}",
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,  # Ctrl-C is for the parent, which then stops the sandbox
        )
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            self._resources.callback(pipe.close)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            words = _last_line(errors)
            self.stop()
            raise ConfigurationError(f"the sandbox did not start: {words}")
        self._url = json.loads(line)["url"]
        self._control = SandboxControl(self.url)
        self._resources.callback(self._control.close)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        if self._url is None:
            raise RuntimeError("the sandbox is not running: enter it with `with`")
        return self._url

    @property
    def quo_url(self) -> str:
        """What to configure as Quo's base URL."""
        return f"{self.url}/quo"

    def crm_url(self, name: str) -> str:
        """What to configure as the base URL of a CRM."""
        return f"{self.url}/{name}"

    @property
    def control(self) -> SandboxControl:
        if self._control is None:
            raise RuntimeError("the sandbox is not running: enter it with `with`")
        return self._control

    @property
    def pid(self) -> int:
        """The operating system's id of the server, for measurements of its CPU time."""
        if self._process is None:
            raise RuntimeError("the sandbox is not running: enter it with `with`")
        return self._process.pid

    def stop(self) -> None:
        """End the server; a second call does nothing."""
        process = self._process
        if process is not None:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._resources.close()


def _last_line(errors: IO[bytes]) -> str:
    errors.seek(0)
    lines = errors.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it ended without a word"
