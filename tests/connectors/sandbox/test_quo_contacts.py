from __future__ import annotations

import time
from typing import Any

import pytest


def body(external_id: str | None = "person-1", **changes: Any) -> dict[str, Any]:
    return {
        "defaultFields": {
            "firstName": "Ada",
            "lastName": "Park",
            "company": "Birchline",
            "role": "Pilot",
            "phoneNumbers": [{"name": "work", "value": "+14155550134"}],
            "emails": [{"name": "work", "value": "ada@example.com"}],
        },
        "externalId": external_id,
        "source": "acme",
        **changes,
    }


def create(quo, external_id: str | None = "person-1", **changes: Any) -> dict[str, Any]:
    answer = quo.post("/v1/contacts", json=body(external_id, **changes))
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


def test_a_created_contact_has_every_key_and_is_found_by_id(quo):
    contact = create(quo)
    assert set(contact) == {
        "id",
        "externalId",
        "source",
        "sourceUrl",
        "defaultFields",
        "customFields",
        "createdAt",
        "updatedAt",
        "createdByUserId",
    }
    assert contact["sourceUrl"] is None
    assert quo.get(f"/v1/contacts/{contact['id']}").json() == {"data": contact}


def test_external_id_is_unique_within_its_source_and_the_409_tells_nothing(quo):
    create(quo)
    answer = quo.post("/v1/contacts", json=body())
    assert answer.status_code == 409
    assert answer.json() == {
        "message": "Failed to create contact",
        "code": "0800409",
        "status": 409,
        "docs": "https://openphone.com/docs",
        "title": "Conflict",
    }
    create(quo, source="other-source")


