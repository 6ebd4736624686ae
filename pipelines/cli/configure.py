"""`init` and `check`: from nothing to a configuration that is known to work."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from connectors.errors import ConfigurationError
from pipelines.cli.errors import ExitCode
from pipelines.cli.invocation import AsJson, Invocation, invoked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.cli.checks import Finding


@invoked
def init(invocation: Invocation) -> int:
    """Write a commented quo-sync.yaml."""
    from pipelines.config import SAMPLE_CONFIG

    path = invocation.config_path
    if "://" in path:
        raise ConfigurationError(f"--config {path}: init writes local files only; name one")
    try:
        with Path(path).open("x", encoding="utf-8") as file:
            file.write(SAMPLE_CONFIG)
    except FileExistsError:
        raise ConfigurationError(
            f"{path} is there already and stays as it is; name another file with --config"
        ) from None
    except OSError as error:
        raise ConfigurationError(
            f"--config {path} cannot be written ({error.strerror}); name another file"
        ) from None
    print(f"Wrote {path}. Edit it, set the secrets it names, then look with `quo-sync check`.")
    return ExitCode.DONE


@invoked
def check(invocation: Invocation, json: AsJson = False) -> int:
    """Try configuration, secrets, repository, CRMs and Quo."""
    from connectors.crm.registry import installed_crms
    from pipelines.cli.checks import check_all, exit_code_of
    from pipelines.cli.display import console, print_json

    findings = check_all(invocation.load_config())
    if json:
        print_json(
            {
                "installedCrms": installed_crms(),
                "findings": [finding.as_json() for finding in findings],
            }
        )
    else:
        console().print(_table(findings))
        print(f"Installed CRMs: {', '.join(installed_crms())}")
    return exit_code_of(findings)


def _table(findings: Sequence[Finding]) -> object:
    from pipelines.cli.display import new_table

    table = new_table("What", "Result", "Detail")
    for finding in findings:
        table.add_row(finding.what, finding.result, finding.detail)
    return table
