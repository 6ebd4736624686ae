from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time

import httpx
import pytest

from connectors.errors import ConfigurationError
from connectors.sandbox.process import SandboxProcess
from connectors.sandbox.settings import Settings

COMMAND = [sys.executable, "-m", "connectors.sandbox"]


def ended(pid: int, within: float = 10.0) -> bool:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def test_a_sandbox_lasts_as_long_as_its_block():
    with SandboxProcess(Settings(persons=3)) as running:
        assert len(running.control.people()) == 3
        assert running.quo_url == f"{running.url}/quo"
        assert running.crm_url("pipedrive") == f"{running.url}/pipedrive"
        url, pid = running.url, running.pid
    assert ended(pid)
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False)
    running.stop()


def test_a_sandbox_that_is_not_running_says_so():
    with pytest.raises(RuntimeError, match="not running"):
        _ = SandboxProcess().url


def test_a_taken_port_is_named():
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"port {port}"), SandboxProcess(port=port):
            pass


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_the_command_prints_one_line_and_stops_cleanly(number):
    process = subprocess.Popen(
        [*COMMAND, "--persons=5", "--spice", "--quo-rate=9", "--crm-latency-ms=1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    address = json.loads(process.stdout.readline())
    settings = httpx.get(f"{address['url']}/_sandbox/settings", trust_env=False).json()
    assert (settings["persons"], settings["spice"], settings["quo_rate"]) == (5, True, 9)
    assert address["pid"] == process.pid
    process.send_signal(number)
    output, errors = process.communicate(timeout=10)
    assert (process.returncode, output, errors) == (0, "", "")


@pytest.mark.parametrize("kind", ["hang", "hold"])
def test_a_waiting_request_does_not_keep_the_server(kind):
    process = subprocess.Popen(COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    url = json.loads(process.stdout.readline())["url"]
    httpx.post(f"{url}/_sandbox/faults", json={"kind": kind}, trust_env=False)
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(f"{url}/scaling-test/persons", timeout=0.2, trust_env=False)
    process.terminate()
    output, errors = process.communicate(timeout=10)
    assert (process.returncode, output, errors) == (0, "", "")


def test_a_sandbox_dies_with_its_parent():
    script = """
        import os
        from connectors.sandbox.process import SandboxProcess
        running = SandboxProcess().__enter__()
        print(running.pid, flush=True)
        os.kill(os.getpid(), 9)
    """
    parent = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, check=False
    )
    assert parent.returncode == -signal.SIGKILL
    assert ended(int(parent.stdout))


@pytest.mark.parametrize("module", ["faker", "uvicorn", "starlette"])
def test_a_missing_package_is_named_with_its_remedy(module):
    script = (
        f"import sys; sys.modules['{module}'] = None; sys.argv = ['sandbox'];"
        "from connectors.sandbox.__main__ import main; sys.exit(main())"
    )
    process = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert process.returncode == 2
    assert process.stderr.count("\n") == 1
    assert f"'{module}'" in process.stderr
    assert "pip install 'quo-sync[demo]'" in process.stderr
