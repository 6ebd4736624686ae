"""Rows, conditions, bulks and indexes in MongoDB's terms; the counterpart of `statements`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bson.int64 import Int64
from pymongo import ASCENDING, DESCENDING, IndexModel, UpdateOne
from pymongo import collection as driver
from pymongo.errors import BulkWriteError

from connectors.repository.records import BODY, VERSION, Layout, Row, decode, encode
from connectors.repository.storage import Collection, In, Key, Record, Span, Where

Document = dict[str, Any]

CLOCK = "clock"
"""The server's time of the last `advance`, kept in the document so that the answer holds it."""

_DUPLICATE = 11000


def named(key: Key) -> Document:
    """The filter for one record: its key as JSON text is the `_id`, unique in every MongoDB."""
    return {"_id": encode(key)}


def document_of(layout: Layout, row: Row) -> Document:
    return named(layout.key_of(row)) | dict(zip(layout.fields, row, strict=True))


def replaced(layout: Layout, row: Row) -> Document:
    """All fields that a replacement sets."""
    document = document_of(layout, row)
    del document["_id"], document[VERSION]
    return document


def record_of(layout: Layout, document: Mapping[str, Any]) -> Record:
    columns = [plain(document.get(name)) for name in layout.fields[:-1]]
    return layout.record(columns, decode(document.get(BODY)))


def plain(value: Any) -> Any:
    """The driver's own integer type would drag the driver into every pickle."""
    return int(value) if type(value) is Int64 else value


def matching(layout: Layout, where: Where) -> Document:
    conditions = {column_of(layout, name): _condition(wanted) for name, wanted in where.items()}
    return {name: condition for name, condition in conditions.items() if condition != {}}


def _condition(wanted: Any) -> Any:
    if isinstance(wanted, In):
        return {"$in": list(wanted.values)}
    if isinstance(wanted, Span):
        bounds = {"$gte": wanted.low, "$lt": wanted.high}
        return {sign: bound for sign, bound in bounds.items() if bound is not None}
    return wanted


def sorting(layout: Layout, order: Sequence[str]) -> list[tuple[str, int]]:
    return [
        (column_of(layout, name.removeprefix("-")), DESCENDING if name[0] == "-" else ASCENDING)
        for name in order
    ]


def column_of(layout: Layout, name: str) -> str:
    layout.kind(name)
    return name


def totalling(layout: Layout, where: Where, group_by: Sequence[str]) -> list[Document]:
    group = {name: f"${column_of(layout, name)}" for name in group_by}
    sums = {name: {"$sum": f"${name}"} for name in layout.collection.summed}
    return [
        {"$match": matching(layout, where)},
        {"$group": {"_id": group or None, "count": {"$sum": 1}, **sums}},
    ]


def advancing(by: int, floor: int | None) -> list[Document]:
    """The pipeline of `advance`. It must meet a document: `$$NOW` is read in the update itself."""
    value: Any = {"$ifNull": ["$value", 0]}
    if floor is not None:
        value = {"$max": [value, {"$add": [f"${CLOCK}", floor]}]}
    return [
        {"$set": {CLOCK: {"$multiply": [{"$toLong": "$$NOW"}, 1000]}}},
        {"$set": {"value": {"$add": [value, by]}, VERSION: {"$add": [f"${VERSION}", 1]}}},
    ]


def write_all(
    documents: driver.Collection[Document], writes: Sequence[UpdateOne]
) -> Mapping[str, Any]:
    """The server's answer to a bulk, errors included."""
    if not writes:
        return {"writeErrors": [], "writeConcernErrors": [], "upserted": []}
    try:
        return documents.bulk_write(writes, ordered=False).bulk_api_result
    except BulkWriteError as error:
        return error.details


def duplicates(answer: Mapping[str, Any]) -> dict[int, str]:
    """Which writes met a taken value, and in which fields; any other failure is raised."""
    failed = answer["writeErrors"]
    if answer["writeConcernErrors"] or any(entry["code"] != _DUPLICATE for entry in failed):
        raise BulkWriteError(dict(answer))
    return {entry["index"]: ", ".join(entry["keyPattern"]) for entry in failed}


def indexes_of(collection: Collection) -> list[IndexModel]:
    """Fixed names, so that creating them again is a no-op; the key's serves its prefixes."""
    return [
        IndexModel([(name, ASCENDING) for name in collection.key], name="key"),
        *(
            IndexModel([(name, ASCENDING) for name in names], name=_named("uq", names), unique=True)
            for names in collection.unique
        ),
        *(
            IndexModel([(name, ASCENDING) for name in names], name=_named("ix", names))
            for names in collection.indexes
        ),
    ]


def _named(prefix: str, names: Sequence[str]) -> str:
    return "_".join((prefix, *names))
