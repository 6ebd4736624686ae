from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from connectors.errors import PageError, ProcessError, RecordError, TransientError
from connectors.http.client import HttpClient
from connectors.quo.client import Conflict, Create, Gone, Patch, QuoClient, Written
from connectors.quo.model import Contact
from tests.connectors.http.clients import SECRET
from tests.connectors.http.raw_server import RawServer, Reply, answer
from tests.connectors.quo.small_quo import SmallQuo

SOURCE = "acme-pipedrive"


def person(number: int) -> Create:
    return Create(Contact(f"person-{number}", SOURCE, first_name=f"First {number}"))


# -- writing ------------------------------------------------------------------------------------


def test_creates_come_back_written_each_once(quo: QuoClient, small_quo: SmallQuo) -> None:
    results = dict(quo.write_all([person(n) for n in range(60)]))
    assert len(results) == len(small_quo.contacts) == 60
    for number, result in results.items():
        assert isinstance(result, Written)
        assert result.contact.external_id == f"person-{number}"
        assert result.contact.default_fields.first_name == f"First {number}"


def test_create_is_the_raw_key_and_the_documented_body(quo: QuoClient, server: RawServer) -> None:
    list(quo.write_all([person(1)]))
    sent = server.seen[0]
    assert (sent.method, sent.target) == ("POST", "/v1/contacts")
    assert sent.headers["authorization"] == SECRET
    assert sent.json() == person(1).contact.create_body()


def test_taken_pair_is_a_conflict_that_is_not_ours(quo: QuoClient, small_quo: SmallQuo) -> None:
    small_quo.add("person-1", SOURCE)
    assert dict(quo.write_all([person(1)])) == {0: Conflict(ours=False)}


def test_create_whose_answer_was_lost_is_told_by_the_conflict(
    quo: QuoClient, small_quo: SmallQuo
) -> None:
    small_quo.lose = {1}
    assert dict(quo.write_all([person(1)])) == {0: Conflict(ours=True)}
    assert len(small_quo.contacts) == 1


def test_create_that_failed_before_it_took_effect_is_written(
    quo: QuoClient, small_quo: SmallQuo
) -> None:
    small_quo.odd = lambda seen: answer({}, 500) if seen.number == 1 else None
    results = dict(quo.write_all([person(1)]))
    assert isinstance(results[0], Written)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(201, b"<html>"),
        Reply(201, b""),
        answer({"data": {"externalId": "person-1"}}, 201),
        answer({"id": "6a14"}, 201),
    ],
    ids=["html", "empty", "without-id", "without-data"],
)
def test_success_that_is_not_quos_shape_is_sent_again(
    quo: QuoClient, small_quo: SmallQuo, reply: Reply
) -> None:
    small_quo.odd = lambda seen: reply if seen.number == 1 else None
    assert isinstance(dict(quo.write_all([person(1)]))[0], Written)


def test_patch_replaces_and_answers_with_the_contact(quo: QuoClient, small_quo: SmallQuo) -> None:
    made = small_quo.add("person-1", SOURCE)
    body = {"defaultFields": {"firstName": "New", "phoneNumbers": [], "emails": []}}
    result = dict(quo.write_all([Patch(made["id"], body)]))[0]
    assert isinstance(result, Written)
    assert result.contact.default_fields.first_name == "New"


def test_patch_of_a_deleted_contact_says_so(quo: QuoClient) -> None:
    assert dict(quo.write_all([Patch("6a14gone", {})])) == {0: Gone()}


def test_id_cannot_leave_its_path(quo: QuoClient, server: RawServer) -> None:
    list(quo.write_all([Patch("../users?x=1#", {})]))
    assert server.seen[0].target == "/v1/contacts/..%2Fusers%3Fx%3D1%23"


