"""Intensities in [0, 1] to spike trains, time first: rate, latency and direct codes.

An encoding takes x of any shape to (steps, *shape) float32. Rate and latency codes make spikes
(SPIKE: 0 or 1); a direct code leaves the intensity as it is (REAL) for the first layer to encode.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from neurosim.errors import ClipError, UnknownName


def rate(x: Tensor, steps: int, generator: torch.Generator) -> Tensor:
    """Rate code by chance: a spike in every step with probability x, independently."""
    intensity = _checked("rate", x, steps)
    shape = (steps, *x.shape)
    drawn = torch.rand(shape, generator=generator, device=generator.device, dtype=torch.float64)
    return (drawn.to(x.device) < intensity).float()


def regular(x: Tensor, steps: int) -> Tensor:
    """Rate code without chance: a spike in step t where ⌊(t + 1)·x + ½⌋ > ⌊t·x + ½⌋.

    ⌊T·x + ½⌋ spikes in T steps, evenly spread: an integrate-and-fire neuron that starts half-way to
    its threshold and subtracts it.
    """
    intensity = _checked("regular", x, steps)
    t = torch.arange(steps + 1, device=x.device, dtype=torch.float64)
    due = torch.floor(t.view(-1, *[1] * x.ndim) * intensity + 0.5)
    return (due[1:] > due[:-1]).float()


def latency(x: Tensor, steps: int) -> Tensor:
    """Time to first spike: one spike in step round((1 − x)·(steps − 1)), half to even; none where x
    is 0. The brighter, the earlier."""
    intensity = _checked("latency", x, steps)
    at = torch.round((1 - intensity) * (steps - 1))
    t = torch.arange(steps, device=x.device, dtype=torch.float64).view(-1, *[1] * x.ndim)
    return ((t == at) & (intensity > 0)).float()


def direct(x: Tensor, steps: int) -> Tensor:
    """The same intensity in every step; any numbers, a normalised frame as well."""
    _check_steps("direct", steps)
    return x.float().expand(steps, *x.shape).clone()


@dataclass(frozen=True)
class Encoding:
    """``make(x, steps, generator)``; ``kind`` of what it makes: "spike" or "real"."""

    make: Callable[[Tensor, int, torch.Generator], Tensor]
    kind: str
    random: bool = False


ENCODINGS = {
    "rate": Encoding(rate, "spike", random=True),
    "regular": Encoding(lambda x, steps, _: regular(x, steps), "spike"),
    "latency": Encoding(lambda x, steps, _: latency(x, steps), "spike"),
    "direct": Encoding(lambda x, steps, _: direct(x, steps), "real"),
}


def encode_clip(
    clip: Tensor, steps: int, how: str, generator: torch.Generator | None = None
) -> Tensor:
    """(T·steps, …) from (T, …): frame k is encoded in steps k·steps … (k + 1)·steps − 1.

    ``how``: a name of ``ENCODINGS``, which also states the kind. Raises UnknownName, ClipError:
    values outside [0, 1], "rate" without a generator.
    """
    if how not in ENCODINGS:
        raise UnknownName("encoding", how, ENCODINGS)
    encoding = ENCODINGS[how]
    if generator is None and encoding.random:
        raise ClipError(
            f"at encoding {how!r}: found no generator; give torch.Generator().manual_seed(seed)"
        )
    trains = encoding.make(clip, steps, generator or torch.Generator())
    return trains.transpose(0, 1).reshape(len(clip) * steps, *clip.shape[1:])


def _checked(name: str, x: Tensor, steps: int) -> Tensor:
    """x in float64, in which t·x is exact. Raises ClipError: outside [0, 1], no step."""
    _check_steps(name, steps)
    if not bool(((x >= 0) & (x <= 1)).all()):
        raise ClipError(
            f"at encoding {name!r}: found values from {float(x.min()):g} to {float(x.max()):g}; "
            "scale them to 0 ... 1, or take 'direct'"
        )
    return x.double()


def _check_steps(name: str, steps: int) -> None:
    if steps < 1:
        raise ClipError(f"at encoding {name!r}: found {steps} steps; give at least 1")
