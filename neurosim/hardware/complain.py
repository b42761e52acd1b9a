"""One line for people out of a schema's complaints: ``file:line: what was found; remedy``."""

from __future__ import annotations

import difflib
import types
import typing
from typing import Any

from pydantic import BaseModel, ValidationError

from neurosim.errors import ProfileError
from neurosim.hardware.read_yaml import Document, Keys

_REMEDY = {
    "source": "say where the figure comes from",
    "how": "say how it was obtained, such as measured, derived or assumed",
    "scope": "say marginal or all_in",
    "title": "name the chip in words",
    "basis": "say what the figures rest on",
    "prices": "price at least one event",
}


def complaint(error: ValidationError, model: type[BaseModel], document: Document) -> ProfileError:
    """The first complaint in the order of the file."""
    errors = error.errors(include_url=False)
    found = [(_written(d["loc"], document), d) for d in errors]
    keys, first = min(found, key=lambda pair: document.lines.get(pair[0], ("", 0))[1])
    return ProfileError(f"{document.where(keys)}: {_say(first, keys, model)}")


def _written(loc: tuple[int | str, ...], document: Document) -> Keys:
    """The longest prefix of ``loc`` that the file has, plus the key that it lacks."""
    keys = tuple(str(part) for part in loc)
    while keys and keys not in document.lines and keys[:-1] not in document.lines:
        keys = keys[:-1]
    return keys


def _say(detail: Any, keys: Keys, model: type[BaseModel]) -> str:
    kind, message, name = detail["type"], detail["msg"], keys[-1] if keys else ""
    place = ".".join(keys)
    if kind == "extra_forbidden":
        known = _fields(model, keys[:-1])
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(known)}"
        return f"unknown key {name!r}; {hint}"
    if kind == "missing":
        return f"{'.'.join(keys[:-1]) or 'the file'} lacks {name!r}; {_REMEDY.get(name, 'add it')}"
    if kind == "string_too_short":
        return f"{place} is empty; {_REMEDY.get(name, 'fill it in')}"
    message = message.removeprefix("Value error, ")
    found = "" if isinstance(detail["input"], dict) else f", got {detail['input']!r}"
    if kind == "value_error":
        return f"{place}: {message}"
    return f"{place}: {message[0].lower()}{message[1:]}{found}; correct it"


def _fields(model: type[BaseModel], keys: Keys) -> list[str]:
    """Names that ``model`` knows under a key path."""
    for key in keys:
        if key in model.model_fields:
            inner = _inner(model.model_fields[key].annotation)
            if inner is not None:
                model = inner
    return list(model.model_fields)


def _inner(annotation: Any) -> type[BaseModel] | None:
    """The model inside ``Model | None``, ``dict[str, Model]`` or ``tuple[Model, ...]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation):
        for argument in typing.get_args(annotation):
            if (inner := _inner(argument)) is not None:
                return inner
    return None
