"""SpikingJelly 2.0: IF, LIF and parametric LIF nodes, single-step and multi-step.

charge (decay_input): v ← v + (x − (v − v_rest)) / τ, else v ← v − (v − v_rest) / τ + x, with v_rest
= v_reset or 0; the parametric node multiplies by σ(w) instead of dividing by τ. Fires at v ≥
v_threshold. v_reset None: v ← v − v_threshold at a spike.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from neurosim.capture.recognise import Number, Recognised, firing_rule, refuse, split
from neurosim.ir.neuron import Neuron


def integrate_and_fire(module: Any) -> Recognised:
    """``IFNode``: v ← v + x."""
    return _node(module, {}, {})


def leaky(module: Any) -> Recognised:
    """``LIFNode``: divides by τ."""
    return _node(module, {"integrate": _charge(module), "leak": "divide"}, {"tau": module.tau})


def parametric(module: Any) -> Recognised:
    """``ParametricLIFNode``: multiplies by σ(w)."""
    return _node(module, {"integrate": _charge(module)}, {"k": torch.sigmoid(module.w.detach())})


def _charge(module: Any) -> str:
    return "difference" if module.decay_input else "leak_only"


def _node(module: Any, choices: dict[str, Any], parameters: dict[str, Number]) -> Recognised:
    _check(module)
    rest = 0.0 if module.v_reset is None else module.v_reset
    choices["reset"] = "subtract" if module.v_reset is None else "to_value"
    choices["fires"] = firing_rule(module, module.surrogate_function)
    parameters |= {"v_threshold": module.v_threshold, "v_reset": rest, "v_leak": rest,
                   "v_init": module._memories_rv["v"]}  # fmt: skip
    floats, arrays = split(module, **parameters)
    multi_step = module.step_mode == "m"
    return Recognised(
        Neuron(**{**choices, **floats}),
        arrays,
        multi_step,
        passed_state=_passed,
        results=_results,
        held={"v": "v"},
    )


def _check(module: Any) -> None:
    if not hasattr(module, "single_step_functional_forward"):
        raise refuse(
            module, "its arithmetic is that of SpikingJelly before 2.0", "install spikingjelly>=2.0"
        )
    if getattr(module, "_neuron_precision", None) is not None:
        raise refuse(module, "a neuron precision other than float32", "leave the precision unset")
    if not isinstance(module._memories_rv["v"], (int, float)):
        raise refuse(module, "a tensor as the reset value of v", "use a number")


def _passed(args: tuple[Any, ...], kwargs: Any) -> None:
    return None


def _results(result: Tensor) -> dict[str, Tensor]:
    return {"spike": result}


NEURONS = {"IFNode": integrate_and_fire, "LIFNode": leaky, "ParametricLIFNode": parametric}
