"""Types and facts for every node of a graph: what each pass ends with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple
from weakref import ReferenceType, WeakKeyDictionary, ref

from neurosim import registry
from neurosim.errors import GraphError
from neurosim.ir.facts import NodeFacts
from neurosim.ir.graph import Graph, Node
from neurosim.ir.op import Op
from neurosim.ir.types import ValueType

_OPS: dict[str, Op] = {}
_ROUNDS = 3


def get(name: str) -> Op:
    """The operator of that name. Raises UnknownName."""
    if name not in _OPS:
        _OPS[name] = registry.load("ops", name, "operator").OP
    return _OPS[name]


class _Known(NamedTuple):
    """What one node was built from, and what came of it."""

    node: Node
    params: Mapping[str, Any]
    operands: tuple[ValueType, ...]
    out: ValueType
    facts: NodeFacts


_built: WeakKeyDictionary[Graph, dict[str, _Known]] = WeakKeyDictionary()
_last: list[ReferenceType[Graph]] = []  # the graph built last: a pass changes few of its nodes


def build(graph: Graph) -> Graph:
    """The graph with types, kinds and facts inferred, and verified. Raises GraphError.

    What the graph built before says of a node that did not change is taken over."""
    last = _last[0]() if _last else None
    past = {} if last is None else _built.get(last, {})
    types = _infer(graph, past)
    typed = [n if n.type is types[n.name] else replace(n, type=types[n.name]) for n in graph.nodes]
    known = {n.name: _known(n, graph, types, past.get(n.name)) for n in typed}
    facts = {name: one.facts for name, one in known.items()}
    sources = Sources({n.name: n for n in typed}, facts)
    nodes = tuple(_with_facts(n, facts[n.name], sources.of(n)) for n in typed)
    made = graph.with_nodes(nodes)
    _built[made], _last[:] = known, [ref(made)]
    return made


def _with_facts(node: Node, facts: NodeFacts, walked: Mapping[str, Any]) -> Node:
    whole = replace(facts, **walked) if walked else facts
    return node if node.facts is whole else replace(node, facts=whole)


def _known(node: Node, graph: Graph, types: Mapping[str, ValueType], past: _Known | None) -> _Known:
    operands, params = tuple(types[e.node] for e in node.inputs), _params(node, graph)
    out = types[node.name]
    if past is not None and _same(past, node, params, operands) and past.out == out:
        return past
    return _Known(node, params, operands, out, _facts(node, graph, types))


def _same(past: _Known, node: Node, params: Mapping[str, Any], operands: Any) -> bool:
    """Whether a node is the one that was built: its attributes and arrays the very objects."""
    alike = past.node.op == node.op and past.node.attrs is node.attrs
    if not alike or past.node.source != node.source or past.node.params != node.params:
        return False
    arrays = all(past.params[role] is array for role, array in params.items())
    return arrays and past.operands == operands


def _params(node: Node, graph: Graph) -> dict[str, Any]:
    return {role: graph.params[key] for role, key in node.params.items()}


def _infer(graph: Graph, past: Mapping[str, _Known]) -> dict[str, ValueType]:
    delayed = {e.node for n in graph.nodes for e in n.inputs if e.delay}
    assumed: dict[str, ValueType] = {}
    for node in graph.nodes:
        if node.name in delayed and node.type is not None:
            assumed[node.name] = node.type
    for round_ in range(_ROUNDS):
        types = _once(graph, assumed, past)
        changed = {n: types[n] for n in delayed if assumed.get(n) != types[n]}
        if not changed:
            return types
        last = round_ == _ROUNDS - 1  # a range that grows with every round has no bound: REAL
        assumed |= {n: (t.real() if last else t) for n, t in changed.items()}
    found = _once(graph, assumed, past)
    unsettled = {n for n in assumed if found[n] != assumed[n]}
    return {n: t.real() if n in unsettled else t for n, t in found.items()}


def _once(
    graph: Graph, assumed: Mapping[str, ValueType], past: Mapping[str, _Known]
) -> dict[str, ValueType]:
    """Every type in order, delayed operands as assumed."""
    types: dict[str, ValueType] = {}
    for node in graph.nodes:
        operands = tuple(_operand(e.node, types, assumed, node) for e in node.inputs)
        params, known = _params(node, graph), past.get(node.name)
        fresh = known is None or node.name in assumed
        if known is not None and not fresh and _same(known, node, params, operands):
            types[node.name] = known.out
        else:
            types[node.name] = get(node.op).infer(node, operands, params)
    return types


def _operand(
    name: str, types: Mapping[str, ValueType], assumed: Mapping[str, ValueType], node: Node
) -> ValueType:
    if name in types:
        return types[name]
    if name in assumed:
        return assumed[name]
    raise GraphError(f"at {node.name!r}: the shape of delayed operand {name!r} is not known")


def _facts(node: Node, graph: Graph, types: Mapping[str, ValueType]) -> NodeFacts:
    op, out = get(node.op), types[node.name]
    operands = tuple(types[e.node] for e in node.inputs)
    params = _params(node, graph)
    extra: dict[str, Any] = op.facts(node, operands, out, params)
    role = (
        "movement"
        if node.attrs.get("emit", "spike") == "v" and node.attrs.get("observes")
        else op.role
    )
    return NodeFacts(
        name=node.name,
        op=node.op,
        role=role,
        steps=out.steps or 1,
        in_shapes=tuple(t.shape for t in operands),
        out_shape=out.shape,
        in_kinds=tuple("masked" if t.masked else t.kind.value for t in operands),
        out_kind=out.kind.value,
        payload=(out.lo, out.hi),
        source=node.source,
        **extra,
    )


class Sources:
    """Walks back: which weight nodes are stems, and whose rate a REAL weight node may inherit."""

    def __init__(self, nodes: Mapping[str, Node], facts: Mapping[str, NodeFacts]) -> None:
        self.nodes, self.facts = nodes, facts
        self._spiking: dict[str, bool] = {}
        self._inherit: dict[str, tuple[tuple[str, float], ...] | None] = {}

    def of(self, node: Node) -> dict[str, Any]:
        """``stem`` and ``rate_sources`` of one node."""
        facts = self.facts[node.name]
        if facts.role not in ("weights", "product"):
            return {}
        stem = not any(self.spiking(e.node) for e in node.inputs)
        if facts.role != "weights":
            return {"stem": stem}
        found = self.inherit(node.inputs[0].node)
        return {"stem": stem, "rate_sources": found or ()}

    def spiking(self, name: str) -> bool:
        """Whether this value or an ancestor is discrete."""
        if name not in self._spiking:
            self._spiking[name] = False  # cuts delayed cycles
            node = self.nodes[name]
            self._spiking[name] = node.value.discrete or any(
                self.spiking(e.node) for e in node.inputs
            )
        return self._spiking[name]

    def inherit(self, name: str) -> tuple[tuple[str, float], ...] | None:
        """(source, weight) pairs behind a value; None: no inheritance."""
        if name not in self._inherit:
            self._inherit[name] = None
            self._inherit[name] = self._walk(self.nodes[name])
        return self._inherit[name]

    def _walk(self, node: Node) -> tuple[tuple[str, float], ...] | None:
        facts = self.facts[node.name]
        if facts.role in ("neuron", "input"):
            return ((node.name, 1.0),) if node.value.discrete else None
        if facts.role == "weights":
            inner = self.inherit(node.inputs[0].node)
            return inner and tuple((n, float(facts.fan_out_total)) for n, _ in inner)
        passes = facts.role == "movement" or node.op in (
            "affine",
            "batch_norm",
            "layer_norm",
            "pool",
            "reduce",
        )
        passes = passes or node.op == "time_reduce"
        if not passes or not node.inputs:
            return None
        found = [self.inherit(e.node) for e in node.inputs]
        if any(f is None for f in found):
            return None
        return tuple(pair for f in found if f for pair in f)
