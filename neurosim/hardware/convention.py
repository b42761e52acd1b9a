"""Counting conventions: which counts are billed, and as what (counting rules, section 9)."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import Field, ValidationError

from neurosim.errors import ProfileError, UnknownName
from neurosim.hardware.complain import complaint
from neurosim.hardware.quantity import Strict, Text
from neurosim.hardware.read_yaml import read_yaml
from neurosim.registry import data_files


class Convention(Strict):
    """One value per key; ``MEANINGS`` says what each does."""

    name: Text
    title: Text
    source: Text
    positions: Literal["existing", "padded", "lemaire"] = "existing"
    bias: Literal["none", "ac", "with_layer"] = "ac"
    real_into_weights: Literal["mac", "ac", "inherit"] = "mac"
    stem: Literal["per_step", "once"] = "per_step"
    spike_products: Literal["coincidence", "fanout_left", "fanout_right", "spikingformer"] = (
        "coincidence"
    )
    graded: Literal["unit", "mac", "event"] = "mac"
    neuron_updates: Literal["none", "one_ac", "arithmetic", "chip"] = "arithmetic"
    idle_rule: Literal["no_event", "state_unchanged", "sanafe"] = "no_event"
    input_neurons: bool = False
    per_step_affine: Literal["free", "multiply_add"] = "multiply_add"
    other_arithmetic: Literal["count", "none"] = "count"
    zero_weights: Literal["count", "skip"] = "count"
    execution: Literal["event", "dense"] = "event"
    views: int = Field(default=1, ge=1)
    notes: tuple[Text, ...] = ()


KEYS: tuple[str, ...] = tuple(
    k for k in Convention.model_fields if k not in ("name", "title", "source", "notes")
)
MEANINGS: dict[str, str] = {
    "positions": "existing: as counted; padded: active inputs x dense MACs / inputs; "
    "lemaire: active inputs x ceil(k/s) per axis x C_out",
    "bias": "none; ac: one add per output element and step; with_layer: one more operation "
    "per output, at the layer's rate and price",
    "real_into_weights": "real inputs into weights other than the stem: mac; ac: one each; "
    "inherit: x the rate of the neuron before them",
    "stem": "first layer: at every step as run, or once per clip",
    "spike_products": "attention: pairs that meet, one side's fan-out, or spikingformer: the "
    "smaller fan-out (spike x graded: the spike side's)",
    "graded": "payload n: unit: |n| accumulations; mac: one MAC; event: one graded event",
    "neuron_updates": "none; one_ac: one add per neuron-step; arithmetic of the equation; "
    "chip: the chip's own prices for active and idle neuron-steps",
    "idle_rule": "idle is: no_event; state_unchanged; as sanafe (the last two bounded from above)",
    "input_neurons": "the clip's elements are neurons of the chip",
    "per_step_affine": "norms that could not be folded: free, or multiply_add as counted",
    "other_arithmetic": "residuals, norms, pools, softmax outside weights: count, or none",
    "zero_weights": "synapses whose weight is 0: count, or skip",
    "execution": "event: what happened; dense: every MAC of the forward (GPUs, ANN rows)",
    "views": "forwards per video",
}


@cache
def _shipped() -> dict[str, Path]:
    return data_files("hardware_profiles.conventions", ".yaml")


def conventions() -> tuple[str, ...]:
    """Names of the shipped conventions."""
    return tuple(_shipped())


def load_convention(name_or_path: str | Path | Convention) -> Convention:
    """A shipped convention by name, or any by path.

    Raises UnknownName, or ProfileError with file and line.
    """
    if isinstance(name_or_path, Convention):
        return name_or_path
    name = str(name_or_path)
    if isinstance(name_or_path, Path) or os.sep in name or name.endswith((".yaml", ".yml")):
        return _load(Path(name_or_path))
    if name not in _shipped():
        raise UnknownName("convention", name, _shipped())
    return _load(_shipped()[name])


def _load(path: Path) -> Convention:
    try:
        return _read(path, os.stat(path).st_mtime_ns)
    except OSError:
        raise ProfileError(f"{path}: no such file; check the name") from None


@lru_cache(maxsize=256)
def _read(path: Path, stamp: int) -> Convention:
    document = read_yaml(path)
    document.data.setdefault("name", path.stem)
    try:
        return Convention.model_validate(document.data)
    except ValidationError as error:
        raise complaint(error, Convention, document) from None


def with_counts(convention: str | Path | Convention, counts: Mapping[str, Any]) -> Convention:
    """A convention with some keys replaced (``--count KEY=VALUE``; text is read as the key's type).

    Raises UnknownName: no such key, or no such value for it. ProfileError: not a whole number of
    views.
    """
    base = load_convention(convention)
    if not counts:
        return base
    changed = {key: _value(key, value) for key, value in counts.items()}
    name = "+".join([base.name, *(f"{k}={text(v)}" for k, v in changed.items())])
    return base.model_copy(update={**changed, "name": name})


def _value(key: str, value: Any) -> Any:
    if key not in KEYS:
        raise UnknownName("convention key", key, KEYS)
    allowed = [str(a) for a in get_args(Convention.model_fields[key].annotation)]
    if allowed:
        return _one_of(key, str(value), allowed)
    if key == "views":
        return _views(value)
    return _one_of(key, text(value), ["true", "false"]) == "true"


def text(value: Any) -> str:
    """A value as it is written in a convention file."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _one_of(key: str, value: str, allowed: list[str]) -> str:
    if value not in allowed:
        near = difflib.get_close_matches(value, allowed, n=2, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(allowed)}"
        raise ProfileError(f"{key}={value}: unknown value; {hint}")
    return value


def _views(value: Any) -> int:
    try:
        number = int(str(value))
    except ValueError:
        number = 0
    if number < 1:
        raise ProfileError(f"views={value}: expects a whole number of at least 1; give one")
    return number
