"""The ledger: planned ranges and recorded pages of each process; all totals are sums over it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace

from connectors.clock import from_millis, to_millis, utc_now
from connectors.processes.model import (
    PLANNING_RANGE,
    LedgerTotals,
    Outcomes,
    PageRecord,
    PageState,
    RangeStanding,
    RangeState,
)
from connectors.repository.storage import Collection, In, Record, Storage

RANGES = Collection(
    name="ranges",
    key=("process_id", "range_id"),
    columns={
        "process_id": str,
        "range_id": str,
        "position": int,
        "state": str,
        "opened": int,
        "restarted": int,
        "next_page": int,
    },
    indexes=(("process_id", "state"),),
)

_COUNTS = tuple(f.name for f in fields(Outcomes))
_USED = ("quo_requests", "crm_requests", "throttled_ms")

PAGES = Collection(
    name="pages",
    key=("process_id", "range_id", "page"),
    columns={
        "process_id": str,
        "range_id": str,
        "page": int,
        "state": str,
        "at": int,
        **dict.fromkeys((*_COUNTS, *_USED), int),
    },
    indexes=(("process_id", "state"),),
    summed=(*_COUNTS, *_USED),
)


class Ledger:
    """Only `record` and `set_range_state` move a process on; both may be repeated."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    # -- ranges -----------------------------------------------------------------------------

    def insert_ranges(self, process_id: str, standings: Sequence[RangeStanding]) -> None:
        rows = [
            _range_row(process_id, position, standing)
            for position, standing in enumerate(standings)
        ]
        self._storage.insert(RANGES, rows)

    def standing(self, process_id: str, range_id: str) -> RangeStanding | None:
        where = {"process_id": process_id, "range_id": range_id}
        rows = self._storage.find(RANGES, where)
        if not rows:
            return None
        last = self._storage.find(
            PAGES, {**where, "state": PageState.DONE.value}, order=("-page",), limit=1
        )
        return _moved_on(_standing(rows[0]), last[0] if last else None)

    def standings(self, process_id: str) -> list[RangeStanding]:
        rows = self._storage.find(RANGES, {"process_id": process_id}, order=("position",))
        pages = self._storage.find(
            PAGES, {"process_id": process_id, "state": PageState.DONE.value}, order=("page",)
        )
        last = {page["range_id"]: page for page in pages}
        return [_moved_on(_standing(row), last.get(row["range_id"])) for row in rows]

    def mark_open(self, process_id: str, range_id: str, page: int) -> bool:
        where = {"process_id": process_id, "range_id": range_id}
        while rows := self._storage.find(RANGES, where, columns_only=True):
            opened = rows[0]["opened"]
            if opened >= page:
                return False
            change, seen = {"opened": page}, {"opened": opened}
            if self._storage.change(RANGES, (process_id, range_id), change, expect=seen):
                return True
        return False

    def mark_restarted(self, process_id: str, range_id: str) -> None:
        self._storage.change(RANGES, (process_id, range_id), {"restarted": 1})

    def set_range_state(self, process_id: str, range_id: str, state: RangeState) -> None:
        movable = In([RangeState.OPEN.value, RangeState.FAILED.value])
        self._storage.change(
            RANGES, (process_id, range_id), {"state": state.value}, expect={"state": movable}
        )

    def has_open_range(self, process_id: str) -> bool:
        return self._has_range(process_id, RangeState.OPEN)

    def has_failed_range(self, process_id: str) -> bool:
        return self._has_range(process_id, RangeState.FAILED)

    def _has_range(self, process_id: str, state: RangeState) -> bool:
        where = {"process_id": process_id, "state": state.value}
        return bool(self._storage.find(RANGES, where, limit=1, columns_only=True))

    # -- pages ------------------------------------------------------------------------------

    def record(self, record: PageRecord) -> None:
        self._storage.put(PAGES, [_page_row(record)])

    def recorded_pages(self, process_id: str, range_id: str) -> set[int]:
        where = {
            "process_id": process_id,
            "range_id": range_id,
            "state": PageState.DONE.value,
        }
        return {row["page"] for row in self._storage.find(PAGES, where, columns_only=True)}

    def failed_pages(self, process_id: str, *, limit: int) -> list[PageRecord]:
        rows = self._storage.find(
            PAGES,
            {"process_id": process_id, "state": PageState.FAILED.value},
            order=("-at",),
            limit=limit,
        )
        return [_page_record(row) for row in rows]

    def totals(self, process_ids: Sequence[str]) -> dict[str, LedgerTotals]:
        """Totals of each process, zeros for one without records."""
        mine = In(list(process_ids))
        sums = {process_id: LedgerTotals() for process_id in process_ids}
        by_page = self._storage.totals(
            PAGES, {"process_id": mine}, group_by=("process_id", "state")
        )
        for (process_id, state), added in by_page.items():
            sums[process_id] = _add_pages(sums[process_id], state, added)
        planning = self._storage.totals(
            PAGES, {"process_id": mine, "range_id": PLANNING_RANGE}, group_by=("process_id",)
        )
        for (process_id,), added in planning.items():
            before = sums[process_id]
            sums[process_id] = replace(before, pages_done=before.pages_done - added["count"])
        by_range = self._storage.totals(
            RANGES, {"process_id": mine}, group_by=("process_id", "state")
        )
        for (process_id, state), added in by_range.items():
            sums[process_id] = _add_ranges(sums[process_id], state, added["count"])
        return sums


