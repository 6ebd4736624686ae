"""Calls and texts on persons: what is written, and that it is written once."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from connectors.crm.model import Activity, ActivityKind
from connectors.crm.pipedrive import PipedriveConnector
from connectors.errors import RecordError, TransientError
from tests.connectors.crm.scripted import ScriptedServer, data

AT = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=10)


def call(seconds=125, id="AC1", **changes):
    return Activity(
        kind=ActivityKind.CALL,
        id=id,
        at=AT,
        title="Incoming call",
        html="<b>Answered</b>",
        text="Answered",
        duration_seconds=seconds,
        **changes,
    )


def sms(id="AC1"):
    return Activity(ActivityKind.SMS, id, AT, "Text", "<p>Hello</p>", "Hello")


def bodies(account, path, method="POST"):
    return [
        json.loads(entry["body"])
        for entry in account.sent()
        if entry["method"] == method and entry["path"].startswith(path)
    ]


def test_a_call_is_a_done_activity_of_the_person(pipedrive):
    account = pipedrive(5)
    account.connector.log_call_to_activity(call(owner_email="Sales2@example.com"), "4", None)
    (body,) = bodies(account, "/api/v2/activities")
    assert body == {
        "subject": "Incoming call",
        "type": "call",
        "done": True,
        "note": "<b>Answered</b><p>Quo reference: AC1</p>",
        "due_date": f"{AT:%Y-%m-%d}",
        "due_time": f"{AT:%H:%M}",
        "duration": "00:02",
        "participants": [{"person_id": 4, "primary": True}],
        "owner_id": 222,
    }


@pytest.mark.parametrize(
    ("seconds", "duration"),
    [(None, None), (0, None), (59, None), (60, "00:01"), (3_599, "00:59"), (3_725, "01:02")],
    ids=str,
)
def test_a_duration_below_a_minute_is_left_out(pipedrive, seconds, duration):
    account = pipedrive(5)
    account.connector.log_call_to_activity(call(seconds), "4", None)
    (body,) = bodies(account, "/api/v2/activities")
    assert body.get("duration") == duration


def test_a_text_is_a_note_dated_when_it_was_sent(pipedrive):
    account = pipedrive(5)
    account.connector.log_sms_to_activity(sms(), "4", None)
    (body,) = bodies(account, "/api/v1/notes")
    assert body == {
        "content": "<p>Hello</p><p>Quo reference: AC1</p>",
        "person_id": 4,
        "add_time": f"{AT:%Y-%m-%d %H:%M:%S}",
    }


def test_a_rewrite_keeps_the_note_where_it_is(pipedrive):
    account = pipedrive(5)
    first = account.connector.log_sms_to_activity(sms(), "4", None)
    account.connector.log_sms_to_activity(sms(), "4", first)
    (body,) = bodies(account, "/api/v1/notes", "PUT")
    assert body == {"content": "<p>Hello</p><p>Quo reference: AC1</p>"}


def test_a_record_that_is_gone_is_written_anew(pipedrive):
    account = pipedrive(5)
    assert account.connector.log_sms_to_activity(sms(), "4", "999") != "999"


def test_a_longer_id_is_another_activity(pipedrive):
    account = pipedrive(5)
    longer = account.connector.log_call_to_activity(call(id="AC12"), "4", None)
    assert account.connector.log_call_to_activity(call(id="AC1"), "4", None) != longer


def test_users_are_listed_once(pipedrive):
    account = pipedrive(5)
    for n in range(3):
        account.connector.log_call_to_activity(
            call(id=f"AC{n}", owner_email="a@example.com"), "4", None
        )
    assert len([e for e in account.sent() if e["path"] == "/api/v1/users"]) == 1


def test_a_token_that_may_not_list_users_sets_no_owner(pipedrive):
    account = pipedrive(5)
    account.control.fault("status", status=403, path="users")
    account.connector.log_call_to_activity(call(owner_email="sales2@example.com"), "4", None)
    (body,) = bodies(account, "/api/v2/activities")
    assert "owner_id" not in body


def test_a_lost_answer_is_found_by_the_next_try(pipedrive):
    account = pipedrive(5)
    account.control.fault("reset", method="POST", when="after", first=1)
    account.control.fault("status", status=500, method="POST")
    with pytest.raises(TransientError):
        account.connector.log_sms_to_activity(sms(), "4", None)
    account.control.clear_faults()
    first = account.connector.log_sms_to_activity(sms(), "4", None)
    assert account.connector.log_sms_to_activity(sms(), "4", None) == first
    assert len([e for e in account.sent() if e["method"] == "POST" and e["status"] == 200]) == 1


def test_a_person_id_of_another_crm_is_rejected(pipedrive):
    with pytest.raises(RecordError, match="Pipedrive person id"):
        pipedrive(1).connector.log_sms_to_activity(sms(), "x-1", None)


class Shelf:
    """Records written by POST; `lose` answers are lost and `refuse` are 400, though written."""

    def __init__(self, lose=0, refuse=0, write=True):
        self.rows, self.lose, self.refuse, self.write = {}, lose, refuse, write

    def __call__(self, asked):
        if asked.method == "GET":
            return data(list(self.rows.values()))
        if asked.method == "DELETE":
            del self.rows[int(asked.path.rsplit("/", 1)[1])]
            return data({})
        id = len(self.rows) + 1
        if self.write:
            self.rows[id] = {"id": id, **asked.body}
        if self.refuse:
            return 400, {"success": False, "error": "x", "code": "ERR_SCHEMA_VALIDATION_FAILED"}
        if self.lose:
            self.lose -= 1
            return 0, None
        return data({"id": id})


@pytest.mark.parametrize("kind", ["sms", "call"])
def test_a_create_sent_twice_leaves_one_record(connect, kind):
    shelf = Shelf(lose=1)
    with ScriptedServer(shelf) as server:
        account = connect(PipedriveConnector, server.url, {"api_token": "t"})
        if kind == "sms":
            written = account.connector.log_sms_to_activity(sms(), "4", None)
        else:
            written = account.connector.log_call_to_activity(call(), "4", None)
    assert (list(shelf.rows), written) == ([1], "1")


def test_a_refused_create_that_was_written_counts(connect):
    shelf = Shelf(refuse=1)
    with ScriptedServer(shelf) as server:
        account = connect(PipedriveConnector, server.url, {"api_token": "t"})
        assert account.connector.log_call_to_activity(call(), "4", None) == "1"


def test_a_refused_create_rejects_the_record(connect):
    with ScriptedServer(Shelf(refuse=1, write=False)) as server:
        account = connect(PipedriveConnector, server.url, {"api_token": "t"})
        with pytest.raises(RecordError, match="call for person 4"):
            account.connector.log_call_to_activity(call(), "4", None)


def test_notes_are_searched_to_their_last_page(connect):
    def script(asked):
        if asked.method == "PUT":
            return data({})
        if "start" in asked.query:
            return data([{"id": 9, "content": "Quo reference: AC1"}])
        more = {"pagination": {"more_items_in_collection": True, "next_start": 500}}
        return data([{"id": 8, "content": None}], additional_data=more)

    with ScriptedServer(script) as server:
        account = connect(PipedriveConnector, server.url, {"api_token": "t"})
        assert account.connector.log_sms_to_activity(sms(), "4", None) == "9"
        assert server.paths("POST") == []
