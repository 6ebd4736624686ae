"""CRMs by name: everything installed under the entry-point group `quo_sync.crms`."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points

from connectors.crm.base import BaseCRMConnector
from connectors.errors import ConfigurationError

GROUP = "quo_sync.crms"


def installed_crms() -> list[str]:
    """Names of the installed CRMs, sorted."""
    return sorted({entry.name for entry in entry_points(group=GROUP)})


@cache
def connector_class(name: str) -> type[BaseCRMConnector]:
    """The connector of this name; raises ConfigurationError that lists the installed ones."""
    for entry in entry_points(group=GROUP, name=name):
        loaded: type[BaseCRMConnector] = entry.load()
        return loaded
    known = ", ".join(installed_crms()) or "none"
    raise ConfigurationError(f"crm: {name!r} is not installed; installed are: {known}.")