def test_phones_and_contacts_without_external_id_are_not_unique(quo, control):
    create(quo, None)
    create(quo, None)
    assert len(control.contacts("acme")) == 2


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        ("(415) 555-0134", "+14155550134"),
        ("+49 151 12345678", "+4915112345678"),
        ("call reception", "call reception"),
    ],
    ids=["national", "abroad", "no number"],
)
def test_phones_are_answered_as_e164_where_they_are_numbers(quo, sent, answered):
    fields = {**body()["defaultFields"], "phoneNumbers": [{"name": "work", "value": sent}]}
    contact = create(quo, defaultFields=fields)
    assert contact["defaultFields"]["phoneNumbers"][0]["value"] == answered


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"source": "openphone"}, "/source"),
        ({"source": "openphone-acme"}, "/source"),
        ({"source": "csv-import"}, "/source"),
        ({"source": "s" * 73}, "/source"),
        ({"source": ""}, "/source"),
        ({"externalId": "x" * 76}, "/externalId"),
        ({"externalId": ""}, "/externalId"),
        ({"externalId": 7}, "/externalId"),
        ({"sourceUrl": "https://example.com/" + "p" * 200}, "/sourceUrl"),
        ({"sourceUrl": "no address"}, "/sourceUrl"),
        ({"createdByUserId": "SY1"}, "/createdByUserId"),
        ({"defaultFields": {"lastName": "Park"}}, "/defaultFields/firstName"),
        ({"defaultFields": {"firstName": 7}}, "/defaultFields/firstName"),
        (
            {"defaultFields": {"firstName": None, "phoneNumbers": [{"value": "+14155550134"}]}},
            "/defaultFields/phoneNumbers/0/name",
        ),
        (
            {"defaultFields": {"firstName": None, "emails": [{"name": "work"}]}},
            "/defaultFields/emails/0/value",
        ),
        ({"customFields": [{"key": "tier"}]}, "/customFields/0/value"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_input_that_does_not_fit_is_refused_with_its_path(quo, control, changes, path):
    answer = quo.post("/v1/contacts", json=body(**changes))
    assert answer.status_code == 400
    assert answer.json()["code"] == "0800400"
    assert path in [error["path"] for error in answer.json()["errors"]]
    assert control.contacts() == []


def test_the_longest_allowed_identity_is_taken(quo):
    create(quo, "x" * 75, source="s" * 72, defaultFields={"firstName": None})


@pytest.mark.parametrize(
    ("value", "accepted"),
    [(["gold"], True), ("gold", False), (None, True)],
    ids=["right type", "wrong type", "null"],
)
def test_custom_values_are_checked_against_their_field(quo, control, value, accepted):
    control.define_custom_field("tier", "Tier", "multi-select")
    answer = quo.post("/v1/contacts", json=body(customFields=[{"key": "tier", "value": value}]))
    assert answer.status_code == (201 if accepted else 400)


def test_unknown_custom_field_is_refused_with_its_key(quo):
    answer = quo.post("/v1/contacts", json=body(customFields=[{"key": "nope", "value": "x"}]))
    assert answer.status_code == 400
    assert answer.json()["code"] == "0801400"
    assert answer.json()["title"] == answer.json()["description"] == "Invalid Custom Field Item"
    assert answer.json()["errors"][0]["key"] == "nope"


# -- patch ---------------------------------------------------------------------------------------


def test_patch_wipes_the_arrays_and_scalars_it_leaves_out(quo, control):
    control.define_custom_field("tier", "Tier")
    contact = create(quo, customFields=[{"key": "tier", "value": "gold"}])
    changes = {"defaultFields": {"firstName": "Eve"}}
    after = quo.patch(f"/v1/contacts/{contact['id']}", json=changes).json()["data"]
    fields = after["defaultFields"]
    assert fields["firstName"] == "Eve"
    assert (fields["lastName"], fields["phoneNumbers"], fields["emails"]) == (None, [], [])
    assert after["customFields"] == []
    assert (after["externalId"], after["source"]) == ("person-1", "acme")
    assert after["createdAt"] == contact["createdAt"]


def test_scalars_left_out_survive_when_so_set(quo, control):
    control.settings(patch_clears_scalars=False)
    contact = create(quo)
    after = quo.patch(f"/v1/contacts/{contact['id']}", json={"defaultFields": {}}).json()["data"]
    assert after["defaultFields"]["lastName"] == "Park"
    assert after["defaultFields"]["phoneNumbers"] == []


def test_patched_items_keep_the_ids_that_were_sent_and_lose_null_values(quo):
    contact = create(quo)
    phone = contact["defaultFields"]["phoneNumbers"][0]
    items = [
        {"name": "home", "value": "+14155550177"},
        {**phone, "name": "main"},
        {"id": "made-up", "name": "other", "value": "+14155550178"},
        {"name": "gone", "value": None},
    ]
    changes = {"defaultFields": {"firstName": "Ada", "phoneNumbers": items}}
    answer = quo.patch(f"/v1/contacts/{contact['id']}", json=changes)
    first, second, third = answer.json()["data"]["defaultFields"]["phoneNumbers"]
    assert second == {"id": phone["id"], "name": "main", "value": phone["value"]}
    assert first["id"] not in (phone["id"], second["id"])
    assert third["id"] != "made-up"


def test_patch_answer_has_no_ids_of_custom_values_but_get_has(quo, control):
    control.define_custom_field("tier", "Tier")
    contact = create(quo, customFields=[{"key": "tier", "value": "gold"}])
    changes = {
        "defaultFields": {"firstName": "Ada"},
        "customFields": [{"id": contact["customFields"][0]["id"], "value": "silver"}],
    }
    patched = quo.patch(f"/v1/contacts/{contact['id']}", json=changes).json()["data"]
    read = quo.get(f"/v1/contacts/{contact['id']}").json()["data"]
    assert "id" not in patched["customFields"][0]
    assert read["customFields"] == [
        {**contact["customFields"][0], "value": "silver"},
    ]


def test_patch_to_a_taken_external_id_conflicts_and_to_a_free_one_moves(quo):
    create(quo, "person-1")
    contact = create(quo, "person-2")
    path = f"/v1/contacts/{contact['id']}"
    assert quo.patch(path, json={"externalId": "person-1"}).status_code == 409
    assert quo.patch(path, json={"externalId": "person-3"}).status_code == 200
    found = quo.get("/v1/contacts", params={"externalIds": "person-3", "maxResults": 5})
    assert [row["id"] for row in found.json()["data"]] == [contact["id"]]
    create(quo, "person-2")


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_what_is_gone_answers_404(quo, method):
    contact = create(quo)
    assert quo.delete(f"/v1/contacts/{contact['id']}").status_code == 204
    json = body() if method == "PATCH" else None
    answer = quo.request(method, f"/v1/contacts/{contact['id']}", json=json)
    assert answer.status_code == 404
    assert answer.json()["code"] == "0800404"
    create(quo)


# -- lists ---------------------------------------------------------------------------------------


def listed(quo, **params: Any) -> list[str]:
    answer = quo.get("/v1/contacts", params={"maxResults": 50, **params})
    assert answer.status_code == 200, answer.text
    return [row["externalId"] for row in answer.json()["data"]]


def test_list_filters_by_external_ids_and_sources(quo):
    create(quo, "person-1")
    create(quo, "person-1", source="other-source")
    create(quo, "person-2")
    assert listed(quo, externalIds=["person-1", "person-9"]) == ["person-1"] * 2
    assert listed(quo, externalIds=["person-1", "person-2"], sources="acme") == [
        "person-1",
        "person-2",
    ]
    assert listed(quo, sources="other-source") == ["person-1"]


def test_unknown_parameters_are_ignored_so_a_misspelt_filter_lists_everything(quo):
    create(quo, "person-1")
    create(quo, "person-2")
    assert listed(quo, externalId="person-1", phoneNumbers="+1") == ["person-1", "person-2"]


@pytest.mark.parametrize(
    "params",
    [
        {"externalIds": [f"person-{n}" for n in range(21)]},
        {"externalIds": ",".join(f"person-{n}" for n in range(20))},
        {"maxResults": 51},
        {"maxResults": 0},
        {"pageToken": "made up"},
    ],
    ids=["21 ids", "comma list", "51 results", "no results", "page token"],
)
def test_lists_refuse_what_quo_refuses(quo, params):
    answer = quo.get("/v1/contacts", params={"maxResults": 50, **params})
    assert answer.status_code == 400
    assert answer.json()["code"] == "0800400"


def test_pages_lead_to_a_null_token_and_the_total_is_wrong(quo):
    for number in range(7):
        create(quo, f"person-{number}")
    met, token, totals = [], None, []
    for _ in range(4):
        params = {"maxResults": 2, "sources": "acme"} | ({"pageToken": token} if token else {})
        page = quo.get("/v1/contacts", params=params).json()
        met += [row["externalId"] for row in page["data"]]
        totals.append(page["totalItems"])
        token = page["nextPageToken"]
    assert met == [f"person-{number}" for number in range(7)]
    assert token is None
    assert 7 not in totals


def test_a_lagging_list_misses_the_new_and_shows_the_deleted(quo, control):
    old = control.create_contact(at=time.time() - 3600, **body())
    control.settings(list_lag_ms=60_000)
    create(quo, "person-2")
    assert listed(quo) == ["person-1"]
    assert quo.delete(f"/v1/contacts/{old['id']}").status_code == 204
    assert listed(quo, externalIds="person-1") == ["person-1"]
    assert quo.patch(f"/v1/contacts/{old['id']}", json=body()).status_code == 404
    control.settings(list_lag_ms=0)
    assert listed(quo) == ["person-2"]


def test_the_app_edits_only_what_it_names(quo, control):
    contact = create(quo)
    control.edit_contact(contact["id"], defaultFields={"role": "Captain"})
    after = quo.get(f"/v1/contacts/{contact['id']}").json()["data"]
    assert after["defaultFields"] == {**contact["defaultFields"], "role": "Captain"}
    assert after["updatedAt"] >= contact["updatedAt"]
    assert control.stats()["quo"]["patches"] == 0


def test_counters_tell_creations_patches_and_deletes(quo, control):
    contact = create(quo)
    quo.patch(f"/v1/contacts/{contact['id']}", json=body())
    quo.delete(f"/v1/contacts/{contact['id']}")
    create(quo)
    control.create_contact(defaultFields={"firstName": "Made in the app"})
    stats = control.stats(detail=True)["quo"]
    assert (stats["contacts"], stats["creations"], stats["patches"], stats["deletes"]) == (
        2,
        2,
        1,
        1,
    )
    twice = [{"source": "acme", "externalId": "person-1", "count": 2}]
    assert stats["created_more_than_once"] == stats["creations_by_id"] == twice
    assert stats["patches_by_id"] == {contact["id"]: 1}
