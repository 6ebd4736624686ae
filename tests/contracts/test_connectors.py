"""Every connector of ours against the contract suite, over the sandbox."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.crm.pipedrive import PipedriveConnector
from connectors.crm.scaling_test import ScalingTestConnector
from connectors.kit import ConnectorCase, ConnectorContract
from connectors.sandbox.process import SandboxProcess
from connectors.sandbox.settings import CRM_TOKEN, Settings

PERSONS = 2_600


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with SandboxProcess(Settings(persons=PERSONS, spice=True)) as process:
        yield process


@pytest.fixture(scope="module")
def everyone() -> frozenset[str]:
    return frozenset(str(id) for id in range(1, PERSONS + 1))


class TestPipedrive(ConnectorContract):
    @pytest.fixture(params=[500, 150], ids=["largest page", "small page"])
    def case(
        self, sandbox: SandboxProcess, everyone: frozenset[str], request: pytest.FixtureRequest
    ) -> ConnectorCase:
        return ConnectorCase(
            PipedriveConnector,
            {"base_url": sandbox.crm_url("pipedrive"), "page_size": request.param},
            {"api_token": CRM_TOKEN},
            everyone,
        )


class TestScalingTest(ConnectorContract):
    @pytest.fixture
    def case(self, sandbox: SandboxProcess, everyone: frozenset[str]) -> ConnectorCase:
        return ConnectorCase(
            ScalingTestConnector,
            {"base_url": sandbox.crm_url("scaling-test"), "page_size": 400},
            {},
            everyone,
            logs_activities=False,
            has_webhooks=False,
        )
