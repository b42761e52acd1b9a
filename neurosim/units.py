"""Quantities with units: strings at the file boundary, SI floats inside.

``joules("23.6 pJ") == 2.36e-11``. The only place where unit strings live.
"""

from __future__ import annotations

import math
import re

_PREFIX = {
    "f": -15, "p": -12, "n": -9, "u": -6, "µ": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9,
}  # fmt: skip
_QUANTITY = re.compile(r"^\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*([A-Za-zµ]*)\s*$")


def _parse(text: object, unit: str) -> float:
    """SI value of ``text``, which must end in ``unit`` with an optional prefix.

    Raises ValueError: no number, no unit, another unit, NaN or infinity.
    """
    if not isinstance(text, str):
        raise ValueError(f"expects a quantity with a unit such as '1.5 p{unit}', got {text!r}")
    match = _QUANTITY.match(text)
    if not match:
        raise ValueError(f"expects a quantity such as '1.5 p{unit}', got {text!r}")
    number, found = match.groups()
    prefix = found.removesuffix(unit)
    if not found.endswith(unit) or prefix not in _PREFIX:
        raise ValueError(f"expects a unit of {unit} (such as p{unit}), got {text!r}")
    value = float(f"{number}e{_PREFIX[prefix]}") if "e" not in number.lower() else (
        float(number) * 10.0 ** _PREFIX[prefix]
    )  # fmt: skip
    if not math.isfinite(value):
        raise ValueError(f"expects a finite quantity, got {text!r}")
    return value


def joules(text: str) -> float:
    """``'23.6 pJ'`` → 2.36e-11 J."""
    return _parse(text, "J")


def seconds(text: str) -> float:
    """``'3.5 ns'`` → 3.5e-9 s."""
    return _parse(text, "s")


def watts(text: str) -> float:
    """``'104.4 mW'`` → 0.1044 W."""
    return _parse(text, "W")


def count(text: str) -> float:
    """``'3.88 G'`` → 3.88e9."""
    return _parse(text, "")


def half_digit(text: str) -> float:
    """Half a unit of the last printed digit, in SI: ``'3.88 G'`` → 5e6, ``'7.46 mJ'`` → 5e-6."""
    match = _QUANTITY.match(text)
    if not match:
        raise ValueError(f"expects a quantity such as '3.88 G', got {text!r}")
    number, found = match.groups()
    decimals = len(number.partition(".")[2])
    unit = found[-1:] if found[-1:] in ("J", "s", "W") else ""
    return 0.5 * _parse(f"{10.0**-decimals:.{decimals}f} {found}", unit)


def bytes_(text: str) -> int:
    """``'128 KB'`` → 131072 (1 KB = 1024 bytes, as memories are sized)."""
    match = _QUANTITY.match(str(text))
    sizes = {"B": 1, "KB": 1024, "MB": 1024**2, "GB": 1024**3}
    if not match or match.group(2) not in sizes:
        raise ValueError(f"expects a size such as '128 KB', got {text!r}")
    return round(float(match.group(1)) * sizes[match.group(2)])


_SCALES = ((1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"), (1e-12, "p"))


def show(value: float, unit: str, digits: int = 4) -> str:
    """A value for people: ``show(2.36e-11, 'J') == '23.6 pJ'``."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g} {unit}"
    for scale, prefix in _SCALES:
        if abs(value) >= scale * 0.99995:
            return f"{value / scale:.{digits}g} {prefix}{unit}"
    return f"{value / 1e-12:.{digits}g} p{unit}"
