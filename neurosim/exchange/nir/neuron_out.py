"""The equation of one step → NIR's neurons: the differential equation whose forward Euler it is."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from neurosim.errors import NirError
from neurosim.ir.neuron import Neuron

Fields = dict[str, np.ndarray]


def fields_of(
    neuron: Neuron, arrays: Mapping[str, np.ndarray], shape: tuple[int, ...], dt: float
) -> tuple[str, Fields]:
    """NIR's name and fields, float64 of ``shape``, for steps of ``dt`` seconds.

    Membrane: decay v ← a·v + g·x is τ = dt/(1 − a), R = g/(1 − a); without leak R = g/dt; the
    others τ = dt/k (or dt·tau), R = g, or g/k where the input does not decay (leak_only). Current:
    τ_syn = dt/(1 − i_decay) or dt/i_k, w_in such that a spike adds 1. When a spike fires, when it
    resets and in which order goes into the metadata. Raises NirError: what NIR has no word for.
    """
    _check_words(neuron, arrays)

    def get(name: str) -> np.ndarray:
        value = arrays.get(name, getattr(neuron, name))
        return np.broadcast_to(np.asarray(value, np.float64), shape).copy()

    rate, r = _membrane(neuron, get("gain"), get("k"), get("tau"), get("v_decay"))
    fires = neuron.fires != "never"
    if not rate.any():
        kind, fields = ("IF" if fires else "I"), {"r": r / dt}
    else:
        tau = dt / rate
        v_leak = np.zeros(shape) if neuron.integrate == "decay" else get("v_leak")
        kind, fields = ("LIF" if fires else "LI"), {"tau": tau, "r": r, "v_leak": v_leak}
    if neuron.current != "none":
        kind, fields = _with_current(neuron, kind, fields, get("i_k"), get("i_decay"), dt)
    if fires:
        fields |= {"v_threshold": get("v_threshold"), "v_reset": get("v_reset")}
    return kind, fields


def _check_words(neuron: Neuron, arrays: Mapping[str, np.ndarray]) -> None:
    missing = {
        "an adaptive threshold": neuron.adaptation,
        "a refractory time": neuron.refractory > 0,
        "a norm in front of it, kept in the neuron": any(a.startswith("affine_") for a in arrays),
        "the membrane of a neuron that fires": neuron.fires != "never" and neuron.output == "v",
        "silent spikes": neuron.fires == "never" and neuron.output == "spike",
    }
    said = [word for word, there in missing.items() if there]
    if said:
        raise NirError(" and ".join(said))


def _membrane(
    neuron: Neuron, gain: np.ndarray, k: np.ndarray, tau: np.ndarray, v_decay: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(rate of a step, R); R per step where nothing leaks."""
    if neuron.integrate == "decay":
        rate, undecayed = 1.0 - v_decay, True
    else:
        rate = 1.0 / tau if neuron.leak == "divide" else k
        undecayed = neuron.integrate == "leak_only"
    if not rate.any():
        return rate, (gain if neuron.integrate in ("decay", "leak_only") else gain * 0)
    if np.any(rate <= 0) or np.any(rate > 1):
        found = f"{float(rate.min()):g} to {float(rate.max()):g}"
        raise NirError(f"a membrane that goes {found} of the way to rest in a step")
    return rate, (gain / rate if undecayed else gain)


def _with_current(
    neuron: Neuron, kind: str, fields: Fields, i_k: np.ndarray, i_decay: np.ndarray, dt: float
) -> tuple[str, Fields]:
    if "tau" not in fields:
        raise NirError("an integrator without leak behind a synaptic current")
    decays = neuron.current in ("decay_first", "jump_decay")
    rate = 1.0 - i_decay if decays else i_k
    if np.any(rate <= 0) or np.any(rate > 1):
        raise NirError("a synaptic current that does not decay")
    if neuron.current == "jump_decay" and not i_decay.all():
        raise NirError("a synaptic current that is gone before it acts")
    w_in = i_decay / rate if neuron.current == "jump_decay" else 1.0 / rate
    tau_mem = fields.pop("tau")
    return f"Cuba{kind}", {"tau_syn": dt / rate, "tau_mem": tau_mem, **fields, "w_in": w_in}
