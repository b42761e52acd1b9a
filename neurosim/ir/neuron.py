"""A neuron's equation as data: what is added to what, in which order, and when it fires.

One step maps an input x and the state (v, i, b, rest) to an output; every line below is one
rounding in float32, in the order written. Symbols are fields of ``Neuron``; z is the number of
spikes of the step.

1. affine (optional arrays):  x ← affine_scale[t]·x, then x ← x + affine_bias[t]
2. pending reset r = 1 if v fires before the step (only ``reset_at`` before, after, carried);
   before: v ← v_reset (to_value) or v − v_subtract where r
3. current → the drive d
   none:         d = x
   jump_first:   j = i + x;          d = j;   i ← j − i_k·j        (norse LIF)
   decay_first:  i ← i_decay·i + x;  d = i                         (snnTorch Synaptic)
   jump_decay:   i ← i_decay·(i + x); d = i                        (sinabs tau_syn)
   delayed:      d = i;  i ← (i − i_k·i) + x                       (norse LSNN)
4. integrate, with g = gain·d and L(y) = k·y (leak multiply) or y / tau (leak divide)
   decay:        v ← v_decay·v + g                                 (IF, snnTorch, sinabs)
   add_leak:     v ← v + L((g + v_leak) − v)                       (norse box)
   leak_add:     v ← v + L((v_leak − v) + g)                       (norse LIF, LI, LSNN)
   difference:   v ← v + L(g − (v − v_leak))                       (SpikingJelly, decay_input)
   leak_only:    v ← (v − L(v − v_leak)) + g                       (SpikingJelly, no decay_input)
5. after, carried: v ← v_reset or v − v_subtract where r
6. adaptation: b ← b + b_k·(v_threshold − b), θ = b; else θ = v_threshold
7. fire: z = 1 where v > θ (fires ">") or v ≥ θ (">="); never: z = 0;
   max_spikes ≠ 1: z = trunc(v / θ) where v > 0, at most max_spikes (None: unbounded)
8. refractory: where rest > 0, v and b keep the values they had before the step, z = 0 and
   rest ← rest − 1; where z > 0, rest ← refractory
9. reset (``reset_at`` now): v ← v_reset where z > 0, or v ← v − z·v_subtract;
   carried: v ← v − (z − r)·v_subtract
10. adaptation: b ← b + b_jump where z > 0
11. v_min: v ← max(v − v_min, 0) + v_min
12. output: z, or v ("v": leaky integrators).

With ``fixed_point`` set, the equation in whole numbers of ``neurosim.ir.fixed_point`` is run in the
place of all twelve; the float fields then say what it approximates.

Sources: the functional steps of norse 1.1, SpikingJelly 2.0, snnTorch 1.0 and sinabs 3.1, each
tested bit for bit. Parameter names follow NIR (Pedersen 2024): tau, v_leak, v_threshold, v_reset;
NIR's r is ``gain``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, get_args

from neurosim.errors import GraphError
from neurosim.ir.fixed_point import FixedPoint

Integrate = Literal["decay", "add_leak", "leak_add", "difference", "leak_only"]
Leak = Literal["multiply", "divide"]
Fires = Literal[">", ">=", "never"]
Reset = Literal["to_value", "subtract", "none"]
ResetAt = Literal["now", "before", "after", "carried"]
Current = Literal["none", "jump_first", "decay_first", "jump_decay", "delayed"]
Output = Literal["spike", "v"]

CHOICES: dict[str, tuple[str, ...]] = {
    "integrate": get_args(Integrate),
    "leak": get_args(Leak),
    "fires": get_args(Fires),
    "reset": get_args(Reset),
    "reset_at": get_args(ResetAt),
    "current": get_args(Current),
    "output": get_args(Output),
}
PARAMETERS = (
    "v_decay", "gain", "k", "tau", "v_leak", "v_threshold", "v_reset", "v_subtract", "v_min",
    "i_decay", "i_k", "b_k", "b_jump", "v_init", "i_init", "b_init",
)  # fmt: skip
AFFINE = ("affine_scale", "affine_bias")


@dataclass(frozen=True)
class Neuron:
    """One neuron population; the module's docstring gives the meaning of each field.

    A parameter that differs between neurons, or is shared with another node, lives in an array
    beside the equation: ``arrays: field name → array broadcastable to the value's shape`` (no step,
    no sample axis), float32; it replaces the float of the same name. ``affine_scale`` and
    ``affine_bias`` are arrays alone, (1 or steps, *broadcastable).

    Raises GraphError: a choice that does not exist, or numbers that no neuron has.
    """

    integrate: Integrate = "decay"
    leak: Leak = "multiply"
    v_decay: float = 1.0
    gain: float = 1.0
    k: float = 1.0
    tau: float = 1.0
    v_leak: float = 0.0
    v_threshold: float = 1.0
    fires: Fires = ">"
    max_spikes: int | None = 1  # None: unbounded
    reset: Reset = "to_value"
    reset_at: ResetAt = "now"
    v_reset: float = 0.0
    v_subtract: float | None = None  # None: v_threshold
    v_min: float | None = None
    current: Current = "none"
    i_decay: float = 1.0
    i_k: float = 0.0
    adaptation: bool = False
    b_k: float = 0.0
    b_jump: float = 0.0
    refractory: int = 0
    output: Output = "spike"
    v_init: float = 0.0
    i_init: float = 0.0
    b_init: float = 0.0
    fixed_point: FixedPoint | None = None

    def __post_init__(self) -> None:
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                raise GraphError(
                    f"neuron: {name} is {getattr(self, name)!r}; choose one of {', '.join(allowed)}"
                )
        for name in PARAMETERS:
            value = getattr(self, name)
            if value is not None and not math.isfinite(value):
                raise GraphError(f"neuron: {name} is {value}; give a finite number")
        self._check_combinations()

    def _check_combinations(self) -> None:
        if self.leak == "divide" and self.tau <= 0:
            raise GraphError(f"neuron: tau is {self.tau}; a time constant in steps is positive")
        if self.refractory < 0 or (self.max_spikes is not None and self.max_spikes < 1):
            raise GraphError("neuron: refractory is 0 or more steps, max_spikes 1 or more, or None")
        if self.max_spikes != 1 and (
            self.fires != ">=" or self.v_threshold <= 0 or self.adaptation
        ):
            raise GraphError(
                "neuron: several spikes a step need fires '>=', a fixed and positive v_threshold"
            )
        if self.reset_at != "now" and (self.max_spikes != 1 or self.refractory or self.adaptation):
            raise GraphError(
                f"neuron: reset_at {self.reset_at!r} goes with one spike a step and no rest"
            )
        if self.reset_at == "carried" and self.reset == "to_value":
            raise GraphError("neuron: reset_at 'carried' belongs to reset 'subtract'; use 'now'")

    @property
    def state(self) -> tuple[str, ...]:
        """Names of the state variables that survive a step."""
        if self.fixed_point is not None:  # a current without memory needs no word
            return ("v",) if self.fixed_point.u_decay == self.fixed_point.unity else ("v", "i")
        held = {
            "v": True,
            "i": self.current != "none",
            "b": self.adaptation,
            "rest": self.refractory > 0,
        }
        return tuple(name for name, kept in held.items() if kept)

    @property
    def state_words(self) -> int:
        """Words read and written by each neuron-step."""
        return len(self.state)

    @property
    def leaky(self) -> bool:
        """Whether the membrane moves without input."""
        return self.v_decay != 1.0 if self.integrate == "decay" else True

    @property
    def silent_at_rest(self) -> bool:
        """Whether a fresh neuron without input stays below threshold (scalar parameters alone)."""
        if self.fires == "never":
            return True
        rest = max(self.v_init, 0.0 if self.integrate == "decay" else self.v_leak)
        return rest < self.v_threshold or (rest == self.v_threshold and self.fires == ">")

    def initial(self, variable: str) -> float:
        """Value of a state variable in a fresh neuron."""
        return 0.0 if variable == "rest" else float(getattr(self, f"{variable}_init"))

    def emitting_membrane(self) -> Neuron:
        """The same neuron, its membrane as the output."""
        return replace(self, output="v")

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: every field under its own name (``fixed_point`` only where there is one)."""
        found = asdict(self)
        if self.fixed_point is None:
            del found["fixed_point"]
        return found

    @staticmethod
    def from_dict(d: Mapping[str, Any]) -> Neuron:
        """Inverse of ``to_dict``; other keys are ignored."""
        known = {f.name for f in fields(Neuron)}
        given = {key: value for key, value in d.items() if key in known}
        if isinstance(given.get("fixed_point"), Mapping):
            given["fixed_point"] = FixedPoint.from_dict(given["fixed_point"])
        return Neuron(**given)


