"""What the receiver relies on in a CRM's webhooks."""

from __future__ import annotations

import pytest

from connectors.crm.base import BaseCRMConnector
from connectors.errors import ConfigurationError
from connectors.kit.case import ConnectorCase

_JUNK = [b"", b"no json", b"[]", b"{}", b'{"meta": null}', b'{"meta": {"object": "person"}}', b"7"]


class WebhookContract:
    """Setting up is idempotent, removing too, and nothing strange is taken for an event."""

    def test_setting_up_twice_changes_nothing(
        self, case: ConnectorCase, connector: BaseCRMConnector
    ) -> None:
        if not case.has_webhooks:
            with pytest.raises(ConfigurationError):
                connector.setup_webhooks(case.callback_url)
            return
        first = connector.setup_webhooks(case.callback_url)
        again = connector.setup_webhooks(case.callback_url)
        connector.remove_webhooks(first)
        assert first
        assert {(one.id, one.secret) for one in again} == {(one.id, one.secret) for one in first}

    def test_removing_twice_is_no_error(
        self, case: ConnectorCase, connector: BaseCRMConnector
    ) -> None:
        if not case.has_webhooks:
            return
        subscriptions = connector.setup_webhooks(case.callback_url)
        connector.remove_webhooks(subscriptions)
        connector.remove_webhooks(subscriptions)
        renewed = connector.setup_webhooks(case.callback_url)
        connector.remove_webhooks(renewed)
        assert {one.id for one in renewed}.isdisjoint(one.id for one in subscriptions)

    def test_a_delivery_without_credentials_is_refused(self, case: ConnectorCase) -> None:
        assert not case.offline().verify_webhook({}, b"{}", "secret")
        assert not case.offline().verify_webhook({}, b"{}", "")

    @pytest.mark.parametrize("body", _JUNK)
    def test_junk_gives_no_events(self, case: ConnectorCase, body: bytes) -> None:
        assert list(case.offline().parse_webhook({}, body)) == []
