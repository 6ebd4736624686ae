"""`demo`: the real pipeline against the sandbox over real HTTP, and a check of what came of it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import typer

from pipelines.cli.errors import ExitCode, print_error
from pipelines.cli.invocation import AsJson, Invocation, invoked_without_config
from pipelines.cli.run import ModeName, run_integrations
from pipelines.cli.wording import counted

if TYPE_CHECKING:
    from connectors.sandbox.process import SandboxProcess

QUO_KEY_VARIABLE = "QUO_SYNC_DEMO_QUO_KEY"
CRM_TOKEN_VARIABLE = "QUO_SYNC_DEMO_CRM_TOKEN"
AMPLE = 1_000_000_000
"""A CRM limit that the demo never meets: what it shows is Quo's."""


class SandboxCRM(StrEnum):
    PIPEDRIVE = "pipedrive"
    SCALING_TEST = "scaling-test"


CRM = Annotated[SandboxCRM, typer.Option("--crm", help="Which CRM the sandbox plays.")]
Persons = Annotated[
    int, typer.Option("--persons", metavar="N", min=1, help="So many people in the CRM.")
]
Rate = Annotated[
    int,
    typer.Option(
        "--rate", metavar="R", min=0, help="Quo's limit, in requests per second; 0 = none."
    ),
]
RepositoryUrl = Annotated[
    str | None,
    typer.Option(
        "--repository", metavar="URL", help="Keep runs and links there, not in a SQLite file."
    ),
]


@invoked_without_config
def demo(
    invocation: Invocation,
    crm: CRM = SandboxCRM.PIPEDRIVE,
    persons: Persons = 1000,
    rate: Rate = 100,
    repository: RepositoryUrl = None,
    json: AsJson = False,
) -> int:
    """Sync made-up people between a sandbox CRM and Quo."""
    from connectors.sandbox.process import SandboxProcess
    from connectors.sandbox.settings import CRM_TOKEN, QUO_KEY, Settings
    from pipelines.cli.interrupts import interruptible
    from pipelines.cli.launching import Manner, choose_engine, open_session
    from pipelines.config import load_config

    os.environ[QUO_KEY_VARIABLE] = QUO_KEY
    os.environ[CRM_TOKEN_VARIABLE] = CRM_TOKEN
    settings = Settings(persons=persons, quo_rate=rate or None)
    with interruptible(), SandboxProcess(settings) as sandbox:
        folder = Path(tempfile.mkdtemp(prefix="quo-sync-demo-"))
        path = folder / "quo-sync.yaml"
        id = f"demo-{uuid4().hex[:8]}"
        _write_config(path, id, crm, rate, repository, sandbox)
        config = load_config(str(path))
        manner = Manner(as_json=json, log_json=invocation.log_json)
        with open_session(config, choose_engine(config, [])) as session:
            code = run_integrations(session, config.integrations, ModeName.INITIAL, manner)
        if code is not ExitCode.INTERRUPTED:
            difference = difference_of(sandbox.control.stats()["quo"], persons)
            if difference:
                print_error(difference, log_json=invocation.log_json, code="demo")
                code = ExitCode.FAILED
            elif not json:
                print(f"{counted(persons, 'contact')} in Quo, each created exactly once.")
    if not json:
        print(f"Go on:  quo-sync status --config {path}\nDelete: rm -r {folder}")
    return code


def difference_of(quo: Mapping[str, Any], persons: int) -> str | None:
    """How the sandbox's own counts differ from one contact per person, each created once."""
    doubles = len(quo["created_more_than_once"])
    if (quo["contacts"], quo["creations"], doubles) == (persons, persons, 0):
        return None
    return (
        f"the sandbox counts {counted(quo['contacts'], 'contact')} from "
        f"{counted(quo['creations'], 'creation')} for {counted(persons, 'person')}, "
        f"{doubles:,} of them created more than once"
    )


def _write_config(
    path: Path,
    id: str,
    crm: SandboxCRM,
    rate: int,
    repository: str | None,
    sandbox: SandboxProcess,
) -> None:
    """A configuration like any other; its folder belongs to this user alone."""
    import yaml

    options: dict[str, Any] = {"base_url": sandbox.crm_url(crm.value)}
    if crm is SandboxCRM.PIPEDRIVE:
        options |= {"burst_per_2s": AMPLE, "daily_tokens": AMPLE}
    integration = {
        "id": id,
        "user_id": "demo",
        "crm": crm.value,
        "crm_options": options,
        "crm_credentials": {"api_token": f"env:{CRM_TOKEN_VARIABLE}"},
        "quo": {
            "api_key": f"env:{QUO_KEY_VARIABLE}",
            "base_url": sandbox.quo_url,
            "requests_per_second": rate or None,
        },
    }
    content = {"repository": repository or "sqlite:///quo-sync.db", "integrations": [integration]}
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
