"""A leaky integrate-and-fire neuron in whole numbers, as a chip's registers compute it.

One step, with x the sum of the synapses (a whole number), S = ``input_shift``, D = ``decay_bits``
and M = 2^(``state_bits`` − 1); every decay rounds toward zero:

    u ← sgn(u)·⌊|u|·(2^D − u_decay) / 2^D⌋ + x·2^S
    u ← u − 2M where u > M;  u + 2M where u ≤ −M         (the register wraps, once)
    v ← sgn(v)·⌊|v|·(2^D − v_decay) / 2^D⌋ + u + bias    (|·| at most M − 1: it saturates)
    z = 1 where v > threshold, and there v ← 0

``u_decay = 2^D`` keeps no current: then u = x·2^S. ``bias`` is an array beside the equation (the
parameter role ``fixed_bias``), in units of v. Loihi 1 stores u_decay − 1, v_decay, the threshold
as a 17-bit mantissa · 2^S, and the bias as a 13-bit mantissa · 2^e, e of 3 bits.

Source: ``lava.proc.lif.models.PyLifModelBitAcc`` of lava-nc 0.10.0, against which every line is
tested; u and v there have 24 bits, sign included.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from neurosim.errors import GraphError

BIAS = "fixed_bias"  # role of the bias of each neuron, whole numbers in units of v


@dataclass(frozen=True)
class FixedPoint:
    """See the module's equations. Raises GraphError: numbers that no register holds."""

    u_decay: int
    v_decay: int
    threshold: int
    input_shift: int = 6
    state_bits: int = 24
    decay_bits: int = 12

    def __post_init__(self) -> None:
        most = 2**self.decay_bits
        if not (0 <= self.u_decay <= most and 0 <= self.v_decay <= most):
            raise GraphError(
                f"fixed point: decays {self.u_decay} and {self.v_decay} lie outside 0 to {most}"
            )
        if not 0 <= self.threshold <= 2 ** (self.state_bits - 1):
            raise GraphError(
                f"fixed point: threshold {self.threshold} does not fit {self.state_bits} bits"
            )

    @property
    def unity(self) -> int:
        """A decay of 1."""
        return 2**self.decay_bits

    @property
    def limit(self) -> int:
        """M: u wraps beyond it, v saturates at M − 1."""
        return 2 ** (self.state_bits - 1)

    @staticmethod
    def from_dict(d: Mapping[str, Any]) -> FixedPoint:
        """Inverse of ``dataclasses.asdict``."""
        return FixedPoint(**{key: int(value) for key, value in d.items()})
