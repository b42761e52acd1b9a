"""Neurons recognised as one op: a known module → its exact equation and what its call means.

A library's neurons are found without importing the library: the file
``capture/neurons/<package>.py`` is loaded when a module of that package turns up (``neurosim.nn`` →
``neurosim_nn.py``). A user's own are registered with ``@recognise(Type)``. A subclass is recognised
when it overrides nothing that the equation rests on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from neurosim import registry
from neurosim.errors import CaptureError
from neurosim.ir.neuron import Fires, Neuron

Number = float | Tensor


def first_argument(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor:
    """The input of a call: its first argument, by position or by name."""
    return args[0] if args else next(iter(kwargs.values()))


@dataclass(frozen=True, eq=False)
class Recognised:
    """The equation of a module and the meaning of its call.

    A *meaning* is "spike" (what it emits), or a state variable: "v", "i", "b". Where a multi-step
    module returns the state after the last step alone, the meaning is "v_last", "i_last", "b_last".

    ``arrays``: see ``Neuron``. ``either``: one step a call, or the whole clip where the operand has
    its time axis in front. ``time_dim``: axis of the steps in the operand of a multi-step
    module; ``squeezed``: (samples, steps) as stated by the module (-1: not stated) when the operand
    is (samples·steps, …), samples outermost. ``passed_state``: meaning → tensor of a state handed
    over in the call (None or left out: not handed over). ``results``: meaning → tensor of what the
    call returned. ``held``: meaning → attribute of the module that keeps it between calls. Synapses
    inside the module: input → ``input_weight`` (+ ``input_bias``) and the module's own spikes
    ``recurrent_delay`` steps ago → ``recurrent_weight`` (+ ``recurrent_bias``), both (out, in),
    added to one input x.
    """

    equation: Neuron
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    multi_step: bool = False
    time_dim: int = 0
    squeezed: tuple[int, int] | None = None
    operand: Callable[[tuple[Any, ...], Mapping[str, Any]], Tensor] = first_argument
    passed_state: (
        Callable[[tuple[Any, ...], Mapping[str, Any]], dict[str, Tensor] | None] | None
    ) = None
    results: Callable[[Any], dict[str, Tensor]] | None = None
    held: Mapping[str, str] = field(default_factory=dict)
    input_weight: Tensor | None = None
    input_bias: Tensor | None = None
    recurrent_weight: Tensor | None = None
    recurrent_bias: Tensor | None = None
    recurrent_delay: int = 1
    either: bool = False

    def state_in(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> dict[str, Tensor] | None:
        """The state handed over in a call; by default the tensors after the first argument, in
        ``Neuron.state``."""
        if self.passed_state is not None:
            return self.passed_state(args, kwargs)
        tensors = tensors_in(
            (args[1:], {k: v for k, v in kwargs.items() if v is not self.operand(args, kwargs)})
        )
        return dict(zip(self.equation.state, tensors, strict=False)) or None

    def named_results(self, result: Any) -> dict[str, Tensor]:
        """What a call returned, by meaning; by default the output, then the tensors of
        ``Neuron.state``."""
        if self.results is not None:
            return self.results(result)
        first, *rest = tensors_in(result)
        states = {
            f"{name}_last" if self.multi_step and tensor.ndim < first.ndim else name: tensor
            for name, tensor in zip(self.equation.state, rest, strict=False)
        }
        return {"v" if self.equation.output == "v" else "spike": first, **states}

    def held_state(self, module: nn.Module) -> dict[str, Any]:
        """Meaning → what the module keeps now (a tensor, or the library's own placeholder)."""
        return {meaning: getattr(module, attribute) for meaning, attribute in self.held.items()}

    def restore(self, module: nn.Module, held: Mapping[str, Any]) -> None:
        """Put back what ``held_state`` returned."""
        for meaning, value in held.items():
            setattr(module, self.held[meaning], value)

    def fresh(self, state: Mapping[str, Any] | None) -> bool:
        """Whether a state equals the equation's initial values (None, numbers and empty tensors
        included)."""
        return all(self._is_initial(meaning, value) for meaning, value in (state or {}).items())

    def _is_initial(self, meaning: str, value: Any) -> bool:
        if value is None or (isinstance(value, Tensor) and value.numel() == 0):
            return True
        first = 0.0 if meaning == "spike" else self.equation.initial(meaning)
        expected = torch.as_tensor(self.arrays.get(f"{meaning}_init", first), dtype=torch.float32)
        given = torch.as_tensor(value, dtype=torch.float32).detach().cpu()
        return bool((given == expected).all())


Recogniser = Callable[[Any], "Recognised | Neuron | tuple[Neuron, Mapping[str, np.ndarray]]"]
_OWN: dict[type, Recogniser] = {}
# methods that a subclass may replace without touching the equation
_HARMLESS = {"extra_repr", "shape", "_param_dict", "initial_state"}


def recognise(kind: type[nn.Module]) -> Callable[[Recogniser], Recogniser]:
    """Decorator: the function turns a module of type ``kind`` into a ``Neuron``.

    A ``Neuron``, alone or with its arrays, means: the input first, spikes returned first, then the
    state, if any; the state is handed over in the call or kept in attributes of the module; one
    step a call, or the whole clip with time in front. Anything else is said with a ``Recognised``.
    """

    def register(function: Recogniser) -> Recogniser:
        _OWN[kind] = function
        return function

    return register


def find(module: nn.Module, path: str = "") -> Recognised | None:
    """What is known of a module; None when it is not a neuron that anyone registered.

    Raises CaptureError: a known neuron with an option that no equation expresses; names the option.
    Or a recogniser that fails or returns something else; names it and the module's ``path``.
    """
    for kind in type(module).__mro__:
        recogniser = _OWN.get(kind) or _library(kind.__module__, kind.__qualname__)
        if recogniser is not None:
            changed = overrides(type(module), kind)
            return None if changed else _asked(recogniser, module, path)
    return None


def overrides(kind: type, base: type) -> tuple[str, ...]:
    """Members of ``base`` that ``kind`` replaces, harmless ones left out."""
    between = kind.__mro__[: kind.__mro__.index(base)]
    names = {name for c in between for name in vars(c) if name in dir(base)}
    return tuple(sorted(n for n in names - _HARMLESS if not n.startswith("__") or n == "__call__"))


def _asked(recogniser: Recogniser, module: nn.Module, path: str) -> Recognised:
    at = f"at {path!r} ({type(module).__name__})" if path else place(module)
    name = getattr(recogniser, "__qualname__", repr(recogniser))
    try:
        found: Any = recogniser(module)
    except CaptureError:
        raise
    except Exception as error:
        text = " ".join(str(error).split())[:300]
        raise CaptureError(
            f"{at}: its recogniser {name} failed with {type(error).__name__}: {text}; correct it"
        ) from error
    return _complete(found, f"{at}: its recogniser {name}")


def _complete(found: Any, who: str) -> Recognised:
    if isinstance(found, Recognised):
        return found
    equation, arrays = found if isinstance(found, tuple) and len(found) == 2 else (found, {})
    if not isinstance(equation, Neuron) or not isinstance(arrays, Mapping):
        raise CaptureError(
            f"{who} returned {'None' if found is None else 'a ' + type(found).__name__}; "
            "return ns.ops.LIF(…) or another Neuron, (Neuron, arrays) or ns.Recognised(…)"
        )
    return Recognised(equation, arrays, either=True)


@cache
def _library(module: str, name: str) -> Recogniser | None:
    """The recogniser of a library's class, from the file named after its package."""
    parts = module.split(".")
    for file in ("_".join(parts[:2]), parts[0]):
        if file in registry.modules("capture.neurons"):
            return registry.load("capture.neurons", file, "neuron library").NEURONS.get(name)
    return None


def place(module: nn.Module) -> str:
    """How errors call a module."""
    return f"{type(module).__module__}.{type(module).__qualname__}"


def refuse(module: nn.Module, found: str, remedy: str) -> CaptureError:
    """An error for an option that no equation expresses."""
    return CaptureError(f"{place(module)}: {found}; {remedy}")


def firing_rule(module: nn.Module, spike: Callable[[Tensor], Tensor]) -> Fires:
    """The rule of a surrogate, found by trying it at 0, one step around it and away from it.

    ``spike``: v − v_threshold → spikes. Raises CaptureError: it is neither x > 0 nor x ≥ 0.
    """
    tiny = float(np.nextafter(np.float32(0), np.float32(1)))
    x = torch.tensor([-2.0, -1.0, -0.5, -1e-3, -tiny, 0.0, tiny, 1e-3, 0.5, 1.0, 2.0])
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        z = spike(x)
    if torch.equal(z, (x > 0).to(z)):
        return ">"
    if torch.equal(z, (x >= 0).to(z)):
        return ">="
    raise refuse(
        module, "its surrogate is not a step at 0", "use a surrogate that emits 0 and 1 alone"
    )


def split(
    module: nn.Module, **parameters: Number | None
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Parameters as (floats, arrays): tensors of several elements become float32 arrays.

    Raises CaptureError: a parameter that would turn the membrane into another type.
    """
    floats: dict[str, Any] = {}
    arrays: dict[str, np.ndarray] = {}
    for name, value in parameters.items():
        if value is None:
            continue
        tensor = torch.as_tensor(value).detach().cpu()
        if tensor.dim() and tensor.dtype != torch.float32:
            raise refuse(module, f"{name} is {tensor.dtype}", "convert the model with .float()")
        if tensor.numel() > 1:
            arrays[name] = tensor.numpy().copy()
        floats[name] = float(tensor.reshape(-1)[0])
    return floats, arrays


def tensors_in(nest: Any) -> list[Tensor]:
    """Tensors of a nest of tuples, lists and dicts, in order."""
    if isinstance(nest, Tensor):
        return [nest]
    if isinstance(nest, Mapping):
        nest = list(nest.values())
    return [t for part in nest for t in tensors_in(part)] if isinstance(nest, (list, tuple)) else []
