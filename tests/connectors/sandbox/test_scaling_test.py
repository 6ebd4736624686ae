from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest


def get(scaling, **params: object) -> dict:
    answer = scaling.get("/persons", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_pages_by_number_with_a_total(scaling):
    body = get(scaling, page=2, page_size=25)
    assert [person["id"] for person in body["persons"]] == list(range(26, 51))
    assert (body["page"], body["total"]) == (2, 60)
    assert get(scaling, page=4, page_size=25)["persons"] == []
    assert set(body["persons"][0]) == {
        "id",
        "first_name",
        "last_name",
        "company",
        "job_title",
        "phones",
        "emails",
        "created_at",
        "updated_at",
    }


def test_deletions_and_inserts_shift_the_pages(scaling, control):
    control.delete_people([1, 30])
    control.insert_people(3)
    met = [p["id"] for n in (1, 2, 3) for p in get(scaling, page=n, page_size=25)["persons"]]
    assert met == [id for id in range(1, 64) if id not in (1, 30)]
    assert get(scaling)["total"] == 61


def test_by_ids_and_changed_since(scaling, control):
    since = (datetime.now(UTC) - timedelta(seconds=5)).isoformat()
    assert get(scaling, updated_since=since)["total"] == 0
    control.edit_people([9, 3], job_title="Pilot")
    delta = get(scaling, updated_since=since, page_size=1, page=2)
    assert delta["total"] == 2
    assert [person["job_title"] for person in delta["persons"]] == ["Pilot"]
    found = get(scaling, ids="9,3,999")
    assert [person["id"] for person in found["persons"]] == [9, 3]


def test_millions_cost_no_more_than_a_few(scaling, control):
    control.reset(persons=5_000_000)
    body = get(scaling, page=9_999, page_size=500)
    assert body["total"] == 5_000_000
    assert body["persons"][-1]["id"] == 4_999_500


@pytest.mark.parametrize(
    "params", [{"page": 0}, {"page": "x"}, {"page_size": 1001}, {"updated_since": "soon"}]
)
def test_what_does_not_fit_is_refused(scaling, params):
    assert scaling.get("/persons", params=params).status_code == 400
