"""Kinetics-400 and -600, which differ in their classes only.

Layout: ``train|val|test/<class>/<youtube id>_<start>_<end>.mp4``, both times in seconds with six
digits, and perhaps an annotation file (label,youtube_id,time_start,time_end,split) per split:
``<split>.csv``, in the root or in ``annotations/``, also as ``kinetics400_<split>.csv`` or
``kinetics_400_<split>.csv`` and with "validate" for "val". With it, the set is what it lists
(videos may then lie straight in the split's folder, and one that is gone is missing); without, what
lies in the folders. Classes are numbered by name over all splits that are there. Kay et al., "The
Kinetics Human Action Video Dataset", arXiv 1705.06950 (2017); Carreira et al., arXiv 1808.01340.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from neurosim.data.decode import SUFFIXES
from neurosim.data.sets._layout import RGB, Item, Layout, Listing, Request
from neurosim.data.sets._text import first_of, read_table, whole

_FOLDERS = {
    "train": ("train",),
    "test": ("test",),
    "validation": ("val", "validate", "validation"),
}
_COLUMNS = ("label", "youtube_id", "time_start", "time_end")


def layout(number: int) -> Layout:
    """Of Kinetics-<number>. Judged on its validation split: the test split came without labels."""

    def find(request: Request) -> Listing:
        return _find(number, request)

    return Layout(tuple(_FOLDERS), find, {"": RGB})


def _find(number: int, request: Request) -> Listing:
    """Items in the order of the annotation file, else by class and name."""
    root, split = request.root, request.split
    tables = {name: _table(root, number, name) for name in _FOLDERS}
    folders = {name: _existing(root / f for f in _FOLDERS[name]) for name in _FOLDERS}
    classes = tuple(sorted({c for s in _FOLDERS for c in _classes(tables[s], folders[s])}))
    table, names = tables[split], _FOLDERS[split]
    folder = folders[split] or first_of(f"kinetics{number}", (root / f for f in names[:1]))
    listed = _from_folders(folder) if table is None else _from_table(table, folder)
    labels = {name: label for label, name in enumerate(classes)}
    keyed = ((path.relative_to(root).as_posix(), name, path) for name, path in listed)
    return Listing(classes, tuple(Item(key, labels[name], path) for key, name, path in keyed))


def _existing(paths: Iterator[Path]) -> Path | None:
    return next((path for path in paths if path.exists()), None)


def _table(root: Path, number: int, split: str) -> Path | None:
    starts = ("", f"kinetics{number}_", f"kinetics_{number}_")
    homes = (root, root / "annotations")
    stems = _FOLDERS[split]
    return _existing(h / f"{start}{stem}.csv" for h in homes for start in starts for stem in stems)


def _classes(table: Path | None, folder: Path | None) -> set[str]:
    if table is not None:
        return {row["label"] for row in read_table(table, _COLUMNS)}
    return set() if folder is None else {p.name for p in folder.iterdir() if p.is_dir()}


def _from_folders(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.glob("*/*")):
        if path.suffix.lower() in SUFFIXES:
            yield path.parent.name, path


def _from_table(table: Path, folder: Path) -> Iterator[tuple[str, Path]]:
    there = {path.name: path for path in folder.rglob("*.mp4")}
    for line, row in enumerate(read_table(table, _COLUMNS), start=2):
        start, end = (whole(table, line, row[name]) for name in ("time_start", "time_end"))
        name = f"{row['youtube_id']}_{start:06d}_{end:06d}.mp4"
        yield row["label"], there.get(name, folder / row["label"] / name)
