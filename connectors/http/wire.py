"""The wire: httpx's transport, one attempt, a whole body or a failure that the table knows.

The transport is used without `httpx.Client` around it: that costs a quarter of the CPU time of a
request, writes every URL with its query to the log, keeps cookies, and would need to be told not
to follow redirects. Only this module imports httpx, and it is imported when the first request is
sent, for that takes as long as the rest of a start-up.
"""

from __future__ import annotations

import ssl
import sys
import threading
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from typing import cast
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass
from weakref import WeakSet

# httpx does without its own command line where click is not installed, and so do we: with click,
# rich and pygments it takes twice as long to load.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]

import httpx  # noqa: E402

from connectors.errors import ConfigurationError  # noqa: E402
from connectors.http.exchange import BODY_LIMIT  # noqa: E402
from connectors.http.retry import Failure, NoAnswer  # noqa: E402

_IDLE_SECONDS = 4.0
"""Below the 5 s after which uvicorn and Node close an idle connection, perhaps as we send."""
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_BODY_TIMEOUTS = 8
"""A body that drips is cut off after so many read time-outs."""


class Wire:
    """The connections of one channel, one per thread; thread-safe.

    A pool shared by 20 threads rescans all its connections for every request (quadratic, and a
    lock for all to wait at): half of the CPU time of a request.
    """

    def __init__(self, base_url: str, connect_timeout: float, read_timeout: float) -> None:
        self._verify = _certificates() if base_url.startswith("https:") else False
        self._proxy = _proxy_for(base_url)
        self._lock = threading.Lock()
        self._own = threading.local()
        self._transports: WeakSet[httpx.HTTPTransport] = WeakSet()
        timeouts = httpx.Timeout(
            connect=connect_timeout, read=read_timeout, write=read_timeout, pool=connect_timeout
        )
        self._extensions = {"timeout": timeouts.as_dict()}
        self._body_seconds = _BODY_TIMEOUTS * read_timeout

    def send(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers (by name, whatever its case) and body; raises NoAnswer."""
        try:
            request = httpx.Request(
                method,
                _url(url),
                headers=_headers(tuple(headers.items())),
                content=content,
                extensions=self._extensions,
            )
            response = self._transport().handle_request(request)
            try:
                body = self._body(response)
            finally:
                response.close()
        except httpx.TransportError as error:
            raise NoAnswer(_failure_of(error)) from None
        except httpx.InvalidURL:
            raise NoAnswer(Failure.BAD_URL) from None
        except UnicodeError:
            raise NoAnswer(Failure.BAD_HEADER) from None
        return response.status_code, response.headers, body

    def close(self) -> None:
        with self._lock:
            transports = list(self._transports)
        for transport in transports:
            transport.close()

    def _transport(self) -> httpx.HTTPTransport:
        """This thread's connection; it is dropped with the thread."""
        transport: httpx.HTTPTransport | None = getattr(self._own, "transport", None)
        if transport is None:
            transport = httpx.HTTPTransport(
                verify=self._verify,
                proxy=self._proxy,
                limits=httpx.Limits(
                    max_connections=1, max_keepalive_connections=1, keepalive_expiry=_IDLE_SECONDS
                ),
            )
            self._own.transport = transport
            with self._lock:
                self._transports.add(transport)
        return transport

    def _body(self, response: httpx.Response) -> bytes:
        announced = response.headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > BODY_LIMIT:
            raise NoAnswer(Failure.TOO_LARGE)
        # The stream itself: what iter_raw puts around it costs CPU time and is not used here.
        chunks = self._in_time(iter(cast(httpx.SyncByteStream, response.stream)))
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        if encoding in ("gzip", "x-gzip"):
            chunks = _unpacked(chunks)
        elif encoding not in ("identity", ""):
            raise NoAnswer(Failure.UNREADABLE)  # only gzip was asked for
        parts, size = [], 0
        for chunk in chunks:
            size += len(chunk)
            if size > BODY_LIMIT:
                raise NoAnswer(Failure.TOO_LARGE)
            parts.append(chunk)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _in_time(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        until = time.monotonic() + self._body_seconds
        for chunk in chunks:
            yield chunk
            if time.monotonic() > until:
                raise NoAnswer(Failure.LOST)


# Most requests go to one URL with the same headers; parsing both took a sixth of their CPU time.
_url = lru_cache(maxsize=64)(httpx.URL)


@lru_cache(maxsize=64)
def _headers(items: tuple[tuple[str, str], ...]) -> httpx.Headers:
    """Copied by every request, never changed."""
    return httpx.Headers(items)


def _unpacked(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Gzip, unpacked in bounded steps: a few kilobytes can hold gigabytes."""
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    empty = True
    try:
        for chunk in chunks:
            empty = False
            packed = chunk
            while packed:
                yield unpacker.decompress(packed, BODY_LIMIT)
                packed = unpacker.unconsumed_tail
    except zlib.error:
        raise NoAnswer(Failure.UNREADABLE) from None
    if not empty and not unpacker.eof:
        raise NoAnswer(Failure.LOST)


_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


def _failure_of(error: httpx.TransportError) -> Failure:
    if isinstance(error, _NOT_SENT):
        return Failure.UNTRUSTED if _is_about_certificate(error) else Failure.UNREACHABLE
    if isinstance(error, httpx.LocalProtocolError):
        return Failure.BAD_HEADER
    if isinstance(error, httpx.UnsupportedProtocol):
        return Failure.BAD_URL
    return Failure.LOST


def _is_about_certificate(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


@cache
def _certificates() -> ssl.SSLContext:
    """Read once for all channels: loading the authorities takes tens of milliseconds."""
    return httpx.create_ssl_context()


def _proxy_for(base_url: str) -> str | None:
    """The proxy that the environment names for this host (`HTTPS_PROXY`, `NO_PROXY`)."""
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or host in _LOOPBACK or proxy_bypass(host):
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    if urlsplit(proxy).scheme not in ("http", "https"):
        raise ConfigurationError(
            f"the proxy for {host} is no http:// or https:// URL; correct "
            f"{parts.scheme.upper()}_PROXY or ALL_PROXY, or name the host in NO_PROXY"
        )
    return proxy
