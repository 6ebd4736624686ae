"""The storage on MongoDB (4.4 or newer, a standalone server too: no transaction is used)."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from pymongo import MongoClient, ReturnDocument, UpdateOne
from pymongo import collection as driver
from pymongo.database import Database
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    DuplicateKeyError,
    OperationFailure,
    PyMongoError,
)
from pymongo.errors import ConfigurationError as UrlError
from pymongo.read_preferences import ReadPreference
from pymongo.uri_parser import parse_uri
from pymongo.write_concern import WriteConcern

from connectors.errors import RepositoryError
from connectors.repository.adapter import Adapter
from connectors.repository.documents import (
    CLOCK,
    Document,
    advancing,
    document_of,
    duplicates,
    indexes_of,
    matching,
    named,
    plain,
    record_of,
    replaced,
    sorting,
    totalling,
    write_all,
)
from connectors.repository.migrations import HEAD, refuse_newer, require_head
from connectors.repository.records import VERSION, Layout, Row
from connectors.repository.storage import Collection, Key, Record, Slot, Where

_OPTIONS: Mapping[str, Any] = {
    "appname": "quo-sync",
    "serverSelectionTimeoutMS": 10_000,
    "connectTimeoutMS": 5_000,
    "socketTimeoutMS": 30_000,
}
# Acknowledged by a majority and on disk: anything less is lost when a server is killed.
_DURABLE = WriteConcern("majority", j=True)
_SCHEMA = "schema"
_BATCH = 10_000
_TRIES = 3
_UNAUTHORIZED = frozenset({13, 18, 8000})


class MongoStorage(Adapter):
    """Columns and version are fields, the body is JSON text: CRM keys may hold dots and dollars.

    Raises ValueError for a URL that cannot be read or names no database.
    """

    def __init__(self, url: str) -> None:
        scheme, _, rest = url.partition("://")
        hosts, _, tail = rest.partition("/")
        self._url = url
        self._name = tail.partition("?")[0]
        super().__init__(f"{scheme}://{hosts.rpartition('@')[2]}/{self._name}")
        self._client: MongoClient[Document] | None = None
        self._opening = threading.Lock()
        _check(scheme, rest, self._name)

    def find(
        self,
        collection: Collection,
        where: Where,
        *,
        order: Sequence[str] = (),
        limit: int | None = None,
        columns_only: bool = False,
    ) -> list[Record]:
        layout = self._layout(collection)
        if limit == 0:  # would be no limit to MongoDB
            return []
        fields = layout.fields[:-1] if columns_only else layout.fields
        with self.documents(layout.name) as documents:
            found = documents.find(
                matching(layout, where),
                dict.fromkeys(fields, True) | {"_id": False},
                sort=sorting(layout, order) or None,
                limit=limit or 0,
                batch_size=_BATCH,
            )
            return [record_of(layout, document) for document in found]

    def totals(
        self, collection: Collection, where: Where, *, group_by: Sequence[str] = ()
    ) -> dict[Key, dict[str, int]]:
        layout = self._layout(collection)
        with self.documents(layout.name) as documents:
            found = list(documents.aggregate(totalling(layout, where, group_by)))
        names = ("count", *collection.summed)
        if not found and not group_by:
            return {(): dict.fromkeys(names, 0)}
        return {
            tuple(plain(group["_id"].get(name)) for name in group_by): {
                name: int(group[name]) for name in names
            }
            for group in found
        }

    def advance(self, collection: Collection, key: Key, *, by: int, floor: int | None) -> Slot:
        layout = self._layout(collection)
        record, stages = named(key), advancing(by, floor)
        with self.documents(layout.name) as documents:
            # Not an upsert: racing ones may change the record and still answer None.
            while True:
                moved = documents.find_one_and_update(
                    record, stages, return_document=ReturnDocument.AFTER
                )
                if moved is not None:
                    return Slot(int(moved["value"]) - by, int(moved[CLOCK]))
                with suppress(DuplicateKeyError):
                    seed = layout.keyed(key) | {"value": 0, VERSION: 0}
                    documents.update_one(record, {"$setOnInsert": seed}, upsert=True)

    def delete(self, collection: Collection, where: Where) -> int:
        layout = self._layout(collection)
        with self.documents(layout.name) as documents:
            return documents.delete_many(matching(layout, where)).deleted_count

    def migrate(self) -> bool:
        stored = self._version()
        if stored == HEAD:
            return False
        refuse_newer(stored, self.label)
        from connectors.repository.schema import COLLECTIONS

        # No lock: what is there already is left as it is, and the version comes last.
        self.create(COLLECTIONS)
        with self.documents(_SCHEMA) as documents, suppress(DuplicateKeyError):
            documents.update_one({"_id": _SCHEMA}, {"$set": {VERSION: HEAD}}, upsert=True)
        return True

    def create(self, collections: Iterable[Collection]) -> None:
        for collection in collections:
            with self.documents(collection.name) as documents:
                documents.create_indexes(indexes_of(collection))

    def check_schema(self) -> None:
        require_head(self._version(), self.label)

    def close(self) -> None:
        with self._opening:
            if self._client is not None:
                self._client.close()
                self._client = None

    # -- rows -------------------------------------------------------------------------------

    def _insert(self, layout: Layout, rows: Sequence[Row]) -> list[Key]:
        if not rows:
            return []
        with self.documents(layout.name) as documents:
            try:
                documents.insert_many(
                    [document_of(layout, row) | {VERSION: 1} for row in rows], ordered=False
                )
            except BulkWriteError as error:
                return [layout.key_of(rows[at]) for at in duplicates(error.details)]
        return []

    def _replace(self, layout: Layout, rows: Sequence[Row]) -> None:
        writes = [
            UpdateOne(
                named(layout.key_of(row)),
                {"$set": replaced(layout, row), "$inc": {VERSION: 1}},
                upsert=True,
            )
            for row in rows
        ]
        # Of racing upserts one may lose to a duplicate key; it finds the record the next time.
        refused: dict[int, str] = {}
        for _ in range(_TRIES):
            with self.documents(layout.name) as documents:
                refused = duplicates(write_all(documents, writes))
            if not refused:
                return
            writes = [writes[at] for at in refused]
        raise self._taken(next(iter(refused.values())))

    def _update(self, layout: Layout, rows: Sequence[Row]) -> list[Key]:
        """Bulk answers only count; as an upsert, a write without a match meets its own record.

        Where that was deleted since, the upsert adds it, and it is taken out again.
        """
        writes = [
            UpdateOne(
                named(layout.key_of(row)) | {VERSION: row[-2]},
                {"$set": replaced(layout, row) | {VERSION: row[-2] + 1}},
                upsert=True,
            )
            for row in rows
        ]
        with self.documents(layout.name) as documents:
            answer = write_all(documents, writes)
            added = {
                entry["index"]: {"_id": entry["_id"], VERSION: rows[entry["index"]][-2] + 1}
                for entry in answer["upserted"]
            }
            if added:
                documents.delete_many({"$or": list(added.values())})
            refused = duplicates(answer)
            self._refuse_taken(layout, documents, {rows[at]: refused[at] for at in refused})
        return [layout.key_of(rows[at]) for at in sorted([*refused, *added])]

    def _refuse_taken(
        self,
        layout: Layout,
        documents: driver.Collection[Document],
        refused: Mapping[Row, str],
    ) -> None:
        """Raises for a record still at the version that was read: another one is in its way."""
        unique = [row for row, names in refused.items() if names != "_id"]
        at_version = [named(layout.key_of(row)) | {VERSION: row[-2]} for row in unique]
        if at_version and documents.find_one({"$or": at_version}) is not None:
            raise self._taken(refused[unique[0]])

    def _assign(self, layout: Layout, key: Key, fields: Mapping[str, Any], expect: Where) -> bool:
        with self.documents(layout.name) as documents:
            result = documents.update_one(
                named(key) | matching(layout, expect),
                {"$set": dict(fields), "$inc": {VERSION: 1}},
            )
            return result.matched_count == 1

    # -- the server -------------------------------------------------------------------------

    @contextmanager
    def documents(self, name: str) -> Iterator[driver.Collection[Document]]:
        """A collection; what fails becomes a RepositoryError, without the refused document."""
        try:
            yield self._database()[name]
        except DuplicateKeyError as error:
            raise self._taken(", ".join((error.details or {}).get("keyPattern", ()))) from None
        except PyMongoError as error:
            raise self._explain(error) from None

    def _database(self) -> Database[Document]:
        with self._opening:
            if self._client is None:
                given = self._url.partition("?")[2].lower()
                options = {k: v for k, v in _OPTIONS.items() if f"{k.lower()}=" not in given}
                self._client = MongoClient(self._url, **options)
            return self._client.get_database(
                self._name, write_concern=_DURABLE, read_preference=ReadPreference.PRIMARY
            )

    def _version(self) -> str | None:
        with self.documents(_SCHEMA) as documents:
            stored = documents.find_one({"_id": _SCHEMA})
        return stored[VERSION] if stored else None

    def _explain(self, error: PyMongoError) -> RepositoryError:
        if isinstance(error, OperationFailure) and error.code in _UNAUTHORIZED:
            return RepositoryError(
                f"The repository {self.label} refuses this user: "
                "check user, password and `authSource` in `repository`.",
                code="unreachable",
            )
        if isinstance(error, ConnectionFailure | UrlError):
            cause = str(error).partition(" (configured timeouts")[0].partition(", Timeout:")[0]
            return self._unreachable(cause)
        if isinstance(error, BulkWriteError):
            failed = [entry["code"] for entry in error.details["writeErrors"]]
            return self._refused(f"codes {failed[:3]}")
        return self._refused(f"{type(error).__name__}, code {getattr(error, 'code', None)}")


def _check(scheme: str, rest: str, name: str) -> None:
    """Raises ValueError, never with a part of the URL: a password may stand anywhere in it."""
    if not name or not name.isprintable() or any(sign in name for sign in '/\\. "$@:'):
        raise ValueError(f"has to name a database: {scheme}://HOST/DB")
    if scheme != "mongodb":
        return  # the hosts of mongodb+srv are looked up when it is first used
    try:
        parse_uri(f"mongodb://{rest}", warn=True)
    except (PyMongoError, ValueError):
        raise ValueError(
            "cannot be read: write mongodb://USER:PASSWORD@HOST/DB, "
            "special characters of the password as %XX"
        ) from None
