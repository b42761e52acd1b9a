"""Which scale every real value between spikes gets in whole numbers (see ``quantize``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from neurosim.errors import GraphError
from neurosim.ir.graph import Graph, Node
from neurosim.ir.leaky_form import (
    LeakyForm,
    current_bias,
    integrates_only,
    membrane_bias,
)  # fmt: skip
from neurosim.passes._chip_format import ChipFormat
from neurosim.passes._fixed_neuron import chip_form
from neurosim.passes._linear_region import (
    MOVES,
    arrays_of,
    closed,
    evaluate,
    is_source,
    region,
)  # fmt: skip

CURRENT_BOUND = 64  # thresholds; a current from the host beyond fires as surely
SAME = (*MOVES, "add")  # what they make has the scale of what they take


@dataclass(frozen=True)
class Layer:
    """``factor``: a weight in whole numbers is so many times the real one, before it is rounded."""

    factor: float


@dataclass(frozen=True)
class Current:
    """``scale``: whole numbers per real unit; ``most``: where they saturate."""

    scale: float
    most: int


@dataclass
class Scales:
    """``layers``, ``neurons``, ``currents``: σ-related numbers by node; ``direct``: neurons that
    integers drive, with the weight of that synapse; ``summed``: average pools that become sums;
    ``dropped``: scales of spikes that go into the weights."""

    layers: dict[str, Layer] = field(default_factory=dict[str, Layer])
    neurons: dict[str, float] = field(default_factory=dict[str, float])
    direct: dict[str, float] = field(default_factory=dict[str, float])
    currents: dict[str, Current] = field(default_factory=dict[str, Current])
    summed: set[str] = field(default_factory=set[str])
    dropped: set[str] = field(default_factory=set[str])


def find_scales(graph: Graph, chip: ChipFormat) -> Scales:
    """Raises GraphError: every node that has no fixed point, in one error."""
    wrong: dict[str, str] = {}
    forms = _forms(graph, wrong)
    inside = closed(graph, region(graph))
    _check_drives(graph, inside, wrong)
    if wrong:
        raise GraphError(f"no fixed point for {by_reason(wrong)}")
    found = Scales()
    groups = _groups(graph, inside)
    currents = {
        name: CURRENT_BOUND * max(forms[n].threshold for n in group if n in forms)
        for group in groups
        for name in group
        if is_current(graph[name])
    }
    bounds = currents | _bounds(graph, inside, currents)
    for group in groups:
        _settle(graph, group, bounds, forms, chip, found)
    _integer_sources(graph, found)
    return found


def spikes(node: Node) -> bool:
    """A neuron of the chip: readouts that emit their membrane are the host's."""
    return node.op == "neuron" and not integrates_only(node)


def by_reason(wrong: Mapping[str, str]) -> str:
    """Every node, those of one reason together."""
    groups: dict[str, list[str]] = {}
    for name, why in wrong.items():
        groups.setdefault(why, []).append(repr(name))
    return "; ".join(f"{', '.join(names)} ({why})" for why, names in groups.items())


def is_current(node: Node) -> bool:
    """Whole currents that the host hands over."""
    return node.op == "to_integers"


def _forms(graph: Graph, wrong: dict[str, str]) -> dict[str, LeakyForm]:
    forms: dict[str, LeakyForm] = {}
    for node in graph.nodes:
        if spikes(node):
            try:
                forms[node.name] = chip_form(graph, node)
            except GraphError as error:
                wrong[node.name] = str(error)
    return forms


def _check_drives(graph: Graph, inside: set[str], wrong: dict[str, str]) -> None:
    """Neurons whose current is no sum of weighted spikes; weights that see real numbers."""
    for node in graph.nodes:
        if spikes(node):
            drive = graph[node.inputs[0].node]
            if drive.name not in inside and not is_source(drive):
                said = f"{wrong[node.name]}, and " if node.name in wrong else ""
                wrong[node.name] = f"{said}its current comes from {drive.name!r} ({drive.op})"
        if node.name not in inside:
            continue
        sources = [graph[e.node] for e in node.inputs]
        bare = node.op in SAME and any(s.value.discrete for s in sources)
        if node.attrs.get("per_step"):
            wrong[node.name] = "a norm that differs by step; apply average_bn (--average-bn)"
        elif node.op == "affine" or bare:
            wrong[node.name] = f"{node.op} of values that no synapse carries"
        elif node.op not in SAME and not sources[0].value.discrete:
            wrong[node.name] = f"it reads real numbers of {sources[0].name!r}"
        else:
            for source in sources:
                if source.value.discrete and not source.value.uniform:
                    wrong[source.name] = "its integers have several scales"


def _bounds(graph: Graph, inside: set[str], currents: Mapping[str, float]) -> dict[str, float]:
    """The largest magnitude of each value, whatever fires."""

    def largest(node: Node) -> float:
        t = node.value
        if not t.discrete:
            return currents.get(node.name, 0.0)
        return max(abs(t.lo), abs(t.hi)) * abs(float(np.max(t.scale)))

    def magnitudes(node: Node) -> Mapping[str, np.ndarray]:
        return {r: np.abs(a) for r, a in arrays_of(graph, node).items()}

    sums = [replace(n, attrs={**n.attrs, "subtract": False}) if n.op == "add" else n for n in graph]
    plain = graph.with_nodes(tuple(sums))
    made = evaluate(plain, inside, magnitudes, largest)
    return {name: float(np.abs(value).max(initial=0.0)) for name, value in made.items()}


