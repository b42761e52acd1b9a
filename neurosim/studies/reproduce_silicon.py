"""``neurosim reproduce silicon``: measured chips beside what our profiles say of the same work.

Every case of ``silicon.yaml`` is a row or several, with its error and why to trust it or not.
Nothing is fitted here: where a case lacks a figure (firing rates), the value that is assumed
everywhere stands in and the row says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.energy.price import price
from neurosim.ir.counts import Counts
from neurosim.ir.facts import NodeFacts
from neurosim.ir.neuron import IF
from neurosim.ir.run import Run

if TYPE_CHECKING:
    from neurosim.ir.graph import Graph, Node

CASES = Path(__file__).with_name("silicon.yaml")
RATE = 0.1  # spikes a neuron and step where a case does not say
SCALE = {"µJ": 1e6, "mJ": 1e3, "mW": 1e3, "W": 1.0, "µs": 1e6, "ms": 1e3, "cores": 1.0}


@dataclass(frozen=True)
class SiliconRow:
    """``measured`` and ``computed`` in ``unit``; ``independent`` is false where the profile was
    made from this measurement.
    """

    id: str
    chip: str
    quantity: str
    unit: str
    measured: float
    computed: float
    relative_error: float
    independent: bool
    reason: str
    source: str

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


@cache
def cases() -> tuple[Mapping[str, Any], ...]:
    """The cases as they stand in the file."""
    import yaml

    return tuple(yaml.safe_load(CASES.read_text(encoding="utf-8")))


def reproduce_silicon() -> list[SiliconRow]:
    """All rows, in the order of the file."""
    return [row for case in cases() for row in _rows(case)]


def _rows(case: Mapping[str, Any]) -> list[SiliconRow]:
    found: list[SiliconRow] = []
    for entry in case["measured"]:
        chip = entry.get("profile", case["chip"])
        computed = OF[case["id"]](case, entry, chip) * SCALE[entry["unit"]]
        fixed = entry.get("fixed", "")
        reason = f"no test: {fixed}" if fixed else case["reason"]
        error = computed / entry["value"] - 1
        found.append(
            SiliconRow(
                case["id"], chip, entry["quantity"], entry["unit"], float(entry["value"]), computed,
                error, not fixed, reason, case["source"],
            )
        )  # fmt: skip
    return found


def _keyword(case: Mapping[str, Any], entry: Mapping[str, Any], chip: str) -> float:
    """Dynamic joules of one inference of one copy: ten layers of 256 neurons, all to all."""
    facts = case["network"]
    size, layers = facts["neurons_per_layer"], facts["layers"]
    graph = _dense_graph((size,) * (layers + 1), facts["steps"])
    return _dynamic(graph, chip)


def _pilotnet(case: Mapping[str, Any], entry: Mapping[str, Any], chip: str) -> float:
    from neurosim.hardware.profile import load_profile
    from neurosim.mapping.place import place

    graph = _pilotnet_graph(case["network"]["steps"])
    profile = load_profile(chip)
    if entry["quantity"] == "time per step":
        return profile.timing["step"].seconds()
    if entry["quantity"] == "static power":
        return profile.static.value if profile.static else 0.0
    if entry["quantity"] == "cores":
        return float(len(place(graph, chip).at))
    return _dynamic(graph, chip)


def _truenorth(case: Mapping[str, Any], entry: Mapping[str, Any], chip: str) -> float:
    """Watts: one second of that many synaptic events, and the static power of a second."""
    facts = case["network"]
    rate = next(r for r in facts["rates_hz"] if str(r) in entry["quantity"])
    events = round(rate * facts["neurons"] * facts["active_synapses"])
    run = Run.from_counts(Counts({("net", "synapse"): np.array([[events]])}, 1, 1))
    return price(run, chip, _Stated(1.0, {})).joules


def _dvs(case: Mapping[str, Any], entry: Mapping[str, Any], chip: str) -> float:
    """The stated counts, priced; its time is that of the stated run and is not worked out here."""
    facts, steps = case["network"], case["network"]["steps"]
    neuron_steps = facts["neurons"] * steps
    if entry["unit"] == "ms":
        return _dvs_seconds()
    counted = {
        ("net", "synapse"): facts["synapses"], ("lif", "spike"): facts["fired"],
        ("lif", "neuron_active"): facts["updated"], ("lif", "neuron_updated"): facts["updated"],
        ("lif", "neuron_idle"): neuron_steps - facts["updated"],
    }  # fmt: skip
    table = {key: np.array([[count]]) for key, count in counted.items()}
    nodes = {
        "net": NodeFacts("net", "linear", "weights", 1, ((1,),), (1,), ("spike",), "real"),
        "lif": NodeFacts("lif", "neuron", "neuron", 1, ((1,),), (1,), ("real",), "spike",
                         neuron=IF().to_dict()),
    }  # fmt: skip
    moved = {("lif", e): facts[e if e != "message" else "messages"]
             for e in ("message", "hop_ew", "hop_ns")}  # fmt: skip
    run = Run.from_counts(Counts(table, 1, 1), facts=nodes)
    return price(run, chip, _Stated(0.0, moved)).joules


def _dvs_seconds() -> float:
    """Ours, as recorded beside SANA-FE's run of the same network on the same cores."""
    import json

    held = json.loads(CASES.with_name("sanafe_runs.json").read_text(encoding="utf-8"))
    return held["runs"]["DVS gesture"]["ours"]["simple_s"]


