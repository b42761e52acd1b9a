"""DVS128 Gesture: 11 gestures of 29 people under three lights, seen by a 128×128 event camera.

Form "aedat", as released: ``userNN_<light>.aedat`` (AEDAT 3.1), ``userNN_<light>_labels.csv``
(class,startTime_usec,endTime_usec; class from 1), ``trials_to_train.txt`` and
``trials_to_test.txt`` (one .aedat name a line), in the root or in ``DvsGesture/``. An item is a row
of a table: [start, end) of the recording. Spans of a recording may overlap (user22_led: class 9
ends after class 10 begins) and a class may stand twice (arm roll); an empty span is a bad item.

Form "preprocessed", tonic's: ``ibmGestureTrain|ibmGestureTest/userNN_<light>/<label>.npy``, label
from 0, an (N, 4) array x, y, p, t with t in milliseconds, or a structured one with t in
microseconds. It holds one trial of a class where the release has two.

Amir et al., "A Low Power, Fully Event-Based Gesture Recognition System", CVPR 2017.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from neurosim.data.arrays import is_events, read_arrays
from neurosim.data.folder import natural_key
from neurosim.data.pictures import fault
from neurosim.data.sets._aedat3 import read_aedat3
from neurosim.data.sets._layout import EVENTS, Item, Layout, Listing, Request
from neurosim.data.sets._text import read_lines, read_table, whole
from neurosim.errors import ClipError

GESTURES = (
    *("hand clapping", "right hand wave", "left hand wave", "right arm clockwise"),
    *("right arm counter-clockwise", "left arm clockwise", "left arm counter-clockwise"),
    *("arm roll", "air drums", "air guitar", "other gestures"),
)
_FOLDER = {"train": "ibmGestureTrain", "test": "ibmGestureTest"}
_COLUMNS = ("class", "startTime_usec", "endTime_usec")
_SIDE = np.array(128)


def find(request: Request) -> Listing:
    """Items in the order of the trial list and its tables; preprocessed: by folder and label."""
    home, inner = request.root, request.root / "DvsGesture"
    home = inner if inner.is_dir() else home
    folder = request.root / _FOLDER[request.split]
    trials = home / f"trials_to_{request.split}.txt"
    if request.form == "aedat" or (request.form is None and trials.exists()):
        return Listing(GESTURES, tuple(_trials(home, trials)), "aedat")
    if not folder.is_dir():
        raise ClipError(
            f"at data set 'dvs128_gesture': found neither {str(trials)!r} nor {str(folder)!r}; "
            "check the layout of its folder"
        )
    return Listing(GESTURES, tuple(_arrays(request.root, folder)), "preprocessed")


def _trials(home: Path, trials: Path) -> Iterator[Item]:
    for name in read_lines(trials):
        table = home / f"{Path(name).stem}_labels.csv"
        for line, row in enumerate(read_table(table, _COLUMNS), start=2):
            number, begin, end = (whole(table, line, row[column]) for column in _COLUMNS)
            key = f"{name} line {line}"
            yield Item(key, _label(table, key, number - 1), home / name, (begin, end))


def _arrays(root: Path, folder: Path) -> Iterator[Item]:
    for person in sorted(p for p in folder.iterdir() if p.is_dir()):
        for path in sorted(person.glob("*.npy"), key=natural_key):
            label = int(path.stem) if path.stem.isdecimal() else -1
            key = path.relative_to(root).as_posix()
            yield Item(key, _label(path, key, label), path)


def _label(path: Path, key: str, label: int) -> int:
    if not 0 <= label < len(GESTURES):
        raise fault(path, f"no gesture's number at {key!r}", f"there are {len(GESTURES)} classes")
    return label


def read(item: Item) -> Mapping[str, np.ndarray]:
    """t (µs), x, y, p, height and width."""
    if item.path.suffix == ".aedat":
        events = read_aedat3(item.path, item.span)
    else:
        events = _array_events(item.path, read_arrays(item.path))
    return events | {"height": _SIDE, "width": _SIDE}


def _array_events(path: Path, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    if is_events(arrays):
        return {name: arrays[name] for name in "txyp"}
    table = arrays.get("clip")
    if table is None or table.ndim != 2 or table.shape[1] != 4:
        raise fault(path, f"{sorted(arrays)} of another shape", "give (N, 4): x, y, p, t in ms")
    x, y, p, milliseconds = np.asarray(table).T
    return {"t": np.rint(milliseconds * 1000.0), "x": x, "y": y, "p": p}


LAYOUT = Layout(("train", "test"), find, {"aedat": EVENTS, "preprocessed": EVENTS}, read=read)
