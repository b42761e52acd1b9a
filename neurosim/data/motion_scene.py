"""How a clip of the built-in data set moves: one object on a torus, one state per frame.

A frame is a function of its own state (place, angle, radius, brightness, view of the ground), and
that state, at a random frame, has the same distribution for all ten actions:

- place: the start is uniform on the torus, so it is uniform after any displacement;
- angle: uniform on the circle, likewise;
- radius: ``grow`` runs through the values r(0) … r(15), ``shrink`` runs back, and every other
  action stays at r(u) for one u drawn uniformly from 0 … 15;
- brightness: a wave of uniform phase; ground: its view is uniform on the torus under any shake.

Only how these states follow one another tells the action. All numbers are integers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

FRAMES = 16
SIDE = 64  # pixels
UNIT = 16  # steps to a pixel, for places and radii
GROUND_UNIT = 2  # steps to a pixel, for the ground and the camera
TURN = 1024  # steps to a full turn
ONE = 4096  # sine of a quarter turn

_SINE = np.rint(ONE * np.sin(2 * np.pi * np.arange(TURN) / TURN)).astype(np.int64)
_TIMES = np.arange(-1, FRAMES)  # frame −1 is seen by the event camera alone


def sine(angle: np.ndarray | int) -> np.ndarray:
    """ONE · sin(2π · angle / TURN), rounded."""
    return _SINE[np.asarray(angle) % TURN]


def cosine(angle: np.ndarray | int) -> np.ndarray:
    """ONE · cos(2π · angle / TURN), rounded."""
    return sine(np.asarray(angle) + TURN // 4)


@dataclass(frozen=True, eq=False)
class Course:
    """The state at frames −1, 0, …, 15; each an int64 array of 17."""

    x: np.ndarray  # of the object's centre, 1/UNIT pixel, modulo SIDE · UNIT
    y: np.ndarray
    angle: np.ndarray  # 1/TURN, clockwise as seen
    radius: np.ndarray  # 1/UNIT pixel
    gain: np.ndarray  # 1/256
    ground_x: np.ndarray  # left edge of the view, 1/GROUND_UNIT pixel
    ground_y: np.ndarray


@dataclass(frozen=True, eq=False)
class _Chances:
    """All that is drawn, whatever the action."""

    x: int
    y: int
    angle: int
    middle: int  # radius in the middle of a growing clip
    growth: int  # (r(15) − r(0)) / 2r, 1/256
    moment: int  # the u at which a radius that stays is taken
    speed: int  # 1/UNIT pixel a frame
    spin: int  # 1/TURN a frame
    reach: int  # of the oscillation, 1/UNIT pixel
    period: int  # frames
    phase: int
    axis: int
    stride: int  # of the random walk, 1/UNIT pixel a frame
    headings: np.ndarray  # (17,) of its steps

    def radius(self, time: np.ndarray | int) -> np.ndarray:
        """r(time) = middle · (1 + growth · (2 time − 15) / 15)."""
        last = FRAMES - 1
        return self.middle + self.middle * self.growth * (2 * np.asarray(time) - last) // (
            256 * last
        )


@dataclass(frozen=True, eq=False)
class _Move:
    """What an action adds to the start: displacements, turns, and the times of the radius."""

    x: np.ndarray | int = 0
    y: np.ndarray | int = 0
    angle: np.ndarray | int = 0
    time: np.ndarray | None = None  # None: the moment drawn


def _right(c: _Chances) -> _Move:
    return _Move(x=c.speed * _TIMES)


def _left(c: _Chances) -> _Move:
    return _Move(x=-c.speed * _TIMES)


def _up(c: _Chances) -> _Move:
    return _Move(y=-c.speed * _TIMES)


def _down(c: _Chances) -> _Move:
    return _Move(y=c.speed * _TIMES)


def _clockwise(c: _Chances) -> _Move:
    return _Move(angle=c.spin * _TIMES)


def _anticlockwise(c: _Chances) -> _Move:
    return _Move(angle=-c.spin * _TIMES)


def _grow(c: _Chances) -> _Move:
    return _Move(time=_TIMES)


def _shrink(c: _Chances) -> _Move:
    return _Move(time=FRAMES - 1 - _TIMES)


def _oscillate(c: _Chances) -> _Move:
    along = c.reach * sine(TURN * _TIMES // c.period + c.phase) // ONE
    return _Move(x=along * cosine(c.axis) // ONE, y=along * sine(c.axis) // ONE)


def _random_walk(c: _Chances) -> _Move:
    steps = c.stride * np.stack([cosine(c.headings), sine(c.headings)]) // ONE
    x, y = np.cumsum(steps, axis=1)
    return _Move(x=x, y=y)


_MOVES: dict[str, Callable[[_Chances], _Move]] = {
    "right": _right,
    "left": _left,
    "up": _up,
    "down": _down,
    "clockwise": _clockwise,
    "anticlockwise": _anticlockwise,
    "grow": _grow,
    "shrink": _shrink,
    "oscillate": _oscillate,
    "random walk": _random_walk,
}
ACTIONS = tuple(_MOVES)  # an action's label is its place here


def course(rng: np.random.Generator, label: int) -> Course:
    """A random course of the action. What is drawn from ``rng`` does not depend on the label."""
    chances = _draw_chances(rng)
    gain, shake, view = _brightness(rng), _shake(rng), rng.integers(SIDE * GROUND_UNIT, size=(2, 1))
    move = _MOVES[ACTIONS[label]](chances)
    still = np.zeros_like(_TIMES)
    time = chances.moment + still if move.time is None else move.time
    shaken = shake * (UNIT // GROUND_UNIT)
    return Course(
        x=(chances.x + move.x + still - shaken[0]) % (SIDE * UNIT),
        y=(chances.y + move.y + still - shaken[1]) % (SIDE * UNIT),
        angle=(chances.angle + move.angle + still) % TURN,
        radius=chances.radius(time),
        gain=gain,
        ground_x=view[0] + shake[0],
        ground_y=view[1] + shake[1],
    )


def _draw_chances(rng: np.random.Generator) -> _Chances:
    def between(low: int, high: int) -> int:
        return int(rng.integers(low, high, endpoint=True))

    return _Chances(
        x=between(0, SIDE * UNIT - 1),
        y=between(0, SIDE * UNIT - 1),
        angle=between(0, TURN - 1),
        middle=between(20 * UNIT, 23 * UNIT),
        growth=between(70, 98),
        moment=between(0, FRAMES - 1),
        speed=between(2 * UNIT, 4 * UNIT),
        spin=between(12, 24),
        reach=between(7 * UNIT, 10 * UNIT),
        period=between(10, 15),
        phase=between(0, TURN - 1),
        axis=between(0, TURN - 1),
        stride=between(4 * UNIT, 6 * UNIT),
        headings=rng.integers(TURN, size=len(_TIMES)),
    )


def _brightness(rng: np.random.Generator) -> np.ndarray:
    """A slow wave about 1, in 1/256; its uniform phase makes all frames alike."""
    depth, rate, phase = rng.integers([0, -24, 0], [49, 25, TURN])
    return 256 + depth * sine(phase + rate * _TIMES) // ONE


def _shake(rng: np.random.Generator) -> np.ndarray:
    """(2, 17) independent steps of the camera off its place, at most a clip's own 0 … 1 pixels."""
    most = rng.integers(3)
    return rng.integers(-most, most, size=(2, len(_TIMES)), endpoint=True)
