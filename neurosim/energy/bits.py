"""Prices of b-bit integer arithmetic, between the widths that were published.

Published are 8 and 32 bits. Addition: a straight line through both, E ∝ b below 8 bits (a ripple of
full adders). Multiplication: the parabola through 0, 8 and 32 bits (an array of b² adders). A MAC
is one of each. The high end: the straight line for the multiplication, a 32-bit accumulator for
the addition.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from neurosim.errors import ProfileError
from neurosim.hardware.quantity import Price
from neurosim.hardware.schema import Profile

_ADDS = ("synapse", "graded_synapse", "coincidence", "add", "compare")
_MULTIPLIES = ("multiply", "special")
WIDEST = 32


@dataclass(frozen=True)
class IntegerArithmetic:
    """Joules of an 8-bit and a 32-bit addition and multiplication of one technology."""

    add_8: float
    multiply_8: float
    add_32: float
    multiply_32: float
    source: str

    def add(self, bits: int) -> float:
        """Joules of one addition."""
        return _line(bits, self.add_8, self.add_32)

    def multiply(self, bits: int) -> float:
        """Joules of one multiplication."""
        square = (self.multiply_32 / 32 - self.multiply_8 / 8) / 24  # E/b is a straight line
        return bits * (self.multiply_8 / 8 + square * (bits - 8))

    def multiply_high(self, bits: int) -> float:
        """The same by a straight line."""
        return max(self.multiply(bits), _line(bits, self.multiply_8, self.multiply_32))


def _line(bits: int, at_8: float, at_32: float) -> float:
    return at_8 * bits / 8 if bits < 8 else at_8 + (at_32 - at_8) * (bits - 8) / 24


TABLES = {
    "45 nm": IntegerArithmetic(
        0.03e-12, 0.2e-12, 0.1e-12, 3.1e-12, "Horowitz ISSCC 2014, int8 and int32"
    ),
    "7 nm": IntegerArithmetic(
        0.007e-12, 0.07e-12, 0.03e-12, 1.48e-12, "Jouppi et al. ISCA 2021 Table 2, int8 and int32"
    ),
}


def has_bits(profile: Profile) -> bool:
    """Whether integer prices of the profile's technology are known; a chip has a format of its
    own.
    """
    return profile.node in TABLES and profile.fabric is None


def at_bits(profile: Profile, bits: int) -> Profile:
    """The profile with its arithmetic on ``bits``-bit integers and words of that width; states and
    accumulators keep theirs, and events their address words.

    Raises ProfileError: bits that nobody can interpolate, or a technology without a table.
    """
    if not 1 <= bits <= WIDEST:
        raise ProfileError(f"{bits} bits: give 1 to {WIDEST}, the widest that a table holds")
    if not has_bits(profile):
        known = " and ".join(TABLES)
        raise ProfileError(
            f"profile {profile.name!r}: no prices of {bits}-bit arithmetic are known; those of "
            f"{known} operation tables are"
        )
    table = TABLES[profile.node]
    prices = {event: _priced(price, event, table, bits) for event, price in profile.prices.items()}
    memory = profile.memory
    if memory is not None:
        kept = memory.state_bits or memory.word_bits
        memory = memory.model_copy(update={"word_bits": bits, "state_bits": kept})
    title = f"{profile.title}; here on {bits}-bit integers"
    return profile.model_copy(update={"prices": prices, "memory": memory, "title": title})


def _priced(price: Price, event: str, table: IntegerArithmetic, bits: int) -> Price:
    adds = event in _ADDS or event == "mac"
    multiplies = event in _MULTIPLIES or event == "mac"
    if price.memory is not None or not (adds or multiplies):
        return price
    value = adds * table.add(bits) + multiplies * table.multiply(bits)
    changes: dict[str, Any] = {
        "value": value, "low": value, "by_bits": {}, "by_encoding": {}, "note": "",
        "high": adds * table.add_32 + multiplies * table.multiply_high(bits), "how": "derived",
        "source": f"{table.source}, interpolated to {bits} bits",
    }  # fmt: skip
    return price.model_copy(update=changes)
