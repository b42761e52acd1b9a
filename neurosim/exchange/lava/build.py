"""Plan → Lava processes, connected.

A neuron with a bias would charge during the steps before anything can have reached it: it is held
down by a current until then and reset (LIFReset) in its first step, so that all those steps are
silent and have no effect. Lava's Conv ignores its ``weight_exp``, so a convolution's weights are
handed over with their exponent multiplied out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.conv.process import Conv
from lava.proc.dense.process import Dense
from lava.proc.lif.process import LIF, LIFRefractory, LIFReset
from lava.proc.sparse.process import Sparse
from lava.utils.weightutils import SignMode
from scipy.sparse import csr_matrix

from neurosim.exchange.lava.plan import Plan, Unit, aligned, arrival
from neurosim.exchange.lava.processes import Switch

MESSAGE_BITS = 24
HOLD_FIXED, HOLD_FLOAT = 2**17 - 1, 1e12  # currents no bias outweighs
NEVER = 2**31 - 1  # steps between resets of a neuron that is reset once


@dataclass(frozen=True, eq=False)
class LavaNetwork:
    """Lava's processes by our names, yours to connect, monitor and run.

    ``neurons``: neuron node → LIF process. ``entries``: source node → the in-ports that take its
    values, in Lava's axes (W, H, C). ``sources``: what sends them, where a clip was given.
    ``processes``: all of them, connections, relays and sources included. ``depth``: process →
    the steps by which its values lag; ``steps``: those of the clip.
    """

    plan: Plan
    neurons: Mapping[str, Any]
    entries: Mapping[str, tuple[Any, ...]]
    sources: Mapping[str, Any]
    processes: Mapping[str, Any]
    depth: Mapping[str, int]

    @property
    def steps(self) -> int:
        """Steps to run until the last neuron has seen the last step of the clip."""
        return self.plan.steps + max(self.depth[n] for n in self.neurons)

    @property
    def run_config(self) -> Loihi2SimCfg:
        """Lava's fixed-point models, or its floating-point ones."""
        return Loihi2SimCfg(select_tag="fixed_pt" if self.plan.fixed else "floating_pt")

    def run(self, steps: int | None = None) -> None:
        """Run so many steps (all that the clip takes) in Lava's processes; ``stop`` afterwards."""
        self._any.run(condition=RunSteps(num_steps=steps or self.steps), run_cfg=self.run_config)

    def stop(self) -> None:
        """End Lava's processes."""
        self._any.stop()

    @property
    def _any(self) -> Any:
        return next(iter(self.neurons.values()))


def build(
    plan: Plan, source_of: Callable[[str, Unit], Any] | None = None, reset_every: int | None = None
) -> LavaNetwork:
    """``source_of``: makes the process of a source node, with a port ``s_out``; None: the entries
    stay open. ``reset_every``: every neuron forgets everything after so many steps."""
    plan, depth = aligned(plan)
    made: dict[str, Any] = {}
    last = {unit.name: arrival(unit, depth) for unit in plan.units}
    for unit in plan.units:
        if unit.kind == "source":
            if source_of is not None:
                made[unit.name] = source_of(unit.name, unit)
        elif unit.kind != "constant":
            made[unit.name] = _MAKERS[unit.kind](unit, plan.fixed, last[unit.name], reset_every)
    for unit in plan.units:
        _hold(unit, plan, last[unit.name], made)
        _constants(unit, plan, last[unit.name], made)
    entries: dict[str, list[Any]] = {name: [] for name in plan.sources}
    for unit in plan.units:
        for link in unit.inputs:
            _connect(made.get(link.unit), made[unit.name], entries.get(link.unit))
    return LavaNetwork(
        plan,
        {name: made[name] for name in plan.neurons},
        {name: tuple(ports) for name, ports in entries.items()},
        {name: made[name] for name in plan.sources if name in made},
        made,
        depth,
    )


