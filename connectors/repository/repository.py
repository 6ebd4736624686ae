"""The repository: every collection over one storage."""

from __future__ import annotations

from connectors.repository.budgets import Budgets
from connectors.repository.dead_letters import DeadLetters
from connectors.repository.heartbeats import Heartbeats
from connectors.repository.ledger import Ledger
from connectors.repository.links import Links
from connectors.repository.processes import Processes
from connectors.repository.sources import Sources
from connectors.repository.storage import Storage
from connectors.repository.watermarks import Watermarks


class Repository:
    """Collections share the storage's connections; safe between threads, not across a fork."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.processes = Processes(storage)
        self.heartbeats = Heartbeats(storage)
        self.ledger = Ledger(storage)
        self.dead_letters = DeadLetters(storage)
        self.links = Links(storage)
        self.sources = Sources(storage)
        self.budgets = Budgets(storage)
        self.watermarks = Watermarks(storage)

    def close(self) -> None:
        self.storage.close()
