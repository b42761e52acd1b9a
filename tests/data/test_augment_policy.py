"""RandAugment's string, its table of magnitudes, and what is drawn."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from neurosim.data.augment.policy import INCREASING, STRENGTH, Policy, Step, draw, parse
from neurosim.errors import ClipError


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        ("rand-m5-n2-mstd0.25", Policy(5, 2, 0.25)),
        ("rand-m9-n3-mstd0.5-inc1", Policy(9, 3, 0.5, True)),
        ("rand-inc1-n1-m7", Policy(7, 1, 0.0, True)),
        ("rand", Policy(10, 2, 0.0)),
        ("rand-mstd101-m6", Policy(6, 2, 101.0)),
        ("rand-m0", Policy(0)),
    ],
)
def test_string(text, policy):
    assert parse(text) == policy


@pytest.mark.parametrize(
    "text",
    ["", "m5", "original-m5", "rand-m5-w0", "rand-m5-mmax10", "rand-m5-m6", "rand-m11", "rand-n0"]
    + ["rand-m5.5", "rand-n1.5", "rand-inc0", "rand-inc1.0", "rand-m-5", "rand-m", "rand-m5-"]
    + ["rand-mstdx", "rand_m5", "rand-m5 ", "rand-m٥", "rand-m5\n"],
)
def test_one_line_for_another_string(text):
    with pytest.raises(ClipError, match=r"^at augment field 'rand_augment': found .*; write it as"):
        parse(text)
    with pytest.raises(ClipError, match=r"\A[^\n]+\Z"):
        parse(text)


# timm/data/auto_augment.py at magnitudes 0, 5, 9 and 10, sign +1: by hand from its functions
TIMM = {
    "auto contrast": (0, 0, 0, 0),
    "equalize": (0, 0, 0, 0),
    "invert": (0, 0, 0, 0),
    "rotate": (0, 15, 27, 30),
    "posterize": (0, 2, 3, 4),
    "solarize": (0, 128, 230, 256),
    "solarize add": (0, 55, 99, 110),
    "color": (0.1, 1.0, 1.72, 1.9),
    "contrast": (0.1, 1.0, 1.72, 1.9),
    "brightness": (0.1, 1.0, 1.72, 1.9),
    "sharpness": (0.1, 1.0, 1.72, 1.9),
    "shear x": (0, 0.15, 0.27, 0.3),
    "shear y": (0, 0.15, 0.27, 0.3),
    "translate x": (0, 0.225, 0.405, 0.45),
    "translate y": (0, 0.225, 0.405, 0.45),
}
TIMM_INCREASING = TIMM | {
    "posterize": (4, 2, 1, 0),
    "solarize": (256, 128, 26, 0),
    "color": (1.0, 1.45, 1.81, 1.9),
    "contrast": (1.0, 1.45, 1.81, 1.9),
    "brightness": (1.0, 1.45, 1.81, 1.9),
    "sharpness": (1.0, 1.45, 1.81, 1.9),
}
SIGNED = {"rotate", "shear x", "shear y", "translate x", "translate y"}
BOTH_WAYS = {"color", "contrast", "brightness", "sharpness"}  # about 1, when increasing


@pytest.mark.parametrize(
    ("table", "timm", "about_one"),
    [(STRENGTH, TIMM, set()), (INCREASING, TIMM_INCREASING, BOTH_WAYS)],
)
def test_magnitudes_are_timms(table, timm, about_one):
    assert list(table) == list(timm)
    for name, strength in table.items():
        plus = [strength(m / 10, 1) for m in (0, 5, 9, 10)]
        minus = [strength(m / 10, -1) for m in (0, 5, 9, 10)]
        mirror = [-a for a in plus] if name in SIGNED else plus
        mirror = [2 - a for a in plus] if name in about_one else mirror
        assert plus == pytest.approx(timm[name]) and minus == pytest.approx(mirror), name


def many(text: str, clips: int = 4000) -> list[tuple[Step, ...]]:
    rng = np.random.default_rng(0)
    return [draw(parse(text), rng) for _ in range(clips)]


def test_every_operation_is_chosen_alike_and_applied_half_the_time():
    drawn = many("rand-m5-n2")
    lengths = Counter(map(len, drawn))
    assert set(lengths) == {0, 1, 2}
    assert lengths[0] / 4000 == pytest.approx(1 / 4, abs=0.03)
    assert lengths[1] / 4000 == pytest.approx(1 / 2, abs=0.03)
    names = Counter(step.name for steps in drawn for step in steps)
    assert set(names) == set(STRENGTH)
    assert all(abs(n - 4000 / 15) < 5 * (4000 / 15) ** 0.5 for n in names.values())
    assert any(len(steps) == 2 and steps[0].name == steps[1].name for steps in drawn)


def arguments(text: str, name: str) -> np.ndarray:
    return np.array([step.argument for steps in many(text) for step in steps if step.name == name])


def test_without_mstd_the_magnitude_is_fixed_and_signs_are_even():
    turns = arguments("rand-m5-n2", "rotate")
    assert set(turns) == {-15.0, 15.0}
    assert abs(turns.mean()) < 4 * 15 / len(turns) ** 0.5


def test_mstd_is_the_spread_of_the_magnitude():
    levels = abs(arguments("rand-m5-n2-mstd0.25", "rotate")) / 3
    assert levels.mean() == pytest.approx(5, abs=0.06)
    assert levels.std() == pytest.approx(0.25, abs=0.04)


def test_the_magnitude_stays_within_its_range():
    high, low = (abs(arguments(t, "rotate")) for t in ("rand-m10-mstd2", "rand-m0-mstd2"))
    assert high.max() == 30 and (high == 30).mean() == pytest.approx(0.5, abs=0.12)
    assert low.min() == 0 and (low == 0).mean() == pytest.approx(0.5, abs=0.12)


def test_mstd_above_100_is_uniform():
    levels = abs(arguments("rand-m8-mstd101", "rotate")) / 3
    assert levels.max() < 8 and levels.mean() == pytest.approx(4, abs=0.6)
    assert levels.std() == pytest.approx(8 / 12**0.5, abs=0.3)
