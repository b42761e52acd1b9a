"""UCF101: 13,320 clips of 101 actions, three splits by group of the same scene.

Layout: ``UCF-101/<Class>/v_<Class>_gGG_cCC.avi`` beside ``ucfTrainTestlist/`` with ``classInd.txt``
("1 ApplyEyeMakeup", from 1), ``trainlist0k.txt`` ("Class/file.avi 1") and ``testlist0k.txt``
("Class/file.avi"), k in 1, 2, 3. Split 1: 9,537 to train, 3,783 to test. Soomro, Zamir & Shah,
"UCF101: A Dataset of 101 Human Actions Classes From Videos in The Wild", arXiv 1212.0402 (2012).
"""

from __future__ import annotations

from pathlib import Path

from neurosim.data.pictures import fault
from neurosim.data.sets._layout import RGB, Item, Layout, Listing, Request
from neurosim.data.sets._text import first_of, read_lines, whole


def find(request: Request) -> Listing:
    """Items in the order of the split's list."""
    videos = first_of("ucf101", [request.root / "UCF-101"])
    lists = first_of("ucf101", [request.root / "ucfTrainTestlist"])
    classes = _classes(lists / "classInd.txt")
    listed = lists / f"{request.split}list0{request.fold}.txt"
    lines = read_lines(listed)
    items = (_item(videos, listed, n, line, classes) for n, line in enumerate(lines, start=1))
    return Listing(classes, tuple(items))


def _classes(path: Path) -> tuple[str, ...]:
    lines = read_lines(path)
    for number, line in enumerate(lines, start=1):
        label, _, name = line.partition(" ")
        if whole(path, number, label) != number or not name:
            raise fault(path, f"{line!r} in line {number}", f"give '{number} Class'")
    return tuple(line.partition(" ")[2].strip() for line in lines)


def _item(videos: Path, listed: Path, number: int, line: str, classes: tuple[str, ...]) -> Item:
    """The folder names the class; the training lists say its number too."""
    key, _, said = line.partition(" ")
    name = key.partition("/")[0]
    if name not in classes:
        raise fault(listed, f"class {name!r} in line {number}", "take the lists of one release")
    label = classes.index(name)
    if said and whole(listed, number, said) != label + 1:
        raise fault(listed, f"{line!r}, while {name} is {label + 1}", "take lists of one release")
    return Item(key, label, videos / key)


LAYOUT = Layout(("train", "test"), find, {"": RGB}, folds=(1, 2, 3))