def _groups(graph: Graph, inside: set[str]) -> list[list[str]]:
    """Values that are added to one another, or are the same moved about; each with its neurons."""
    members = [n for n in graph.nodes if n.name in inside or spikes(n)]
    members += [n for n in graph.nodes if _drives(graph, n, inside)]
    parent = {n.name: n.name for n in members}

    def top(name: str) -> str:
        while parent[name] != name:
            name = parent[name]
        return name

    for node in members:
        if node.op in SAME or node.op == "neuron":
            for edge in node.inputs:
                if edge.node in parent and graph[edge.node].op != "neuron":
                    parent[top(edge.node)] = top(node.name)
    groups: dict[str, list[str]] = {}
    for name in parent:
        groups.setdefault(top(name), []).append(name)
    return list(groups.values())


def _drives(graph: Graph, node: Node, inside: set[str]) -> bool:
    """Whether a converter's whole numbers reach neurons, and not the weights of the host."""
    readers = graph.consumers[node.name]
    reached = any(r.name in inside or spikes(r) for r in readers)
    return is_current(node) and reached and not any(r.attrs.get("host") for r in readers)


def _settle(
    graph: Graph, group: list[str], bounds: Mapping[str, float], forms: Mapping[str, LeakyForm],
    chip: ChipFormat, found: Scales,
) -> None:  # fmt: skip
    """σ of one group, and with it the factors of its layers and the scales of its neurons."""
    neurons = [graph[n] for n in group if graph[n].op == "neuron"]
    layers = [graph[n] for n in group if graph[n].op not in (*SAME, "neuron", "to_integers")]
    direct = [n for n in neurons if graph[n.inputs[0].node].value.discrete]
    taken = {n.name: _source_scale(graph, n) for n in (*layers, *direct)}
    heaviest = max(
        [_largest(graph, n) / taken[n.name] for n in layers] + [1 / taken[n.name] for n in direct],
        default=1.0,
    )
    limits = [_limit(graph, n, forms[n.name], bounds, chip) for n in neurons]
    scale = _scale(heaviest, min(limits), chip)
    for name in group:
        if is_current(graph[name]):
            found.currents[name] = Current(scale, int(scale * bounds[name]))
    for node in layers:
        found.layers[node.name] = Layer(scale / taken[node.name])
    for node in neurons:
        found.neurons[node.name] = scale
    for node in direct:
        found.direct[node.name] = scale / taken[node.name]


def _scale(heaviest: float, limit: float, chip: ChipFormat) -> float:
    """The largest scale below ``limit`` at which the heaviest weight is a whole mantissa."""
    for exponent in range(chip.weight_exponent, -1, -1):
        scale = chip.mantissa * 2.0**exponent / heaviest if heaviest else limit
        if scale <= limit:
            return scale
    return limit


def _limit(
    graph: Graph, node: Node, form: LeakyForm, bounds: Mapping[str, float], chip: ChipFormat
) -> float:
    """The largest σ at which threshold and bias fit, and no current wraps."""
    shift, drive = 2**chip.input_shift, graph[node.inputs[0].node]
    t = drive.value
    of_type = max(abs(t.lo), abs(t.hi)) * abs(float(np.max(t.scale)))
    bound = bounds.get(drive.name, of_type)
    late = current_bias(graph, node)
    bound += 0.0 if late is None else float(np.abs(late).max())
    bias = float(np.abs(membrane_bias(graph, node)).max())
    limits = [chip.most_threshold * form.gain / (form.threshold * shift) if form.threshold else 0.0]
    limits.append(chip.room * (1.0 - form.i_keep) / (bound * shift) if bound else 0.0)
    limits.append(chip.most_bias * form.gain / (bias * shift) if bias else 0.0)
    return min((limit for limit in limits if limit), default=1.0)


def _largest(graph: Graph, node: Node) -> float:
    return float(np.abs(graph.params[node.params["weight"]]).max(initial=0.0))


def _source_scale(graph: Graph, node: Node) -> float:
    """Whole numbers per unit of what a layer or a neuron reads."""
    return 1.0 / abs(float(graph[node.inputs[0].node].value.scale))


def _integer_sources(graph: Graph, found: Scales) -> None:
    """Scaled integers that layers read hand on their integers: pools add up, scales go.

    Raises GraphError: some of them are read by others too.
    """
    ends = {*found.layers, *found.direct}
    for node in reversed(graph.nodes):
        if not node.value.discrete or float(np.max(node.value.scale)) == 1.0:
            continue
        readers = graph.consumers[node.name]
        if node.name in graph.outputs or not readers or any(r.name not in ends for r in readers):
            raise GraphError(
                f"no fixed point for {node.name!r} (its integers are scaled, and not only weights "
                "of the chip read them)"
            )
        ends.add(node.name)
        if node.op == "pool":
            found.summed.add(node.name)
        elif node.op == "affine":
            found.dropped.add(node.name)
        elif node.op not in MOVES:
            raise GraphError(f"no fixed point for {node.name!r} (a scaled {node.op})")
