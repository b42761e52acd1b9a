"""Something-Something v2: 174 things done to things, told apart by motion.

Layout: ``<id>.webm`` in the root or in ``20bn-something-something-v2/``; ``labels.json`` (class →
number as text), ``train.json`` and ``validation.json`` (a list of {"id", "template", …}, template
with its objects in brackets: "Holding [something]") in the root or in ``labels/``, each also as
``something-something-v2-<name>.json``. 168,913 to train, 24,777 to validate; the test split has no
labels. The usual clip is 16 frames at stride 2 of 12 a second. Goyal et al., "The 'something
something' video database for learning and evaluating visual common sense", ICCV 2017.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from neurosim.data.pictures import fault
from neurosim.data.sets._layout import RGB, Item, Layout, Listing, Request
from neurosim.data.sets._text import first_of, read_json

_NAME = "something_something_v2"


def find(request: Request) -> Listing:
    """Items in the order of the split's file."""
    numbers = _json(request.root, "labels")
    classes = _classes(*numbers)
    path, rows = _json(request.root, request.split)
    if not isinstance(rows, list):
        raise fault(path, "something that is not a list", "give [{'id': …, 'template': …}, …]")
    known = {name: label for label, name in enumerate(classes)}
    folder = request.root / "20bn-something-something-v2"
    videos = folder if folder.is_dir() else request.root
    return Listing(classes, tuple(_item(path, row, known, videos) for row in rows))


def _json(root: Path, name: str) -> tuple[Path, Any]:
    files = (f"{name}.json", f"something-something-v2-{name}.json")
    path = first_of(_NAME, (home / file for home in (root, root / "labels") for file in files))
    return path, read_json(path)


def _classes(path: Path, numbers: Any) -> tuple[str, ...]:
    """Names in the order of their numbers, which must be 0 … n − 1."""
    try:
        label = {int(number): str(name) for name, number in numbers.items()}
        return tuple(label[number] for number in range(len(numbers)))
    except (AttributeError, KeyError, TypeError, ValueError):
        raise fault(path, "labels that do not run from 0", "give {'class': '0', …}") from None


def _item(path: Path, row: Any, known: dict[str, int], videos: Path) -> Item:
    try:
        key, template = str(row["id"]), str(row["template"])
    except (KeyError, TypeError):
        raise fault(path, f"{row!r}", "give every row an 'id' and a 'template'") from None
    name = template.replace("[", "").replace("]", "")
    if name not in known:
        raise fault(path, f"the template {template!r}", "take labels.json of the same release")
    return Item(f"{key}.webm", known[name], videos / f"{key}.webm")


LAYOUT = Layout(("train", "validation"), find, {"": replace(RGB, stride=2)})
