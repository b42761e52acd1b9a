"""How a chip stores weights, biases and thresholds: mantissas and exponents, in whole numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.errors import UnknownName


@dataclass(frozen=True)
class ChipFormat:
    """weight = mantissa · 2^e, |mantissa| ≤ 2^weight_bits − weight_step, a multiple of
    ``weight_step``; 0 ≤ e ≤ ``weight_exponent``. What arrives is shifted by ``input_shift`` into
    the membrane's units, where bias = mantissa · 2^e and threshold = mantissa · 2^input_shift.
    """

    weight_bits: int = 8
    weight_step: int = 2  # weights of both signs leave their lowest bit to the sign
    weight_exponent: int = 7
    bias_bits: int = 12
    bias_exponent: int = 7
    threshold_bits: int = 17
    input_shift: int = 6
    state_bits: int = 24
    decay_bits: int = 12
    least_u_decay: int = 1  # the register holds u_decay − 1

    @property
    def mantissa(self) -> int:
        """Largest of a weight; the negative side stops there too."""
        return 2**self.weight_bits - self.weight_step

    @property
    def most_bias(self) -> int:
        """Largest bias, in units of the membrane."""
        return (2**self.bias_bits - 1) * 2**self.bias_exponent

    @property
    def most_threshold(self) -> int:
        """Largest threshold, in units of the membrane."""
        return (2**self.threshold_bits - 1) << self.input_shift

    @property
    def room(self) -> int:
        """Largest membrane and current that neither saturate nor wrap."""
        return 2 ** (self.state_bits - 1) - 1

    def exponent(self, largest: float) -> int:
        """The smallest e whose mantissas reach ``largest`` (the greatest there is, beyond)."""
        needed = int(np.ceil(np.log2(max(largest, 1.0) / self.mantissa)))
        return min(max(needed, 0), self.weight_exponent)

    def weights(self, wanted: np.ndarray) -> np.ndarray:
        """Rounded to the nearest mantissa of the tensor's own exponent; larger ones saturate."""
        step = self.weight_step * 2 ** self.exponent(float(np.abs(wanted).max(initial=0.0)))
        most = self.mantissa // self.weight_step
        return np.clip(np.rint(wanted / step), -most, most) * step

    def biases(self, wanted: np.ndarray) -> np.ndarray:
        """Each rounded to 2^bias_bits − 1 mantissas of its own smallest exponent; saturates."""
        most = 2**self.bias_bits - 1
        exponent = np.ceil(np.log2(np.maximum(np.abs(wanted), 1.0) / most))
        exponent = np.clip(exponent, 0, self.bias_exponent)
        return np.clip(np.rint(wanted / 2.0**exponent), -most, most) * 2.0**exponent


LOIHI = ChipFormat()
"""Davies 2018 p. 87 (weights of 8 bits and sign, shared exponent) and the bit widths written in
``lava.proc.lif.models.PyLifModelBitAcc`` and ``lava.proc.dense``; on Loihi 2 the same fixed point
is one of the neurons that its microcode runs."""
FORMATS = {"loihi1": LOIHI, "loihi2": LOIHI}


def format_of(chip: str) -> ChipFormat:
    """Raises UnknownName."""
    if chip not in FORMATS:
        raise UnknownName("fixed point of chip", chip, FORMATS)
    return FORMATS[chip]