def test_mixed_writes_keep_their_index(quo: QuoClient, small_quo: SmallQuo) -> None:
    made = small_quo.add("person-9", SOURCE)
    small_quo.odd = lambda seen: answer({}, 400) if b"person-2" in seen.body else None
    writes = [
        person(1),
        person(2),
        Patch(made["id"], {"source": SOURCE}),
        person(9),
        Patch("no", {}),
    ]
    results = dict(quo.write_all(writes))
    kinds = [type(results[n]) for n in range(5)]
    assert kinds == [Written, RecordError, Written, Conflict, Gone]


def test_repr_of_writes_shows_nobody() -> None:
    shown = repr([person(1), Patch("6a14", {"defaultFields": {"firstName": "Ada"}})])
    assert "First" not in shown
    assert "Ada" not in shown


# -- looking up ---------------------------------------------------------------------------------


def test_look_up_asks_for_20_ids_a_request_with_repeated_keys(
    quo: QuoClient, small_quo: SmallQuo, server: RawServer
) -> None:
    for number in range(0, 45, 2):
        small_quo.add(f"person-{number}", SOURCE)
    listing = quo.find_by_external_ids(SOURCE, [f"person-{n}" for n in range(45)])
    assert set(listing.contacts) == {f"person-{n}" for n in range(0, 45, 2)}
    queries = [parse_qs(urlsplit(seen.target).query) for seen in server.seen]
    assert [len(query["externalIds"]) for query in queries] == [20, 20, 5]
    assert all(query["sources"] == [SOURCE] and query["maxResults"] == ["50"] for query in queries)
    assert listing.at == datetime(2026, 11, 23, 10, 0, 3, tzinfo=UTC)


def test_look_up_follows_the_token_to_its_end(
    quo: QuoClient, small_quo: SmallQuo, server: RawServer
) -> None:
    small_quo.page_size = 3
    for number in range(10):
        small_quo.add(f"person-{number}", SOURCE)
    listing = quo.find_by_external_ids(SOURCE, [f"person-{n}" for n in range(10)])
    assert len(listing.contacts) == 10
    assert len(server.seen) == 4
    assert listing.at == datetime(2026, 11, 23, 10, 0, 4, tzinfo=UTC)


def test_foreign_matches_are_dropped(quo: QuoClient, small_quo: SmallQuo) -> None:
    ours = small_quo.add("person-1", SOURCE)
    foreign = [
        small_quo.add("person-1", "other"),
        small_quo.add("person-2", SOURCE),
        small_quo.add(None, None),
    ]
    page = {"data": [*foreign, ours], "totalItems": 4, "nextPageToken": None}
    small_quo.odd = lambda _: answer(page)  # as if it knew neither filter
    assert [c.id for c in quo.find_by_external_ids(SOURCE, ["person-1"]).contacts.values()] == [
        ours["id"]
    ]
    assert [c.id for c in quo.list_by_source(SOURCE)] == [foreign[1]["id"], ours["id"]]


@pytest.mark.parametrize("newest_first", [True, False])
def test_of_two_with_one_id_the_newer_is_taken(
    quo: QuoClient, small_quo: SmallQuo, newest_first: bool
) -> None:
    times = ["2026-02-02T00:00:00.000Z", "2026-01-01T00:00:00.000Z"]
    made = [
        small_quo.add("person-1", SOURCE, createdAt=at)
        for at in (times if newest_first else reversed(times))
    ]
    newer = made[0 if newest_first else 1]
    assert quo.find_by_external_ids(SOURCE, ["person-1"]).contacts["person-1"].id == newer["id"]


def test_look_up_of_nothing_asks_nothing(quo: QuoClient, server: RawServer) -> None:
    listing = quo.find_by_external_ids(SOURCE, [])
    assert (listing.contacts, listing.at) == ({}, None)
    assert server.seen == []


def test_page_token_that_repeats_gives_the_page_up(quo: QuoClient, small_quo: SmallQuo) -> None:
    small_quo.odd = lambda _: answer({"data": [], "nextPageToken": "again"})
    with pytest.raises(PageError, match="twice"):
        quo.find_by_external_ids(SOURCE, ["person-1"])