def _range_row(process_id: str, position: int, standing: RangeStanding) -> Record:
    return {
        "process_id": process_id,
        "range_id": standing.range_id,
        "position": position,
        "state": standing.state.value,
        "opened": standing.opened,
        "restarted": int(standing.restarted),
        "next_page": standing.next_page,
        "cursor": standing.cursor,
        "bounds": dict(standing.bounds),
    }


def _standing(row: Record) -> RangeStanding:
    return RangeStanding(
        range_id=row["range_id"],
        bounds=row["bounds"],
        state=RangeState(row["state"]),
        next_page=row["next_page"],
        cursor=row.get("cursor"),
        opened=row["opened"],
        restarted=bool(row["restarted"]),
    )


def _moved_on(standing: RangeStanding, last: Record | None) -> RangeStanding:
    if last is None or last["page"] < standing.next_page:
        return standing
    return replace(standing, next_page=last["page"] + 1, cursor=last.get("next_cursor"))


def _page_row(record: PageRecord) -> Record:
    return {
        "process_id": record.process_id,
        "range_id": record.range_id,
        "page": record.page,
        "state": record.state.value,
        "at": to_millis(record.at or utc_now()),
        **record.outcomes.to_json(),
        "quo_requests": record.quo_requests,
        "crm_requests": record.crm_requests,
        "throttled_ms": record.throttled_ms,
        "next_cursor": record.next_cursor,
        "closes_range": record.closes_range,
        "error_code": record.error_code,
        "error_message": record.error_message,
    }


def _page_record(row: Record) -> PageRecord:
    return PageRecord(
        process_id=row["process_id"],
        range_id=row["range_id"],
        page=row["page"],
        state=PageState(row["state"]),
        outcomes=Outcomes(**{name: row[name] for name in _COUNTS}),
        quo_requests=row["quo_requests"],
        crm_requests=row["crm_requests"],
        throttled_ms=row["throttled_ms"],
        next_cursor=row.get("next_cursor"),
        closes_range=bool(row.get("closes_range")),
        error_code=row.get("error_code"),
        error_message=row.get("error_message"),
        at=from_millis(row["at"]),
    )


def _add_pages(before: LedgerTotals, state: str, added: dict[str, int]) -> LedgerTotals:
    done = state == PageState.DONE.value
    return replace(
        before,
        outcomes=before.outcomes + Outcomes(**{name: added[name] for name in _COUNTS}),
        pages_done=before.pages_done + (added["count"] if done else 0),
        pages_failed=before.pages_failed + (0 if done else added["count"]),
        quo_requests=before.quo_requests + added["quo_requests"],
        crm_requests=before.crm_requests + added["crm_requests"],
        throttled_ms=before.throttled_ms + added["throttled_ms"],
    )


def _add_ranges(before: LedgerTotals, state: str, count: int) -> LedgerTotals:
    return replace(
        before,
        ranges_planned=before.ranges_planned + count,
        ranges_closed=before.ranges_closed + (count if state == RangeState.CLOSED.value else 0),
        ranges_failed=before.ranges_failed + (count if state == RangeState.FAILED.value else 0),
    )
