from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime

import httpx
import pytest

PERSONS = "/api/v2/persons"
CONTACT = {"defaultFields": {"firstName": "Ada"}, "externalId": "person-1", "source": "acme"}


def statuses(client, path: str, count: int) -> list[int]:
    return [client.get(path).status_code for _ in range(count)]


# -- which requests ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({}, [500] * 6),
        ({"nth": 2}, [200, 500, 200, 200, 200, 200]),
        ({"every": 3}, [200, 200, 500, 200, 200, 500]),
        ({"first": 2}, [500, 500, 200, 200, 200, 200]),
        ({"every": 2, "times": 2}, [200, 500, 200, 500, 200, 200]),
        ({"probability": 0}, [200] * 6),
    ],
    ids=["all", "nth", "every", "first", "times", "never"],
)
def test_rules_strike_the_requests_they_name(pipedrive, control, rule, expected):
    control.fault("status", dialect="pipedrive", path="/persons$", **rule)
    assert statuses(pipedrive, f"{PERSONS}?limit=1", 6) == expected


def test_chance_is_the_same_for_the_same_seed(pipedrive, control):
    runs = []
    for _ in range(2):
        control.clear_faults()
        control.fault("status", probability=0.5, seed=4)
        runs.append(statuses(pipedrive, f"{PERSONS}?limit=1", 12))
    assert runs[0] == runs[1]
    assert set(runs[0]) == {200, 500}


@pytest.mark.parametrize(
    "rule",
    [
        {"dialect": "pipedrive"},
        {"method": "GET"},
        {"path": "persons"},
        {"query": "externalIds="},
        {"body": '"person-2"'},
    ],
    ids=lambda rule: next(iter(rule)),
)
def test_rules_leave_other_requests_alone(quo, control, rule):
    control.fault("status", **rule)
    assert quo.post("/v1/contacts", json=CONTACT).status_code == 201
    assert control.faults()[0]["matched"] == 0


def test_a_rule_can_single_out_one_person(quo, control):
    control.fault("status", status=409, method="POST", body='"person-1"')
    assert quo.post("/v1/contacts", json=CONTACT).json()["code"] == "0800409"
    assert quo.post("/v1/contacts", json={**CONTACT, "externalId": "person-11"}).is_success
    assert control.faults()[0]["struck"] == 1


# -- what happens --------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_status_comes_in_the_services_own_shape(quo, pipedrive, control, status):
    control.fault("status", status=status)
    answer = quo.get("/v1/contacts?maxResults=1")
    assert answer.status_code == status
    assert answer.json()["message"]
    answer = pipedrive.get(PERSONS)
    assert answer.status_code == status
    assert answer.json()["success"] is False


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_status_can_name_a_time_to_wait(quo, control, form):
    control.fault("status", status=429, retry_after=7, retry_after_form=form)
    wait = quo.get("/v1/contacts?maxResults=1").headers["retry-after"]
    assert wait == "7" if form == "seconds" else parsedate_to_datetime(wait)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", ["reset", "status"])
def test_a_write_takes_effect_only_when_struck_after_it(quo, control, kind, when):
    control.fault(kind, method="POST", when=when)
    if kind == "reset":
        with pytest.raises(httpx.ReadError):
            quo.post("/v1/contacts", json=CONTACT)
    else:
        assert quo.post("/v1/contacts", json=CONTACT).status_code == 500
    assert len(control.contacts()) == (1 if when == "after" else 0)
    control.clear_faults()
    assert quo.get("/v1/contacts?maxResults=1").status_code == 200


def test_a_lost_answer_is_logged_as_written_but_not_delivered(quo, control):
    control.fault("reset", when="after")
    with pytest.raises(httpx.ReadError):
        quo.post("/v1/contacts", json=CONTACT)
    (entry,) = control.log()
    assert (entry["status"], entry["delivery"], entry["fault"]) == (201, "reset", "reset")


def test_hang_never_answers(quo, control):
    control.fault("hang")
    with pytest.raises(httpx.ReadTimeout):
        quo.get("/v1/contacts?maxResults=1", timeout=0.2)


def test_hang_for_a_while_answers_in_the_end(quo, control):
    control.fault("hang", seconds=0.05)
    assert quo.get("/v1/contacts?maxResults=1").status_code == 200
    assert control.log()[0]["duration_ms"] >= 50


def test_truncated_is_a_whole_answer_with_half_a_document(pipedrive, control):
    control.fault("truncated")
    answer = pipedrive.get(PERSONS)
    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r".+"):
        answer.json()


def test_cut_closes_the_connection_in_the_middle_of_the_body(pipedrive, control):
    control.fault("cut")
    with pytest.raises(httpx.RemoteProtocolError):
        pipedrive.get(PERSONS)


def test_html_in_the_place_of_json(pipedrive, control):
    control.fault("html", status=502)
    answer = pipedrive.get(PERSONS)
    assert answer.status_code == 502
    assert answer.headers["content-type"].startswith("text/html")


def test_big_bodies_are_as_big_as_asked_and_still_json(pipedrive, control):
    control.fault("big", megabytes=3)
    answer = pipedrive.get(PERSONS)
    assert len(answer.content) > 3 << 20
    assert len(answer.json()["data"]) == 60


