"""The whole suite in one class."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.crm.base import BaseCRMConnector
from connectors.kit.case import ConnectorCase
from connectors.kit.logging_activities import ActivityContract
from connectors.kit.reading import ReadingContract
from connectors.kit.subscribing import WebhookContract
from connectors.kit.transforming import TransformContract


class ConnectorContract(ReadingContract, TransformContract, ActivityContract, WebhookContract):
    """Everything that the pipeline relies on in a connector; override the fixture `case`."""

    @pytest.fixture
    def case(self) -> ConnectorCase:
        raise NotImplementedError("override the fixture `case` with a ConnectorCase")

    @pytest.fixture
    def connector(self, case: ConnectorCase) -> Iterator[BaseCRMConnector]:
        with case.connected() as connector:
            yield connector
