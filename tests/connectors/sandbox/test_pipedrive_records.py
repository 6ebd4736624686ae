from __future__ import annotations

import pytest

ACTIVITIES, NOTES, WEBHOOKS = "/api/v2/activities", "/api/v1/notes", "/api/v1/webhooks"
CALL = {
    "subject": "Call with Ada",
    "type": "call",
    "done": True,
    "duration": "00:05",
    "participants": [{"person_id": 4, "primary": True}],
}
HOOK = {
    "subscription_url": "https://example.com/hook",
    "event_action": "*",
    "event_object": "person",
    "name": "ours",
}


def test_activities_are_created_patched_and_listed_by_person(pipedrive):
    made = pipedrive.post(ACTIVITIES, json=CALL).json()["data"]
    assert made["person_id"] == 4
    assert made["participants"] == [{"person_id": 4, "primary": True}]
    pipedrive.post(ACTIVITIES, json={**CALL, "participants": [], "person_id": 5})
    patched = pipedrive.patch(f"{ACTIVITIES}/{made['id']}", json={"note": "<b>Summary</b>"})
    assert patched.json()["data"]["note"] == "<b>Summary</b>"
    assert patched.json()["data"]["person_id"] == 4
    listed = pipedrive.get(ACTIVITIES, params={"person_id": 4}).json()["data"]
    assert listed == [patched.json()["data"]]
    assert pipedrive.get(f"{ACTIVITIES}/{made['id']}").json()["data"] == listed[0]
    assert pipedrive.get(f"{ACTIVITIES}/99").status_code == 404


@pytest.mark.parametrize("duration", ["00:00", "00:00:00", 0, 300, "5 minutes"])
def test_a_bad_duration_is_refused_although_the_activity_was_made(pipedrive, duration):
    answer = pipedrive.post(ACTIVITIES, json={**CALL, "duration": duration})
    assert answer.status_code == 400
    assert answer.json()["code"] == "ERR_SCHEMA_VALIDATION_FAILED"
    assert len(pipedrive.get(ACTIVITIES).json()["data"]) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"done": 1},
        {"subject": "s" * 256},
        {"participants": [{"person_id": 999, "primary": True}]},
        {"participants": [{"person_id": "4"}]},
    ],
    ids=["done is no boolean", "long subject", "unknown person", "id is text"],
)
def test_activities_that_are_refused_are_not_made(pipedrive, changes):
    assert pipedrive.post(ACTIVITIES, json={**CALL, **changes}).status_code == 400
    assert pipedrive.get(ACTIVITIES).json()["data"] == []


def test_activities_cannot_be_filtered_by_type_and_are_paged(pipedrive):
    assert pipedrive.get(ACTIVITIES, params={"type": "call"}).status_code == 400
    for _ in range(3):
        pipedrive.post(ACTIVITIES, json=CALL)
    body = pipedrive.get(ACTIVITIES, params={"limit": 2}).json()
    cursor = body["additional_data"]["next_cursor"]
    rest = pipedrive.get(ACTIVITIES, params={"limit": 2, "cursor": cursor}).json()
    assert [row["id"] for row in body["data"] + rest["data"]] == [1, 2, 3]
    assert rest["additional_data"]["next_cursor"] is None


def test_notes_are_created_changed_and_listed_by_person(pipedrive):
    note = pipedrive.post(NOTES, json={"content": "<p>Hi</p>", "person_id": 4}).json()["data"]
    pipedrive.post(NOTES, json={"content": "other", "person_id": 5})
    changed = pipedrive.put(f"{NOTES}/{note['id']}", json={"content": "<p>Hello</p>"})
    assert changed.json()["data"]["content"] == "<p>Hello</p>"
    body = pipedrive.get(NOTES, params={"person_id": 4}).json()
    assert [row["content"] for row in body["data"]] == ["<p>Hello</p>"]
    assert body["additional_data"]["pagination"]["more_items_in_collection"] is False
    page = pipedrive.get(NOTES, params={"limit": 1}).json()["additional_data"]["pagination"]
    assert page == {"start": 0, "limit": 1, "more_items_in_collection": True, "next_start": 1}


@pytest.mark.parametrize(
    "body", [{"content": "x"}, {"person_id": 4}], ids=["of nobody", "without content"]
)
def test_notes_that_are_refused(pipedrive, body):
    assert pipedrive.post(NOTES, json=body).status_code == 400


def test_users_are_listed_and_found(pipedrive):
    me = pipedrive.get("/api/v1/users/me").json()["data"]
    users = pipedrive.get("/api/v1/users").json()["data"]
    assert (me["id"], me["is_you"], me["company_domain"]) == (221, True, "sandbox")
    assert [user["id"] for user in users] == [221, 222, 223, 224, 225]
    params = {"term": users[2]["email"], "search_by_email": 1}
    found = pipedrive.get("/api/v1/users/find", params=params).json()["data"]
    assert [user["id"] for user in found] == [223]


def test_webhooks_are_created_listed_and_deleted(pipedrive):
    answer = pipedrive.post(WEBHOOKS, json=HOOK)
    assert answer.status_code == 201
    hook = answer.json()["data"]
    assert hook["version"] == "2.0"
    assert pipedrive.get(WEBHOOKS).json()["data"] == [hook]
    assert pipedrive.delete(f"{WEBHOOKS}/{hook['id']}").status_code == 200
    assert pipedrive.delete(f"{WEBHOOKS}/{hook['id']}").status_code == 404


@pytest.mark.parametrize("missing", list(HOOK))
def test_webhooks_need_their_fields(pipedrive, missing):
    body = {name: value for name, value in HOOK.items() if name != missing}
    answer = pipedrive.post(WEBHOOKS, json=body)
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [missing]


def test_webhooks_are_at_most_forty(pipedrive):
    statuses = [pipedrive.post(WEBHOOKS, json=HOOK).status_code for _ in range(41)]
    assert statuses == [201] * 40 + [422]