def _connect(source: Any, target: Any, entry: list[Any] | None) -> None:
    port = target.a_in if hasattr(target, "a_in") else target.s_in
    if entry is not None:
        entry.append(port)
    if source is None:
        return
    out = source.s_out if hasattr(source, "s_out") else source.a_out
    if out.shape != port.shape:
        out = out.reshape(port.shape)
    out.connect(port)


def _hold(unit: Unit, plan: Plan, last: int, made: dict[str, Any]) -> None:
    """Keep a neuron with a bias down while nothing can have reached it."""
    if unit.kind != "lif" or "bias_mant" not in unit.arrays or not last:
        return
    down = -np.full(unit.shape, HOLD_FIXED if plan.fixed else HOLD_FLOAT)
    if plan.fixed:  # a current that remembers would wrap
        down = np.trunc(down * (unit.settings["du"] + 1) / 4096)
    name = f"{unit.name}.hold"
    made[name] = Switch(before=down, after=np.zeros(unit.shape), last=last)
    made[name].s_out.connect(made[unit.name].a_in)


def _constants(unit: Unit, plan: Plan, last: int, made: dict[str, Any]) -> None:
    for link in unit.inputs:
        source = plan.by_name[link.unit]
        if source.kind == "constant":
            value = source.arrays["value"]
            made[source.name] = Switch(before=np.zeros(value.shape), after=value, last=last)


def _messages(unit: Unit) -> int:
    return MESSAGE_BITS if unit.settings["graded"] else 0


def _conv(unit: Unit, fixed: bool, last: int, reset_every: int | None) -> Conv:
    s, weight = unit.settings, unit.arrays["weight"]
    return Conv(
        weight=weight.astype(np.int32 if fixed else np.float64),
        input_shape=tuple(s["input_shape"]),
        stride=tuple(s["stride"]),
        padding=tuple(s["padding"]),
        dilation=tuple(s["dilation"]),
        groups=int(s["groups"]),
        num_message_bits=_messages(unit),
    )


def _exact(values: np.ndarray, unit: Unit, fixed: bool) -> dict[str, Any]:
    """How a matrix is stored: without a sign bit where it needs none."""
    if not fixed:
        return {}
    mixed = values.size and float(values.min()) < 0
    sign = SignMode.MIXED if mixed else SignMode.EXCITATORY
    return {"weight_exp": unit.settings["exponent"], "num_weight_bits": 8, "sign_mode": sign}


def _dense(unit: Unit, fixed: bool, last: int, reset_every: int | None) -> Dense:
    weight = unit.arrays["weight"].astype(np.int32 if fixed else np.float64)
    return Dense(weights=weight, num_message_bits=_messages(unit), **_exact(weight, unit, fixed))


def _sparse(unit: Unit, fixed: bool, last: int, reset_every: int | None) -> Sparse:
    a, sizes = unit.arrays, tuple(unit.settings["sizes"])
    values = a["values"].astype(np.int32 if fixed else np.float64)
    weight = csr_matrix((values, (a["rows"], a["columns"])), shape=sizes)
    return Sparse(weights=weight, num_message_bits=_messages(unit), **_exact(values, unit, fixed))


def _lif(unit: Unit, fixed: bool, last: int, reset_every: int | None) -> Any:
    s: dict[str, Any] = dict(unit.settings)
    kind = np.int32 if fixed else np.float64
    arrays: dict[str, Any] = {role: a.astype(kind) for role, a in unit.arrays.items()}
    refractory = s.pop("refractory", 0)
    if refractory:
        return LIFRefractory(shape=unit.shape, refractory_period=refractory, **s, **arrays)
    if reset_every is None and "bias_mant" not in arrays:
        return LIF(shape=unit.shape, **s, **arrays)
    interval = reset_every or NEVER
    return LIFReset(
        shape=unit.shape, reset_interval=interval, reset_offset=(last + 1) % interval, **s, **arrays
    )


_MAKERS: dict[str, Callable[..., Any]] = {
    "conv": _conv,
    "dense": _dense,
    "sparse": _sparse,
    "lif": _lif,
}
