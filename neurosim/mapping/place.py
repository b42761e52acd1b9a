"""``place(graph, chip)``: a graph on the cores of a chip, or of several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.errors import PlacementError
from neurosim.hardware.convention import load_convention
from neurosim.hardware.profile import load_profile
from neurosim.hardware.schema import Fabric, Profile
from neurosim.ir.facts import NodeFacts
from neurosim.ir.graph import Graph
from neurosim.mapping.arrange import arranged
from neurosim.mapping.balance import balanced
from neurosim.mapping.fit import Parts, fit, pack, use_of
from neurosim.mapping.limits import has
from neurosim.mapping.manual import by_hand, read_manual
from neurosim.mapping.mesh import Mesh
from neurosim.mapping.network import Network, network_of
from neurosim.mapping.placement import Placement
from neurosim.mapping.sparse import Sparse, empty, ones_at

STRATEGIES = {
    "greedy": "layers in order on cores in order, as few cores as fit",
    "hops": "the same cores, tiles moved until messages travel least",
    "balanced": "the slowest layers on more cores of the same chips, then as hops",
}
ENCODINGS = ("dense", "sparse", "conv")
LEVELS = ("simple", "detailed", "queueing")


def place(
    graph: Graph,
    profile: str | Path | Profile,
    strategy: str = "greedy",
    manual: Mapping[str, Any] | str | Path | None = None,
    *,
    encoding: str | Mapping[str, str] | None = None,
    level: str = "simple",
    strict: bool = True,
) -> Placement:
    """Every neuron and synapse that the chip can hold, on cores that they fit; the rest stays with
    the host.

    ``manual``: node → list of cores that share it evenly, in order, or the core of each neuron; or
    a YAML or JSON file of that. It must name every population. ``encoding`` of the synapses:
    "dense", "sparse" or "conv", for all or by node (default: what the weights suggest).
    ``level`` of the step times: "simple", "detailed" or "queueing" (``mapping.latency``).
    ``strict=False``: by hand, more may be asked of a core than it has; the report says so.

    Raises PlacementError: a chip without a structure or steps, a layer that does not fit (which
    limit, by how much, what would help), a strategy, core or node that does not exist.
    """
    chip = load_profile(profile)
    fabric = check_fabric(chip)
    if strategy not in STRATEGIES:
        raise PlacementError(f"strategy {strategy!r}: choose one of {', '.join(STRATEGIES)}")
    if level not in LEVELS:
        raise PlacementError(f"level {level!r}: choose one of {', '.join(LEVELS)}")
    encodings = _encodings(graph, chip, encoding)
    network = network_of(graph, encodings, load_convention(chip.convention).input_neurons)
    if not network.populations:
        raise PlacementError(
            f"{chip.name} can hold no layer of this model: none takes spikes; all is the host's"
        )
    if manual is not None:
        return _manual(chip, network, encodings, read_manual(manual), level, strict)
    parts, caps = fit(network, fabric, encodings)
    cores = pack(parts.use, has(fabric))
    if strategy == "balanced":
        parts, cores = balanced(network, chip, encodings, caps, cores)
    return _placed(chip, network, encodings, parts, cores, strategy, level)


def on_chip(facts: NodeFacts, chip: Profile) -> bool:
    """Whether the chip holds these synapses: those of events, and of reals where it prices MACs."""
    events = facts.in_kinds[0] in ("spike", "graded") if facts.in_kinds else False
    return events or "mac" in chip.prices


def check_fabric(chip: Profile) -> Fabric:
    """The structure of a chip that runs in steps. Raises PlacementError."""
    if chip.fabric is None:
        raise PlacementError(f"{chip.name} has no cores to place on (no fabric in its profile)")
    if chip.fabric.step == "asynchronous":
        raise PlacementError(f"{chip.name} is asynchronous: it has no steps to time")
    if not {"barrier", "step", "tick"} & chip.timing.keys():
        raise PlacementError(
            f"{chip.name} states no time of a step (timing: barrier, step or tick)"
        )
    return chip.fabric


def _encodings(
    graph: Graph, chip: Profile, given: str | Mapping[str, str] | None
) -> dict[str, str]:
    """Of every node whose synapses the chip holds."""
    facts = [n.known for n in graph.nodes if n.known.role == "weights" and on_chip(n.known, chip)]
    found = {f.name: f.encoding for f in facts}
    changed = dict.fromkeys(found, given) if isinstance(given, str) else dict(given or {})
    for name, encoding in changed.items():
        if name not in found:
            raise PlacementError(f"encoding: no layer {name!r} on the chip; see neurosim map")
        if encoding not in ENCODINGS:
            raise PlacementError(f"encoding {encoding!r}: choose one of {', '.join(ENCODINGS)}")
    return found | changed


def _placed(
    chip: Profile,
    network: Network,
    encodings: dict[str, str],
    parts: Parts,
    cores: np.ndarray,
    strategy: str,
    level: str,
) -> Placement:
    assert chip.fabric is not None
    of = {name: cores[where] for name, where in parts.of.items()}
    number = int(cores.max(initial=0)) + 1
    use = use_of(network, chip.fabric, encodings, of, number)
    found = Placement(
        chip, network, of, np.arange(number, dtype=np.int64), encodings, strategy, use, level
    )
    if strategy == "greedy":
        return found
    at = arranged(Mesh(chip.fabric, -(-number // chip.fabric.cores)), expected_flow(found))
    return replace(found, at=at, _known={})


def expected_flow(placement: Placement) -> Sparse:
    """(cores, cores), sparse: messages if every neuron fires equally often."""
    number = len(placement.at)
    total = empty((number, number))
    for name, wires in placement.wires.items():
        where = placement.cores[name]
        known = wires.cell >= 0
        reach = wires.reach
        units = ones_at(where[known], wires.cell[known], (number, reach.shape[0]))
        total = total + units @ reach
    return total


def _manual(
    chip: Profile,
    network: Network,
    encodings: dict[str, str],
    given: Mapping[str, Any],
    level: str,
    strict: bool,
) -> Placement:
    """Cores as told; what does not fit is an error, or a remark where it was allowed."""
    assert chip.fabric is not None
    cores, at = by_hand(network, given)
    use = use_of(network, chip.fabric, encodings, cores, len(at))
    found: list[str] = []
    for resource, limit in has(chip.fabric).items():
        core = int(use[resource].argmax())
        if use[resource][core] > limit:
            taken = (
                f"core {at[core]} takes {use[resource][core]:,.0f} {resource}, it has {limit:,.0f}"
            )
            found.append(taken)
    if found and strict:
        raise PlacementError(f"manual: {'; '.join(found)}; spread its layers over more cores")
    return Placement(chip, network, cores, at, encodings, "manual", use, level, tuple(found))
