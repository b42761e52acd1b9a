"""MODEL: a zoo name, a training run's folder, ``package.module:function`` or ``file.py:function`` →
a module to run."""

from __future__ import annotations

import contextlib
import difflib
import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from neurosim.errors import ModelError

if TYPE_CHECKING:
    from neurosim.data.recipe import Recipe
    from neurosim.models import ModelCard

RUN_CONFIG = "config.yaml"  # in the folder of a training run


@dataclass(frozen=True)
class Source:
    """A model as it was named: ``recipe`` and ``card`` are None where nobody wrote one."""

    name: str
    model: Callable[..., Any]
    recipe: Recipe | None
    card: ModelCard | None
    weights: str  # untrained | pretrained | a checkpoint's path | unknown

    def facts(self) -> dict[str, Any]:
        """What the card says, JSON-ready: it travels with the run; {} without a card."""
        if self.card is None:
            return {}
        accuracy = [
            {**asdict(entry), "views": entry.views, "text": str(entry)}
            for entry in self.card.accuracy
        ]
        return {
            "title": self.card.title,
            "parameters": self.card.parameters,
            "accuracy": accuracy,
            "note": self.card.note,
        }


def resolve(
    text: str,
    weights: str | None = None,
    options: Mapping[str, Any] | None = None,
    seed: int | None = None,
) -> Source:
    """The model that ``text`` names.

    ``weights``: "none", "pretrained" or a file (None: those that ship, those a run liked best).
    ``options`` go to a zoo model's ``build``; ``seed`` draws the untrained weights.
    Raises UnknownName, ModelError.
    """
    if (Path(text) / RUN_CONFIG).is_file():
        return _from_run(Path(text), weights)
    if text.lower().endswith(".nir"):
        raise ModelError(
            f"{text}: a NIR graph has no module to train or evaluate; neurosim estimate and graph "
            "take it"
        )
    if ":" not in text and text.endswith(".py"):
        raise ModelError(f"{text}: names no function; give {text}:function, which returns a module")
    if ":" in text:
        return _own(text, weights, options, seed)
    return _from_zoo(text, weights, options or {}, seed)


def _from_run(run: Path, weights: str | None) -> Source:
    """The model of ``run/config.yaml`` with the weights that it learnt."""
    import yaml

    from neurosim.models import restore

    try:
        config = yaml.safe_load((run / RUN_CONFIG).read_text())
        name, options = config["model"], config.get("options") or {}
        if not (isinstance(name, str) and isinstance(options, Mapping)):
            raise TypeError
    except (OSError, UnicodeDecodeError, yaml.YAMLError, TypeError, KeyError, AttributeError):
        raise ModelError(
            f"{run}: {RUN_CONFIG} names no model; give the folder of a training run"
        ) from None
    source = resolve(name, "none", options)
    found = [run / f for f in ("best.safetensors", "last.safetensors") if (run / f).is_file()]
    path = Path(weights) if weights is not None else next(iter(found), None)
    if path is None:
        raise ModelError(f"{run}: holds no weights yet; let it train for an epoch first")
    restore(source.model, name, path)  # type: ignore[arg-type]
    source.model.eval()  # type: ignore[attr-defined]
    return replace(source, name=str(run), weights=str(path), card=_retrained(source.card))


def _retrained(card: ModelCard | None) -> ModelCard | None:
    """Published figures belong to published weights."""
    return None if card is None else replace(card, accuracy=(), published_rates=None)


def _from_zoo(
    name: str, weights: str | None, options: Mapping[str, Any], seed: int | None
) -> Source:
    from neurosim import models

    card = models.card(name)
    chosen = weights or ("pretrained" if card.weights and not options else "none")
    held = None if chosen == "none" else chosen
    model = models.load(name, held, models.SEED if seed is None else seed, **options)
    return Source(name, model, card.recipe, card, "untrained" if chosen == "none" else chosen)


def _own(
    text: str, weights: str | None, options: Mapping[str, Any] | None, seed: int | None
) -> Source:
    if weights not in (None, "none"):
        raise ModelError(f"--weights {weights}: only for zoo models; load them in {text!r} itself")
    if options:
        raise ModelError(f"{text}: options go to zoo models alone; set {', '.join(options)} there")
    where, _, attribute = text.rpartition(":")
    with _seeded(seed):
        module = _module(where)
        found = _attribute(module, attribute, text)
        model = found if _is_module(found) else _build(found, text)
    recipe = getattr(model, "recipe", None) or getattr(module, "RECIPE", None)
    return Source(text, model, _checked(recipe, text), None, "unknown")


@contextlib.contextmanager
def _seeded(seed: int | None) -> Iterator[None]:
    """torch's random state at the zoo's seed: a model that is built twice is the same model."""
    import torch

    from neurosim.models import SEED

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED if seed is None else seed)
        yield


def _module(where: str) -> ModuleType:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return _from_file(Path(where)) if where.endswith(".py") else importlib.import_module(where)
    except ModuleNotFoundError as error:
        place = f"; looked in {here} and the installed packages" if error.name == where else ""
        raise ModelError(
            f"{where}: no module called {error.name!r}{place}; check the name"
        ) from error
    except ModelError:
        raise
    except (Exception, SystemExit) as error:
        raise ModelError(f"{where}: fails on import: {_said(error)}; mend it there") from error


def _from_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise ModelError(f"{path}: no such file; check the path")
    name = f"neurosim_user_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ModelError(f"{path}: not a Python file; check the path")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent.resolve()))
    spec.loader.exec_module(module)
    return module


def _attribute(module: ModuleType, name: str, text: str) -> Any:
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            known = _own_names(found)
            near = difflib.get_close_matches(part, known, n=3, cutoff=0.5)
            hint = f"did you mean {' or '.join(near)}?" if near else _listed(known)
            raise ModelError(f"{text}: nothing called {part!r} there; {hint}")
        found = getattr(found, part)
    return found


def _own_names(place: Any) -> list[str]:
    """Callables that a module defines itself; what it imports is not a model of the user's."""
    home = getattr(place, "__name__", None)
    return (
        [
            name
            for name, value in vars(place).items()
            if not name.startswith("_")
            and callable(value)
            and (_is_module(value) or getattr(value, "__module__", None) == home)
        ]
        if isinstance(place, ModuleType)
        else []
    )


def _listed(known: list[str]) -> str:
    return f"it defines {', '.join(known)}" if known else "check the name"


def _is_module(found: Any) -> bool:
    from torch import nn

    return isinstance(found, nn.Module)


def _build(factory: Any, text: str) -> Callable[..., Any]:
    """What a function or class without arguments returns."""
    if not callable(factory):
        raise ModelError(
            f"{text}: is a {type(factory).__name__}; name a torch module, or a function that "
            "returns one"
        )
    try:
        model = factory()
    except (Exception, SystemExit) as error:
        raise ModelError(f"{text}: cannot be built without arguments: {_said(error)}") from error
    if not callable(model):
        raise ModelError(f"{text}: returned a {type(model).__name__}; return a torch module")
    return model


def _checked(recipe: Any, text: str) -> Recipe | None:
    from neurosim.data.recipe import Recipe

    if recipe is None or isinstance(recipe, Recipe):
        return recipe
    raise ModelError(f"{text}: recipe is a {type(recipe).__name__}; give a neurosim.data.Recipe")


def _said(error: BaseException) -> str:
    """What a user's own code complained of, and at which of its lines."""
    trace, line = error.__traceback__, ""
    while trace is not None:
        line = f" ({Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno})"
        trace = trace.tb_next
    return f"{type(error).__name__}: {error}{line}"