# -- pages ---------------------------------------------------------------------------------------


def follow(pipedrive, **sent: object) -> list[dict]:
    """Up to six pages of twenty persons."""
    pages, cursor = [], None
    for _ in range(6):
        params = {"limit": 20, **sent} | ({"cursor": cursor} if cursor else {})
        body = pipedrive.get(PERSONS, params=params).json()
        pages.append(body)
        cursor = (body.get("additional_data") or {}).get("next_cursor")
        if cursor is None:
            break
    return pages


def ids(body: dict) -> list[int]:
    return [row["id"] for row in body["data"]]


def test_duplicate_repeats_the_last_person_of_the_page_before(pipedrive, control):
    control.fault("duplicate", nth=2)
    first, second, third = follow(pipedrive)
    assert ids(second) == [20, *range(21, 41)]
    assert (ids(first)[-1], ids(third)[0]) == (20, 41)


def test_duplicate_across_numbered_pages(scaling, control):
    control.fault("duplicate", nth=2)
    for page in (1, 2):
        body = scaling.get("/persons", params={"page": page, "page_size": 10}).json()
    assert [person["id"] for person in body["persons"]] == [10, *range(11, 21)]


def test_insert_adds_persons_between_two_pages(pipedrive, control):
    control.fault("insert", nth=2, count=3)
    assert [len(ids(page)) for page in follow(pipedrive)] == [20, 20, 20, 3]


@pytest.mark.parametrize("sort", ["id", "update_time"])
@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_empty_page_leads_on_from_the_same_place(pipedrive, control, sort, direction):
    control.fault("empty_page", nth=1)
    control.fault("empty_page", nth=2)
    pages = follow(pipedrive, sort_by=sort, sort_direction=direction)
    met = [id for page in pages for id in ids(page)]
    assert met == sorted(range(1, 61), reverse=direction == "desc")
    assert [len(ids(page)) for page in pages] == [0, 20, 0, 20, 20]
    cursors = [page["additional_data"]["next_cursor"] for page in pages]
    assert len(set(cursors)) == len(cursors)


def test_empty_page_of_quo_leads_on_too(quo, control):
    for number in range(4):
        quo.post("/v1/contacts", json={**CONTACT, "externalId": f"person-{number}"})
    control.fault("empty_page", nth=2)
    met, sizes, token = [], [], None
    while True:
        params = {"maxResults": 2} | ({"pageToken": token} if token else {})
        body = quo.get("/v1/contacts", params=params).json()
        met += [row["externalId"] for row in body["data"]]
        sizes.append(len(body["data"]))
        token = body["nextPageToken"]
        if token is None:
            break
    assert sizes == [2, 0, 2]
    assert met == [f"person-{number}" for number in range(4)]


def test_a_repeating_cursor_is_the_one_that_was_sent(pipedrive, control):
    control.fault("cursor_repeats")
    pages = follow(pipedrive)
    cursors = {page["additional_data"]["next_cursor"] for page in pages}
    assert len(pages) == 6
    assert len(cursors) == 1


def test_a_refused_cursor_strikes_only_requests_with_one(pipedrive, control):
    control.fault("cursor_refused", nth=2)
    assert [page["success"] for page in follow(pipedrive)] == [True, True, False]


# -- holds ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_held_write_waits_before_or_after_its_effect(quo, control, when):
    control.fault("hold", method="POST", when=when, times=1)
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(quo.post, "/v1/contacts", json=CONTACT)
        held = control.wait_for_hold()
        assert (held["method"], held["path"], held["when"]) == ("POST", "/v1/contacts", when)
        assert '"person-1"' in held["body"]
        assert len(control.contacts()) == (1 if when == "after" else 0)
        assert not sent.done()
        assert control.release() == [held["id"]]
        assert sent.result().status_code == 201
    assert control.holds() == []
    assert len(control.contacts()) == 1


def test_a_dropped_hold_has_no_effect_and_no_answer(quo, control):
    control.fault("hold", method="POST")
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(quo.post, "/v1/contacts", json=CONTACT)
        control.release(control.wait_for_hold()["id"], drop=True)
        assert isinstance(sent.exception(), httpx.ReadError)
    assert control.contacts() == []


def test_a_write_whose_client_is_gone_still_takes_effect_when_released(quo, control):
    control.fault("hold", method="POST", times=1)
    with pytest.raises(httpx.ReadTimeout):
        quo.post("/v1/contacts", json=CONTACT, timeout=0.2)
    control.wait_for_hold()
    control.release()
    assert any(control.contacts() for _ in range(100))
    assert quo.post("/v1/contacts", json=CONTACT).status_code == 409


@pytest.mark.parametrize("kind", ["hold", "hang"])
def test_a_reset_of_the_sandbox_drops_what_waits(quo, control, kind):
    control.fault(kind, method="POST", times=1)
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(quo.post, "/v1/contacts", json=CONTACT)
        while not control.faults()[0]["struck"]:
            assert not sent.done()
        control.reset()
        assert isinstance(sent.exception(), httpx.ReadError)
    assert control.contacts() == []
