from __future__ import annotations

import base64

import pytest

HOOK = {
    "url": "https://example.com/hook",
    "events": ["call.completed", "call.ringing"],
    "resourceIds": ["PN1"],
    "label": "ours",
}


def test_users_are_paged(quo):
    met, token = [], None
    while True:
        params = {"maxResults": 2} | ({"pageToken": token} if token else {})
        page = quo.get("/v1/users", params=params).json()
        met += [user["id"] for user in page["data"]]
        token = page["nextPageToken"]
        if token is None:
            break
    assert met == ["US1", "US2", "US3"]


@pytest.mark.parametrize(
    ("id", "status"), [("US2", 200), ("US9", 404), ("SY1", 400)], ids=["user", "unknown", "agent"]
)
def test_user_by_id(quo, id, status):
    assert quo.get(f"/v1/users/{id}").status_code == status


def test_phone_numbers_come_in_one_piece(quo):
    body = quo.get("/v1/phone-numbers").json()
    assert set(body) == {"data"}
    assert [number["id"] for number in body["data"]] == ["PN1", "PN2"]
    assert quo.get("/v1/phone-numbers/PN2").json()["data"] == body["data"][1]
    assert quo.get("/v1/phone-numbers/PN9").status_code == 404


def test_custom_fields_are_those_that_were_defined(quo, control):
    assert quo.get("/v1/contact-custom-fields").json() == {"data": []}
    control.define_custom_field("since", "Customer since", "date")
    field = {"key": "since", "name": "Customer since", "type": "date"}
    assert quo.get("/v1/contact-custom-fields").json() == {"data": [field]}


def test_webhooks_are_created_listed_read_and_deleted(quo):
    answer = quo.post("/v1/webhooks/calls", json=HOOK)
    assert answer.status_code == 201
    hook = answer.json()["data"]
    assert len(base64.b64decode(hook["key"])) == 32
    assert quo.get("/v1/webhooks").json()["data"] == [hook]
    assert quo.get(f"/v1/webhooks/{hook['id']}").json()["data"] == hook
    assert quo.delete(f"/v1/webhooks/{hook['id']}").status_code == 204
    assert quo.get(f"/v1/webhooks/{hook['id']}").status_code == 404
    assert quo.delete(f"/v1/webhooks/{hook['id']}").status_code == 404


@pytest.mark.parametrize(
    ("family", "changes", "status"),
    [
        ("messages", {}, 400),
        ("calls", {"events": []}, 400),
        ("calls", {"url": "example.com"}, 400),
        ("calls", {"resourceIds": [f"PN{n}" for n in range(11)]}, 400),
        ("faxes", {}, 404),
    ],
    ids=["events of another family", "no events", "no address", "eleven numbers", "no family"],
)
def test_webhooks_that_quo_refuses(quo, family, changes, status):
    assert quo.post(f"/v1/webhooks/{family}", json={**HOOK, **changes}).status_code == status
