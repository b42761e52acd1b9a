"""The model zoo: one file per model, found by its name; each has ``build(**config)`` and ``CARD``.

A family of published sizes is one file with ``build``, and one in ``sizes/`` that names them all.
``load(name)`` gives an eval-mode module; untrained weights come from a fixed seed: figures repeat.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from neurosim import registry
from neurosim.errors import ModelError, UnknownName
from neurosim.models._card import Accuracy, ModelCard
from neurosim.models._sizes import families, sizes

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

__all__ = ["Accuracy", "ModelCard", "card", "list", "load", "published", "restore"]

SEED = 0


def list() -> tuple[str, ...]:
    """Names that ``load`` takes; imports no model."""
    own = (n for n in registry.modules("models") if n not in families())
    return tuple(sorted((*own, *sizes())))


def card(name: str) -> ModelCard:
    """The model's card. Raises UnknownName."""
    if name in sizes():
        return sizes()[name].card
    return _module(name).CARD  # type: ignore[no-any-return]


def load(
    name: str, weights: str | Path | None = None, seed: int = SEED, **config: Any
) -> nn.Module:
    """Model ``name`` in eval mode; ``config`` goes to its ``build``.

    weights: None (untrained, drawn from ``seed``), ``"pretrained"`` (shipped) or a file.
    Raises UnknownName; ModelError: no such weights, or weights of another model.
    """
    import torch

    size = sizes().get(name)
    build = _module(size.family if size else name, of=name if size else "").build
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = _build(build, name, {**(size.config if size else {}), **config}, config)
    if weights is not None:
        restore(model, name, _weights_file(card(name), weights))
    return model.eval()


def published(name: str) -> dict[str, Any] | None:
    """Published firing rates: {source, note, plif, layers, …}; None where the model has none."""
    file = card(name).published_rates
    if file is None:
        return None
    return json.loads((_folder() / "published" / file).read_text())  # type: ignore[no-any-return]


def _module(name: str, of: str = "") -> ModuleType:
    """The file of a model, or of the family of model ``of``. Raises UnknownName."""
    if name in families() and not of or name not in registry.modules("models"):
        raise UnknownName("model", name, list())
    return registry.load("models", name, "model")


def _build(
    build: Callable[..., nn.Module], name: str, config: dict[str, Any], given: dict[str, Any]
) -> nn.Module:
    try:
        return build(**config)
    except TypeError as e:
        if not given:
            raise
        found = ", ".join(f"{key}={value!r}" for key, value in given.items())
        raise ModelError(
            f"model {name!r}: cannot be built with {found} ({e}); "
            f"see the arguments in models/{sizes()[name].family if name in sizes() else name}.py"
        ) from e


def _folder() -> Path:
    return Path(__file__).parent


def _weights_file(of: ModelCard, weights: str | Path) -> Path:
    if weights != "pretrained":
        return Path(weights)
    if not of.weights:
        raise ModelError(
            f"model {of.name!r}: no pretrained weights ship with neurosim; "
            "pass weights=None (untrained) or the path of a .safetensors file"
        )
    return _folder() / "weights" / f"{of.name}.safetensors"


def restore(model: nn.Module, name: str, path: Path) -> None:
    """Put the weights of a .safetensors file into a module. Raises ModelError: not its weights."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        found = load_file(path)
    except (OSError, SafetensorError) as e:
        reason = " ".join(str(e).split())
        raise ModelError(
            f"checkpoint {str(path)!r}: cannot be read as safetensors ({reason}); "
            "pass a .safetensors file as neurosim saves them"
        ) from e
    complaint = _mismatch(model.state_dict(), found)
    if complaint:
        raise ModelError(
            f"checkpoint {str(path)!r} is not of model {name!r}: {complaint}; "
            "load it with the model and configuration that it was saved from"
        )
    model.load_state_dict(found)


def _mismatch(expected: dict[str, Any], found: dict[str, Any]) -> str:
    """Empty when names and shapes agree."""
    missing = [k for k in expected if k not in found]
    extra = [k for k in found if k not in expected]
    shapes = [
        f"{k} is {tuple(found[k].shape)} instead of {tuple(expected[k].shape)}"
        for k in expected
        if k in found and found[k].shape != expected[k].shape
    ]
    groups = (("missing", missing), ("unknown", extra), ("of another shape", shapes))
    return ", ".join(f"{len(g)} {what} (first: {g[0]})" for what, g in groups if g)
