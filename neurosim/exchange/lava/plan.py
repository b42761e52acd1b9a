"""A network as Lava processes and connections, before any process exists: data, to file and back.

Lava's axes are (W, H, C) where ours are (C, H, W); a unit's ``shape`` is Lava's. ``order`` of a
neuron node holds, in our axes, the place of each neuron in the unit's flattened shape.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.errors import GraphError

CONNECTIONS = ("conv", "dense", "sparse")  # processes that hand on what they got a step ago


class LavaError(GraphError):
    """A graph that Lava cannot hold; lists every node with the reason."""


@dataclass(frozen=True)
class Link:
    """What a unit receives of another, so many steps ago in the model's own time."""

    unit: str
    delay: int = 0


@dataclass(frozen=True, eq=False)
class Unit:
    """One process. ``kind``: source | constant | conv | dense | sparse | lif; ``settings``:
    arguments that are numbers; ``arrays``: arguments that are arrays, in Lava's layout."""

    name: str
    kind: str
    shape: tuple[int, ...]
    inputs: tuple[Link, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict[str, np.ndarray])


@dataclass(frozen=True, eq=False)
class Plan:
    """Units in no particular order. ``neurons``: our neuron node → order; ``sources``: our node
    whose values drive the network → order. ``fixed``: Lava's fixed-point models, else floating."""

    units: tuple[Unit, ...]
    neurons: Mapping[str, np.ndarray]
    sources: Mapping[str, np.ndarray]
    fixed: bool
    steps: int

    @property
    def by_name(self) -> dict[str, Unit]:
        """Units by name."""
        return {u.name: u for u in self.units}

    def save(self, path: Path) -> Path:
        """Arrays and JSON, no pickle."""
        arrays: dict[str, np.ndarray] = {}
        listed = []
        for i, unit in enumerate(self.units):
            arrays |= {f"unit/{i}/{role}": a for role, a in unit.arrays.items()}
            listed.append({**asdict(unit), "arrays": sorted(unit.arrays)})
        arrays |= {f"neuron/{n}": o for n, o in self.neurons.items()}
        arrays |= {f"source/{n}": o for n, o in self.sources.items()}
        head = {"units": listed, "fixed": self.fixed, "steps": self.steps}
        np.savez(path, head=np.array(json.dumps(head)), **arrays)  # type: ignore[arg-type]
        return path

    @staticmethod
    def load(path: Path) -> Plan:
        """Inverse of ``save``."""
        with np.load(path, allow_pickle=False) as held:
            arrays = {k: held[k] for k in held.files}
        head = json.loads(str(arrays["head"]))
        units = [
            Unit(
                d["name"],
                d["kind"],
                tuple(d["shape"]),
                tuple(Link(**link) for link in d["inputs"]),
                d["settings"],
                {role: arrays[f"unit/{i}/{role}"] for role in d["arrays"]},
            )
            for i, d in enumerate(head["units"])
        ]
        return Plan(
            tuple(units),
            {k.removeprefix("neuron/"): v for k, v in arrays.items() if k.startswith("neuron/")},
            {k.removeprefix("source/"): v for k, v in arrays.items() if k.startswith("source/")},
            head["fixed"],
            head["steps"],
        )


def depths(plan: Plan) -> dict[str, int]:
    """Lava steps between a step of the model and its result in each unit.

    Connections take a step each; a unit waits for the latest of what it receives, and a value of k
    steps ago comes k steps early. Raises LavaError: a loop with more connections than delay.
    """
    found = {u.name: 0 for u in plan.units}
    for _ in range(len(plan.units) + 1):
        changed = False
        for unit in plan.units:
            depth = arrival(unit, found) + (unit.kind in CONNECTIONS)
            if depth > found[unit.name]:
                found[unit.name], changed = depth, True
        if not changed:
            return found
    raise LavaError(
        "a loop of the graph has a shorter delay than Lava's connections in it take (a step each); "
        "give its edges a longer delay"
    )


def arrival(unit: Unit, depth: Mapping[str, int]) -> int:
    """When the latest of what a unit receives has arrived."""
    return max([0, *(depth[link.unit] - link.delay for link in unit.inputs)])


def aligned(plan: Plan) -> tuple[Plan, dict[str, int]]:
    """The plan with relays where something would arrive early; depths of all its units.

    A delay of a link is then what relays and connections make up for.
    """
    depth = depths(plan)
    relays: dict[str, Unit] = {}
    units: list[Unit] = []
    for unit in plan.units:
        due = arrival(unit, depth)
        links = []
        for link in unit.inputs:
            source = plan.by_name[link.unit]
            early = 0 if source.kind == "constant" else due - (depth[link.unit] - link.delay)
            links.append(Link(_relayed(source, early, relays), link.delay))
        units.append(Unit(unit.name, unit.kind, unit.shape, tuple(links), unit.settings,
                          unit.arrays))  # fmt: skip
    whole = Plan((*units, *relays.values()), plan.neurons, plan.sources, plan.fixed, plan.steps)
    return whole, depths(whole) | depth


def _relayed(source: Unit, steps: int, relays: dict[str, Unit]) -> str:
    """Name of the unit that hands on ``source`` so many steps later."""
    name = source.name
    for step in range(1, steps + 1):
        after = f"{source.name}+{step}"
        if after not in relays:
            relays[after] = _relay(after, name, source.shape)
        name = after
    return name


def _relay(name: str, before: str, shape: tuple[int, ...]) -> Unit:
    """An identity that takes a step."""
    if len(shape) == 3:
        weight = np.ones((shape[2], 1, 1, 1))
        settings = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": shape[2]}
        settings |= {"graded": True, "input_shape": shape}
        return Unit(name, "conv", shape, (Link(before),), settings, {"weight": weight})
    rows = np.arange(shape[0])
    arrays = {"rows": rows, "columns": rows, "values": np.ones(len(rows))}
    settings = {"sizes": (len(rows), len(rows)), "graded": True, "exponent": 0}
    return Unit(name, "sparse", shape, (Link(before),), settings, arrays)
