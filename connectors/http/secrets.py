"""Secrets are references, resolved where they are needed and shown nowhere.

`env:NAME`, `file:PATH`, `gcp-secret:projects/P/secrets/S/versions/V`, and whatever the entry-point
group `quo_sync.secrets` adds: its names are schemes, each loads a function that turns what follows
the colon into the secret.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from connectors.errors import ConfigurationError
from connectors.http.redaction import register_secret

ENTRY_POINT_GROUP = "quo_sync.secrets"

_REFERENCE = re.compile(r"([a-z][a-z0-9+.-]*):(.+)", re.DOTALL)
_GCP_NAME = re.compile(r"projects/[^/\s]+/secrets/[^/\s]+/versions/[^/\s]+")


def is_reference(text: str) -> bool:
    """Whether the text names a secret by a scheme that is known here."""
    match = _REFERENCE.fullmatch(text)
    return match is not None and _is_known(match[1])


def resolve(reference: str) -> str:
    """The secret behind a reference; `redact` knows it from then on.

    Raises ConfigurationError that names the reference and the remedy, never the secret.
    """
    scheme, rest = _parts(reference)
    secret = _LOCAL[scheme](reference, rest) if scheme in _LOCAL else _fetched(reference)
    if not secret:
        raise ConfigurationError(f"the secret {reference} is empty; put its value there")
    register_secret(secret)
    return secret


def check_resolvable(reference: str) -> None:
    """Raise ConfigurationError when `env:` or `file:` leads to nothing here.

    Of other references only scheme and form are looked at: they may need a worker's identity.
    """
    scheme, rest = _parts(reference)
    if scheme in _LOCAL:
        resolve(reference)
    elif scheme == "gcp-secret":
        _require_gcp_name(reference, rest)


def _parts(reference: str) -> tuple[str, str]:
    match = _REFERENCE.fullmatch(reference)
    if match is None or not _is_known(match[1]):
        schemes = ", ".join(f"{name}:…" for name in _schemes())
        raise ConfigurationError(
            f"a secret must be given as a reference ({schemes}), not as a value; "
            "put the value there and name it here"
        )
    return match[1], match[2]


def _schemes() -> list[str]:
    return [*_LOCAL, "gcp-secret", *sorted(_added())]


def _is_known(scheme: str) -> bool:
    return scheme in _LOCAL or scheme == "gcp-secret" or scheme in _added()


@cache
def _added() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=ENTRY_POINT_GROUP)}


def _from_environment(reference: str, name: str) -> str:
    secret = os.environ.get(name)
    if secret is None:
        raise ConfigurationError(
            f"{reference}: the environment variable {name} is not set; "
            "set it where quo-sync and its workers run"
        )
    return secret


def _from_file(reference: str, path: str) -> str:
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"{reference}: the file cannot be read ({error.strerror}); create it, or let the user "
            "that runs quo-sync read it"
        ) from None
    with suppress(UnicodeDecodeError):
        return content.decode().rstrip("\r\n")
    raise ConfigurationError(f"{reference}: the file is not UTF-8 text; write the secret anew")


_LOCAL: dict[str, Callable[[str, str], str]] = {"env": _from_environment, "file": _from_file}


@cache
def _fetched(reference: str) -> str:
    """Secrets that cost a request are fetched once per OS process."""
    scheme, rest = _parts(reference)
    if scheme == "gcp-secret":
        return _from_gcp(reference, rest)
    try:
        return str(_added()[scheme].load()(rest))
    except ConfigurationError:
        raise
    except Exception as error:
        raise ConfigurationError(
            f"{reference}: the secret could not be fetched ({type(error).__name__}); check that "
            f"it exists and that this machine may read it, and the package that adds {scheme}:"
        ) from None


def _from_gcp(reference: str, name: str) -> str:
    _require_gcp_name(reference, name)
    try:
        secretmanager: Any = import_module("google.cloud.secretmanager")
    except ImportError:
        raise ConfigurationError(
            f"{reference} needs Google's Secret Manager client; install quo-sync[gcp]"
        ) from None
    try:
        client = secretmanager.SecretManagerServiceClient()
        return str(client.access_secret_version(name=name).payload.data.decode())
    except Exception as error:
        raise ConfigurationError(
            f"{reference}: the secret could not be fetched ({type(error).__name__}); check that "
            "the version exists and grant roles/secretmanager.secretAccessor to this identity"
        ) from None


def _require_gcp_name(reference: str, name: str) -> None:
    if not _GCP_NAME.fullmatch(name):
        raise ConfigurationError(
            f"{reference}: write gcp-secret:projects/PROJECT/secrets/SECRET/versions/VERSION"
        )
