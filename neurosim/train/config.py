"""What a training run is: one frozen value, read from YAML, kept beside its checkpoints."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, cast

import yaml

from neurosim import registry
from neurosim.data.augment import Augment
from neurosim.data.mix import Mix
from neurosim.errors import TrainError

PRECISIONS = ("32-true", "bf16-mixed", "16-mixed")
_NESTED: dict[str, Any] = {"augment": Augment, "mix": Mix}


@dataclass(frozen=True)
class TrainConfig:
    """Every field travels in the run's ``config.yaml``; equal configs and threads, equal weights.

    ``data``, ``root``, ``fold``, ``form``: as ``data.sets.open`` takes them. ``clips``: the first
    so many training clips (None: all); ``validation_clips`` likewise. ``batch_size``: clips of one
    update over all processes. ``repeats``: augmentations of a clip in one batch. ``lr`` decays from
    its peak as a cosine to ``lr_min`` after ``warmup_epochs``, and is not scaled with the batch.
    ``weight_decay`` spares biases, norms and time constants. ``clip_grad``: largest gradient norm,
    0: none. ``energy_weight``: λ of ``penalty``. ``keep``: hold decoded clips. ``channels_last``:
    the memory layout that CPUs convolve fastest.
    """

    model: str = "svformer_tiny"
    data: str = "motion"
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])  # of the model's build
    root: str | None = None
    fold: int | str | None = None
    form: str | None = None
    init: str | None = None  # weights to start from
    split: str = "train"
    validation_split: str = "validation"
    clips: int | None = None
    validation_clips: int | None = None
    rule: str = "bptt"
    rule_options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    epochs: int = 20
    batch_size: int = 32
    repeats: int = 1
    lr: float = 1e-3
    lr_min: float = 1e-6
    warmup_epochs: float = 1.0
    weight_decay: float = 0.05
    clip_grad: float = 1.0
    precision: str = "32-true"
    energy_weight: float = 0.0
    augment: Augment = field(default_factory=Augment)
    mix: Mix = field(default_factory=Mix)
    seed: int = 0
    threads: int | None = None
    workers: int = 1
    keep: bool = False
    channels_last: bool = True
    checkpoint_seconds: float = 60.0
    validate_every: int = 1

    def __post_init__(self) -> None:
        for name, good, remedy in self._checks():
            if not good:
                raise TrainError(
                    f"training setting {name!r}: found {getattr(self, name)!r}; {remedy}"
                )

    def _checks(self) -> list[tuple[str, bool, str]]:
        whole, positive = "give a whole number of at least 1", "give a number above 0"
        return [
            *((n, _at_least_one(getattr(self, n)), whole)
              for n in ("epochs", "batch_size", "repeats", "workers", "validate_every")),
            *((n, getattr(self, n) is None or _at_least_one(getattr(self, n)), whole)
              for n in ("clips", "validation_clips", "threads")),
            *((n, _number(getattr(self, n)) and getattr(self, n) > 0, positive)
              for n in ("lr", "checkpoint_seconds")),
            *((n, _number(getattr(self, n)) and getattr(self, n) >= 0, "give a number, 0 or more")
              for n in ("lr_min", "warmup_epochs", "weight_decay", "clip_grad", "energy_weight")),
            ("precision", self.precision in PRECISIONS, f"give {', '.join(PRECISIONS)}"),
            ("seed", isinstance(self.seed, int) and 0 <= self.seed < 2**32, "give 0 … 2³² − 1"),
            ("repeats", self.batch_size % max(self.repeats, 1) == 0, "divide batch_size"),
        ]  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """JSON- and YAML-ready."""
        plain = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in _NESTED}
        nested = {name: getattr(self, name).to_dict() for name in _NESTED}
        return {k: dict(v) if isinstance(v, Mapping) else v for k, v in (plain | nested).items()}

    @staticmethod
    def from_dict(d: Mapping[str, Any]) -> TrainConfig:
        """Inverse of ``to_dict``; absent fields keep their defaults. Raises TrainError."""
        known = [f.name for f in fields(TrainConfig)]
        for name in d:
            if name not in known:
                near = difflib.get_close_matches(str(name), known, n=3, cutoff=0.5)
                hint = (
                    f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(known)}"
                )
                raise TrainError(f"unknown training setting {name!r}; {hint}")
        return TrainConfig(**{k: _nested(k, v) for k, v in d.items()})

    def with_(self, **changes: Any) -> TrainConfig:
        """A copy with fields replaced; a mapping for ``augment`` or ``mix`` replaces its keys."""
        merged = {
            k: {**getattr(self, k).to_dict(), **v} if k in _NESTED and isinstance(v, Mapping) else v
            for k, v in changes.items()
        }
        return TrainConfig.from_dict(self.to_dict() | merged)

    def save(self) -> str:
        """YAML text."""
        return yaml.safe_dump(self.to_dict(), sort_keys=False, allow_unicode=True)


def load_config(source: str | Path) -> TrainConfig:
    """A recipe that ships (by name) or a YAML file. Raises UnknownName, TrainError."""
    shipped = registry.data_files("train.recipes", ".yaml")
    path = shipped.get(str(source), Path(source))
    if not path.is_file():
        from neurosim.errors import UnknownName

        raise UnknownName("training recipe", str(source), shipped)
    return TrainConfig.from_dict(_mapping(path))


def recipe_for(model: str, data: str) -> TrainConfig:
    """The recipe that ships for this pair, ``<model>_<data>.yaml``, else the defaults."""
    shipped = registry.data_files("train.recipes", ".yaml")
    name = f"{model}_{data}"
    found = load_config(name) if name in shipped else TrainConfig()
    return replace(found, model=model, data=data)


def _mapping(path: Path) -> Mapping[str, Any]:
    try:
        found = yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise TrainError(
            f"{path}: cannot be read as YAML ({' '.join(str(error).split())}); see a shipped recipe"
        ) from None
    if not isinstance(found, Mapping):
        raise TrainError(f"{path}: holds no settings; write one `name: value` a line")
    return cast("Mapping[str, Any]", found)


def _nested(name: str, value: Any) -> Any:
    """A mapping of an ``augment`` or ``mix`` as the value it stands for."""
    if name not in _NESTED or isinstance(value, _NESTED[name]):
        return value
    if not isinstance(value, Mapping):
        raise TrainError(f"training setting {name!r}: found {value!r}; give its fields by name")
    return _NESTED[name].from_dict(value)


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300


def _at_least_one(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
