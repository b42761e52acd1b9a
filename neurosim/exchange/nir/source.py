"""How each framework's NIR becomes one step of a neuron: what its exporter wrote and NIR cannot
say.

NIR states differential equations: τ·dv/dt = (v_leak − v) + R·I, fire, reset. The step, its length
and its order are the framework's own. Below, Δ is ``dt`` in seconds a step.

- ``nir``: forward Euler, v ← v + Δ/τ·((v_leak − v) + R·x), with i ← i + Δ/τ_syn·(w_in·x − i) first;
  fires at v > v_threshold, v ← v_reset. No default Δ.
- ``norse`` 1.1 writes τ = Δ/tau_mem_inv (not 1/tau_mem_inv) with Δ = 1e-3, so its own rate Δ·
  tau_mem_inv is Δ²/τ; R = 1 without Δ for IAF; the current jumps first and is not scaled:
  j = i + w_in·x, v ← v + k·((v_leak − v) + R·j), i ← j − i_k·j. Its v_reset is not exported.
- ``snntorch`` 1.0 writes Δ = 1e-4, τ = Δ/(1 − β), R = τ/Δ: v ← β·v + x, i ← α·i + x. Its reset is
  not exported: to zero at once, as its importer takes it (reset_mechanism="zero", reset_delay=
  False), unless the user says: subtract, late (snnTorch's default) is reset="subtract",
  reset_at="after"; subtract, at once is reset="subtract", reset_at="carried"; zero, late is
  reset_at="before" for Leaky and "after" for Synaptic.
- ``spikingjelly`` 2.0 writes Δ = 1e-4, τ·Δ, R = 1 (decay_input) or τ, 1/Δ for IF; v_leak = v_reset;
  fires at v ≥ v_threshold. It divides by τ where ParametricLIFNode multiplies.
- ``sinabs`` 3.1 writes τ in steps: α = exp(−1/τ), v ← α·v + (1 − α)·x for LIF, α·v + x for
  ExpLeak (its defaults); fires at ≥, several spikes a step, resets by subtraction. ``sinabs_sum``:
  LIF as v ← α·v + x (norm_input=False, which is what its own importer builds).
- ``lava`` (the NIR paper's lava_to_nir and Lava's LIF): Δ = 1e-4, u ← (1 − du)·u + x,
  v ← (1 − dv)·v + u, fires at >, v ← 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from neurosim.errors import UnknownName
from neurosim.ir.neuron import Current, Fires, Reset

Membrane = Literal["euler", "box", "decay", "jelly", "exponential", "exponential_sum"]


@dataclass(frozen=True)
class Source:
    """``seconds``: whether R of an integrator is per second; ``squared``: norse's Δ²/τ; ``rest``:
    where a fresh membrane stands."""

    name: str
    dt: float | None
    membrane: Membrane
    current: Current = "decay_first"
    fires: Fires = ">"
    reset: Reset = "to_value"
    max_spikes: int | None = 1
    seconds: bool = True
    squared: bool = False
    scales_current: bool = True
    rest: Literal["zero", "v_leak", "v_reset"] = "zero"


SOURCES = {
    s.name: s
    for s in (
        Source("nir", None, "euler"),
        Source(
            "norse", 1e-3, "box", "jump_first", seconds=False, squared=True, scales_current=False,
            rest="v_leak",
        ),
        Source("snntorch", 1e-4, "decay"),
        Source("spikingjelly", 1e-4, "jelly", fires=">=", rest="v_reset"),
        Source("sinabs", 1.0, "exponential", fires=">=", reset="subtract", max_spikes=None),
        Source("sinabs_sum", 1.0, "exponential_sum", fires=">=", reset="subtract", max_spikes=None),
        Source("lava", 1e-4, "decay"),
    )
}  # fmt: skip


def source(name: str) -> Source:
    """The convention of that name. Raises UnknownName."""
    if name not in SOURCES:
        raise UnknownName("NIR source", name, SOURCES)
    return SOURCES[name]
