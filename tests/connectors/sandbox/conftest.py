"""One sandbox process for all tests of it; each test begins with a fresh one's state."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from connectors.sandbox.client import SandboxControl
from connectors.sandbox.process import SandboxProcess
from connectors.sandbox.settings import CRM_TOKEN, QUO_KEY, Settings


@pytest.fixture(scope="session")
def process() -> Iterator[SandboxProcess]:
    with SandboxProcess(Settings(persons=60, log_bodies=True)) as running:
        yield running


@pytest.fixture
def control(process: SandboxProcess) -> SandboxControl:
    process.control.reset()
    return process.control


@pytest.fixture
def quo(process: SandboxProcess, control: SandboxControl) -> Iterator[httpx.Client]:  # noqa: ARG001
    headers = {"authorization": QUO_KEY}
    with httpx.Client(base_url=process.quo_url, headers=headers, trust_env=False) as client:
        yield client


@pytest.fixture
def pipedrive(process: SandboxProcess, control: SandboxControl) -> Iterator[httpx.Client]:  # noqa: ARG001
    url, headers = process.crm_url("pipedrive"), {"x-api-token": CRM_TOKEN}
    with httpx.Client(base_url=url, headers=headers, trust_env=False) as client:
        yield client


@pytest.fixture
def scaling(process: SandboxProcess, control: SandboxControl) -> Iterator[httpx.Client]:  # noqa: ARG001
    with httpx.Client(base_url=process.crm_url("scaling-test"), trust_env=False) as client:
        yield client
