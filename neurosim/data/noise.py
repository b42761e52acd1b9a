"""Noise on a model's input, after normalisation, drawn by clip and level alone.

The stream is seeded by sha256 of (key, noise, seed): the same tensor for every model, chip, worker
and batch. Gaussian and salt-and-pepper are SVFormer's robustness protocol (its test_net_rb.py); all
statistics are those of the clip itself. What lies in the model's weights is a pass:
``passes.weight_noise`` and ``passes.round_weights``.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neurosim.errors import ClipError, UnknownName

if TYPE_CHECKING:
    from torch import Tensor

KINDS = ("real", "graded", "spike")
_EVENTS = KINDS[1:]


@dataclass(frozen=True)
class Noise:
    """``kind`` of disturbance and how strong: "gaussian" k, "salt_pepper", "event_drop" and
    "frame_drop" P, "time_jitter" σ in steps, "weight" σ of the weights' own, "bits" n; "clean" 0.

    Raises UnknownName: no such kind; ClipError: a level out of range.
    """

    kind: str
    level: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in RULES:
            raise UnknownName("noise", self.kind, RULES)
        object.__setattr__(self, "level", float(self.level))
        if not (math.isfinite(self.level) and RULES[self.kind].fits(self.level)):
            raise ClipError(
                f"at noise {self.kind!r}: found level {self.level:g}; give {RULES[self.kind].wants}"
            )

    @staticmethod
    def parse(text: str) -> Noise:
        """From "kind:level" or "clean". Raises UnknownName, ClipError."""
        kind, _, level = text.strip().partition(":")
        if kind not in RULES:
            raise UnknownName("noise", kind, RULES)
        try:
            value = float(level or 0) if kind == "clean" else float(level)
        except ValueError:
            raise ClipError(
                f"at noise {text!r}: found no level; write {kind}:LEVEL, {RULES[kind].wants}"
            ) from None
        return Noise(kind, value)

    def __str__(self) -> str:
        """What ``parse`` reads."""
        if self.kind == "clean":
            return self.kind
        return f"{self.kind}:{repr(self.level).removesuffix('.0')}"

    @property
    def where(self) -> str:
        """What it is applied to: the "clip", by ``noisy``, or the "model", by a pass."""
        return "clip" if RULES[self.kind].apply else "model"

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of clips that it makes sense on."""
        return RULES[self.kind].kinds


def noisy(clip: Tensor, noise: Noise, key: str, seed: int, kind: str = "real") -> Tensor:
    """A new (T, C, H, W) float32 clip with the noise; ``key`` names the clip.

    Graded clips keep to integers and spikes to 0 and 1. Raises ClipError: another shape or dtype, a
    clip that is not of its kind, a noise of other kinds or of the model.
    """
    import torch

    apply = RULES[noise.kind].apply
    if apply is None:
        raise ClipError(f"at noise '{noise}': it lies in the weights; apply it to the graph")
    _check_clip(clip, kind)
    if kind not in noise.kinds:
        fit = " and ".join(noise.kinds)
        raise ClipError(f"at noise '{noise}': found a {kind} clip; it is for {fit} clips")
    x = clip.detach().cpu().numpy()
    _check_values(x, kind)
    out = apply(x, noise.level, stream(key, noise, seed), kind)
    return torch.from_numpy(out.astype(np.float32)).to(clip.device)  # astype copies


def stream(key: str, noise: Noise, seed: int) -> np.random.Generator:
    """The random numbers of this noise on what ``key`` names."""
    text = json.dumps([key, str(noise), int(seed)])
    return np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest(), "little"))


def spread(x: np.ndarray) -> float:
    """Standard deviation with n − 1, as torch.std; 0 of a single number."""
    return float(x.std(ddof=1, dtype=np.float64)) if x.size > 1 else 0.0


def _gaussian(x: np.ndarray, k: float, rng: np.random.Generator, kind: str) -> np.ndarray:
    """x + N(0, 1) · k · std(x), in every element."""
    return x + rng.standard_normal(x.shape, dtype=np.float32) * np.float32(k * spread(x))


def _salt_pepper(x: np.ndarray, p: float, rng: np.random.Generator, kind: str) -> np.ndarray:
    """max(x) where u < P/2, min(x) where u > 1 − P/2, u uniform in every element."""
    u = rng.random(x.shape)
    return np.where(u < p / 2, x.max(), np.where(u > 1 - p / 2, x.min(), x))


