"""Every collection that the schema consists of."""

from __future__ import annotations

from connectors.repository.budgets import BUDGETS
from connectors.repository.dead_letters import DEAD_LETTERS
from connectors.repository.heartbeats import HEARTBEATS
from connectors.repository.ledger import PAGES, RANGES
from connectors.repository.links import LINKS
from connectors.repository.processes import PROCESSES
from connectors.repository.sources import SOURCES
from connectors.repository.storage import Collection
from connectors.repository.watermarks import WATERMARKS

COLLECTIONS: tuple[Collection, ...] = (
    PROCESSES,
    HEARTBEATS,
    RANGES,
    PAGES,
    DEAD_LETTERS,
    LINKS,
    SOURCES,
    BUDGETS,
    WATERMARKS,
)
