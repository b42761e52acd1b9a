"""norse 1.1: cells, and modules that loop over time inside, told apart by their functional step.

Every norse neuron is an ``SNNCell``, ``SNN``, ``SNNRecurrentCell`` or ``SNNRecurrent`` around a
step function; the equation is that function's. ``Lift`` calls a cell once per step with its state,
``SequentialState`` hands states from call to call: both drive these modules and need nothing of
their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from norse.torch.functional.reset import reset_subtract, reset_value
from norse.torch.functional.threshold import threshold
from torch import Tensor, nn

from neurosim.capture.recognise import Number, Recognised, firing_rule, refuse, split
from neurosim.ir.neuron import Neuron

Form = tuple[dict[str, Any], dict[str, Number]]  # choices, parameters


def cell(module: Any) -> Recognised:
    """``SNNCell`` and ``SNNRecurrentCell``: one step a call."""
    return _recognised(module, multi_step=False)


def layer(module: Any) -> Recognised:
    """``SNN`` and ``SNNRecurrent``: steps along axis 0; the state of the last step is returned."""
    return _recognised(module, multi_step=True)


def linear_integrator(module: Any) -> Recognised:
    """``LILinearCell``: a linear layer without bias, then a leaky integrator with a current."""
    choices, parameters = _li(module, module.p, module.dt)
    return _build(module, choices, parameters, multi_step=False, input_weight=module.input_weights)


def _recognised(module: Any, multi_step: bool) -> Recognised:
    name = getattr(module.activation, "__name__", repr(module.activation))
    if name not in _FORMS or not module.activation.__module__.startswith("norse."):
        raise refuse(
            module,
            f"its step {name} has no equation here",
            "register the module with @ns.recognise",
        )
    if not getattr(module.state_fallback, "__module__", "").startswith("norse."):
        raise refuse(
            module,
            "its state_fallback is not norse's own",
            "register the module with @ns.recognise",
        )
    choices, parameters = _FORMS[name](module, module.p, module.dt)
    return _build(
        module,
        choices,
        parameters,
        multi_step,
        input_weight=getattr(module, "input_weights", None),
        recurrent_weight=getattr(module, "recurrent_weights", None),
    )


def _build(module: Any, choices: dict[str, Any], parameters: dict[str, Number], multi_step: bool,
           **synapses: Any) -> Recognised:  # fmt: skip
    if choices.get("fires") != "never":
        choices["fires"] = firing_rule(
            module, lambda x: threshold(x, module.p.method, module.p.alpha)
        )
    floats, arrays = split(module, **parameters)
    whole = not multi_step or bool(getattr(module, "record_states", False))
    return Recognised(
        Neuron(**{**choices, **floats}), arrays, multi_step, passed_state=_passed,
        results=_results(str(choices.get("output", "spike")), "" if whole else "_last"), **synapses,
    )  # fmt: skip


def _membrane(p: Any, dt: float) -> dict[str, Number]:
    return {"k": dt * p.tau_mem_inv, "v_leak": p.v_leak, "v_init": p.v_leak}


def _firing(p: Any) -> dict[str, Number]:
    return {"v_threshold": p.v_th, "v_reset": p.v_reset}


def _lif_box(module: nn.Module, p: Any, dt: float) -> Form:
    resets = {reset_value: "to_value", reset_subtract: "subtract"}
    if p.reset_method not in resets:
        raise refuse(
            module, f"reset_method {p.reset_method!r}", "use reset_value or reset_subtract"
        )
    return {"integrate": "add_leak", "reset": resets[p.reset_method]}, _membrane(p, dt) | _firing(p)


def _lif(module: nn.Module, p: Any, dt: float) -> Form:
    current: dict[str, Number] = {"i_k": dt * p.tau_syn_inv}
    return {"integrate": "leak_add", "current": "jump_first"}, _membrane(p, dt) | _firing(
        p
    ) | current


def _iaf(module: nn.Module, p: Any, dt: float) -> Form:
    return {}, _firing(p) | {"v_init": p.v_reset}


def _lsnn(module: nn.Module, p: Any, dt: float) -> Form:
    more: dict[str, Number] = {
        "i_k": dt * p.tau_syn_inv, "b_k": dt * p.tau_adapt_inv, "b_jump": p.beta, "b_init": p.v_th,
    }  # fmt: skip
    choices = {"integrate": "leak_add", "current": "delayed", "adaptation": True}
    return choices, _membrane(p, dt) | _firing(p) | more


_SILENT = {"fires": "never", "reset": "none", "output": "v"}


def _li(module: nn.Module, p: Any, dt: float) -> Form:
    choices = {"integrate": "leak_add", "current": "jump_first", **_SILENT}
    return choices, _membrane(p, dt) | {"i_k": dt * p.tau_syn_inv}


def _li_box(module: nn.Module, p: Any, dt: float) -> Form:
    return {"integrate": "leak_add", **_SILENT}, _membrane(p, dt)


_FORMS: dict[str, Callable[[nn.Module, Any, float], Form]] = {
    "lif_box_feed_forward_step": _lif_box,
    "lif_feed_forward_step": _lif,
    "lif_step": _lif,
    "iaf_feed_forward_step": _iaf,
    "iaf_step": _iaf,
    "lsnn_feed_forward_step": _lsnn,
    "lsnn_step": _lsnn,
    "li_feed_forward_step": _li,
    "li_box_feed_forward_step": _li_box,
}
_MEANINGS = {"z": "spike", "v": "v", "i": "i", "b": "b"}


def _passed(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Tensor] | None:
    state = args[1] if len(args) > 1 else kwargs.get("state")
    return None if state is None else {_MEANINGS[k]: v for k, v in state._asdict().items()}


def _results(output: str, suffix: str) -> Callable[[Any], dict[str, Tensor]]:
    def named(result: Any) -> dict[str, Tensor]:
        out, state = result
        states = {f"{_MEANINGS[k]}{suffix}": v for k, v in state._asdict().items()}
        return {**states, output: out}

    return named


NEURONS = {
    "SNNCell": cell, "SNNRecurrentCell": cell, "SNN": layer, "SNNRecurrent": layer,
    "LILinearCell": linear_integrator,
}  # fmt: skip
