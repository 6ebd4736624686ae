"""What the pipeline relies on when Quo calls and texts are logged."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from connectors.crm.base import BaseCRMConnector
from connectors.crm.model import Activity, ActivityKind
from connectors.errors import ConfigurationError
from connectors.kit.case import ConnectorCase


class ActivityContract:
    """An activity is written once, whatever is repeated, and rewritten when it is known."""

    @pytest.mark.parametrize("kind", list(ActivityKind))
    def test_a_repeated_write_makes_one_record(
        self, case: ConnectorCase, connector: BaseCRMConnector, kind: ActivityKind
    ) -> None:
        activity, person = _activity(kind), min(case.person_ids)
        if not case.logs_activities:
            with pytest.raises(ConfigurationError):
                _log(connector, activity, person, None)
            return
        first = _log(connector, activity, person, None)
        assert _log(connector, activity, person, None) == first

    @pytest.mark.parametrize("kind", list(ActivityKind))
    def test_an_existing_record_is_rewritten(
        self, case: ConnectorCase, connector: BaseCRMConnector, kind: ActivityKind
    ) -> None:
        if not case.logs_activities:
            return
        activity, person = _activity(kind), min(case.person_ids)
        first = _log(connector, activity, person, None)
        assert _log(connector, activity, person, first) == first

    @pytest.mark.parametrize("kind", list(ActivityKind))
    def test_two_activities_and_two_persons_have_records_of_their_own(
        self, case: ConnectorCase, connector: BaseCRMConnector, kind: ActivityKind
    ) -> None:
        if not case.logs_activities:
            return
        one, other = sorted(case.person_ids)[:2]
        first, second = _activity(kind), _activity(kind)
        written = [
            _log(connector, first, one, None),
            _log(connector, second, one, None),
            _log(connector, first, other, None),
        ]
        assert len(set(written)) == len(written)

    @pytest.mark.parametrize("seconds", [None, 0, 59, 60, 3_725], ids=str)
    def test_a_call_of_any_length_is_logged(
        self, case: ConnectorCase, connector: BaseCRMConnector, seconds: int | None
    ) -> None:
        if case.logs_activities:
            activity = _activity(ActivityKind.CALL, seconds)
            assert _log(connector, activity, min(case.person_ids), None)


def _activity(kind: ActivityKind, seconds: int | None = 125) -> Activity:
    return Activity(
        kind=kind,
        id=f"AC{uuid4().hex}",
        at=datetime.now(UTC) - timedelta(minutes=5),
        title="A long title " * 30,
        html="<p>Hello &amp; goodbye</p>",
        text="Hello & goodbye",
        duration_seconds=seconds if kind is ActivityKind.CALL else None,
        owner_email="nobody@example.com",
    )


def _log(
    connector: BaseCRMConnector, activity: Activity, person_id: str, existing: str | None
) -> str:
    if activity.kind is ActivityKind.SMS:
        return connector.log_sms_to_activity(activity, person_id, existing)
    return connector.log_call_to_activity(activity, person_id, existing)
