from __future__ import annotations

import pytest

from connectors.sandbox.client import SandboxError
from connectors.sandbox.log import key_hash
from connectors.sandbox.settings import CRM_TOKEN, QUO_KEY

CONTACT = {"defaultFields": {"firstName": "Ada"}, "externalId": "person-1", "source": "acme"}


def test_reset_goes_back_to_the_settings_of_the_start(quo, control):
    control.reset(persons=7, quo_latency_ms=1)
    quo.post("/v1/contacts", json=CONTACT)
    control.fault("status")
    control.reset()
    assert control.settings()["persons"] == 60
    assert control.settings()["quo_latency_ms"] == 0
    assert (control.contacts(), control.faults(), control.log()) == ([], [], [])
    assert control.stats()["totals"] == {}


@pytest.mark.parametrize(
    "changes",
    [{"persons": 7}, {"quo_rate": -1}, {"no_such_setting": 1}],
    ids=lambda c: next(iter(c)),
)
def test_settings_that_cannot_be_changed_are_refused_by_name(control, changes):
    with pytest.raises(SandboxError, match=next(iter(changes))):
        control.settings(**changes)


def test_unknown_faults_are_refused(control):
    with pytest.raises(SandboxError, match="kind"):
        control.fault("earthquake")


def test_log_names_requests_but_never_keys(quo, pipedrive, control):
    quo.post("/v1/contacts", json=CONTACT)
    seen = control.log()[-1]["sequence"]
    pipedrive.get("/api/v2/persons/3?custom_fields=x")
    quo.get("/v1/contacts?maxResults=1", headers={"authorization": "wrong-key"})
    assert control.log()[0]["body"].startswith('{"defaultFields"')
    persons, refused = control.log(seen)
    assert (persons["method"], persons["path"]) == ("GET", "/api/v2/persons/3")
    assert (persons["route"], persons["query"]) == ("/api/v2/persons/{id}", "custom_fields=x")
    assert (persons["key"], refused["key"]) == (key_hash(CRM_TOKEN), key_hash("wrong-key"))
    assert (persons["status"], refused["status"]) == (200, 401)
    for secret in (QUO_KEY, CRM_TOKEN, "wrong-key"):
        assert secret not in str(control.log())


def test_log_is_bounded_and_counters_are_not(quo, control):
    control.reset(log_size=3)
    for _ in range(5):
        quo.get("/v1/users?maxResults=1")
    assert [entry["sequence"] for entry in control.log()] == [3, 4, 5]
    assert control.requests("quo", method="GET", status=200) == 5


def test_bodies_are_kept_only_when_asked_for(quo, control):
    control.settings(log_bodies=False)
    quo.post("/v1/contacts", json=CONTACT)
    assert control.log()[0]["body"] is None


def test_counters_start_anew_without_touching_the_data(quo, control):
    quo.post("/v1/contacts", json=CONTACT)
    control.reset_stats()
    stats = control.stats()
    assert (stats["requests"], stats["quo"]["creations"], stats["quo"]["contacts"]) == ([], 0, 1)


def test_busiest_second_counts_per_key(quo, control):
    for _ in range(3):
        quo.get("/v1/users?maxResults=1")
    (busiest,) = control.stats()["busiest_second"]
    assert (busiest["dialect"], busiest["key"]) == ("quo", key_hash(QUO_KEY))
    assert 1 <= busiest["requests"] <= 3


def test_people_are_seen_and_changed_in_no_crms_words(control, pipedrive):
    control.edit_people([2], first_name="Ada", phones=[["+14155550134", "work"]], org_id=None)
    (person,) = control.people([2])
    assert (person["first_name"], person["phones"]) == ("Ada", [["+14155550134", "work"]])
    assert control.people(offset=1, limit=1) == [person]
    shown = pipedrive.get("/api/v2/persons/2").json()["data"]
    assert (shown["first_name"], shown["org_id"]) == ("Ada", None)
    with pytest.raises(SandboxError, match="shoe_size"):
        control.edit_people([2], shoe_size=44)


def test_contacts_of_the_app_have_no_source_unless_named(control):
    app = control.create_contact(defaultFields={"firstName": "Ada"})
    ours = control.create_contact(**CONTACT)
    assert app["source"] is None
    assert control.contacts("acme") == [ours]
    with pytest.raises(SandboxError, match="409"):
        control.create_contact(**CONTACT)
    control.delete_contact(app["id"])
    assert control.contacts() == [ours]
    with pytest.raises(SandboxError, match="404"):
        control.edit_contact(app["id"])


def test_latency_is_the_services_own(quo, pipedrive, control):
    control.settings(quo_latency_ms=30)
    quo.get("/v1/users?maxResults=1")
    pipedrive.get("/api/v1/users")
    slow, fast = control.log()
    assert slow["duration_ms"] >= 30
    assert fast["duration_ms"] < slow["duration_ms"]
