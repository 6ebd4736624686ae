"""The user's `only`."""

from __future__ import annotations

import pytest

from connectors.crm.pipedrive.filters import PersonFilter
from connectors.errors import ConfigurationError

RECORD = {
    "owner_id": 221,
    "label_ids": [5, 6],
    "org": {"name": "Birchline"},
    "custom_fields": {"5f0c": "gold", "tier": 12, "set": [1, 2], "empty": None},
}


def label_id(label):
    return {"customer": 5}.get(label, label)


@pytest.mark.parametrize(
    ("only", "params"),
    [
        ({}, {}),
        ({"owner": 221}, {"owner_id": 221}),
        ({"owner": "221"}, {"owner_id": 221}),
        ({"view": 17, "owner": 221}, {"filter_id": 17}),
        ({"label": 5, "field": {"a": 1}}, {}),
    ],
    ids=["none", "owner", "owner as text", "a view hides the owner", "ours alone"],
)
def test_what_the_server_filters(only, params):
    assert PersonFilter(only, label_id).params == params


@pytest.mark.parametrize(
    ("only", "admitted"),
    [
        ({}, True),
        ({"owner": 221}, True),
        ({"owner": 9}, False),
        ({"view": 17, "owner": 9}, False),
        ({"label": "customer"}, True),
        ({"label": 7}, False),
        ({"label": [7, 6]}, True),
        ({"field": {"custom_fields.5f0c": "gold"}}, True),
        ({"field": {"custom_fields.5f0c": "silver"}}, False),
        ({"field": {"custom_fields.tier": "12"}}, True),
        ({"field": {"custom_fields.set": 2}}, True),
        ({"field": {"custom_fields.set": 3}}, False),
        ({"field": {"custom_fields.empty": "None"}}, False),
        ({"field": {"custom_fields.empty": None}}, True),
        ({"field": {"no.such.path": "x"}}, False),
        ({"field": {"org.name": "Birchline"}}, True),
        ({"owner": 221, "label": 7}, False),
    ],
    ids=str,
)
def test_what_we_filter(only, admitted):
    assert PersonFilter(only, label_id).admits(RECORD) is admitted


def test_an_owner_written_as_an_object_counts():
    assert PersonFilter({"owner": 221}, label_id).admits({"owner_id": {"id": 221, "name": "x"}})


@pytest.mark.parametrize(
    ("only", "named"),
    [
        ({"colour": 1}, "only.colour"),
        ({"owner": "Mara"}, "only.owner"),
        ({"view": "x"}, "only.view"),
    ],
    ids=["unknown", "owner", "view"],
)
def test_a_wrong_filter_names_its_key(only, named):
    with pytest.raises(ConfigurationError, match=named):
        PersonFilter(only, label_id)
