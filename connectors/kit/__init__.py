"""The contract suite for authors of connectors: pytest tests that any connector must pass.

Subclass `ConnectorContract` in a test module of your own and override the fixture `case`:

    class TestAcme(ConnectorContract):
        @pytest.fixture
        def case(self, server):
            return ConnectorCase(AcmeConnector, {"base_url": server.url}, {"token": "t"}, ids)

It talks real HTTP to whatever `base_url` names: the sandbox, or a test account that you may write
to. Needs the extra `test`.
"""

import pytest

for _part in ("reading", "transforming", "logging_activities", "subscribing"):
    pytest.register_assert_rewrite(f"connectors.kit.{_part}")

from connectors.kit.case import ConnectorCase  # noqa: E402 - asserts are rewritten on import
from connectors.kit.contract import ConnectorContract  # noqa: E402

__all__ = ["ConnectorCase", "ConnectorContract"]
