"""From the file to the settings of every integration; what cannot run is refused here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from connectors.errors import ConfigurationError
from connectors.http.secrets import is_reference
from pipelines.config.files import is_local, parse_yaml, read_text
from pipelines.config.integrations import integration_settings, require_reference
from pipelines.config.problems import Problems, require_mapping, suggestion
from pipelines.config.schema import FileKeys
from transforms.settings import IntegrationSettings

DEFAULT_PATH = "./quo-sync.yaml"
PATH_VARIABLE = "QUO_SYNC_CONFIG"

_SQLITE = "sqlite:///"
_SQL_SERVERS = ("postgresql://", "postgresql+psycopg://", "postgres://")
_MONGO = ("mongodb://", "mongodb+srv://")


@dataclass(frozen=True, slots=True)
class Config:
    """What quo-sync.yaml says, resolved to defaults.

    `repository` is a URL, or a reference to one; a relative SQLite path is absolute by now, so
    that every process finds the same file. `token_key` is a reference.
    """

    path: str
    repository: str
    stale_after_seconds: int
    token_key: str | None
    integrations: tuple[IntegrationSettings, ...]

    def integration(self, id: str) -> IntegrationSettings:
        """Raises ConfigurationError that lists the known ones."""
        by_id = {settings.id: settings for settings in self.integrations}
        if id not in by_id:
            raise ConfigurationError(
                f"{self.path}: there is no integration {id!r}; {suggestion(id, by_id)}."
            )
        return by_id[id]


def config_path(option: str | None, environment: Mapping[str, str] = os.environ) -> str:
    """The file that is meant: `--config`, else QUO_SYNC_CONFIG, else ./quo-sync.yaml."""
    return option or environment.get(PATH_VARIABLE) or DEFAULT_PATH


def load_config(path: str) -> Config:
    """Read and check the whole file; `path` is any path that Beam can read.

    References are not resolved: they belong to where the job runs. Raises ConfigurationError, one
    sentence that names the first key that is wrong.
    """
    raw = require_mapping(parse_yaml(read_text(path), path), path)
    problems = Problems(path, raw)
    try:
        keys = FileKeys.model_validate(raw)
    except ValidationError as error:
        raise problems.invalid(error, FileKeys) from None
    if keys.token_key is not None:
        require_reference(problems, ("token_key",), keys.token_key, example="QUO_SYNC_TOKEN_KEY")
    integrations = tuple(
        integration_settings(one, index, problems) for index, one in enumerate(keys.integrations)
    )
    _refuse_doubles(integrations, problems)
    return Config(
        path=path,
        repository=_repository(keys.repository, path, problems),
        stale_after_seconds=keys.stale_after_seconds,
        token_key=keys.token_key,
        integrations=integrations,
    )


def _repository(url: str, path: str, problems: Problems) -> str:
    if is_reference(url):
        return url
    if not url.startswith((_SQLITE, *_SQL_SERVERS, *_MONGO)):
        raise problems.refused(
            ("repository",),
            url,
            "use sqlite:///PATH, postgresql://…, mongodb://…/DB or a reference such as env:NAME",
        )
    if not url.startswith(_SQLITE) or url.startswith(f"{_SQLITE}/"):
        return url
    if not is_local(path):
        raise problems.refused(
            ("repository",), url, "beside a remote file the path must be absolute: sqlite:////PATH"
        )
    folder = Path(path).resolve().parent
    return f"{_SQLITE}{folder / url.removeprefix(_SQLITE)}"


def _refuse_doubles(integrations: tuple[IntegrationSettings, ...], problems: Problems) -> None:
    """Two integrations may not share an id, nor write contacts of one source with one Quo key."""
    ids: set[str] = set()
    owners: dict[tuple[str, str], str] = {}
    for index, settings in enumerate(integrations):
        place = ("integrations", index)
        if settings.id in ids:
            raise problems.refused((*place, "id"), settings.id, "it is taken; give each its own")
        ids.add(settings.id)
        owner = owners.setdefault((settings.quo.api_key, settings.quo.source), settings.id)
        if owner != settings.id:
            raise problems.refused(
                (*place, "quo", "source"),
                settings.quo.source,
                f"{owner} writes this source with the same API key; choose another source",
            )
