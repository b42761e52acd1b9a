"""A YAML reader for files that strangers write: plain data only, and the line of every key.

Refused: aliases and anchors (bombs), tags (objects), duplicate keys, deep nesting, large files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from neurosim.errors import ProfileError

MAX_BYTES = 256 * 1024
MAX_DEPTH = 12
_yaml: Any = yaml  # parse and compose have no types of their own
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
Where = tuple[str, int]  # file, line
Keys = tuple[str, ...]


@dataclass(frozen=True)
class Document:
    """Plain data, and where each key path was written."""

    data: dict[str, Any]
    lines: Mapping[Keys, Where]
    path: str

    def where(self, keys: Keys) -> str:
        """``file:line`` of a key path, or of its nearest written parent."""
        while keys and keys not in self.lines:
            keys = keys[:-1]
        file, line = self.lines.get(keys, (self.path, 1))
        return f"{file}:{line}"


def read_yaml(path: str | Path) -> Document:
    """Read one mapping. Raises ProfileError, one line with file and line."""
    text = _text(Path(path))
    try:
        _refuse_dangerous(text, str(path))
        root: Any = _yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ProfileError(f"{path}:{line}: not YAML ({error.problem}); fix the syntax") from None
    except yaml.YAMLError as error:
        found = " ".join(str(error).split())
        raise ProfileError(f"{path}:1: not YAML ({found}); save it as plain UTF-8 text") from None
    if not isinstance(root, yaml.MappingNode):
        raise ProfileError(f"{path}:1: expects a mapping of keys to values; see a shipped file")
    lines: dict[Keys, Where] = {(): (str(path), 1)}
    return Document(_plain(root, (), lines, str(path)), lines, str(path))


def _text(path: Path) -> str:
    if path.is_dir():
        raise ProfileError(f"{path}: is a folder; name the .yaml file in it")
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ProfileError(f"{path}: cannot be read ({error.strerror}); check the name") from None
    if len(data) > MAX_BYTES:
        raise ProfileError(f"{path}:1: larger than {MAX_BYTES // 1024} KB; keep one chip per file")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise ProfileError(f"{path}:1: not UTF-8 text; save it as plain UTF-8") from None


def _refuse_dangerous(text: str, path: str) -> None:
    """Look at the flat event stream before anything recursive sees the text."""
    depth = 0
    for event in _yaml.parse(text, Loader=_LOADER):
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise ProfileError(
                f"{path}:{line}: aliases and anchors are refused; write the value out"
            )
        if getattr(event, "tag", None):
            raise ProfileError(
                f"{path}:{line}: the tag {event.tag!r} is refused; write plain values only"
            )
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise ProfileError(f"{path}:{line}: nested deeper than {MAX_DEPTH}; flatten it")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _plain(node: yaml.Node, keys: Keys, lines: dict[Keys, Where], path: str) -> Any:
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, keys, lines, path)
    if isinstance(node, yaml.SequenceNode):
        for i, item in enumerate(node.value):
            lines[*keys, str(i)] = (path, item.start_mark.line + 1)
        return [_plain(item, (*keys, str(i)), lines, path) for i, item in enumerate(node.value)]
    return _scalar(node)


def _mapping(
    node: yaml.MappingNode, keys: Keys, lines: dict[Keys, Where], path: str
) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key_node, value in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise ProfileError(f"{path}:{line}: a key is a list or mapping; use a plain word")
        key = str(key_node.value)
        if key in out:
            raise ProfileError(f"{path}:{line}: {key!r} is given twice; keep one")
        lines[*keys, key] = (path, line)
        out[key] = _plain(value, (*keys, key), lines, path)
    return out


def _scalar(node: yaml.Node) -> Any:
    tag, text = node.tag.removeprefix(_TAG), str(node.value)
    if tag == "null":
        return None
    if tag == "bool":
        return text.lower() in ("true", "yes", "on")
    try:
        if tag == "int":
            return int(text.replace("_", ""), 0)
        if tag == "float":
            return float(
                text.replace("_", "").lower().replace(".inf", "inf").replace(".nan", "nan")
            )
    except ValueError:
        return text
    return text
