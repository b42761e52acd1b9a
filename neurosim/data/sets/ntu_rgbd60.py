"""NTU RGB+D 60: 60 actions of 40 people before three cameras; the colour videos.

Layout: ``SsssCcccPpppRrrrAaaa_rgb.avi`` (setup, camera, person, repetition, action, each from 1) in
the root or any folder below it; label A − 1; files of actions above 60 (NTU RGB+D 120) are not part
of this set. Cross-subject ("xsub") trains on 20 people, cross-view ("xview") on cameras 2 and 3.
Xsub: 40,320 to train, 16,560 to test; xview: 37,920 and 18,960 (all clips, those without a
skeleton too). Shahroudy et al., "NTU RGB+D: A Large Scale Dataset for 3D Human Activity Analysis",
CVPR 2016.
"""

from __future__ import annotations

import re

from neurosim.data.sets._layout import RGB, Item, Layout, Listing, Request

TRAIN_SUBJECTS = frozenset(
    {1, 2, 4, 5, 8, 9, 13, 14, 15, 16, 17, 18, 19, 25, 27, 28, 31, 34, 35, 38}
)
TRAIN_CAMERAS = frozenset({2, 3})
ACTIONS = (
    *("drink water", "eat meal", "brush teeth", "brush hair", "drop", "pick up", "throw"),
    *("sit down", "stand up", "clapping", "reading", "writing", "tear up paper", "put on jacket"),
    *("take off jacket", "put on a shoe", "take off a shoe", "put on glasses", "take off glasses"),
    *("put on a hat or cap", "take off a hat or cap", "cheer up", "hand waving"),
    *("kicking something", "reach into pocket", "hopping", "jump up", "phone call"),
    *("play with phone or tablet", "type on a keyboard", "point to something", "taking a selfie"),
    *("check time from watch", "rub two hands", "nod head or bow", "shake head", "wipe face"),
    *("salute", "put palms together", "cross hands in front", "sneeze or cough", "staggering"),
    *("falling down", "headache", "chest pain", "back pain", "neck pain", "nausea or vomiting"),
    *("fan self", "punch or slap", "kicking", "pushing", "pat on back", "point finger", "hugging"),
    *("giving object", "touch pocket", "shaking hands", "walking towards", "walking apart"),
)
_NAME = re.compile(r"S\d{3}C(\d{3})P(\d{3})R\d{3}A(\d{3})_rgb\.avi")


def find(request: Request) -> Listing:
    """Items by name, whatever folder they lie in."""
    items: list[Item] = []
    for path in sorted(request.root.rglob("*_rgb.avi"), key=lambda found: found.name):
        match = _NAME.fullmatch(path.name)
        if match is None:
            continue
        camera, subject, action = map(int, match.groups())
        if 1 <= action <= len(ACTIONS) and _split(request.fold, camera, subject) == request.split:
            items.append(Item(path.relative_to(request.root).as_posix(), action - 1, path))
    return Listing(ACTIONS, tuple(items))


def _split(fold: int | str | None, camera: int, subject: int) -> str:
    trains = subject in TRAIN_SUBJECTS if fold == "xsub" else camera in TRAIN_CAMERAS
    return "train" if trains else "test"


LAYOUT = Layout(("train", "test"), find, {"": RGB}, folds=("xsub", "xview"))