def _event_drop(x: np.ndarray, p: float, rng: np.random.Generator, kind: str) -> np.ndarray:
    """Every single event is lost with probability P: sign(n) · Binomial(|n|, 1 − P)."""
    out, active = x.copy(), x != 0
    count = np.abs(x[active]).astype(np.int64)
    out[active] = np.sign(x[active]) * rng.binomial(count, 1 - p)
    return out


def _frame_drop(x: np.ndarray, p: float, rng: np.random.Generator, kind: str) -> np.ndarray:
    """Each step but the first is lost with probability P: the last frame shown stays on; of events,
    nothing comes."""
    shown = rng.random(len(x)) >= p
    shown[0] = True
    if kind != "real":
        return np.where(shown[:, None, None, None], x, np.float32(0))
    return x[np.maximum.accumulate(np.where(shown, np.arange(len(x)), 0))]


def _time_jitter(x: np.ndarray, sigma: float, rng: np.random.Generator, kind: str) -> np.ndarray:
    """Step t shows frame round(t + N(0, σ²)), and every single event of step t moves to that step,
    half to even, held within the clip. Events that meet add up; in a spike clip they merge."""
    if kind == "real":
        return x[_moved(np.arange(len(x)), sigma, rng, len(x))]
    count = np.abs(x).astype(np.int64)
    step, place = np.divmod(np.flatnonzero(count), x[0].size)
    times = count[count != 0]
    sign = np.repeat(np.sign(x[count != 0]), times)
    target = _moved(np.repeat(step, times), sigma, rng, len(x)) * x[0].size
    sums = np.bincount(target + np.repeat(place, times), weights=sign, minlength=x.size)
    return np.minimum(sums, 1 if kind == "spike" else np.inf).reshape(x.shape)


def _moved(step: np.ndarray, sigma: float, rng: np.random.Generator, steps: int) -> np.ndarray:
    away = np.rint(step + sigma * rng.standard_normal(len(step)))
    return np.clip(away, 0, steps - 1).astype(np.int64)


def _clean(x: np.ndarray, level: float, rng: np.random.Generator, kind: str) -> np.ndarray:
    """As it is."""
    return x


@dataclass(frozen=True)
class Rule:
    """``apply(clip, level, random numbers, kind)`` (None: a pass does), on clips of these kinds;
    which levels fit."""

    apply: Callable[[np.ndarray, float, np.random.Generator, str], np.ndarray] | None
    kinds: tuple[str, ...]
    fits: Callable[[float], bool]
    wants: str


def _share(level: float) -> bool:
    return 0 <= level <= 1


def _least_0(level: float) -> bool:
    return level >= 0


_SHARE, _LEAST_0 = "a probability from 0 to 1", "a number of at least 0"
RULES = {
    "clean": Rule(_clean, KINDS, lambda level: level == 0, "no level"),
    "gaussian": Rule(_gaussian, ("real",), _least_0, _LEAST_0),
    "salt_pepper": Rule(_salt_pepper, KINDS, _share, _SHARE),
    "event_drop": Rule(_event_drop, _EVENTS, _share, _SHARE),
    "frame_drop": Rule(_frame_drop, KINDS, _share, _SHARE),
    "time_jitter": Rule(_time_jitter, KINDS, _least_0, "a number of steps of at least 0"),
    "weight": Rule(None, KINDS, _least_0, _LEAST_0),
    "bits": Rule(
        None,
        KINDS,
        lambda level: level >= 2 and level == int(level),
        "a whole number of at least 2",
    ),
}
PROTOCOL = (
    *(Noise("gaussian", k) for k in (0.1, 0.3, 0.5, 1.0)),
    *(Noise("salt_pepper", p) for p in (0.1, 0.2, 0.3)),
)


def _check_clip(clip: Tensor, kind: str) -> None:
    import torch

    if kind not in KINDS:
        raise UnknownName("kind of clip", kind, KINDS)
    if clip.ndim != 4 or clip.dtype != torch.float32 or not clip.numel():
        raise ClipError(
            f"at noise: found {clip.dtype} {list(clip.shape)}; give one clip (T, C, H, W) float32"
        )


def _check_values(x: np.ndarray, kind: str) -> None:
    if (
        kind != "real"
        and (x != np.rint(x)).any()
        or kind == "spike"
        and (np.abs(x - 0.5) > 0.5).any()
    ):
        raise ClipError(
            f"at noise: found values from {x.min():g} to {x.max():g} in a {kind} clip; give whole "
            "numbers, 0 and 1 for spikes, or kind='real'"
        )
