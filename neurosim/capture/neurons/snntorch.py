"""snnTorch 1.0: Leaky and Synaptic.

Leaky: v ← β·v + x, Synaptic: i ← α·i + x, v ← β·v + i; fires at v > threshold. With ``reset_delay``
the reset of a spike acts in the next step: ``subtract`` after the charge, ``zero`` before it
(Leaky) or after it (Synaptic, where the whole charge is lost). Without it, ``zero`` acts at once;
``subtract`` keeps what is still pending from v > threshold. The state is kept in the module and,
without ``init_hidden``, also handed over in the call.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from neurosim.capture.recognise import Number, Recognised, firing_rule, refuse, split
from neurosim.ir.neuron import Neuron


def leaky(module: Any) -> Recognised:
    """``Leaky``."""
    return _neuron(module, {}, {}, ("v",), zero_at="before")


def synaptic(module: Any) -> Recognised:
    """``Synaptic``."""
    decay: dict[str, Number] = {"i_decay": module.alpha.detach().clamp(0, 1)}
    return _neuron(module, {"current": "decay_first"}, decay, ("i", "v"), zero_at="after")


def _neuron(
    module: Any,
    choices: dict[str, Any],
    parameters: dict[str, Number],
    states: tuple[str, ...],
    zero_at: str,
) -> Recognised:
    _check(module)
    choices |= _reset(module, zero_at)
    choices["fires"] = firing_rule(module, module.spike_grad)
    parameters |= {"v_decay": module.beta.detach().clamp(0, 1), "v_threshold": module.threshold}
    floats, arrays = split(module, **parameters)

    def passed(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Tensor] | None:
        given = [
            args[k + 1] if len(args) > k + 1 else kwargs.get(_HELD[s]) for k, s in enumerate(states)
        ]
        return {s: g for s, g in zip(states, given, strict=True) if g is not None} or None

    def results(result: Any) -> dict[str, Tensor]:
        found = (result,) if isinstance(result, Tensor) else result
        return dict(zip(("spike", *states), found, strict=False))

    return Recognised(
        Neuron(**{**choices, **floats}),
        arrays,
        passed_state=passed,
        results=results,
        held={s: _HELD[s] for s in states},
    )


_HELD = {"v": "mem", "i": "syn"}


def _reset(module: Any, zero_at: str) -> dict[str, str]:
    mechanism = module.reset_mechanism
    if mechanism == "none":
        return {"reset": "none"}
    if mechanism == "subtract":
        return {"reset": "subtract", "reset_at": "after" if module.reset_delay else "carried"}
    if bool((module.threshold < 0).any()):
        raise refuse(
            module,
            "reset_mechanism 'zero' with a negative threshold",
            "use a threshold of 0 or more",
        )
    return {"reset": "to_value", "reset_at": zero_at if module.reset_delay else "now"}


def _check(module: Any) -> None:
    if module.inhibition:
        raise refuse(
            module, "inhibition=True lets one neuron of a layer fire", "use inhibition=False"
        )
    if module.state_quant:
        raise refuse(module, "state_quant is set", "quantise after capture instead")
    if not bool((torch.as_tensor(module.graded_spikes_factor) == 1).all()):
        raise refuse(
            module, "graded_spikes_factor is not 1", "scale the next layer's weights instead"
        )


NEURONS = {"Leaky": leaky, "Synaptic": synaptic}
