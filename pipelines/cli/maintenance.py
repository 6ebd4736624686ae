"""`migrate` and `sandbox`: what is run around syncs."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from pipelines.cli.errors import ExitCode
from pipelines.cli.invocation import Invocation, invoked, invoked_without_config

Port = Annotated[
    int,
    typer.Option(
        "--port", metavar="N", min=0, max=65535, help="Where to listen; 0 takes a free port."
    ),
]
Persons = Annotated[
    int, typer.Option("--persons", metavar="N", min=0, help="So many people in the CRMs.")
]
QuoRate = Annotated[
    int,
    typer.Option(
        "--rate", metavar="R", min=0, help="Quo's limit, in requests per second and key; 0 = none."
    ),
]

_ADDRESSES = """\
The sandbox runs on {url} and keeps everything in memory; Ctrl-C ends it.

An integration that syncs its {persons:,} people:

  - id: sandbox
    user_id: me
    crm: pipedrive                                    # or scaling-test, at {url}/scaling-test
    crm_options: {{base_url: "{url}/pipedrive"}}
    crm_credentials: {{api_token: env:SANDBOX_CRM_TOKEN}}
    quo: {{api_key: env:SANDBOX_QUO_KEY, base_url: "{url}/quo"}}

  export SANDBOX_CRM_TOKEN={crm_token} SANDBOX_QUO_KEY={quo_key}
"""


@invoked
def migrate(invocation: Invocation) -> int:
    """Create the repository's schema, or bring it to this version."""
    from connectors.repository.factory import open_repository

    repository = open_repository(invocation.load_config().repository)
    try:
        changed = repository.storage.migrate()
    finally:
        repository.close()
    print(
        "The repository's schema was brought to this version."
        if changed
        else "The repository's schema is of this version already."
    )
    return ExitCode.DONE


@invoked_without_config
def sandbox(
    invocation: Invocation,  # noqa: ARG001
    port: Port = 8080,
    persons: Persons = 1000,
    rate: QuoRate = 0,
) -> int:
    """Run a local server that behaves like Quo and the CRMs."""
    from connectors.sandbox.server import run_server
    from connectors.sandbox.settings import CRM_TOKEN, QUO_KEY, Settings

    def announce(address: dict[str, Any]) -> None:
        text = _ADDRESSES.format(
            url=address["url"], persons=persons, crm_token=CRM_TOKEN, quo_key=QUO_KEY
        )
        print(text, flush=True)

    run_server(port, Settings(persons=persons, quo_rate=rate or None), announce=announce)
    return ExitCode.DONE
