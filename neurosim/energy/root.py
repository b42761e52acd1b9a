"""Where a rising energy meets a target: a guess is proved by pricing there, or searched for.

A dataflow that moves no word twice in a step bills the smaller of two quantities: then an energy is
a polynomial of the rate in pieces, and three prices do not give all of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

Energy = Callable[[Mapping[str, float]], Mapping[str, float]]  # name → s, to name → joules
NEAR, LARGEST, HALVINGS = 1e-9, 2.0**14, 60


def proved(
    energy: Energy, targets: Mapping[str, float], guesses: Mapping[str, float]
) -> dict[str, float]:
    """Name → s where its energy is its target; a guess of 0, ∞ or NaN says that there is none, and
    stands. ∞ where even ``LARGEST`` times the rates is too cheap.
    """
    found = dict(guesses)
    finite = {n: s for n, s in guesses.items() if 0 < s < LARGEST}
    at: Mapping[str, float] = energy(finite) if finite else dict[str, float]()
    wrong = [n for n in finite if not math.isclose(at.get(n, 0.0), targets[n], rel_tol=NEAR)]
    return found | (_searched(energy, {n: targets[n] for n in wrong}) if wrong else {})


def _searched(energy: Energy, targets: Mapping[str, float]) -> dict[str, float]:
    """By bisection, all names at once."""
    most = energy(dict.fromkeys(targets, LARGEST))
    never = {n: math.inf for n in targets if most.get(n, 0.0) < targets[n]}
    low, high = ({n: s for n in targets if n not in never} for s in (0.0, LARGEST))
    for _ in range(HALVINGS if low else 0):
        middle = {n: (low[n] + high[n]) / 2 for n in low}
        at = energy(middle)
        for name, s in middle.items():
            side = low if at.get(name, 0.0) < targets[name] else high
            side[name] = s
    return never | high
