"""From what is wrong to one sentence: file, key, value and remedy; never a secret."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from inspect import isclass
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from connectors.errors import ConfigurationError
from connectors.http.redaction import redact

Location = tuple[int | str, ...]

_SECRET = re.compile(r"key|token|secret|password|credential|auth", re.IGNORECASE)
_SHOWN = 60


class Problems:
    """Words the errors of one file."""

    def __init__(self, path: str, raw: Any) -> None:
        self._path = path
        self._raw = raw

    def error(self, location: Location, sentence: str) -> ConfigurationError:
        return ConfigurationError(f"{self._path}: {self._key(location)}: {sentence}.")

    def refused(self, location: Location, value: Any, why: str) -> ConfigurationError:
        """The value itself is wrong; it is shown unless it could be a secret."""
        return self.error(location, f"{shown(location, value)} is refused: {why}")

    def unknown(
        self, location: Location, value: str, what: str, known: Iterable[str]
    ) -> ConfigurationError:
        return self.error(location, f"{value!r} is no {what}; {suggestion(value, known)}")

    def invalid(
        self, error: ValidationError, model: type[BaseModel], under: Location = ()
    ) -> ConfigurationError:
        """The first problem, a misspelt key before all that follows from it."""
        details = sorted(error.errors(), key=lambda detail: detail["type"] != "extra_forbidden")
        sentence = _sentence(details[0], model)
        if len(details) > 1:
            sentence += f" ({len(details) - 1} more to correct)"
        return self.error((*under, *details[0]["loc"]), sentence)

    def _key(self, location: Location) -> str:
        """`integrations[acme].quo.source`: the integration by its id where it has one."""
        text = ""
        for depth, part in enumerate(location):
            if isinstance(part, int):
                text += f"[{self._integration_id(part) if depth == 1 else part}]"
            else:
                text += f".{part}" if text else part
        return text or "the file"

    def _integration_id(self, index: int) -> Any:
        try:
            found = self._raw["integrations"][index]["id"]
        except (KeyError, IndexError, TypeError):
            return index
        return found if isinstance(found, str | int) else index


def suggestion(value: str, known: Iterable[str]) -> str:
    """The nearest of the known words, and all of them."""
    words = sorted(known)
    if not words:
        return "there is none"
    by_lower = {word.lower(): word for word in words}
    near = difflib.get_close_matches(value.lower(), by_lower, n=1)
    meant = f"did you mean {by_lower[near[0]]}? " if near else ""
    return f"{meant}known are {', '.join(words)}"


def shown(location: Location, value: Any) -> str:
    """The value for a message: hidden where a secret may stand, shortened, without passwords."""
    if any(isinstance(part, str) and _SECRET.search(part) for part in location):
        return "the value (not shown)"
    text = redact(repr(value))
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _sentence(detail: ErrorDetails, model: type[BaseModel]) -> str:
    location, value = detail["loc"], detail["input"]
    match detail["type"]:
        case "extra_forbidden":
            return f"unknown key; {suggestion(str(location[-1]), _keys(model, location[:-1]))}"
        case "missing":
            return f"is missing; add it{_example(model, location)}"
        case "model_type" | "dict_type" | "model_attributes_type":
            return f"{_kind(value)} is refused: write keys and values here"
        case "list_type":
            return f"{_kind(value)} is refused: write a list here, as [a, b]"
        case "literal_error":
            return f"{shown(location, value)} is refused: use {detail['ctx']['expected']}"
        case "string_pattern_mismatch":
            return f"{shown(location, value)} is refused: use letters, digits, '.', '_' and '-'"
        case "too_short":
            return "is empty; name at least one"
        case "string_too_short":
            return "is empty; write a value"
    why = detail["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return f"{shown(location, value)} is refused: {redact(why).removesuffix('.')}"


def _kind(value: Any) -> str:
    """What stands where something else belongs; the value itself may be a misplaced secret."""
    match value:
        case None:
            return "nothing"
        case str():
            return "a text"
        case list():
            return "a list"
        case Mapping():
            return "a section of keys"
    return shown((), value)


def _example(model: type[BaseModel], location: Location) -> str:
    owner = _model_at(model, location[:-1])
    field = owner.model_fields.get(str(location[-1])) if owner else None
    return f", such as {field.examples[0]}" if field and field.examples else ""


def _keys(model: type[BaseModel], location: Location) -> list[str]:
    owner = _model_at(model, location)
    return list(owner.model_fields) if owner else []


def _model_at(model: type[BaseModel], location: Location) -> type[BaseModel] | None:
    """The model whose keys stand at a location; list indexes and free keys lead into the same."""
    current: type[BaseModel] | None = model
    parts = iter(location)
    for part in parts:
        if current is None or isinstance(part, int):
            continue
        field = current.model_fields.get(part)
        current = _nested(field.annotation) if field else None
        if field and get_origin(field.annotation) is dict:
            next(parts, None)
    return current


def _nested(annotation: Any) -> type[BaseModel] | None:
    if isclass(annotation) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_nested, get_args(annotation))), None)


def require_mapping(raw: Any, path: str) -> Mapping[str, Any]:
    if isinstance(raw, Mapping):
        return raw
    what = "is empty" if raw is None else "holds no keys and values"
    raise ConfigurationError(f"{path} {what}; `quo-sync init` writes a commented one.")
