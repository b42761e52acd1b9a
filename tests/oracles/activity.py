"""Which neuron-steps are active (counting rules, section 5): did an event arrive by any path?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tests.oracles.synapses import Conv, Index, Linear, out_shape, synapses


@dataclass(frozen=True)
class Path:
    """One way into the neurons. ``mask``: bool (steps, samples, *shape), active elements where
    the path starts; ``layers``: what they go through, none for a direct edge (a pool is a depthwise
    Conv of its window); ``delay``: steps on the edge (recurrent: 1)."""

    mask: np.ndarray
    layers: tuple[Conv | Linear, ...] = ()
    delay: int = 0


REAL_PATH = None  # a path of REAL values: every neuron is active in every step


def neuron_activity(
    paths: Sequence[Path | None], shape: Index, steps: int, samples: int
) -> np.ndarray:
    """bool (steps, samples, *shape): active neuron-steps; the others are idle."""
    active = np.zeros((steps, samples, *shape), bool)
    for path in paths:
        if path is None:  # REAL_PATH
            active[:] = True
            continue
        for t in range(path.delay, steps):
            for b in range(samples):
                active[t, b] |= _through(path.mask[t - path.delay, b], path.layers).reshape(shape)
    return active


def _through(mask: np.ndarray, layers: Sequence[Conv | Linear]) -> np.ndarray:
    """Where the active elements of one slice arrive."""
    for layer in layers:
        mask = mask.reshape(-1) if isinstance(layer, Linear) else mask
        mask = _targets(mask, layer)
    return mask


def _targets(mask: np.ndarray, layer: Conv | Linear) -> np.ndarray:
    """Outputs with a synapse, of whatever weight, from an active element."""
    reached = np.zeros(out_shape(mask.shape, layer), bool)
    for source, target, _ in synapses(mask.shape, layer):
        if source is not None and target is not None and mask[source]:
            reached[target] = True
    return reached


def neuron_counts(
    active: np.ndarray,  # bool (steps, samples, *shape)
    spikes: np.ndarray,  # int (steps, samples, *shape)
    state_words: int,
    one_parameter_set: bool = True,
) -> dict[str, np.ndarray]:
    """Events and memory words (section 7) of a neuron node, (steps, samples)."""
    zero = np.zeros(active.shape[:2], np.int64)
    names = ("neuron_active", "neuron_idle", "spike", "weight_read", "state_read", "state_write")
    total = {name: zero.copy() for name in (*names, "activation_read", "activation_write")}
    for t in range(active.shape[0]):
        for b in range(active.shape[1]):
            for is_active, emitted in zip(active[t, b].ravel(), spikes[t, b].ravel(), strict=True):
                total["neuron_active" if is_active else "neuron_idle"][t, b] += 1
                total["spike"][t, b] += int(emitted)
                total["activation_write"][t, b] += int(emitted)
                total["weight_read"][t, b] += 0 if one_parameter_set else 1
                total["state_read"][t, b] += state_words
                total["state_write"][t, b] += state_words
    return total
