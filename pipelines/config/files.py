"""Reading the file, from wherever Beam can read, and its YAML."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from connectors.errors import ConfigurationError

_TEXT = "tag:yaml.org,2002:str"
_MERGE_KEY = "tag:yaml.org,2002:merge"


def is_local(path: str) -> bool:
    return "://" not in path


def read_text(path: str) -> str:
    """The file's text; Beam, slow to import, is only asked for paths that are not local."""
    try:
        data = Path(path).read_bytes() if is_local(path) else _read_with_beam(path)
        return data.decode("utf-8-sig")
    except FileNotFoundError:
        raise ConfigurationError(
            f"{path} does not exist; `quo-sync init` writes one, --config names another."
        ) from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is not UTF-8 text; save it as UTF-8.") from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigurationError(
            f"{path} cannot be read ({reason}); correct --config or the file's permissions."
        ) from None


def parse_yaml(text: str, path: str) -> Any:
    """The file's content; a key that stands twice is refused, as YAML would drop the first."""
    try:
        return yaml.load(text, Loader=_StrictLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark else ""
        raise ConfigurationError(
            f"{path}{line}: {error.problem or 'no valid YAML'}; correct the YAML there."
        ) from None
    except yaml.YAMLError:
        raise ConfigurationError(
            f"{path} holds a character that YAML forbids; save it as plain UTF-8 text."
        ) from None


def _read_with_beam(path: str) -> bytes:
    from apache_beam.io.filesystem import BeamIOError
    from apache_beam.io.filesystems import FileSystems

    try:
        with FileSystems.open(path) as file:
            data: bytes = file.read()
            return data
    except (BeamIOError, ValueError, ImportError) as error:
        raise ConfigurationError(
            f"{path} cannot be read through Beam ({type(error).__name__}); check the path, the "
            "rights to it and that Beam's extra for it (such as quo-sync[gcp]) is installed."
        ) from None


class _StrictLoader(yaml.SafeLoader):
    """YAML's safe types. A key is the text that stands there (`null:` too), and stands once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == _MERGE_KEY:
                continue
            key.tag = _TEXT
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f"the key {key.value} stands twice", problem_mark=key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)
