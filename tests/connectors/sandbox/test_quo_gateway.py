from __future__ import annotations

import time
from email.utils import parsedate_to_datetime

import pytest

LIST = "/v1/contacts?maxResults=1"


def test_both_shapes_of_401(quo):
    wrong = quo.get(LIST, headers={"authorization": "Bearer sandbox-quo-key"})
    assert wrong.status_code == 401
    assert wrong.json()["code"] == "0800401"
    del quo.headers["authorization"]
    missing = quo.get(LIST)
    assert missing.status_code == 401
    assert missing.json()["error"]["message"] == "Unauthorized"


def test_registered_keys_and_a_prefix_are_accepted(quo, control):
    headers = {"authorization": "another-key"}
    assert quo.get(LIST, headers=headers).status_code == 401
    control.register_key("another-key")
    assert quo.get(LIST, headers=headers).status_code == 200
    control.settings(key_prefix="team-")
    assert quo.get(LIST, headers={"authorization": "team-7"}).status_code == 200


def test_a_fresh_key_answers_401_until_its_delay_is_over(quo, control):
    control.settings(key_delay_seconds=30)
    assert quo.get(LIST).status_code == 401
    control.settings(key_delay_seconds=0)
    assert quo.get(LIST).status_code == 200


def test_a_key_without_permission_answers_403(quo, control):
    control.settings(quo_forbidden=True)
    answer = quo.get(LIST)
    assert answer.status_code == 403
    assert answer.json()["code"] == "0801403"


def refused(quo) -> object:
    """The first 429 of a burst that cannot fit one window of three."""
    for _ in range(40):
        answer = quo.get(LIST)
        if answer.status_code == 429:
            return answer
    raise AssertionError("never refused")


@pytest.mark.parametrize("form", ["seconds", "date", "none"])
def test_a_window_over_its_rate_answers_429_with_the_headers_asked_for(quo, control, form):
    control.settings(quo_rate=3, quo_rate_headers=form)
    answer = refused(quo)
    assert answer.json() == {"message": "API rate limit exceeded"}
    retry = answer.headers.get("retry-after")
    if form == "seconds":
        assert retry == "1"
        assert answer.headers["ratelimit-limit"] == "3"
    elif form == "date":
        assert parsedate_to_datetime(retry).timestamp() > time.time() - 2
    else:
        assert retry is None
        assert "ratelimit-limit" not in answer.headers


def test_every_key_has_its_own_window(quo, control):
    control.register_key("another-key")
    control.settings(quo_rate=3)
    refused(quo)
    assert quo.get(LIST, headers={"authorization": "another-key"}).status_code == 200
    throttled = control.stats()["throttled"]["quo"]
    assert throttled == control.requests("quo", status=429) >= 1


def test_every_answer_has_a_date(quo, pipedrive, scaling):
    for client, path in ((quo, LIST), (pipedrive, "/nowhere"), (scaling, "/persons")):
        assert parsedate_to_datetime(client.get(path).headers["date"])


def test_a_path_that_is_not_there_answers_404(quo):
    assert quo.get("/v2/contacts").status_code == 404
    assert quo.put("/v1/contacts", json={}).status_code == 404
