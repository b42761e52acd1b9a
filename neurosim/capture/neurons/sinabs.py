"""sinabs 3.1: IAF, LIF and ExpLeak over (B, T, …), and the Squeeze variants over (B·T, …).

i ← α_syn·(i + x) (with tau_syn; else i = x); v ← α_mem·v + (1 − α_mem)·i (norm_input) or α_mem·v +
i; spikes n = trunc(v / θ) where v > 0, at most ``max_num_spikes_per_bin``; v ← v − n·θ or 0; v ←
relu(v − min) + min.
"""

from __future__ import annotations

from typing import Any

from sinabs.activation import MaxSpike, MembraneReset, MembraneSubtract, MultiSpike, SingleSpike
from torch import Tensor

from neurosim.capture.recognise import Number, Recognised, refuse, split
from neurosim.ir.neuron import Neuron


def layer(module: Any) -> Recognised:
    """``IAF``, ``LIF``, ``ExpLeak``: steps along axis 1."""
    decay = module.alpha_mem_calculated
    parameters: dict[str, Number | None] = {
        "v_decay": decay,
        "gain": 1 - decay if module.norm_input else None,
        "v_min": module.min_v_mem,
    }
    choices: dict[str, Any] = {}
    if module.alpha_syn_calculated is not None:
        choices["current"] = "jump_decay"
        parameters["i_decay"] = module.alpha_syn_calculated
    fire(module, choices, parameters)
    floats, arrays = split(module, **parameters)
    held = {"v": "v_mem", "i": "i_syn"} if "current" in choices else {"v": "v_mem"}
    squeezed = (
        (module.batch_size, module.num_timesteps) if hasattr(module, "num_timesteps") else None
    )
    output = choices.get("output", "spike")

    def results(result: Tensor) -> dict[str, Tensor]:
        return {output: result}

    return Recognised(
        Neuron(**{**choices, **floats}),
        arrays,
        True,
        1,
        squeezed,
        passed_state=_passed,
        results=results,
        held=held,
    )


def fire(module: Any, choices: dict[str, Any], parameters: dict[str, Number | None]) -> None:
    """Add how the layer fires and resets; a layer without spike_fn emits its membrane."""
    if module.spike_fn is None:
        if module.min_v_mem is not None:
            raise refuse(module, "min_v_mem without spike_fn", "leave min_v_mem unset")
        choices |= {"fires": "never", "reset": "none", "output": "v"}
        return
    choices |= {"fires": ">=", "max_spikes": _most(module)}
    parameters["v_threshold"] = module.spike_threshold
    reset = module.reset_fn
    if isinstance(reset, MembraneSubtract):
        choices["reset"] = "subtract"
        parameters["v_subtract"] = reset.subtract_value
    elif isinstance(reset, MembraneReset) and reset.reset_value == 0:
        choices["reset"] = "to_value"
    else:
        raise refuse(module, f"reset_fn {reset!r}", "use MembraneSubtract() or MembraneReset()")


def _most(module: Any) -> int | None:
    spike = module.spike_fn
    if spike is MultiSpike:
        return None
    if spike is SingleSpike:
        return 1
    if isinstance(spike, MaxSpike):
        return spike.max_num_spikes_per_bin
    raise refuse(module, f"spike_fn {spike!r}", "use SingleSpike, MultiSpike or MaxSpike")


def _passed(args: tuple[Any, ...], kwargs: Any) -> None:
    return None


NEURONS = {
    "LIF": layer,
    "LIFSqueeze": layer,
    "IAF": layer,
    "IAFSqueeze": layer,
    "ExpLeak": layer,
    "ExpLeakSqueeze": layer,
}
