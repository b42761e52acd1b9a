"""``neurosim.nn``: the neurons of our own models, and the dense twin's membrane."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from neurosim.capture.recognise import Recognised, firing_rule, split
from neurosim.ir.neuron import Neuron
from neurosim.nn.leaky import LeakyIntegrator
from neurosim.nn.lif import IF, LIF
from neurosim.nn.plif import PLIF, PLIFCell


def plif(module: PLIF | PLIFCell | LIF) -> Recognised:
    """v ← v + σ(w)·(x − (v − v_reset)), hard reset."""
    p = module.p
    fires = firing_rule(module, lambda x: p.surrogate(x, p.fires))
    floats, arrays = split(module, k=torch.sigmoid(p.w))
    equation = Neuron(
        integrate="difference",
        v_leak=p.v_reset,
        v_threshold=p.v_threshold,
        v_reset=p.v_reset,
        fires=fires,
        v_init=p.v_reset,
        **floats,
    )
    multi_step = isinstance(module, (PLIF, LIF))
    return Recognised(
        equation,
        arrays,
        multi_step,
        passed_state=_passed,
        results=_all_steps if multi_step else _results,
    )


def integrate_and_fire(module: IF) -> Recognised:
    """v ← v + x, hard reset to 0."""
    fires = firing_rule(module, lambda x: module.surrogate(x, ">="))
    equation = Neuron(v_threshold=module.v_threshold, fires=fires)
    return Recognised(equation, multi_step=True, passed_state=_passed, results=_all_steps)


def integrator(module: LeakyIntegrator) -> Recognised:
    """v ← v + σ(w)·(x − v), never fires."""
    floats, arrays = split(module, k=torch.sigmoid(module.w))
    silent = Neuron(integrate="difference", fires="never", reset="none", output="v", **floats)
    return Recognised(silent, arrays, multi_step=True, results=lambda result: {"v": result})


def _passed(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Tensor] | None:
    state = args[1] if len(args) > 1 else kwargs.get("state")
    return None if state is None else {"v": state.v}


def _all_steps(result: Tensor) -> dict[str, Tensor]:
    return {"spike": result}


def _results(result: Any) -> dict[str, Tensor]:
    return {"spike": result[0], "v": result[1].v}


NEURONS = {
    "PLIF": plif,
    "PLIFCell": plif,
    "LIF": plif,
    "IF": integrate_and_fire,
    "LeakyIntegrator": integrator,
}