OF: dict[str, Callable[[Mapping[str, Any], Mapping[str, Any], str], float]] = {
    "blouw_kws_slope": _keyword,
    "pilotnet_snn_l2": _pilotnet,
    "truenorth_sweep": _truenorth,
    "sanafe_dvs_oracle": _dvs,
}


@dataclass(frozen=True)
class _Stated:
    """Seconds and messages as a case states them, instead of a placement."""

    time: float
    moved: Mapping[tuple[str, str], int]
    chips: int = 1

    @property
    def encodings(self) -> Mapping[str, str]:
        """As the weights suggest."""
        return {}

    def notes(self, run: Run) -> tuple[str, ...]:
        """Nothing was placed."""
        return ()

    def seconds(self, run: Run) -> float:
        """Of the case."""
        return self.time

    def traffic(self, run: Run) -> Mapping[tuple[str, str], int]:
        """Of the case."""
        return self.moved


def _dynamic(graph: Graph, chip: str) -> float:
    """Joules of the chip alone, placed, at ``RATE``, without the steps that drain it: the chips
    were fed one input after the other.
    """
    from neurosim.mapping.place import place
    from neurosim.sim.assumed import activity_from_rates

    run = activity_from_rates(graph, RATE)
    report = price(run, chip, place(graph, chip))
    drain = [r for r in report.rows if r.event == "neuron_idle" and not r.like]
    chips = [r.joules for r in report.rows if r.by == "chip"]
    return float(sum(chips) - sum(r.joules for r in drain))


def _dense_graph(sizes: tuple[int, ...], steps: int) -> Graph:
    from neurosim import ops
    from neurosim.ir.graph import Edge, Graph, Node

    attrs = {"shape": sizes[:1], "steps": steps, "kind": "spike", "lo": 0, "hi": 1}
    nodes: list[Node] = [Node("clip", "input", (), attrs)]
    params = {}
    for i, (inputs, outputs) in enumerate(zip(sizes[:-1], sizes[1:], strict=True)):
        params[f"w{i}"] = np.ones((outputs, inputs), np.float32)
        nodes.append(Node(f"fc{i}", "linear", (Edge(nodes[-1].name),), {}, {"weight": f"w{i}"}))
        nodes.append(_neurons(f"lif{i}", nodes[-1].name))
    return ops.build(Graph(tuple(nodes), params, (nodes[-1].name,), steps))


def _neurons(name: str, source: str) -> Node:
    from neurosim.ir.graph import Edge, Node

    return Node(name, "neuron", (Edge(source),), {"equation": IF().to_dict(), "emit": "spike"})


# channels out, kernel, stride and padding of each axis: they give the shapes and MACs of the case
PILOTNET = ((24, 2, 2, 0), (36, 2, 2, 0), (48, 2, 2, 0), (64, 1, 2, 1), (64, 1, 1, 0))


def _pilotnet_graph(steps: int) -> Graph:
    """Input neurons driven by the frame, five 3×3 convolutions, four dense layers."""
    from neurosim import ops
    from neurosim.ir.graph import Edge, Graph, Node

    shape = (3, 200, 66)
    attrs = {"shape": shape, "steps": steps, "kind": "real", "lo": 0, "hi": 0}
    nodes = [Node("frame", "input", (), attrs), _neurons("in", "frame")]
    params: dict[str, np.ndarray] = {}
    channels = 3
    for i, (out, one, two, pad) in enumerate(PILOTNET):
        params[f"c{i}"] = np.ones((out, channels, 3, 3), np.float32)
        how = {"stride": [one, two], "padding": [0, pad], "dilation": [1, 1], "groups": 1,
               "transposed": False, "output_padding": [0, 0]}  # fmt: skip
        source = (Edge(nodes[-1].name),)
        nodes.append(Node(f"conv{i}", "convolution", source, how, {"weight": f"c{i}"}))
        nodes.append(_neurons(f"lif{i}", nodes[-1].name))
        channels = out
    nodes.append(Node("flat", "reshape", (Edge(nodes[-1].name),), {"shape": [2560]}))
    for i, (inputs, outputs) in enumerate(((2560, 100), (100, 50), (50, 10), (10, 1))):
        params[f"d{i}"] = np.ones((outputs, inputs), np.float32)
        nodes.append(Node(f"fc{i}", "linear", (Edge(nodes[-1].name),), {}, {"weight": f"d{i}"}))
        nodes.append(_neurons(f"out{i}", nodes[-1].name))
    return ops.build(Graph(tuple(nodes), params, (nodes[-1].name,), steps))
