"""The heartbeat of one OS process: which launches it works for, and how far its pages are."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from connectors.errors import RepositoryError
from connectors.repository.heartbeats import Heartbeats
from transforms.elements import SyncRequest

log = logging.getLogger(__name__)

PageKey = tuple[str, int]
"""Range id and page number."""

BEAT_SECONDS = 20.0
"""A launch is alive while any of its workers beats so often."""
PROGRESS_SECONDS = 2.0
"""How often a beat may come early, when the pages in flight have moved."""
LOOK_SECONDS = 0.5


class Heartbeat:
    """Beats on a thread of its own while pages are in flight."""

    def __init__(self, heartbeats: Heartbeats) -> None:
        self._heartbeats = heartbeats
        self._worker = f"{socket.gethostname()}-{os.getpid()}"
        self._lock = threading.Lock()
        self._pages: dict[str, Counter[str]] = {}
        self._persons: dict[str, dict[str, dict[PageKey, int]]] = {}
        self._recorded = threading.Event()
        self._thread: threading.Thread | None = None

    @contextmanager
    def in_flight(self, request: SyncRequest) -> Iterator[None]:
        """Count one page of the process as in flight."""
        self._count(request, 1)
        try:
            yield
        finally:
            self._count(request, -1)

    def page_progress(self, request: SyncRequest, page: PageKey, persons: int) -> None:
        """So many persons of a page in flight are done."""
        with self._lock:
            of_launch = self._persons.setdefault(request.launch_id, {})
            of_launch.setdefault(request.process_id, {})[page] = persons

    def page_recorded(self, request: SyncRequest, page: PageKey) -> None:
        """The page counts in the ledger from now on: the next beat, at once, leaves it out."""
        with self._lock:
            of_launch = self._persons.get(request.launch_id, {})
            of_launch.get(request.process_id, {}).pop(page, None)
        self._recorded.set()

    def _count(self, request: SyncRequest, by: int) -> None:
        with self._lock:
            self._pages.setdefault(request.launch_id, Counter())[request.process_id] += by
            if self._thread is None:
                self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
                self._thread.start()

    def _beat(self) -> None:
        written: dict[str, tuple[float, dict[str, int], dict[str, int]]] = {}
        while True:
            at_once = self._recorded.wait(LOOK_SECONDS)
            self._recorded.clear()
            for launch_id, pages, persons in self._snapshot():
                at, *before = written.get(launch_id, (float("-inf"), {}, {}))
                waited = time.monotonic() - at
                moved = before != [pages, persons]
                early = at_once or not pages or waited >= PROGRESS_SECONDS
                if waited >= BEAT_SECONDS or (moved and early):
                    self._put(launch_id, pages, persons)
                    written[launch_id] = (time.monotonic(), pages, persons)

    def _snapshot(self) -> list[tuple[str, dict[str, int], dict[str, int]]]:
        """Launches with pages in flight, and those whose last page has just left."""
        with self._lock:
            beating = []
            for launch_id, counter in list(self._pages.items()):
                pages = {process: count for process, count in counter.items() if count}
                persons = {
                    process: sum(done.values())
                    for process, done in self._persons.get(launch_id, {}).items()
                    if done
                }
                beating.append((launch_id, pages, persons))
                if not pages:
                    del self._pages[launch_id]
                    self._persons.pop(launch_id, None)
            return beating

    def _put(self, launch_id: str, pages: dict[str, int], persons: dict[str, int]) -> None:
        try:
            self._heartbeats.beat(launch_id, self._worker, pages, persons)
        except RepositoryError as error:
            log.warning("heartbeat of launch %s not written: %s", launch_id, error)
