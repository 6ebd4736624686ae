"""A client of the sandbox's control API, for tests, benchmarks and the demo."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

Json = dict[str, Any]


class SandboxError(RuntimeError):
    """The sandbox refused an instruction."""


class SandboxControl:
    """Steers a running sandbox and looks into it; see `connectors.sandbox.control`."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=f"{url}/_sandbox", timeout=60, trust_env=False)

    def close(self) -> None:
        self._http.close()

    # -- the whole ----------------------------------------------------------------------------

    def reset(self, **settings: Any) -> None:
        """Start anew with the settings of the start and these changes."""
        self._post("/reset", settings)

    def settings(self, **changes: Any) -> Json:
        """Change settings while running; returns all of them."""
        return self._post("/settings", changes)

    # -- faults -------------------------------------------------------------------------------

    def fault(self, kind: str, **rule: Any) -> int:
        """Add a rule (`connectors.sandbox.rules.FaultRule`); returns its id."""
        return int(self._post("/faults", {"kind": kind, **rule})["id"])

    def faults(self) -> list[Json]:
        """The rules with how many requests each has matched and struck."""
        return self._list("/faults")

    def clear_faults(self) -> None:
        self._checked(self._http.delete("/faults"))

    def holds(self) -> list[Json]:
        """Requests held now."""
        return self._list("/holds")

    def wait_for_hold(self, *, timeout: float = 30.0) -> Json:
        """The first request that is held; raises TimeoutError when none comes."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            held = self.holds()
            if held:
                return held[0]
            time.sleep(0.02)
        raise TimeoutError(f"no request was held within {timeout} s")

    def release(self, id: int | None = None, *, drop: bool = False) -> list[int]:
        """Let held requests go on, or drop them without effect and answer."""
        released: list[int] = self._post("/release", {"id": id, "drop": drop})["released"]
        return released

    # -- people -------------------------------------------------------------------------------

    def people(self, ids: Sequence[int] = (), *, offset: int = 0, limit: int = 100) -> list[Json]:
        """Persons in no CRM's words: by id, or living ones in the order of their ids."""
        if ids:
            return self._list("/people", {"ids": ",".join(map(str, ids))})
        return self._list("/people", {"offset": offset, "limit": limit})

    def edit_people(self, ids: Sequence[int], at: int | None = None, **changes: Any) -> None:
        """Set fields of persons; their update time becomes `at` (now), in seconds."""
        self._post("/people/edit", {"ids": list(ids), "changes": changes, "at": at})

    def insert_people(self, count: int = 1, at: int | None = None, **changes: Any) -> list[int]:
        body = {"count": count, "changes": changes, "at": at}
        ids: list[int] = self._post("/people/insert", body)["ids"]
        return ids

    def delete_people(self, ids: Sequence[int]) -> None:
        self._post("/people/delete", {"ids": list(ids)})

    def rename_organizations(self, ids: Sequence[int], name: str) -> None:
        self._post("/organizations/rename", {"ids": list(ids), "name": name})

    # -- looking ------------------------------------------------------------------------------

    def stats(self, *, detail: bool = False) -> Json:
        """Counters; `detail` adds every creation and patch by id."""
        stats: Json = self._get("/stats", {"detail": str(detail).lower()})
        return stats

    def reset_stats(self) -> None:
        self._post("/stats/reset", {})

    def requests(
        self, dialect: str, *, method: str | None = None, status: int | None = None
    ) -> int:
        """How many requests a service got, of one method or with one status if asked."""
        return sum(
            row["count"]
            for row in self.stats()["requests"]
            if row["dialect"] == dialect
            and method in (None, row["method"])
            and status in (None, row["status"])
        )

    def log(self, since: int = 0) -> list[Json]:
        """Log entries behind a sequence number."""
        return self._list("/log", {"since": since})

    def contacts(self, source: str | None = None) -> list[Json]:
        """What Quo holds, without lag or pages."""
        return self._list("/contacts", {"source": source} if source is not None else {})

    # -- Quo ----------------------------------------------------------------------------------

    def register_key(self, key: str) -> None:
        self._post("/keys", {"key": key})

    def define_custom_field(self, key: str, name: str, type: str = "string") -> None:
        self._post("/quo/custom-fields", {"key": key, "name": name, "type": type})

    def create_contact(self, at: float | None = None, **contact: Any) -> Json:
        """A contact made in the Quo app `at` (now), in seconds; no source, unless named."""
        return self._post("/quo/contacts", {"at": at, **contact})

    def edit_contact(self, id: str, **changes: Any) -> Json:
        """Change a contact as a user of the Quo app does."""
        return self._post(f"/quo/contacts/{id}", changes)

    def delete_contact(self, id: str) -> None:
        self._checked(self._http.delete(f"/quo/contacts/{id}"))

    # -- transport ----------------------------------------------------------------------------

    def _post(self, path: str, body: Mapping[str, Any]) -> Json:
        answer: Json = self._checked(self._http.post(path, json=body)).json()
        return answer

    def _list(self, path: str, params: Mapping[str, Any] | None = None) -> list[Json]:
        rows: list[Json] = self._get(path, params or {})
        return rows

    def _get(self, path: str, params: Mapping[str, Any]) -> Any:
        return self._checked(self._http.get(path, params=dict(params))).json()

    def _checked(self, answer: httpx.Response) -> httpx.Response:
        if answer.is_error:
            path = answer.request.url.path
            raise SandboxError(f"{path}: HTTP {answer.status_code} {answer.text}")
        return answer
