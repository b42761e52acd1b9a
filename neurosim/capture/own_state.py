"""State that a hand-written neuron keeps in its attributes between calls, found by watching them.

An attribute (of the module or of one inside it; a buffer, or a tensor in a tuple, list or dict) is
state when the call leaves a tensor there of one slice's shape that is neither the input nor the
spikes, and that changed or stands at its initial value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from neurosim.capture.recognise import Recognised, tensors_in

_TORCH_S = frozenset(vars(nn.Module()))


@dataclass(frozen=True)
class Before:
    """Attribute → (what it held before a call, a copy of it)."""

    slots: dict[str, tuple[Any, Any]]

    def value(self, name: str) -> Any:
        """The value as it was; None for an attribute that did not exist."""
        return self.slots.get(name, (None, None))[1]

    def object(self, name: str) -> Any:
        """The very tensor that was there."""
        return self.slots.get(name, (None, None))[0]

    def changed(self, name: str, now: Tensor) -> bool:
        """Whether a call put another tensor there, or wrote into it."""
        value = self.value(name)
        same = self.object(name) is now and isinstance(value, Tensor)
        return not (same and value.shape == now.shape and torch.equal(value, now))


def watched(found: Recognised, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether the attributes say what is remembered: the recogniser does not, and the call hands
    nothing over."""
    told = found.held or found.passed_state is not None
    return not told and len(args) + len(kwargs) == 1


def before(module: nn.Module) -> Before:
    """What a module's attributes hold now."""
    copies = {n: (v, v.clone() if isinstance(v, Tensor) else v) for n, v in _slots(module).items()}
    return Before(copies)


def _slots(module: nn.Module) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path, part in module.named_modules():
        for key, value in [*vars(part).items(), *part._buffers.items()]:
            if key in _TORCH_S or isinstance(value, nn.Parameter):
                continue
            name = f"{path}.{key}" if path else key
            if isinstance(value, (Tensor, int, float)):
                found[name] = value
            else:
                found |= {f"{name}[{i}]": t for i, t in enumerate(tensors_in(value))}
    return found


def state(
    found: Recognised,
    module: nn.Module,
    old: Before,
    shape: tuple[int, ...],
    seen: list[Tensor],
) -> dict[str, Tensor]:
    """Attribute → the state that the call left there. ``seen``: the input and the spikes."""
    known = {t.data_ptr() for t in seen}
    return {
        name: now
        for name, now in _slots(module).items()
        if isinstance(now, Tensor)
        and tuple(now.shape) == shape
        and now.data_ptr() not in known
        and (old.changed(name, now) or fresh(found, now))
    }


def fresh(found: Recognised, value: Any) -> bool:
    """Whether a value is where a state variable of the equation starts (None: not there yet)."""
    return any(found.fresh({meaning: value}) for meaning in found.equation.state)


def stale(found: Recognised, old: Before, kept: dict[str, Tensor]) -> str:
    """The first attribute that did not start fresh; empty: none."""
    return next((name for name in kept if not fresh(found, old.value(name))), "")


def of_another_size(found: Recognised, old: Before, shape: tuple[int, ...]) -> str:
    """An attribute that holds a slice of another number of samples; empty: none."""
    for name in old.slots:
        value = old.value(name)
        other = isinstance(value, Tensor) and value.ndim == len(shape) and value.shape != shape
        if other and tuple(value.shape[1:]) == shape[1:] and not fresh(found, value):
            return name
    return ""


def meaning(found: Recognised, name: str, kept: dict[str, Tensor]) -> str:
    """Which state variable an attribute is; its own name where that cannot be told."""
    last = name.rsplit(".", 1)[-1]
    names = found.equation.state
    return names[0] if len(names) == len(kept) == 1 else last
