"""Event-driven linear layers and products of two activities."""

from __future__ import annotations

import numpy as np

from neurosim.errors import SimulationError
from neurosim.sim.kernels.convolution import conv
from neurosim.sim.kernels.packing import PackedWeights, pack_weights


def linear(
    x: np.ndarray,
    weight: np.ndarray | PackedWeights,
    bias: np.ndarray | None = None,
    spike: float | None = None,
    scale: float | None = None,
) -> np.ndarray:
    """y = x · weightᵀ + bias for x (..., C_in) that is mostly zero; ``spike`` and ``scale`` as in
    ``conv``. Returns (..., C_out).

    Raises SimulationError: another number of features than the weight has.
    """
    packed = weight if isinstance(weight, PackedWeights) else pack_weights(weight)
    if packed.rank != 0 or not x.ndim or x.shape[-1] != packed.inputs:
        raise SimulationError(
            f"kernels.linear: x of shape {x.shape}; the weight expects (..., {packed.inputs}) "
            "and must be a matrix (C_out, C_in)"
        )
    out = conv(x.reshape(-1, packed.inputs), packed, bias, spike=spike, scale=scale)
    return out.reshape(*x.shape[:-1], packed.outputs)


def matmul(
    a: np.ndarray, b: np.ndarray, sparse: str = "auto", spike: float | None = None
) -> np.ndarray:
    """a (N, M, K) · b (N, K, P): walks the events of one side, adds rows of the other.

    ``sparse``: "left", "right", or "auto" (the side with the cheaper additions). ``spike``: the one
    non-zero value of that side, None to multiply by payloads. Returns float32 (N, M, P).
    Raises SimulationError: shapes that do not multiply.
    """
    if a.ndim != 3 or b.ndim != 3 or a.shape[0] != b.shape[0] or a.shape[2] != b.shape[1]:
        raise SimulationError(
            f"kernels.matmul: {a.shape} by {b.shape}; pass (N, M, K) and (N, K, P)"
        )
    if sparse == "auto":
        sparse = _cheaper(a, b)
    if sparse == "left":
        return _rows(a, b, spike)
    if sparse == "right":
        return _rows(b.swapaxes(1, 2), a.swapaxes(1, 2), spike).swapaxes(1, 2)
    raise SimulationError(f"kernels.matmul: sparse={sparse!r}; use 'left', 'right' or 'auto'")


def _cheaper(a: np.ndarray, b: np.ndarray) -> str:
    left, right = np.count_nonzero(a) * b.shape[2], np.count_nonzero(b) * a.shape[1]
    return "left" if left <= right else "right"


def _rows(events: np.ndarray, rows: np.ndarray, spike: float | None) -> np.ndarray:
    """Each sample is a group of a 1-d convolution with one tap over the M positions."""
    samples, length, inner = events.shape
    packed = pack_weights(rows.swapaxes(1, 2).reshape(-1, inner, 1), groups=samples)
    x = events.swapaxes(1, 2).reshape(1, samples * inner, length)
    out = conv(x, packed, spike=spike)  # (1, N·P, M), channels innermost
    return out.reshape(samples, rows.shape[2], length).swapaxes(1, 2)
