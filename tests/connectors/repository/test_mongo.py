"""What is particular to MongoDB: no schema, no transactions, a server that may be elsewhere."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from connectors.errors import RepositoryError
from connectors.repository.factory import open_storage
from connectors.repository.mongo import MongoStorage
from tests.contracts.samples import CARDS, METERS, card


@pytest.fixture
def storage(mongodb_database: str) -> Iterator[MongoStorage]:
    storage = open_storage(mongodb_database)
    assert isinstance(storage, MongoStorage)
    storage.create((CARDS, METERS))
    yield storage
    storage.close()


def test_absent_server_is_named_with_the_remedy() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound, never listening
        host = f"127.0.0.1:{closed.getsockname()[1]}"
        storage = open_storage(f"mongodb://u:secret@{host}/db?serverSelectionTimeoutMS=100")
        with pytest.raises(RepositoryError) as caught:
            storage.check_schema()
    said = str(caught.value)
    assert f"mongodb://{host}/db cannot be reached ({host}: [Errno 111] Connection refused)" in said
    assert "check host, user, password and database in `repository`" in said
    assert "secret" not in said
    assert caught.value.code == "unreachable"
    storage.close()


def test_write_is_acknowledged_by_a_majority_and_on_disk(storage: MongoStorage) -> None:
    with storage.documents("cards") as documents:
        assert documents.write_concern.document == {"w": "majority", "j": True}


def test_record_is_one_document_with_its_key_as_id(storage: MongoStorage) -> None:
    storage.put(CARDS, [card(1, order="x", plan={"a.b": "$c"})])
    with storage.documents("cards") as documents:
        assert documents.find_one() == {
            "_id": '["a",1]',
            "box": "a",
            "number": 1,
            "order": "x",
            "at": None,
            "weight": None,
            "holder": "a-1",
            "version": 1,
            "body": '{"plan":{"a.b":"$c"}}',
        }


def test_indexes_are_those_declared_and_may_be_created_again(storage: MongoStorage) -> None:
    storage.create((CARDS, METERS))
    with storage.documents("cards") as documents:
        indexes = documents.index_information()
    assert {
        name: (index["key"], index.get("unique", False)) for name, index in indexes.items()
    } == {
        "_id_": ([("_id", 1)], False),
        "key": ([("box", 1), ("number", 1)], False),
        "uq_holder": ([("holder", 1)], True),
        "ix_order_at": ([("order", 1), ("at", 1)], False),
    }


def test_record_that_was_deleted_since_is_not_brought_back(storage: MongoStorage) -> None:
    storage.put(CARDS, [card(1), card(2)])
    read = storage.find(CARDS, {}, order=("number",))
    storage.delete(CARDS, {"number": 1})
    assert storage.put(CARDS, read, over_read=True) == [("a", 1)]
    assert [record["number"] for record in storage.find(CARDS, {})] == [2]


def test_refused_document_is_not_quoted(storage: MongoStorage) -> None:
    storage.put(CARDS, [card(1, holder="secret"), card(2)])
    with pytest.raises(RepositoryError) as caught:
        storage.change(CARDS, ("a", 2), {"holder": "secret"})
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__
