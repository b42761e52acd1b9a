"""``neurosim train MODEL --data DATASET``: surrogate-gradient training into a run's folder."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neurosim.cli import options

if TYPE_CHECKING:
    from neurosim.train.begin import Trained
    from neurosim.train.config import TrainConfig

Recipe = Annotated[
    str | None,
    options.maybe(
        help="Settings: a shipped recipe or a YAML file. Default: the one for MODEL and DATA.",
        metavar="NAME|FILE",
    ),
]
RunFolder = Annotated[
    Path | None, options.maybe(help="The run's folder. Default: runs/MODEL_DATA.")
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")]
EnergyWeight = Annotated[
    float | None, options.maybe(help="Weight of synaptic operations in the loss.")
]
Init = Annotated[Path | None, options.maybe(help="Weights to start from (.safetensors).")]


def train(
    model: options.Model,
    data: options.Data = "motion",
    root: options.Root = None,
    recipe: Recipe = None,
    epochs: Annotated[int | None, options.maybe(help="Passes.")] = None,
    seed: Annotated[int | None, options.maybe(help="Seed.")] = None,
    energy_weight: EnergyWeight = None,
    init: Init = None,
    set_: options.Set = None,
    out: RunFolder = None,
    resume: Resume = False,
    json: options.Json = False,
) -> None:
    """Train a model on a data set; kill it when you like and go on with --resume."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # torch's threads make room for ours
    from neurosim.cli.progress import quiet_stdout
    from neurosim.train import begin

    config = settings(
        model, data, recipe,
        root=root, epochs=epochs, seed=seed, energy_weight=energy_weight,
        init=None if init is None else str(init), given=set_,
    )  # fmt: skip
    place = out or begin.default_folder(config)
    again = f"interrupted; go on with neurosim train {model} --data {data} --out {place} --resume"
    with quiet_stdout(), _watched(config.epochs) as tell, _interruptible(again):
        if resume:
            done = begin.resume(place, tell)
        else:
            done = begin.train(config, place, tell=tell)
    if begin.is_first():
        _print(done, json)


def settings(
    model: str, data: str, recipe: str | None, given: list[str] | None, **named: Any
) -> TrainConfig:
    """The recipe with what was given in its place. Raises TrainError, UsageError."""
    from neurosim.train.config import load_config, recipe_for

    base = load_config(recipe) if recipe else recipe_for(model, data)
    changes: dict[str, Any] = {"model": model, "data": data}
    changes |= {k: v for k, v in named.items() if v is not None}
    return base.with_(**(changes | pairs(given)))


def pairs(given: list[str] | None) -> dict[str, Any]:
    """``["lr=1e-3", "augment.flip=0.5"]`` → {"lr": 0.001, "augment": {"flip": 0.5}}."""
    import yaml

    found: dict[str, Any] = {}
    for item in given or ():
        key, equals, text = item.partition("=")
        if not (key and equals):
            raise options.UsageError(f"--set {item}: expects KEY=VALUE; such as --set lr=1e-3")
        try:
            value = yaml.safe_load(text)
            value = float(value) if isinstance(value, str) and _is_number(value) else value
        except yaml.YAMLError:
            raise options.UsageError(f"--set {item}: cannot be read as YAML") from None
        outer, dot, inner = key.partition(".")
        if dot:
            found.setdefault(outer, {})[inner] = value
        else:
            found[key] = value
    return found


def _is_number(text: str) -> bool:
    """YAML 1.1 reads 1e-3 as text."""
    try:
        float(text)
    except ValueError:
        return False
    return True


@contextlib.contextmanager
def _interruptible(advice: str) -> Iterator[None]:
    from neurosim.errors import TrainError

    try:
        yield
    except KeyboardInterrupt:
        raise TrainError(advice) from None


@contextlib.contextmanager
def _watched(epochs: int) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """A bar over the updates of an epoch on a terminal; a line an epoch in any case."""
    from neurosim.cli.progress import renamed

    with renamed("reading data") as bar:

        def tell(told: Mapping[str, Any]) -> None:
            if "row" in told:
                print(epoch_line(told["row"], epochs), file=sys.stderr, flush=True)
                return
            text = f"epoch {told['epoch'] + 1}/{epochs}  loss {told['loss']:.3f}  " \
                   f"top-1 {told['train_top1']:.1%}"  # fmt: skip
            bar(text, told["update"], told["updates"])

        yield tell


def epoch_line(row: Mapping[str, float], epochs: int | None = None) -> str:
    """One line on an epoch."""
    parts = [
        f"epoch {row['epoch']:.0f}" + (f"/{epochs}" if epochs else ""),
        f"loss {row['loss']:.3f}",
        f"training top-1 {row['train_top1']:.1%}",
    ]
    if "top1" in row:
        parts.append(f"validation top-1 {row['top1']:.1%}")
    if "synaptic_operations" in row:
        parts.append(f"{row['synaptic_operations']:,.0f} SynOps/video")
    return "  ".join([*parts, f"{row['seconds']:.0f} s"])


def _print(done: Trained, json: bool) -> None:
    from neurosim.cli import show

    if json:
        show.print_json({"run": str(done.path), "rows": [dict(row) for row in done.rows]})
        return
    best = done.best
    typer.echo(f"run      {done.path}, {len(done.rows)} epochs")
    if "top1" in best:
        typer.echo(f"best     {best['top1']:.2%} top-1 on the validation split, epoch "
                   f"{best['epoch']:.0f}")  # fmt: skip
    typer.echo(f"next     neurosim evaluate {done.path} --hardware cmos_45nm --hardware loihi1")
