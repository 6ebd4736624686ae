"""Ways to sign a request; bound to the host by the channel that holds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


class Auth(Protocol):
    """Gives the headers of a request and may renew what they are made of."""

    def headers(self) -> Mapping[str, str]: ...

    def refresh(self) -> bool:
        """After a 401: renew the secret; False when there is nothing to renew."""


@dataclass(frozen=True, slots=True)
class HeaderAuth:
    """A fixed secret in one header."""

    name: str
    value: str = field(repr=False)

    def headers(self) -> Mapping[str, str]:
        return {self.name: self.value}

    def refresh(self) -> bool:
        return False


class NoAuth:
    """For servers that want no credentials (the scaling test)."""

    def headers(self) -> Mapping[str, str]:
        return {}

    def refresh(self) -> bool:
        return False