def LIF(*, v_decay: float, gain: float = 1.0, v_threshold: float = 1.0, fires: Fires = ">",
        reset: Reset = "to_value", v_reset: float = 0.0, **more: Any) -> Neuron:  # fmt: skip
    """v ← v_decay·v + gain·x, then fire and reset."""
    return Neuron(
        v_decay=v_decay,
        gain=gain,
        v_threshold=v_threshold,
        fires=fires,
        reset=reset,
        v_reset=v_reset,
        **more,
    )


def IF(
    *,
    gain: float = 1.0,
    v_threshold: float = 1.0,
    fires: Fires = ">",
    reset: Reset = "to_value",
    v_reset: float = 0.0,
    **more: Any,
) -> Neuron:
    """v ← v + gain·x, then fire and reset."""
    return LIF(
        v_decay=1.0,
        gain=gain,
        v_threshold=v_threshold,
        fires=fires,
        reset=reset,
        v_reset=v_reset,
        **more,
    )


def CurrentLIF(
    *,
    i_decay: float,
    v_decay: float,
    gain: float = 1.0,
    v_threshold: float = 1.0,
    fires: Fires = ">",
    reset: Reset = "to_value",
    v_reset: float = 0.0,
    **more: Any,
) -> Neuron:
    """i ← i_decay·i + x; v ← v_decay·v + gain·i, then fire and reset."""
    more = {"current": "decay_first", **more}
    return LIF(
        v_decay=v_decay,
        gain=gain,
        v_threshold=v_threshold,
        fires=fires,
        reset=reset,
        v_reset=v_reset,
        i_decay=i_decay,
        **more,
    )


def AdaptiveLIF(
    *,
    b_k: float,
    b_jump: float,
    v_decay: float,
    gain: float = 1.0,
    v_threshold: float = 1.0,
    fires: Fires = ">",
    reset: Reset = "to_value",
    v_reset: float = 0.0,
    **more: Any,
) -> Neuron:
    """v ← v_decay·v + gain·x against a threshold b that decays to v_threshold and jumps by b_jump
    at a spike."""
    more = {"b_init": v_threshold, **more}
    return LIF(
        v_decay=v_decay,
        gain=gain,
        v_threshold=v_threshold,
        fires=fires,
        reset=reset,
        v_reset=v_reset,
        adaptation=True,
        b_k=b_k,
        b_jump=b_jump,
        **more,
    )


def LeakyIntegrator(*, v_decay: float, gain: float = 1.0, **more: Any) -> Neuron:
    """v ← v_decay·v + gain·x; emits v and never fires."""
    return Neuron(v_decay=v_decay, gain=gain, fires="never", reset="none", output="v", **more)
