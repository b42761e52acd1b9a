"""Numbers with units, sources and error bars, as they stand in a profile."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from neurosim import units

How = Literal["measured", "simulated", "derived", "estimated", "published", "reported", "assumed"]
Encoding = Literal["dense", "sparse", "conv"]


def _positive(parse: Callable[[Any], float]) -> Callable[[Any], float]:
    def read(value: Any) -> float:
        if isinstance(value, float) and math.isnan(value):
            raise ValueError("NaN is not a figure; give a number with a unit, or null with a note")
        number = parse(value)
        if number < 0:
            raise ValueError(f"negative: {value!r}; give a figure of at least 0")
        return number

    return read


Joules = Annotated[float, BeforeValidator(_positive(units.joules))]
Seconds = Annotated[float, BeforeValidator(_positive(units.seconds))]
Watts = Annotated[float, BeforeValidator(_positive(units.watts))]
Bytes = Annotated[int, BeforeValidator(_positive(units.bytes_))]
_NO_VALUE = "no value; give one with a unit, or 'value: null' with a note that says why"
Text = Annotated[str, Field(min_length=1)]


class Strict(BaseModel):
    """Frozen, and refuses keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Price(Strict):
    """Joules of one billed event. ``value: null`` states that no figure is public (``note`` says
    so).

    ``memory`` takes the price from the profile's memory model instead, by the capacity that the
    layer needs.
    """

    value: Joules | None = None
    low: Joules | None = None
    high: Joules | None = None
    scope: Literal["marginal", "all_in"]
    how: How
    source: Text
    note: str = ""
    by_encoding: dict[Encoding, Joules] = {}
    by_bits: dict[int, Joules] = {}
    memory: Literal["weights", "state", "activation_in", "activation_out"] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Price:
        _ordered(self.low, self.value, self.high)
        if self.value is None and self.memory is None and not self.note:
            raise ValueError(_NO_VALUE)
        if self.value is not None and self.memory is not None:
            raise ValueError("both a value and a memory; keep one")
        if self.value == 0 and not self.note:
            raise ValueError("0 J without a reason; say in 'note' why it is free")
        return self

    def joules(self, bits: int = 0, encoding: str = "") -> tuple[float, float, float] | None:
        """(value, low, high) for a layer of that weight width and encoding; None when no figure is
        public.
        """
        value = self.by_bits.get(bits, self.value)
        value = next((v for k, v in self.by_encoding.items() if k == encoding), value)
        if value is None:
            return None
        low = value if self.low is None else min(self.low, value)
        high = value if self.high is None else max(self.high, value)
        return value, low, high


class Time(Strict):
    """Seconds of one event; ``by_tiles``: the largest key at most the tiles in use decides, or a
    straight line between the keys around it (``interpolate``).
    """

    value: Seconds | None = None
    low: Seconds | None = None
    high: Seconds | None = None
    by_tiles: dict[int, Seconds] = {}
    interpolate: bool = False
    by_encoding: dict[Encoding, Seconds] = {}
    how: How
    source: Text
    note: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> Time:
        _ordered(self.low, self.value, self.high)
        if self.value is None and not self.by_tiles and not self.note:
            raise ValueError(_NO_VALUE)
        return self

    def seconds(self, tiles: int = 1, encoding: str = "") -> float:
        """For so many tiles in use, or a layer stored in that encoding."""
        if self.by_tiles:
            return self._by_tiles(tiles)
        found = next((v for k, v in self.by_encoding.items() if k == encoding), self.value)
        return 0.0 if found is None else found

    def _by_tiles(self, tiles: int) -> float:
        keys = sorted(self.by_tiles)
        below = max((k for k in keys if k <= tiles), default=keys[0])
        above = min((k for k in keys if k >= tiles), default=keys[-1])
        low, high = self.by_tiles[below], self.by_tiles[above]
        if not self.interpolate or above == below:
            return low
        return low + (high - low) * (tiles - below) / (above - below)


class Power(Strict):
    """Watts of one powered chip."""

    value: Watts
    low: Watts | None = None
    high: Watts | None = None
    how: How
    source: Text
    note: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> Power:
        _ordered(self.low, self.value, self.high)
        return self

    def watts(self) -> tuple[float, float, float]:
        """(value, low, high)."""
        low = self.value if self.low is None else self.low
        return self.value, low, self.value if self.high is None else self.high


def _ordered(low: float | None, value: float | None, high: float | None) -> None:
    given = [v for v in (low, value, high) if v is not None]
    if given != sorted(given):
        raise ValueError("low, value and high are not in rising order; swap them")
