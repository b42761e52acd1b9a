"""NIR's neurons → the equation of one step, by the convention of the framework that wrote them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from neurosim.errors import GraphError, NirError
from neurosim.exchange.nir.fields import array, fitted, plainest, single
from neurosim.exchange.nir.how import How
from neurosim.exchange.nir.neuron_out import fields_of
from neurosim.exchange.nir.record import Primitive, ours
from neurosim.ir.neuron import PARAMETERS, Neuron

FIRING = ("IF", "LIF", "CubaLIF")
SILENT = ("I", "LI", "CubaLI")
NEURONS = FIRING + SILENT
Parts = dict[str, np.ndarray]  # parameter → float64, () or broadcastable to the shape
_NEAR = 1e-6  # what float32 leaves of r · dt / tau = 1 and of dt / tau = 1
ARRAY = "array."  # key of a parameter's float32 array in our metadata


def equation_of(
    node: Primitive, shape: tuple[int, ...], how: How
) -> tuple[Neuron, dict[str, np.ndarray]]:
    """The equation, and float32 arrays of what differs between neurons. Raises NirError."""
    said = ours(node.metadata, node.kind).get("neuron") if how.ours else None
    changes = how.changes if node.kind in FIRING else {}
    if said is not None:
        return _changed(*_restored(node, shape, said, how.step), changes)
    choices, parts = _membrane(node, how)
    if node.kind.startswith("Cuba"):
        _add_current(node, how, choices, parts)
    if node.kind in FIRING:
        _add_firing(node, how, choices, parts)
    else:
        choices |= {"fires": "never", "reset": "none", "output": "v"}
    parts["v_init"] = _rest(node, how, parts)
    return _made(choices, parts, shape, changes)


def _membrane(node: Primitive, how: How) -> tuple[dict[str, Any], Parts]:
    r, source = array(node, "r"), how.source
    if node.kind in ("IF", "I"):
        return {}, {"gain": one(r * how.step if source.seconds else r)}
    name = "tau_mem" if node.kind.startswith("Cuba") else "tau"
    rate, tau, v_leak = _rate(node, name, how), array(node, name), array(node, "v_leak")
    if source.membrane.startswith("exponential"):
        return {}, _exponential(tau, r, v_leak, how, node.kind)
    if source.membrane == "jelly" and not node.kind.startswith("Cuba"):
        return _jelly(plainest(tau / how.step, node, name), r, v_leak)
    if source.membrane in ("decay", "jelly") and not v_leak.any():
        return {}, {"v_decay": 1.0 - rate, "gain": one(product(r, rate))}
    box = source.membrane == "box" and node.kind == "LIF"
    form = {"integrate": "add_leak" if box else "leak_add"}
    return form, {"k": rate, "gain": r, "v_leak": v_leak}


def _jelly(tau: np.ndarray, r: np.ndarray, v_leak: np.ndarray) -> tuple[dict[str, Any], Parts]:
    """SpikingJelly's two charges: R = 1 decays the input too, R = τ does not."""
    if np.allclose(r, 1.0, rtol=_NEAR, atol=0):
        form, gain = "difference", np.ones(())
    elif np.allclose(r, tau, rtol=_NEAR, atol=0):
        form, gain = "leak_only", np.ones(())
    else:
        form, gain = "difference", r
    return {"integrate": form, "leak": "divide"}, {"tau": tau, "gain": gain, "v_leak": v_leak}


def _exponential(tau: np.ndarray, r: np.ndarray, v_leak: np.ndarray, how: How, kind: str) -> Parts:
    """sinabs: α = exp(−1/τ) in float32, as it computes it; ExpLeak (LI) takes its input whole."""
    import torch

    if v_leak.any():
        raise NirError(f"v_leak is not 0, which {how.source.name} has no term for")
    steps = torch.from_numpy(np.asarray(tau / how.step, np.float32))
    alpha = torch.exp(-1.0 / steps)
    normalised = how.source.membrane == "exponential" and kind == "LIF"
    gain = 1.0 - alpha if normalised else torch.ones_like(alpha)
    return {"v_decay": alpha.double().numpy(), "gain": gain.double().numpy() * r}


def _rate(node: Primitive, name: str, how: How) -> np.ndarray:
    """The share of the way to its target that a step goes: Δ/τ (norse's files: Δ²/τ)."""
    tau = array(node, name)
    if not np.all(tau > 0):
        raise NirError(f"a time constant of {float(tau.min()):g} s, expects more than 0")
    rate = plainest(how.step / tau * (how.step if how.source.squared else 1.0), node, name)
    if how.source.membrane.startswith("exponential"):
        return rate
    if np.any(rate > 1 + _NEAR):
        raise NirError(
            f"read as {how.source.name}, a step of {how.step:g} s is {float(rate.max()):g} times "
            f"too long for its time constant"
        )
    return np.where(np.abs(rate - 1) <= _NEAR, 1.0, rate)


