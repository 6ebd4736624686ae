"""One storage of each kind with the sample collections."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.repository.adapter import Adapter
from tests.contracts.samples import open_samples


@pytest.fixture
def storage(repository_url: str) -> Iterator[Adapter]:
    storage = open_samples(repository_url, create=True)
    yield storage
    storage.close()
