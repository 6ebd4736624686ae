"""The SQL schema that collections declare."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import BigInteger, Column, Index, MetaData, Table, Text
from sqlalchemy.types import TypeEngine

from connectors.repository.records import BODY, VERSION
from connectors.repository.storage import Collection

# Compared byte by byte, as SQLite and MongoDB do; a locale's order would differ per server.
TEXT: TypeEngine[str] = Text().with_variant(Text(collation="C"), "postgresql")


def metadata_of(collections: Iterable[Collection]) -> MetaData:
    metadata = MetaData()
    for collection in collections:
        _table(collection, metadata)
    return metadata


def _table(collection: Collection, metadata: MetaData) -> Table:
    columns = [
        Column(
            name,
            TEXT if kind is str else BigInteger(),
            primary_key=name in collection.key,
            nullable=name not in collection.key,
            autoincrement=False,
        )
        for name, kind in collection.columns.items()
    ]
    return Table(
        collection.name,
        metadata,
        *columns,
        Column(VERSION, BigInteger(), nullable=False),
        Column(BODY, Text(), nullable=True),
        *(
            Index(_named("uq", collection, names), *names, unique=True)
            for names in collection.unique
        ),
        *(Index(_named("ix", collection, names), *names) for names in collection.indexes),
    )


def _named(prefix: str, collection: Collection, names: tuple[str, ...]) -> str:
    return "_".join((prefix, collection.name, *names))
