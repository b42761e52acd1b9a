"""``train(config)``: set a run up, or go on with one, and see it to its last epoch."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim.errors import NeurosimError, TrainError
from neurosim.ir.manifest import versions
from neurosim.train.config import TrainConfig, load_config
from neurosim.train.run_dir import RunDir

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from torch import nn

    from neurosim.data.recipe import Recipe
    from neurosim.data.sets import VideoSet
    from neurosim.train.loop import Tell
    from neurosim.train.penalty import SynapticOperations


@dataclass(frozen=True)
class Trained:
    """The run's folder and a row per epoch, as in its ``metrics.csv``."""

    path: Path
    rows: tuple[Mapping[str, float], ...]

    @property
    def best(self) -> Mapping[str, float]:
        """The row of the best validation accuracy (the first of equals)."""
        return max(self.rows, key=lambda row: row.get("top1", -1.0))


def train(
    config: TrainConfig | Mapping[str, Any] | str | Path,
    out: str | Path | None = None,
    *,
    resume: bool = False,
    tell: Tell | None = None,
) -> Trained:
    """Train a model and keep everything below ``out`` (None: ``runs/<model>_<data>``).

    ``config``: settings, the name of a recipe that ships, or a YAML file. ``resume``: go on from
    the newest checkpoint of ``out`` with the settings it was started with (``config`` must agree in
    all but ``epochs``, which may only stay). ``tell`` is given a mapping after every update, and
    ``{"row": …}`` after every epoch.

    Raises TrainError: settings out of range, a folder that is taken, a damaged checkpoint, a loss
    that is not finite. UnknownName, ModelError, ClipError: no such rule, model or data.
    """
    given = _config(config)
    run = RunDir(Path(out) if out is not None else default_folder(given))
    started = _started(run, given, resume)
    try:
        return _train(started, run, tell or _silent)
    except NeurosimError:
        if not resume and is_first():
            run.abandon()
        raise


def resume(out: str | Path, tell: Tell | None = None) -> Trained:
    """Go on with the run in ``out`` as it was started. Raises TrainError: none is there."""
    run = RunDir(Path(out))
    return _train(run.config(), run, tell or _silent)


def _config(config: TrainConfig | Mapping[str, Any] | str | Path) -> TrainConfig:
    if isinstance(config, TrainConfig):
        return config
    return TrainConfig.from_dict(config) if isinstance(config, Mapping) else load_config(config)


def default_folder(config: TrainConfig) -> Path:
    """``runs/<model>_<data>``."""
    name = f"{config.model}_{config.data}"
    return Path("runs") / "".join(c if c.isalnum() or c in "-_." else "_" for c in name)


def _started(run: RunDir, config: TrainConfig, resume: bool) -> TrainConfig:
    """The settings in force, written down by the first process alone."""
    if not resume:
        if is_first():
            run.begin(config)
        return config
    found = run.config()
    if found != config:
        before, now = found.to_dict(), config.to_dict()
        name = next(k for k in before if before[k] != now[k])
        raise TrainError(
            f"{run.path}: was started with {name}={before[name]!r}, not {now[name]!r}; "
            "resume it as it was, or train into a new folder"
        )
    return found


def _train(config: TrainConfig, run: RunDir, tell: Tell) -> Trained:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="lightning_fabric|tensorboardX")
        return _seen_through(config, run, tell if is_first() else _silent)


def _seen_through(config: TrainConfig, run: RunDir, tell: Tell) -> Trained:
    import torch

    from neurosim.models import _source
    from neurosim.models import restore as restore_weights
    from neurosim.train import rules
    from neurosim.train.batches import Frames
    from neurosim.train.fabric import launch
    from neurosim.train.loop import Training, restore, train_epochs

    rule = rules.load(config.rule, config.rule_options)
    on = launch(config)
    torch.manual_seed(config.seed)
    source = _source.resolve(config.model, "none", config.options, config.seed)
    module = source.model
    if not isinstance(module, torch.nn.Module):
        raise TrainError(f"{config.model}: is a {type(module).__name__}; give a torch module")
    if config.init is not None:
        restore_weights(module, config.model, Path(config.init))
    recipe = source.recipe
    sets = [
        _open(config, recipe, config.split, config.clips),
        _open(config, recipe, config.validation_split, config.validation_clips),
    ]
    frames = [Frames(videos, config.keep) for videos in sets]
    counted = _counted(module, sets[1], config)
    t = Training(config, run, module, frames[0], frames[1], counted, tell, on, rule)
    held = run.latest()
    if held is not None:
        restore(t, held)
    elif on.is_global_zero:
        run.describe(_manifest(config, module, sets, on))
    rows = train_epochs(t)
    return Trained(run.path, tuple(rows))


def _open(config: TrainConfig, recipe: Recipe | None, split: str, number: int | None) -> VideoSet:
    from neurosim.data import sets

    found = sets.open(
        config.data, config.root, split,
        recipe=recipe, fold=config.fold, form=config.form, number=number,
    )  # fmt: skip
    if not len(found):
        raise TrainError(f"data set {config.data!r}: its split {split!r} is empty; check it")
    return found


def _counted(module: nn.Module, videos: VideoSet, config: TrainConfig) -> SynapticOperations | None:
    """What tells the synaptic operations; None where the model's graph does not (told only when
    energy has a weight)."""
    from neurosim.capture.capture import capture
    from neurosim.train.penalty import SynapticOperations

    before = module.training
    try:
        clip = videos.view(0)[:, None]
        graph = capture(module.eval(), clip, kind=videos.kind, name=config.model)
        return SynapticOperations(graph, module)
    except NeurosimError:
        if config.energy_weight:
            raise
        return None
    finally:
        module.train(before)


def _manifest(
    config: TrainConfig, module: nn.Module, sets: list[VideoSet], on: Fabric
) -> dict[str, Any]:
    """How the weights came about, JSON-ready."""
    import torch

    return {
        "model": config.model,
        "parameters": sum(p.numel() for p in module.parameters()),
        "rule": config.rule,
        "seed": config.seed,
        "train": sets[0].info(),
        "validation": sets[1].info(),
        "processes": on.world_size,
        "threads": torch.get_num_threads(),
        "device": str(on.device),
        "versions": versions(),
    }


def is_first() -> bool:
    """Whether this is the process that writes files and speaks."""
    return os.environ.get("RANK", "0") == "0"


def _silent(told: Mapping[str, Any]) -> None:
    """Nobody listens."""
