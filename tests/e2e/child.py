"""What the OS process of a job does: run one command line and exit with its code.

Importing this module loads whatever a run needs, so that the fork server has it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module

for _name in (
    "apache_beam.runners.portability.fn_api_runner.fn_runner",
    "apache_beam.runners.portability.fn_api_runner.worker_handlers",
    "apache_beam.runners.worker.sdk_worker",
    "connectors.crm.pipedrive",
    "connectors.crm.scaling_test",
    "connectors.http.wire",
    "connectors.repository.factory",
    "connectors.repository.mongo",
    "connectors.repository.postgresql",
    "connectors.repository.sqlite",
    "phonenumbers",
    "pipelines.cli.launching",
    "pipelines.cli.main",
    "pipelines.config",
    "pipelines.launcher",
    "pipelines.orchestrator",
):
    import_module(_name)


def run(arguments: Sequence[str], environment: Mapping[str, str], log: str) -> None:
    """Everything the command prints goes to the file `log`."""
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)
    sys.stdin.close()
    os.environ.update(environment)
    from pipelines.cli.main import main

    main(arguments)
