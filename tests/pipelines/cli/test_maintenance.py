"""`migrate` and `sandbox`."""

from __future__ import annotations

import signal

from connectors.sandbox.client import SandboxControl
from tests.pipelines.cli.conftest import Integration, Workspace


def test_migrate_creates_the_schema_once(workspace: Workspace, integration: Integration) -> None:
    workspace.configure(integration())
    first = workspace.call("migrate")
    assert (first.code, first.out) == (
        0,
        "The repository's schema was brought to this version.\n",
    )
    assert "already" in workspace.call("migrate").out
    assert workspace.call("status").code == 0


def test_the_sandbox_says_where_it_is_and_how_to_use_it(workspace: Workspace) -> None:
    server = workspace.spawn("sandbox", "--port", "0", "--persons", "7")
    try:
        assert server.stdout is not None
        out = ""
        while "export" not in out:
            out += server.stdout.readline()
        url = next(word for word in out.split() if word.startswith("http://"))
        control = SandboxControl(url)
        assert control.stats()["persons"] == 7
        control.close()
        server.send_signal(signal.SIGINT)
        assert server.wait(timeout=30) == 0
    finally:
        server.kill()
        server.communicate()
    assert f'base_url: "{url}/pipedrive"' in out
    assert f'base_url: "{url}/quo"' in out


def test_a_taken_port_is_refused(workspace: Workspace, sandbox_port: str) -> None:
    result = workspace.call("sandbox", "--port", sandbox_port)
    assert result.code == 2
    assert sandbox_port in result.sentence
    assert "--port" in result.sentence
