"""A graph refuses what is not consistent, prints itself, and becomes a networkx graph."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.errors import GraphError
from neurosim.ir.graph import Edge, Graph, Node
from neurosim.ir.neuron import LIF
from neurosim.ir.order import units
from tests.ops.graphs import built, input_node, node

HALF = LIF(v_decay=0.5, v_threshold=1.0, fires=">=").to_dict()


def loop() -> Graph:
    """clip + last spikes → neuron."""
    plain = built([input_node((2,), 4), node("n", "neuron", "clip", equation=HALF)], {}, 4)["n"]
    nodes = [
        input_node((2,), 4),
        Node("sum", "add", (Edge("clip"), Edge("n", 1))),
        Node("n", "neuron", (Edge("sum"),), plain.attrs, {}, plain.type, source="net.py:7"),
    ]
    return built(nodes, {}, 4, 3)


def test_printed() -> None:
    assert str(loop()).splitlines() == [
        "graph steps=4 pipeline=capture",
        "  %clip = input() {hi=1, kind=spike, lo=0, shape=[2], steps=4} : spike[T4; 2]",
        "  %sum = add(%clip, %n[t-1]) : graded[T4; 2; 0..2]",
        "  %n = neuron(%sum) {equation=[fires=>=,v_decay=0.5]} : spike[T4; 2]",
        "  return %n",
    ]


A = Node("a", "input")


@pytest.mark.parametrize(
    ("nodes", "outputs", "message"),
    [
        ((A, A), ("a",), "two nodes are called 'a'"),
        ((A, Node("b", "add", (Edge("x"),))), ("b",), "node 'b' reads 'x', which does not exist"),
        (
            (Node("b", "add", (Edge("a"),)), A),
            ("b",),
            r"before it is computed \(cycle without delay\?\)",
        ),
        ((Node("b", "add", (Edge("b"),)),), ("b",), "before it is computed"),
        ((A, Node("b", "add", (Edge("a", -1),))), ("b",), "reads the future of 'a'"),
        ((A, Node("b", "add", (Edge("a", 1, "k"),))), ("b",), "initial value 'k' is not stored"),
        (
            (A, Node("b", "linear", (Edge("a"),), {}, {"weight": "w"})),
            ("b",),
            "weight 'w' is not stored",
        ),
        ((A,), ("z",), r"outputs \['z'\] are not nodes"),
    ],
)
def test_what_it_refuses(nodes: tuple[Node, ...], outputs: tuple[str, ...], message: str) -> None:
    with pytest.raises(GraphError, match=message):
        Graph(nodes, {}, outputs, 4)


def test_types_and_facts_only_after_inference() -> None:
    with pytest.raises(GraphError, match="has no type yet"):
        _ = A.value
    with pytest.raises(GraphError, match="has no facts yet"):
        _ = A.known


def test_readers_inputs_neurons_and_macs() -> None:
    nodes = [input_node((3,), 4), node("twice", "add", "clip", "clip")]
    nodes += [node("fc", "linear", "twice", params={"weight": "w"})]
    graph = built(nodes, {"w": np.ones((5, 3), np.float32)}, 4, 2)
    assert [n.name for n in graph.consumers["clip"]] == ["twice", "twice"]
    assert [n.name for n in graph.inputs] == ["clip"] and graph.neurons() == ()
    assert graph.dense_macs() == {"fc": 5 * 3 * 4 * 2} and len(graph) == 3
    assert [n.name for n in loop().neurons()] == ["n"]


def test_networkx() -> None:
    net = loop().to_networkx()
    edges = {(a, b): d for a, b, d in net.edges(data=True)}
    assert edges["n", "sum"] == {"delay": 1, "operand": 1}
    assert edges["clip", "sum"] == {"delay": 0, "operand": 0}
    assert net.nodes["n"]["op"] == "neuron" and net.nodes["n"]["type"] == "spike[T4; 2]"
    assert net.graph["steps"] == 4


def test_a_cycle_is_one_unit() -> None:
    found = units(loop())
    assert [tuple(n.name for n in u.nodes) for u in found] == [("clip",), ("sum", "n")]
    assert [u.cycle for u in found] == [False, True]
