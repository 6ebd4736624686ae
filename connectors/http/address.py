"""Where a channel may send to: one origin, and every URL is built from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit

from connectors.errors import ConfigurationError, ProcessError
from connectors.http.redaction import redact, shown_path

_PORTS = {"http": 80, "https": 443}


class Address:
    """A base URL, perhaps with a path prefix; raises ConfigurationError when it is none."""

    def __init__(self, base_url: str) -> None:
        parts = _split(base_url)
        if parts is None or parts.scheme not in _PORTS or not parts.hostname:
            raise ConfigurationError(
                f"base_url {redact(base_url)!r} must be an http:// or https:// URL with a host"
            )
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ConfigurationError(
                f"base_url of {parts.hostname} must hold neither credentials nor a query; "
                "put secrets into the credentials of the configuration"
            )
        self.secure = parts.scheme == "https"
        self.host = parts.netloc.lower()
        self._origin = _origin(parts)
        self._root = f"{parts.scheme}://{self.host}"
        self._base = self._root + parts.path.rstrip("/")

    def url(self, path: str, params: Mapping[str, Any] | None = None) -> str:
        """The URL of a path below the base URL, or of an absolute link on the same origin.

        Raises ProcessError for a link to anywhere else. Only path and query of a link are used,
        so that no reading of it can lead the credentials to another host.
        """
        if "://" in path.split("?", 1)[0] or path.startswith("//"):
            url = self._own(path)
        else:
            url = f"{self._base}/{path.lstrip('/')}"
        if params and (query := encode_query(params)):
            url += ("&" if "?" in url else "?") + query
        return url

    def shown(self, path: str) -> str:
        """Host and path for messages, without query and ids."""
        if "://" in path.split("?", 1)[0]:
            path = path.split("://", 1)[1].partition("/")[2]
        return f"{self.host}/{shown_path(path).lstrip('/')}"

    def _own(self, link: str) -> str:
        parts = _split(link)
        if parts is None or _origin(parts) != self._origin:
            host = parts.hostname if parts is not None else None
            raise ProcessError(
                f"{self.host} gave a next link to {host or 'no valid host'}; credentials are sent "
                "only to the host of base_url, so correct base_url or report it to the vendor",
                code="foreign_link",
            )
        return f"{self._root}{parts.path or '/'}" + (f"?{parts.query}" if parts.query else "")


def encode_query(params: Mapping[str, Any]) -> str:
    """Query parameters: lists repeat their key, None is left out, `+` and blanks are encoded."""
    return "&".join(
        f"{_quoted(name)}={_quoted(item)}"
        for name, value in params.items()
        for item in _items(value)
    )


def _items(value: Any) -> Iterable[Any]:
    if value is None:
        return ()
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        return (value,)
    return value


def _quoted(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return quote(str(value), safe="", errors="replace")


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises when it is no number
    except ValueError:
        return None
    return parts


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)
