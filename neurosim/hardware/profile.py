"""Find, read, inherit and check hardware profiles."""

from __future__ import annotations

import os
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from neurosim.errors import ProfileError, UnknownName
from neurosim.hardware.complain import complaint
from neurosim.hardware.convention import with_counts
from neurosim.hardware.coverage import check, spell_out
from neurosim.hardware.read_yaml import Document, Keys, Where, read_yaml
from neurosim.hardware.schema import Profile
from neurosim.registry import data_files

Data = dict[str, Any]
_ROOM = "hardware_profiles"
_PLACES = ("prices", "ignores", "impossible")
_REPLACED = ("static", "dataflow", "doubts", "measured", "proxies", "count")


@cache
def _shipped() -> dict[str, Path]:
    return data_files(_ROOM, ".yaml")


def profiles() -> tuple[str, ...]:
    """Names of the shipped profiles."""
    return tuple(_shipped())


def load_profile(name_or_path: str | Path | Profile) -> Profile:
    """A shipped profile by name, or any by path (with a folder or ending in .yaml).

    Raises UnknownName: no such name. ProfileError: the file is not well formed; one line with file
    and line.
    """
    if isinstance(name_or_path, Profile):
        return name_or_path
    path = _path(name_or_path)
    try:
        stamp = os.stat(path).st_mtime_ns
    except OSError:
        raise ProfileError(f"{path}: no such file; check the name") from None
    return _load(path, stamp)


def _path(name_or_path: str | Path) -> Path:
    text = str(name_or_path)
    if isinstance(name_or_path, Path) or os.sep in text or text.endswith((".yaml", ".yml")):
        return Path(name_or_path)
    if text not in _shipped():
        raise UnknownName("profile", text, _shipped())
    return _shipped()[text]


@lru_cache(maxsize=256)
def _load(path: Path, stamp: int) -> Profile:
    document = _inherit(read_yaml(path), (path.stem,))
    document.data.setdefault("name", path.stem)
    spell_out(document)
    try:
        profile = Profile.model_validate(document.data)
    except ValidationError as error:
        raise complaint(error, Profile, document) from None
    check(profile, document)
    _names(profile, document)
    return profile


def _names(profile: Profile, document: Document) -> None:
    """Host, proxies and convention exist."""
    named: list[tuple[Keys, str]] = [(("proxies", p), p) for p in profile.proxies]
    if profile.host:
        named.append((("host", "profile"), profile.host.profile))
    for keys, name in named:
        if name not in _shipped():
            raise ProfileError(
                f"{document.where(keys)}: {UnknownName('profile', name, _shipped())}"
            )
    try:
        with_counts(profile.convention, profile.count)
    except (UnknownName, ProfileError) as error:
        keys = ("count",) if profile.count else ("convention",)
        raise ProfileError(f"{document.where(keys)}: {error}") from None


def _inherit(child: Document, seen: tuple[str, ...]) -> Document:
    """The parent's data under the child's; an event that the child places leaves the parent's
    places.
    """
    name = child.data.get("extends")
    if not name:
        return child
    where = child.where(("extends",))
    if not isinstance(name, str) or name not in _shipped():
        raise ProfileError(f"{where}: {UnknownName('profile to extend', str(name), _shipped())}")
    if name in seen:
        raise ProfileError(f"{where}: {' extends '.join((*seen, name))}; break the circle")
    parent = _inherit(read_yaml(_shipped()[name]), (*seen, name))
    spell_out(parent)
    spell_out(child)
    base = {k: v for k, v in parent.data.items() if k != "name"}
    for event in _placed(child.data):
        _remove(base, event)
    lines: dict[Keys, Where] = {**parent.lines, **child.lines}
    return Document(_merge(base, child.data, ()), lines, child.path)


def _placed(data: Data) -> list[str]:
    """Events that a file puts somewhere."""
    found = [event for section in _PLACES for event in _mapping(data, section)]
    found += [str(event) for event in _mapping(data, "host").get("events") or ()]
    return found + (["static"] if data.get("static") else [])


def _remove(data: Data, event: str) -> None:
    for section in _PLACES:
        data[section] = {e: v for e, v in _mapping(data, section).items() if e != event}
    host = _mapping(data, "host")
    if host:
        data["host"] = {**host, "events": [e for e in host.get("events") or () if e != event]}
    if event == "static":
        data["static"] = None


def _mapping(data: Data, key: str) -> Data:
    """A section, empty where it is missing or not a mapping (the schema complains later)."""
    found = data.get(key)
    return cast(Data, found) if isinstance(found, dict) else {}


def _merge(base: Any, over: Any, keys: Keys) -> Any:
    """Mappings merge key by key; a price, a time, a list or a value replaces what it inherits."""
    entries = (*_PLACES, "timing")
    whole = len(keys) == 1 and keys[0] in _REPLACED or len(keys) == 2 and keys[0] in entries
    if whole or not (isinstance(base, dict) and isinstance(over, dict)):
        return over
    both = dict(cast(Data, base))
    for key, value in cast(Data, over).items():
        both[key] = _merge(both[key], value, (*keys, key)) if key in both else value
    return both
