"""HMDB51: 6,766 clips of 51 actions, three splits.

Layout: ``<class>/*.avi`` and ``<class>_test_split<k>.txt`` with "file.avi flag" lines, flag 1 to
train, 2 to test, 0 in neither; split 1: 3,570 to train, 1,530 to test. Videos are looked for in the
root or in ``hmdb51_org/``, lists in the root or in ``testTrainMulti_7030_splits/``, the folders of
the release. Classes are numbered by name. Kuehne et al., "HMDB: A Large Video Database for Human
Motion Recognition", ICCV 2011.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from neurosim.data.pictures import fault
from neurosim.data.sets._layout import RGB, Item, Layout, Listing, Request
from neurosim.data.sets._text import read_lines
from neurosim.errors import ClipError

_FLAGS = {"0": "", "1": "train", "2": "test"}


def find(request: Request) -> Listing:
    """Items by class, then in the order of the class's list."""
    ending = f"_test_split{request.fold}.txt"
    lists = _lists(request.root, ending)
    classes = tuple(path.name.removesuffix(ending) for path in lists)
    org = request.root / "hmdb51_org"
    videos = org if org.is_dir() else request.root
    items: list[Item] = []
    for label, path in enumerate(lists):
        keys = (f"{classes[label]}/{name}" for name in _named(path, request.split))
        items += (Item(key, label, videos / key) for key in keys)
    return Listing(classes, tuple(items))


def _lists(root: Path, ending: str) -> list[Path]:
    for folder in (root / "testTrainMulti_7030_splits", root):
        found = sorted(folder.glob(f"*{ending}"))
        if found:
            return found
    raise ClipError(
        f"at data set 'hmdb51': found no '<class>{ending}' in {str(root)!r} or its "
        "'testTrainMulti_7030_splits'; unpack test_train_splits.rar there"
    )


def _named(path: Path, split: str) -> Iterator[str]:
    """File names that the list puts into the split."""
    for number, line in enumerate(read_lines(path), start=1):
        name, _, flag = line.rpartition(" ")
        if flag not in _FLAGS or not name:
            raise fault(path, f"{line!r} in line {number}", "give 'file.avi' and 0, 1 or 2")
        if _FLAGS[flag] == split:
            yield name.strip()


LAYOUT = Layout(("train", "test"), find, {"": RGB}, folds=(1, 2, 3))
