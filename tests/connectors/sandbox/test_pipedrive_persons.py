from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

PERSONS, ORGANIZATIONS = "/api/v2/persons", "/api/v2/organizations"


def pages(pipedrive, path: str = PERSONS, **params: Any) -> Iterator[list[dict[str, Any]]]:
    cursor = None
    while True:
        sent = params | ({"cursor": cursor} if cursor else {})
        answer = pipedrive.get(path, params=sent)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        yield body["data"]
        cursor = body.get("additional_data", {}).get("next_cursor")
        if cursor is None:
            return


def ids(pipedrive, path: str = PERSONS, **params: Any) -> list[int]:
    return [row["id"] for page in pages(pipedrive, path, **params) for row in page]


def wire(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_person_has_the_vendors_shape(pipedrive):
    person = pipedrive.get(PERSONS, params={"limit": 1}).json()["data"][0]
    assert list(person)[:8] == [
        "id",
        "name",
        "first_name",
        "last_name",
        "owner_id",
        "org_id",
        "add_time",
        "update_time",
    ]
    assert set(person["phones"][0]) == {"value", "primary", "label"}
    assert person["is_deleted"] is False
    assert pipedrive.get(f"{PERSONS}/1").json() == {"success": True, "data": person}


@pytest.mark.parametrize("sort", ["id", "update_time", "add_time"])
@pytest.mark.parametrize("direction", ["asc", "desc"])
@pytest.mark.parametrize("limit", [7, 60, 500])
def test_pages_meet_everyone_once_in_order(pipedrive, sort, direction, limit):
    met = ids(pipedrive, sort_by=sort, sort_direction=direction, limit=limit)
    assert met == sorted(range(1, 61), reverse=direction == "desc")


def test_windows_are_half_open_and_tile(pipedrive, control):
    control.edit_people([10], at=1_900_000_000)
    control.edit_people([11, 12], at=1_900_000_001)
    first = ids(pipedrive, updated_since=wire(1_900_000_000), updated_until=wire(1_900_000_001))
    second = ids(pipedrive, updated_since=wire(1_900_000_001), sort_by="update_time", limit=1)
    assert (first, second) == ([10], [11, 12])
    rest = ids(pipedrive, updated_until=wire(1_900_000_000), sort_by="update_time")
    assert sorted(first + second + rest) == list(range(1, 61))


def test_an_edit_moves_a_person_to_now_and_a_keyset_cursor_survives_it(pipedrive, control):
    reader = pages(pipedrive, sort_by="update_time", limit=20)
    met = [row["id"] for row in next(reader)]
    control.edit_people([5, 30], job_title="Pilot")
    met += [row["id"] for page in reader for row in page]
    assert sorted(set(met)) == list(range(1, 61))
    assert met[-2:] == [5, 30]
    person = pipedrive.get(f"{PERSONS}/30").json()["data"]
    assert person["job_title"] == "Pilot"
    assert person["update_time"] >= wire(time.time() - 60)


def test_the_cursor_is_a_keyset_as_the_documented_one(pipedrive):
    body = pipedrive.get(PERSONS, params={"limit": 7}).json()
    text = body["additional_data"]["next_cursor"]
    content = json.loads(base64.urlsafe_b64decode(text + "=="))
    assert (content["field"], content["sortDirection"], content["id"]) == ("id", "asc", 7)


@pytest.mark.parametrize(
    "changes",
    [{"sort_by": "update_time"}, {"updated_since": wire(1)}, {"cursor": "made-up"}],
    ids=["sort", "window", "garbage"],
)
def test_a_cursor_is_refused_with_other_parameters(pipedrive, changes):
    body = pipedrive.get(PERSONS, params={"limit": 7}).json()
    params = {"limit": 9, "cursor": body["additional_data"]["next_cursor"]}
    assert pipedrive.get(PERSONS, params=params).status_code == 200
    answer = pipedrive.get(PERSONS, params={**params, **changes})
    assert answer.status_code == 400
    assert answer.json()["success"] is False


@pytest.mark.parametrize("form", ["null", "missing"])
def test_both_forms_of_the_end(pipedrive, control, form):
    control.settings(end_cursor=form)
    body = pipedrive.get(PERSONS, params={"limit": 500}).json()
    if form == "null":
        assert body["additional_data"] == {"next_cursor": None}
    else:
        assert "additional_data" not in body


@pytest.mark.parametrize(
    "text",
    ["2025-01-01T00:00:00.000Z", "2025-01-01 00:00:00", "2025-01-01", "yesterday"],
)
def test_times_that_are_refused(pipedrive, text):
    assert pipedrive.get(PERSONS, params={"updated_since": text}).status_code == 400


def test_fractions_are_taken_when_so_set(pipedrive, control):
    control.settings(accept_fractional_times=True)
    params = {"updated_since": "2025-01-01T00:00:00.500Z"}
    assert pipedrive.get(PERSONS, params=params).status_code == 200


def test_ids_are_at_most_a_hundred_and_unknown_ones_are_absent(pipedrive, control):
    control.delete_people([2])
    assert ids(pipedrive, ids="3,1,2,999") == [1, 3]
    hundred_and_one = ",".join(map(str, range(1, 102)))
    assert pipedrive.get(PERSONS, params={"ids": hundred_and_one}).status_code == 400


def test_filters_by_owner_organisation_and_saved_filter(pipedrive, control):
    everyone = [row for page in pages(pipedrive) for row in page]
    assert ids(pipedrive, owner_id=222) == [p["id"] for p in everyone if p["owner_id"] == 222]
    assert ids(pipedrive, org_id=3, limit=2) == [p["id"] for p in everyone if p["org_id"] == 3]
    assert pipedrive.get(PERSONS, params={"filter_id": 17}).status_code == 400
    control.settings(filters={17: {"owner_id": 223}})
    met = ids(pipedrive, filter_id=17, owner_id=222, ids="1,2")
    assert met == [p["id"] for p in everyone if p["owner_id"] == 223]


def test_the_deleted_are_hidden_from_lists_but_read_by_id(pipedrive, control):
    control.delete_people([4])
    assert 4 not in ids(pipedrive)
    assert 4 not in ids(pipedrive, sort_by="update_time")
    assert pipedrive.get(f"{PERSONS}/4").json()["data"]["is_deleted"] is True
    assert pipedrive.get(f"{PERSONS}/999").status_code == 404


def test_limit_is_cut_to_500_and_defaults_to_100(pipedrive, control):
    control.reset(persons=600)
    assert len(pipedrive.get(PERSONS, params={"limit": 5000}).json()["data"]) == 500
    assert len(pipedrive.get(PERSONS).json()["data"]) == 100


def test_custom_fields_can_be_chosen(pipedrive):
    fields = pipedrive.get("/api/v2/personFields").json()["data"]
    city = next(field["field_code"] for field in fields if field["field_name"] == "City")
    person = pipedrive.get(f"{PERSONS}/1", params={"custom_fields": city}).json()["data"]
    assert list(person["custom_fields"]) == [city]
    too_many = ",".join(["k"] * 16)
    assert pipedrive.get(PERSONS, params={"custom_fields": too_many}).status_code == 400


# -- organisations -------------------------------------------------------------------------------


def test_organisations_by_ids_and_in_a_delta(pipedrive, control):
    assert ids(pipedrive, ORGANIZATIONS, ids="1,2,999") == [1, 2]
    assert ids(pipedrive, ORGANIZATIONS, limit=3) == list(range(1, 9))
    since = wire(time.time() - 5)
    assert ids(pipedrive, ORGANIZATIONS, updated_since=since) == []
    control.rename_organizations([2], "New Name")
    assert ids(pipedrive, ORGANIZATIONS, updated_since=since) == [2]
    assert ids(pipedrive, PERSONS, updated_since=since) == []
    assert pipedrive.get(f"{ORGANIZATIONS}/2").json()["data"]["name"] == "New Name"
    assert pipedrive.get(f"{ORGANIZATIONS}/999").status_code == 404


# -- search --------------------------------------------------------------------------------------


def search(pipedrive, term: str, **params: Any) -> list[int]:
    answer = pipedrive.get(f"{PERSONS}/search", params={"term": term, "fields": "phone", **params})
    assert answer.status_code == 200, answer.text
    return [item["item"]["id"] for item in answer.json()["data"]["items"]]


def test_search_finds_substrings_in_any_format(pipedrive, control):
    control.edit_people([7], phones=[["(415) 555-0134", "work"]])
    control.edit_people([8], phones=[["+1 415 555 0134", "work"]])
    control.insert_people(1, phones=[["99 415 555 0134 9", "work"]])
    assert search(pipedrive, "4155550134") == [7, 8, 61]
    assert search(pipedrive, "+14155550134", exact_match="true") == [8]
    item = pipedrive.get(f"{PERSONS}/search", params={"term": "4155550134", "limit": 1}).json()
    assert item["data"]["items"][0]["item"]["phones"] == ["(415) 555-0134"]
    assert item["additional_data"]["next_cursor"] is not None


def test_search_forgets_old_numbers_and_the_deleted(pipedrive, control):
    number = pipedrive.get(f"{PERSONS}/9").json()["data"]["phones"][0]["value"]
    assert 9 in search(pipedrive, number)
    control.edit_people([9], phones=[["+14155550134", "work"]])
    assert 9 not in search(pipedrive, number)
    control.delete_people([9])
    assert search(pipedrive, "4155550134") == []


def test_search_lags(pipedrive, control):
    control.settings(search_lag_ms=60_000)
    control.insert_people(1, phones=[["+14155550134", "work"]])
    assert search(pipedrive, "4155550134") == []
    control.settings(search_lag_ms=0)
    assert search(pipedrive, "4155550134") == [61]


def test_search_refuses_a_single_letter(pipedrive):
    assert pipedrive.get(f"{PERSONS}/search", params={"term": "1"}).status_code == 400


# -- gateway -------------------------------------------------------------------------------------


def test_a_wrong_token_is_refused(pipedrive):
    answer = pipedrive.get(PERSONS, headers={"x-api-token": "wrong"})
    assert answer.status_code == 401
    assert answer.json()["errorCode"] == 401
    assert answer.json()["error"] == "unauthorized access"


def test_burst_meter_has_headers_and_no_retry_after(pipedrive, control):
    control.settings(crm_burst=3)
    answers = [pipedrive.get(f"{PERSONS}/1") for _ in range(4)]
    assert [a.status_code for a in answers] == [200, 200, 200, 429]
    assert [a.headers["x-ratelimit-remaining"] for a in answers] == ["2", "1", "0", "0"]
    assert 1 <= int(answers[3].headers["x-ratelimit-reset"]) <= 2
    assert "retry-after" not in answers[3].headers


def test_daily_meter_counts_what_each_call_costs(pipedrive, control):
    control.settings(crm_daily_tokens=52)
    left = "x-daily-ratelimit-token-remaining"
    calls = [
        pipedrive.get(f"{PERSONS}/1"),
        pipedrive.get(PERSONS),
        pipedrive.get(f"{PERSONS}/search", params={"term": "555"}),
        pipedrive.get("/api/v1/users"),
        pipedrive.get(f"{PERSONS}/2"),
        pipedrive.get(PERSONS),
    ]
    assert [call.headers[left] for call in calls] == ["51", "41", "21", "1", "0", "0"]
    assert [call.status_code for call in calls] == [200] * 5 + [429]
    assert int(calls[5].headers["x-ratelimit-reset"]) >= 1


def test_ignoring_429_ends_at_cloudflare(pipedrive, control):
    control.settings(crm_daily_tokens=0, cloudflare_after=2)
    answers = [pipedrive.get(PERSONS) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 403]
    assert answers[2].headers["content-type"].startswith("text/html")
    assert b"Cloudflare" in answers[2].content