def _add_current(node: Primitive, how: How, choices: dict[str, Any], parts: Parts) -> None:
    """i as its jumps are 1: what w_in scales them by goes into the gain behind it."""
    rate = _rate(node, "tau_syn", how)
    w_in = array(node, "w_in") if node.fields.get("w_in") is not None else np.ones(())
    current = how.source.current
    choices["current"] = current
    if current == "jump_first":
        parts["i_k"] = rate
    elif current == "jump_decay":
        parts["i_decay"] = np.exp(-how.step / array(node, "tau_syn"))
    else:
        parts["i_decay"] = 1.0 - rate
    scale = product(w_in, rate) if how.source.scales_current else w_in
    parts["gain"] = one(parts["gain"] * one(scale))


def _add_firing(node: Primitive, how: How, choices: dict[str, Any], parts: Parts) -> None:
    parts["v_threshold"] = array(node, "v_threshold")
    given = node.fields.get("v_reset") is not None
    parts["v_reset"] = array(node, "v_reset") if given else np.zeros(())
    choices |= {
        "fires": how.source.fires,
        "reset": how.source.reset,
        "max_spikes": how.source.max_spikes,
    }


def _rest(node: Primitive, how: How, parts: Parts) -> np.ndarray:
    """Where a fresh membrane stands."""
    if how.source.rest == "zero":
        return np.zeros(())
    wanted = how.source.rest if how.source.rest in parts else "v_reset"
    return parts.get(wanted, np.zeros(()))


def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a · b, with ∞ · 0 = 1: a time constant without end and the resistance that undoes it."""
    with np.errstate(invalid="ignore"):
        return np.where(np.isinf(a) & (b == 0), 1.0, a * b)


def one(value: np.ndarray) -> np.ndarray:
    """The same numbers, 1 where float32 fields cannot tell them from 1."""
    return np.where(np.abs(value - 1.0) <= _NEAR, 1.0, value)


def _made(
    choices: dict[str, Any], parts: Parts, shape: tuple[int, ...], changes: Mapping[str, Any]
) -> tuple[Neuron, dict[str, np.ndarray]]:
    fit = {name: fitted(value, shape, name) for name, value in parts.items()}
    held = {name: single(value) for name, value in fit.items()}
    floats = {name: float(value.flat[0]) for name, value in held.items()}
    arrays = {n: v for n, v in held.items() if v.size > 1 and n not in changes}
    return _neuron({**choices, **floats, **changes}), arrays


def _changed(
    neuron: Neuron, arrays: dict[str, np.ndarray], changes: Mapping[str, Any]
) -> tuple[Neuron, dict[str, np.ndarray]]:
    kept = {name: value for name, value in arrays.items() if name not in changes}
    return (_neuron({**neuron.to_dict(), **changes}) if changes else neuron), kept


def _neuron(fields: Mapping[str, Any]) -> Neuron:
    try:
        return Neuron(**fields)
    except (GraphError, TypeError) as error:
        raise NirError(str(error).removeprefix("neuron: ")) from None


def _restored(
    node: Primitive, shape: tuple[int, ...], said: Any, dt: float
) -> tuple[Neuron, dict[str, np.ndarray]]:
    """The equation as ``to_nir`` wrote it beside the fields, which must still say the same."""
    try:
        neuron = Neuron.from_dict(dict(said))
        arrays = {
            k.removeprefix(ARRAY): np.asarray(v, np.float32)
            for k, v in node.metadata.items()
            if k.startswith(ARRAY)
        }
        if set(arrays) - set(PARAMETERS):
            raise TypeError(f"unknown arrays {sorted(set(arrays) - set(PARAMETERS))}")
        for name, value in arrays.items():
            np.broadcast_to(value, shape)
            if not np.isfinite(value).all():
                raise ValueError(f"{name} holds NaN or infinity")
        kind, fields = fields_of(neuron, arrays, shape, dt)
    except (GraphError, TypeError, ValueError) as error:
        raise NirError(f"its metadata is damaged ({' '.join(str(error).split())[:80]})") from None
    same = kind == node.kind and all(_agrees(node, n, v, shape) for n, v in fields.items())
    if not same:
        raise NirError(
            "its fields and what ns.to_nir left in its metadata disagree: changed since; give "
            "source= to read the fields alone"
        )
    return neuron, arrays


def _agrees(node: Primitive, name: str, value: np.ndarray, shape: tuple[int, ...]) -> bool:
    held = node.fields.get(name)
    if held is None:
        return False
    given = np.asarray(held, np.float64)
    if given.size > 1 and given.shape != shape:
        return False
    return bool(np.allclose(np.broadcast_to(given, shape), value, rtol=1e-5, atol=1e-12))


def metadata_of(neuron: Neuron, arrays: Mapping[str, np.ndarray], dt: float) -> dict[str, Any]:
    """What ``to_nir`` writes beside a neuron: words for other readers, and the whole equation."""
    words = {"dt": dt, "fires": neuron.fires, "reset": neuron.reset}
    kept = {f"{ARRAY}{name}": np.asarray(value, np.float32) for name, value in arrays.items()}
    return {**words, "neurosim": json.dumps({"neuron": neuron.to_dict()}), **kept}