@pytest.mark.parametrize(
    ("page", "empty"),
    [
        ({"data": [], "nextPageToken": None}, True),
        ({"data": [], "nextPageToken": "t1"}, False),
    ],
)
def test_source_is_empty_only_when_nothing_and_no_more_is_listed(
    quo: QuoClient, small_quo: SmallQuo, page: dict[str, object], empty: bool
) -> None:
    small_quo.odd = lambda _: answer(page)
    assert quo.source_is_empty(SOURCE) is empty


def test_source_with_a_contact_is_not_empty_and_costs_one_request(
    quo: QuoClient, small_quo: SmallQuo, http: HttpClient
) -> None:
    for number in range(3):
        small_quo.add(f"person-{number}", SOURCE)
    assert not quo.source_is_empty(SOURCE)
    assert http.usage().requests == 1


def test_contact_by_id(quo: QuoClient, small_quo: SmallQuo) -> None:
    made = small_quo.add("person-1", SOURCE)
    found = quo.get_contact(made["id"])
    assert found is not None
    assert found.external_id == "person-1"
    assert quo.get_contact("6a14gone") is None


def test_delete_says_whether_it_was_there(quo: QuoClient, small_quo: SmallQuo) -> None:
    made = small_quo.add("person-1", SOURCE)
    assert quo.delete_contact(made["id"]) is True
    assert quo.delete_contact(made["id"]) is False
    assert small_quo.contacts == {}


def test_workspace_lists(quo: QuoClient, small_quo: SmallQuo, server: RawServer) -> None:
    bodies = {
        "/v1/contact-custom-fields": {"data": [{"name": "Tier", "key": "tier", "type": "string"}]},
        "/v1/phone-numbers": {"data": [{"id": "PN1", "number": "+12025550199", "users": []}]},
        "/v1/users?maxResults=50": {
            "data": [{"id": "US1", "email": "a@b.example", "role": "owner"}],
            "nextPageToken": "two",
        },
        "/v1/users?maxResults=50&pageToken=two": {
            "data": [{"id": "US2", "email": "c@d.example", "role": "member"}],
            "nextPageToken": None,
        },
    }
    small_quo.odd = lambda seen: answer(bodies[seen.target])
    assert [definition.key for definition in quo.custom_fields()] == ["tier"]
    assert [line.number for line in quo.phone_numbers()] == ["+12025550199"]
    assert [user.id for user in quo.users()] == ["US1", "US2"]
    assert len(server.seen) == 4


@pytest.mark.parametrize("call", ["custom_fields", "phone_numbers", "users"])
def test_server_that_is_not_quo_is_told_by_its_404(
    quo: QuoClient, small_quo: SmallQuo, call: str
) -> None:
    small_quo.odd = lambda _: answer({}, 404)
    with pytest.raises(ProcessError, match=r"quo\.base_url"):
        getattr(quo, call)()


def test_list_that_never_has_quos_shape_is_a_transient_error(
    quo: QuoClient, small_quo: SmallQuo
) -> None:
    small_quo.odd = lambda _: answer({"items": []})
    with pytest.raises(TransientError):
        quo.find_by_external_ids(SOURCE, ["person-1"])


def test_refused_key_is_raised_after_what_was_written(quo: QuoClient, small_quo: SmallQuo) -> None:
    small_quo.odd = lambda seen: (
        answer({"error": {"message": "Unauthorized"}}, 401) if seen.number > 5 else None
    )
    written: dict[int, object] = {}
    with pytest.raises(ProcessError, match="Unauthorized"):
        _note_as_they_come(quo, 40, written)
    assert {type(result) for result in written.values()} == {Written}
    assert len(written) == len(small_quo.contacts) == 5


def _note_as_they_come(quo: QuoClient, count: int, into: dict[int, object]) -> None:
    for index, result in quo.write_all([person(n) for n in range(count)]):
        into[index] = result
