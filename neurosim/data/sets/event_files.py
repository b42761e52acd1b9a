"""Any event recordings sorted by class: ``[train|validation|test/]<class>/<file>``.

Files: ``.aedat4`` (AEDAT 4), ``.aedat`` (AEDAT 3.1), ``.npz`` and structured ``.npy`` (t, x, y, p),
``.h5`` and ``.hdf5``; times in microseconds (``_hdf5`` tells where seconds are meant). Sensor size:
the file's where it states one, else the recipe's. Without folders for the splits there is one
split, "all". Classes are numbered by name over all splits that are there.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from neurosim.data.arrays import EVENT_FIELDS, is_events, read_arrays
from neurosim.data.folder import natural_key
from neurosim.data.pictures import fault
from neurosim.data.sets._aedat3 import read_aedat3
from neurosim.data.sets._aedat4 import read_aedat4
from neurosim.data.sets._hdf5 import read_hdf5
from neurosim.data.sets._layout import EVENTS, Item, Layout, Listing, Request
from neurosim.errors import ClipError

SUFFIXES = (".aedat4", ".aedat", ".npz", ".npy", ".h5", ".hdf5")
_SPLITS = ("train", "validation", "test")


def find(request: Request) -> Listing:
    """Items by class and name, numbers in the natural order."""
    there = [name for name in _SPLITS if (request.root / name).is_dir()]
    known = there or ["all"]
    if request.split not in known:
        raise ClipError(
            f"at data set 'event_files': found no split {request.split!r} in "
            f"{str(request.root)!r}; there is {', '.join(known)}"
        )
    homes = [request.root / name for name in there] or [request.root]
    classes = tuple(sorted({path.name for home in homes for path in _folders(home)}))
    home = request.root / request.split if there else request.root
    items: list[Item] = []
    for folder in _folders(home):
        files = (path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
        label = classes.index(folder.name)
        for path in sorted(files, key=natural_key):
            items.append(Item(path.relative_to(request.root).as_posix(), label, path))
    return Listing(classes, tuple(items))


def _folders(home: Path) -> list[Path]:
    return sorted(path for path in home.iterdir() if path.is_dir() and path.name[0] != ".")


def read(item: Item) -> Mapping[str, np.ndarray]:
    """t (µs), x, y, p, and height and width where the file states them."""
    suffix = item.path.suffix.lower()
    if suffix == ".aedat4":
        return read_aedat4(item.path)
    if suffix == ".aedat":
        return read_aedat3(item.path, item.span)
    if suffix in (".h5", ".hdf5"):
        return read_hdf5(item.path)
    arrays = read_arrays(item.path)
    if not is_events(arrays):
        named = ", ".join(EVENT_FIELDS)
        raise fault(item.path, f"arrays {sorted(arrays)}", f"give {named} as fields or arrays")
    return arrays


LAYOUT = Layout(("all", *_SPLITS), find, {"": EVENTS}, read=read)
