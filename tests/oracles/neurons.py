"""Neurons, one at a time and step by step, in numpy float32 scalars (counting rules, section 5).

With u the input (or the synaptic current), every operation rounded to float32 in the order written:

    form 'decay':          v ← v_decay·v + gain·u   (input='before': v ← v_decay·(v + gain·u))
    form 'euler':          v ← v + rate·((v_leak − v) + u)
    form 'euler_outside':  v ← (v + rate·(v_leak − v)) + u

    current 'jump_first':  i ← i + x, u = i, then i decays   (norse LIF, feed forward)
    current 'decay_first': i decays, i ← i + x, u = i        (snnTorch Synaptic)
    current 'late':        u = i, then i decays, i ← i + x   (norse LSNN, recurrent LIF)
    i decays:              i_decay·i in form 'decay', i − i_rate·i in the others

    threshold θ = v_threshold, or adaptive: θ ← θ + b_rate·(v_threshold − θ) before firing,
    θ ← θ + b_jump·n after it
    n = most spikes, up to max_spikes, such that v ≥ n·θ ('>=') or v > n·θ ('>')
    reset 'to_value': v ← v_reset if n > 0; 'subtract': v ← v − n·θ; 'none'
    ``late_reset``: subtracted at the next step, after its own charging (snnTorch Leaky, subtract)
    ``refractory`` = r: for r steps after a spike v is held and n = 0
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

F = np.float32


@dataclass(frozen=True)
class Neuron:
    """The equation as data; names as in the module's docstring. IF: v_decay 1. PLIF: form 'euler',
    rate 1/τ."""

    form: str = "decay"
    v_decay: float = 1.0
    gain: float = 1.0
    rate: float = 1.0
    v_leak: float = 0.0
    input: str = "after"
    current: str = "none"
    i_decay: float = 0.0
    i_rate: float = 0.0
    v_threshold: float = 1.0
    adaptive: bool = False
    b_rate: float = 0.0
    b_jump: float = 0.0
    fires: str = ">="
    reset: str = "to_value"
    v_reset: float = 0.0
    late_reset: bool = False
    max_spikes: int = 1
    refractory: int = 0
    v_initial: float = 0.0


@dataclass
class State:
    """One neuron between two steps."""

    v: np.float32
    i: np.float32
    theta: np.float32
    late: np.float32  # what the next step still subtracts
    rest: int  # refractory steps left


def neuron(x: np.ndarray, p: Neuron) -> tuple[np.ndarray, np.ndarray]:
    """x: (steps, *shape). Spikes (int64) and membranes after the reset (float32) of every step."""
    spikes = np.zeros(x.shape, np.int64)
    membranes = np.zeros(x.shape, np.float32)
    for where in product(*map(range, x.shape[1:])):
        s = State(F(p.v_initial), F(0), F(p.v_threshold), F(0), 0)
        for t in range(x.shape[0]):
            spikes[(t, *where)] = step(F(x[(t, *where)]), s, p)
            membranes[(t, *where)] = s.v
    return spikes, membranes


def step(x: np.float32, s: State, p: Neuron) -> int:
    """One step of one neuron; returns the spikes emitted."""
    u = _current(x, s, p)
    v = _charge(s.v, u, p)
    if p.late_reset:
        v = v - s.late
    if p.adaptive:
        s.theta = s.theta + F(p.b_rate) * (F(p.v_threshold) - s.theta)
    if s.rest > 0:
        s.rest -= 1
        return 0
    n = _fire(v, s.theta, p)
    s.v = _reset(v, n, s, p)
    if p.adaptive:
        s.theta = s.theta + F(n) * F(p.b_jump)
    if n > 0:
        s.rest = p.refractory
    return n


def _current(x: np.float32, s: State, p: Neuron) -> np.float32:
    if p.current == "none":
        return x
    if p.current == "jump_first":
        u = s.i + x
        s.i = _decayed(u, p)
        return u
    if p.current == "decay_first":
        s.i = _decayed(s.i, p) + x
        return s.i
    assert p.current == "late"
    u = s.i
    s.i = _decayed(s.i, p) + x
    return u


def _decayed(i: np.float32, p: Neuron) -> np.float32:
    return F(p.i_decay) * i if p.form == "decay" else i - F(p.i_rate) * i


def _charge(v: np.float32, u: np.float32, p: Neuron) -> np.float32:
    if p.form == "euler":
        return v + F(p.rate) * ((F(p.v_leak) - v) + u)
    if p.form == "euler_outside":
        return (v + F(p.rate) * (F(p.v_leak) - v)) + u
    if p.input == "before":
        return F(p.v_decay) * (v + F(p.gain) * u)
    return F(p.v_decay) * v + F(p.gain) * u


def _fire(v: np.float32, theta: np.float32, p: Neuron) -> int:
    n = 0
    while n < p.max_spikes:
        level = F(n + 1) * theta
        if not (v >= level if p.fires == ">=" else v > level):
            break
        n += 1
    return n


def _reset(v: np.float32, n: int, s: State, p: Neuron) -> np.float32:
    if p.late_reset:
        s.late = F(n) * s.theta
        return v
    if n == 0 or p.reset == "none":
        return v
    return F(p.v_reset) if p.reset == "to_value" else v - F(n) * s.theta
