"""RandAugment: which operations a clip meets, and how strong; magnitudes as in timm.

Cubuk et al., "RandAugment: practical automated data augmentation with a reduced search space",
CVPR workshops 2020; operations, magnitudes and the way of writing them:
huggingface/pytorch-image-models, timm/data/auto_augment.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from neurosim.errors import ClipError

MOST = 10  # the magnitude at full strength
CHANCE = 0.5  # that an operation, once chosen, is applied
_UNIFORM = 100  # above this mstd, timm draws the magnitude uniformly
_PART = re.compile(r"(mstd|m|n|inc)([0-9]{1,3}(?:\.[0-9]{1,9})?)")

Strength = Callable[[float, int], float]  # (magnitude / MOST, sign ±1) → argument


def _rising(u: float, sign: int) -> float:
    return 1.0 + 0.9 * u * sign


STRENGTH: dict[str, Strength] = {
    "auto contrast": lambda u, sign: 0,
    "equalize": lambda u, sign: 0,
    "invert": lambda u, sign: 0,
    "rotate": lambda u, sign: 30.0 * u * sign,  # degrees
    "posterize": lambda u, sign: int(4 * u),  # bits kept
    "solarize": lambda u, sign: int(256 * u),  # first level inverted
    "solarize add": lambda u, sign: int(110 * u),  # levels added to the dark half
    "color": lambda u, sign: 1.8 * u + 0.1,  # 1: as it is
    "contrast": lambda u, sign: 1.8 * u + 0.1,
    "brightness": lambda u, sign: 1.8 * u + 0.1,
    "sharpness": lambda u, sign: 1.8 * u + 0.1,
    "shear x": lambda u, sign: 0.3 * u * sign,
    "shear y": lambda u, sign: 0.3 * u * sign,
    "translate x": lambda u, sign: 0.45 * u * sign,  # of the side
    "translate y": lambda u, sign: 0.45 * u * sign,
}
INCREASING: dict[str, Strength] = STRENGTH | {
    "posterize": lambda u, sign: 4 - int(4 * u),
    "solarize": lambda u, sign: 256 - int(256 * u),
    "color": _rising,
    "contrast": _rising,
    "brightness": _rising,
    "sharpness": _rising,
}


@dataclass(frozen=True)
class Policy:
    """``layers`` operations, each of magnitude N(magnitude, std²) within 0 … MOST."""

    magnitude: int = MOST
    layers: int = 2
    std: float = 0.0
    increasing: bool = False  # stronger with the magnitude, every one


@dataclass(frozen=True)
class Step:
    """One operation (a key of STRENGTH) and its argument."""

    name: str
    argument: float


def parse(text: str) -> Policy:
    """The policy that timm's string names: m, n, mstd and inc1, each at most once.

    Raises ClipError: anything else, m above MOST (timm would cut it in silence), n of 0.
    """
    head, *parts = text.split("-")
    found = [match for part in parts if (match := _PART.fullmatch(part))]
    given: dict[str, str] = {match[1]: match[2] for match in found}
    good = head == "rand" and len(given) == len(parts) and given.get("inc", "1") == "1"
    good = good and all(given.get(key, "1").isdigit() for key in ("m", "n"))
    if not good or int(given.get("m", "0")) > MOST or int(given.get("n", "1")) < 1:
        raise ClipError(
            f"at augment field 'rand_augment': found {text!r}; write it as timm does, "
            f"'rand-m5-n2-mstd0.25', of m (0 … {MOST}), n (at least 1), mstd and inc1"
        )
    magnitude, layers = int(given.get("m", MOST)), int(given.get("n", 2))
    return Policy(magnitude, layers, float(given.get("mstd", 0)), "inc" in given)


def draw(policy: Policy, rng: np.random.Generator) -> tuple[Step, ...]:
    """The operations of one clip, chosen with replacement, each with its own chance and sign."""
    table = INCREASING if policy.increasing else STRENGTH
    names = [list(table)[i] for i in rng.integers(len(table), size=policy.layers)]
    chosen = [name for name in names if rng.random() < CHANCE]
    return tuple(Step(name, table[name](_level(policy, rng), _sign(rng))) for name in chosen)


def _level(policy: Policy, rng: np.random.Generator) -> float:
    """The magnitude over MOST, 0 … 1."""
    if policy.std > _UNIFORM:
        return rng.uniform(0, policy.magnitude) / MOST
    drawn = rng.normal(policy.magnitude, policy.std) if policy.std else policy.magnitude
    return min(max(drawn, 0.0), MOST) / MOST


def _sign(rng: np.random.Generator) -> int:
    return -1 if rng.random() > 0.5 else 1
