"""Event-driven kernels on numpy arrays: convolution, linear, products of two activities, and
counts.

Contract of every kernel: the same sums as torch in float32, each input element that is zero
skipped. No fastmath and no reduction across threads: equal inputs give bit-equal outputs for any
number of threads (``torch.set_num_threads``). Whenever every partial sum is exact in float32 the
result is bit-equal to any other order. numba is imported by the first kernel used, not by this
package.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurosim.sim.kernels.convolution import conv
    from neurosim.sim.kernels.counting import coincidence, count_active
    from neurosim.sim.kernels.packing import PackedWeights, pack_weights
    from neurosim.sim.kernels.products import linear, matmul

HOME = {
    "conv": "convolution",
    "linear": "products",
    "matmul": "products",
    "count_active": "counting",
    "coincidence": "counting",
    "pack_weights": "packing",
    "PackedWeights": "packing",
}
__all__ = [
    "PackedWeights",
    "coincidence",
    "conv",
    "count_active",
    "linear",
    "matmul",
    "pack_weights",
]


def __getattr__(name: str) -> Any:
    if name not in HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{HOME[name]}"), name)
