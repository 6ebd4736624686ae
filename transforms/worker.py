"""What one OS process shares between its bundles: repository, clients, permits, heartbeat.

DoFns carry only the reference to the repository; everything here is made on the worker when it is
first needed, and secrets are resolved here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import TypeVar

from connectors.crm.base import BaseCRMConnector
from connectors.crm.model import BudgetSpec
from connectors.crm.registry import connector_class
from connectors.http.auth import HeaderAuth
from connectors.http.client import Channel, HttpClient
from connectors.http.retry import BackOff
from connectors.http.secrets import resolve
from connectors.quo.client import QuoClient
from connectors.repository.budgets import Gate, Liveness, ProcessPermits, key_hash
from connectors.repository.factory import open_repository
from connectors.repository.repository import Repository
from transforms.heartbeat import Heartbeat
from transforms.settings import IntegrationSettings

_T = TypeVar("_T")


@dataclass(frozen=True)
class Patience:
    """How long a worker keeps trying.

    `conflict_delays` are the seconds before each further look for contacts that Quo says exist:
    its list lags behind its writes. `back_off` is that of every request.
    """

    conflict_delays: tuple[float, ...] = (1.0, 3.0, 10.0)
    back_off: BackOff = field(default_factory=BackOff)


class Worker:
    """One per OS process and repository; safe to share between threads."""

    def __init__(self, repository: Repository, patience: Patience | None = None) -> None:
        self.repository = repository
        self.patience = patience or Patience()
        self.heartbeat = Heartbeat(repository.heartbeats)
        self._lock = threading.Lock()
        self._channels: dict[str, Channel] = {}
        self._gates: dict[str, Gate] = {}
        self._liveness: dict[str, Liveness] = {}

    def quo(self, settings: IntegrationSettings, process_id: str | None) -> QuoClient:
        """Quo for one process (None: for a command without one)."""
        api_key = resolve(settings.quo.api_key)
        hashed = key_hash(api_key)
        channel = self._shared(
            self._channels,
            f"quo/{settings.quo.base_url}/{hashed}",
            lambda: Channel(settings.quo.base_url, HeaderAuth("Authorization", api_key)),
        )
        permits = self._permits(f"quo/{hashed}", _quo_budget(settings), process_id)
        return QuoClient(HttpClient(channel, permits, back_off=self.patience.back_off))

    def source_key(self, settings: IntegrationSettings) -> tuple[str, str]:
        return key_hash(resolve(settings.quo.api_key)), settings.quo.source

    def connector(self, settings: IntegrationSettings, process_id: str | None) -> BaseCRMConnector:
        """The integration's CRM for one process; use it from one thread at a time."""
        kind = connector_class(settings.crm)
        options = kind.Options.model_validate(dict(settings.crm_options))
        secrets = {name: resolve(reference) for name, reference in settings.crm_credentials.items()}
        credentials = kind.Credentials.model_validate(secrets)
        signature = key_hash("\n".join(f"{name}={secrets[name]}" for name in sorted(secrets)))
        channel = self._shared(
            self._channels,
            f"{settings.crm}/{options.base_url}/{signature}",
            lambda: Channel(options.base_url, kind.auth(credentials)),
        )
        permits = self._permits(
            f"{settings.crm}/{kind.account(options)}", tuple(kind.budgets(options)), process_id
        )
        http = HttpClient(channel, permits, back_off=self.patience.back_off)
        return kind(options, credentials, http)

    def _permits(
        self, key: str, budgets: tuple[BudgetSpec, ...], process_id: str | None
    ) -> ProcessPermits:
        gate = self._shared(self._gates, key, Gate)
        liveness = None
        if process_id is not None:
            liveness = self._shared(
                self._liveness,
                process_id,
                lambda: Liveness(process_id, self.repository.processes.state_of),
            )
        return ProcessPermits(self.repository.budgets, key, budgets, gate, liveness)

    def _shared(self, made: dict[str, _T], key: str, make: Callable[[], _T]) -> _T:
        with self._lock:
            if key not in made:
                made[key] = make()
            return made[key]


def _quo_budget(settings: IntegrationSettings) -> tuple[BudgetSpec, ...]:
    limit = settings.quo.requests_per_second
    if limit is None:
        return ()
    return (BudgetSpec("quo", limit, 1.0, source="quo.requests_per_second"),)


@cache
def worker(repository: str) -> Worker:
    """This OS process's worker for a repository URL or a reference to one."""
    return Worker(open_repository(repository))
