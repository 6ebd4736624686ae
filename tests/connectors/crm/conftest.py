"""One sandbox for all tests of CRMs, started anew in its state for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import Any

import pytest

from connectors.crm.base import BaseCRMConnector
from connectors.crm.pipedrive import PipedriveConnector
from connectors.http.client import Channel, HttpClient
from connectors.http.permits import Unlimited
from connectors.http.retry import BackOff
from connectors.sandbox.client import SandboxControl
from connectors.sandbox.process import SandboxProcess
from connectors.sandbox.settings import CRM_TOKEN, Settings

QUICK = BackOff(first_seconds=0.01, longest_seconds=0.02, cap_seconds=0.1)


class Spending(Unlimited):
    """Permits without a limit that add up what they were asked for."""

    def __init__(self) -> None:
        self.costs: list[Mapping[str, float]] = []

    def take(self, cost: Mapping[str, float]) -> float:
        self.costs.append(dict(cost))
        return 0.0

    @property
    def tokens(self) -> float:
        return sum(cost.get("daily", 1.0) for cost in self.costs)


@dataclass
class Account:
    """A connector, what it spent, and the other side's steering."""

    connector: BaseCRMConnector
    control: SandboxControl
    spending: Spending = field(default_factory=Spending)

    @property
    def calls(self) -> int:
        """Requests since the last look."""
        spent, self.spending.costs = len(self.spending.costs), []
        return spent

    def sent(self) -> list[dict[str, Any]]:
        return [entry for entry in self.control.log() if entry["dialect"] != "quo"]


Connect = Callable[..., Account]


@pytest.fixture(scope="session")
def sandbox() -> Iterator[SandboxProcess]:
    with SandboxProcess(Settings(log_bodies=True)) as process:
        yield process


@pytest.fixture
def connect(sandbox: SandboxProcess) -> Iterator[Connect]:
    """Connects any connector class to any address, with quick retries."""
    with ExitStack() as stack:

        def connect(
            cls: type[BaseCRMConnector], url: str, credentials: Mapping[str, Any], **options: Any
        ) -> Account:
            typed = cls.Options.model_validate({"base_url": url, **options})
            secrets = cls.Credentials.model_validate(credentials)
            channel = stack.enter_context(closing(Channel(url, cls.auth(secrets))))
            spending = Spending()
            http = HttpClient(channel, spending, back_off=QUICK)
            return Account(cls(typed, secrets, http), sandbox.control, spending)

        yield connect


@pytest.fixture
def pipedrive(sandbox: SandboxProcess, connect: Connect) -> Callable[..., Account]:
    """A Pipedrive account of so many persons; a second call for the same one keeps its state."""
    known: list[int] = []

    def open_account(persons: int = 0, *, settings: Any = None, **options: Any) -> Account:
        if not known:
            fresh = Settings(persons=persons, log_bodies=True, **(settings or {}))
            sandbox.control.reset(**fresh.model_dump(mode="json"))
            known.append(persons)
        return connect(
            PipedriveConnector,
            sandbox.crm_url("pipedrive"),
            {"api_token": CRM_TOKEN},
            **options,
        )

    return open_account
