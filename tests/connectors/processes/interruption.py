"""A storage that is killed before its nth call: what a SIGKILL leaves behind, at every point."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connectors.repository.storage import Storage


class Killed(BaseException):
    """Not an Exception: nothing in the product may catch it."""


class InterruptedStorage(Storage):
    """Passes everything on until `calls` have been made; then every call raises Killed."""

    def __init__(self, storage: Storage, calls: int) -> None:
        self._storage = storage
        self.left = calls

    def _pass(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if self.left <= 0:
            raise Killed
        self.left -= 1
        return method(*args, **kwargs)

    def insert(self, *args: Any, **kwargs: Any) -> Any:
        return self._pass(self._storage.insert, *args, **kwargs)

    def put(self, *args: Any, **kwargs: Any) -> Any:
        return self._pass(self._storage.put, *args, **kwargs)

    def find(self, *args: Any, **kwargs: Any) -> Any:
        return self._pass(self._storage.find, *args, **kwargs)

    def change(self, *args: Any, **kwargs: Any) -> Any:
        return self._pass(self._storage.change, *args, **kwargs)

    def totals(self, *args: Any, **kwargs: Any) -> Any:
        return self._pass(self._storage.totals, *args, **kwargs)

    def advance(self, *args: Any, **kwargs: Any) -> Any:
        return self._pass(self._storage.advance, *args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        return self._pass(self._storage.delete, *args, **kwargs)

    def migrate(self) -> bool:
        return self._storage.migrate()

    def check_schema(self) -> None:
        self._storage.check_schema()

    def close(self) -> None:
        self._storage.close()
