"""The settings: JSON and back, one line for whatever is wrong, labels in a mirror."""

from __future__ import annotations

import json

import pytest

from neurosim.data.augment import Augment, mirrored
from neurosim.data.motion_scene import ACTIONS
from neurosim.errors import ClipError

SVFORMER = Augment(
    resized_crop=(0.08, 1.0),
    ratio=(0.75, 1.3333),
    flip=0.5,
    rand_augment="rand-m5-n2-mstd0.25",
    color_jitter=0.4,
    erasing=0.25,
)
MOTION = Augment(scale_jitter=(64, 80), shift=True, mirror_labels=mirrored(ACTIONS))


@pytest.mark.parametrize("how", [Augment(), SVFORMER, MOTION])
def test_json_and_back(how):
    assert Augment.from_dict(json.loads(json.dumps(how.to_dict()))) == how


def test_what_is_left_out_is_off():
    assert Augment.from_dict({"flip": 0.5}) == Augment(flip=0.5)
    off = Augment()
    assert not any([off.scale_jitter, off.resized_crop, off.flip, off.rand_augment])
    assert not any([off.color_jitter, off.erasing, off.shift, off.mirror_labels])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("scale_jitter", (320, 256)),
        ("scale_jitter", (0, 256)),
        ("scale_jitter", (256.0, 320.0)),
        ("scale_jitter", 256),
        ("resized_crop", (0.0, 1.0)),
        ("resized_crop", (0.08, 1.1)),
        ("resized_crop", (0.1, 0.2, 0.3)),
        ("ratio", (1.333, 0.75)),
        ("ratio", (float("nan"), 1.0)),
        ("ratio", None),
        ("flip", -0.1),
        ("flip", 1.1),
        ("flip", "half"),
        ("flip", True),
        ("rand_augment", 5),
        ("rand_augment", "rand-m5-x2"),
        ("color_jitter", 1.5),
        ("color_jitter", float("inf")),
        ("erasing", float("nan")),
        ("shift", 1),
        ("mirror_labels", (1, 2, 0)),
        ("mirror_labels", (0, 2)),
        ("mirror_labels", (-1, 0)),
        ("mirror_labels", 3),
    ],
)
def test_one_line_for_a_field_out_of_range(field, value):
    with pytest.raises(ClipError, match=f"^at augment field '{field}': found .*; (give|write) .*$"):
        Augment(**{field: value})


def test_one_line_for_an_unknown_field():
    with pytest.raises(ClipError, match=r"^at augment: found unknown fields \['flop'\]; .*erasing"):
        Augment.from_dict({"flop": 0.5, "flip": 0.5})
    with pytest.raises(ClipError, match=r"^at augment: found \[0.5\]; give a mapping of scale_"):
        Augment.from_dict([0.5])  # type: ignore[arg-type]


def test_one_kind_of_crop():
    with pytest.raises(ClipError, match=r"scale_jitter \(4, 5\) and resized_crop .*; give one"):
        Augment(scale_jitter=(4, 5), resized_crop=(0.5, 1.0))


def test_motion_in_a_mirror():
    becomes = {a: ACTIONS[i] for a, i in zip(ACTIONS, mirrored(ACTIONS), strict=True)}
    swapped = {"left", "right", "clockwise", "anticlockwise"}
    assert {a for a in ACTIONS if becomes[a] != a} == swapped
    assert becomes["left"] == "right" and becomes["clockwise"] == "anticlockwise"


def test_a_left_without_a_right():
    with pytest.raises(ClipError, match=r"^at the class names: found 'left' without 'right', .*"):
        mirrored(["up", "left"])
