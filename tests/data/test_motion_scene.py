"""The state of a random frame says nothing about the action; the states in order say all."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2_contingency, chisquare

from neurosim.data.motion_scene import (
    ACTIONS,
    FRAMES,
    GROUND_UNIT,
    ONE,
    SIDE,
    TURN,
    UNIT,
    Course,
    cosine,
    course,
    sine,
)

FIELDS = ("x", "y", "angle", "radius", "gain", "ground_x", "ground_y")
EACH = 400


def of(action: str, seed: int = 0) -> Course:
    return course(np.random.default_rng(seed), ACTIONS.index(action))


def beside_ground(path: Course) -> np.ndarray:
    """(2, 16) displacements of the object against the ground, in pixels, the shortest way."""
    shake = UNIT // GROUND_UNIT
    place = np.stack([path.x + shake * path.ground_x, path.y + shake * path.ground_y])
    half = SIDE * UNIT // 2
    return ((np.diff(place) + half) % (2 * half) - half) / UNIT


@pytest.fixture(scope="module")
def frames() -> dict[str, np.ndarray]:
    """field → (10 actions, EACH) values at one random frame of as many clips."""
    pick = np.random.default_rng(1)
    found = {field: np.empty((len(ACTIONS), EACH)) for field in FIELDS}
    for label in range(len(ACTIONS)):
        for n in range(EACH):
            path = course(np.random.default_rng([5, label, n]), label)
            t = pick.integers(1, FRAMES + 1)
            for field in FIELDS:
                found[field][label, n] = getattr(path, field)[t]
    for field in ("ground_x", "ground_y"):
        found[field] %= SIDE * GROUND_UNIT
    return found


def bins(values: np.ndarray, count: int) -> np.ndarray:
    """The quantile bin of each value."""
    edges = np.quantile(values, np.arange(1, count) / count)
    return np.searchsorted(edges, values, side="right")


def p_value(cells: np.ndarray, count: int) -> float:
    """Of the hypothesis that the rows of (10, n) bins come from one distribution."""
    table = np.stack([np.bincount(row, minlength=count) for row in cells])
    return chi2_contingency(table[:, table.sum(0) > 0])[1]


@pytest.mark.parametrize("field", FIELDS)
def test_each_part_of_the_state_is_alike_in_all_actions(frames, field):
    assert p_value(bins(frames[field], 8), 8) > 0.005


@pytest.mark.parametrize(
    "pair", [("x", "y"), ("radius", "gain"), ("radius", "angle"), ("x", "gain"), ("x", "ground_x")]
)
def test_pairs_are_alike_in_all_actions(frames, pair):
    one, two = (bins(frames[field], 4) for field in pair)
    assert p_value(4 * one + two, 16) > 0.005


@pytest.mark.parametrize("field", ["x", "y", "angle", "ground_x", "ground_y"])
def test_places_and_angles_are_uniform(frames, field):
    period = {"angle": TURN, "ground_x": SIDE * GROUND_UNIT, "ground_y": SIDE * GROUND_UNIT}
    cells = frames[field].ravel() * 16 // period.get(field, SIDE * UNIT)
    assert chisquare(np.bincount(cells.astype(int), minlength=16))[1] > 0.005


def test_first_and_last_frame_are_alike_but_for_a_radius_that_changes():
    ends = [course(np.random.default_rng([6, n]), n % 6) for n in range(1200)]
    for field in ("x", "y", "angle", "radius", "gain"):
        values = np.array([[getattr(p, field)[t] for p in ends] for t in (1, FRAMES)])
        assert p_value(bins(values, 8), 8) > 0.005


def test_radii_of_grow_shrink_and_all_others_are_one_distribution():
    places = []
    for seed in range(800):
        grow, shrink, right = (of(a, seed).radius[1:] for a in ("grow", "shrink", "right"))
        assert (grow[::-1] == shrink).all() and (np.diff(grow) > 0).all()
        assert np.ptp(right) == 0 and right[0] in grow
        places.append(grow.tolist().index(right[0]))
    assert chisquare(np.bincount(places, minlength=FRAMES))[1] > 0.005


def test_what_is_drawn_does_not_depend_on_the_action():
    states = set()
    for label in range(len(ACTIONS)):
        rng = np.random.default_rng(3)
        course(rng, label)
        states.add(str(rng.bit_generator.state))
    assert len(states) == 1


@pytest.mark.parametrize(
    ("action", "axis", "sign"), [("right", 0, 1), ("left", 0, -1), ("down", 1, 1), ("up", 1, -1)]
)
def test_directions_move_evenly_one_way(action, axis, sign):
    for seed in range(20):
        moved = beside_ground(of(action, seed))
        assert np.ptp(moved[axis]) == 0 and 2 <= sign * moved[axis, 0] <= 4
        assert (moved[1 - axis] == 0).all()


@pytest.mark.parametrize(("action", "sign"), [("clockwise", 1), ("anticlockwise", -1)])
def test_rotations_turn_in_place(action, sign):
    path = of(action)
    turns = (np.diff(path.angle) * sign) % TURN
    assert np.ptp(turns) == 0 and 12 <= turns[0] <= 24 and not beside_ground(path).any()


def test_oscillation_returns_and_a_walk_wanders():
    for seed in range(20):
        swing = beside_ground(of("oscillate", seed)).cumsum(1)
        assert np.abs(swing).max() <= 21 and np.linalg.matrix_rank(swing, tol=2) == 1
        walk = beside_ground(of("random walk", seed))
        assert np.ptp(np.hypot(*walk)) < 0.2 and np.linalg.matrix_rank(walk, tol=2) == 2


def test_all_states_are_whole_numbers_within_the_picture():
    for label in range(len(ACTIONS)):
        path = course(np.random.default_rng(label), label)
        assert all(getattr(path, f).dtype == np.int64 for f in FIELDS)
        assert all(len(getattr(path, f)) == FRAMES + 1 for f in FIELDS)
        assert path.radius.min() > 4 * UNIT and path.radius.max() < SIDE * UNIT // 2


def test_sine_and_cosine():
    assert [int(sine(a)) for a in (0, TURN // 4, TURN // 2, 5 * TURN // 4)] == [0, ONE, 0, ONE]
    assert [int(cosine(a)) for a in (0, TURN // 4, -TURN // 2)] == [ONE, 0, -ONE]
