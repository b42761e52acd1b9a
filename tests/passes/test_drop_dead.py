"""Only what an output depends on, through delays too."""

from __future__ import annotations

import numpy as np

from neurosim import passes
from neurosim.ir.graph import Edge, Node
from tests.ops.graphs import built, input_node, node
from tests.passes.networks import body, clip, conv, neuron, ran


def test_dead_branches_go_with_their_parameters() -> None:
    params = {"w": np.ones((2, 3, 3, 3), np.float32), "dead": np.ones((4, 3, 1, 1), np.float32)}
    nodes = [input_node((3, 8, 8), 5), conv("c", "clip", {"weight": "w"}), neuron("n", "c")]
    nodes += [conv("d", "clip", {"weight": "dead"}), neuron("m", "d")]
    before = built(nodes, params, 5, 2, ("n",))
    after = passes.drop_dead(before)
    assert [n.name for n in after] == ["clip", "c", "n"] and set(after.params) == {"w"}
    a, b = ran(before, clip()), ran(after, clip())
    np.testing.assert_array_equal(a.trace["n"], b.trace["n"])
    assert {n for n, _ in a.counts.differences(b.counts)} == {"d", "m"}
    assert body(passes.drop_dead(after)) == body(after)


def test_a_delayed_cycle_and_its_initial_value_stay() -> None:
    back = Node("sum", "add", (Edge("clip"), Edge("n", 1, "start")))
    typed = built([input_node((2,), 5), neuron("n", "clip")], {}, 5)["n"]
    nodes = [
        input_node((2,), 5),
        back,
        Node("n", "neuron", (Edge("sum"),), typed.attrs, {}, typed.type),
    ]
    after = passes.drop_dead(built(nodes, {"start": np.ones(2, np.float32)}, 5))
    assert [n.name for n in after] == ["clip", "sum", "n"] and set(after.params) == {"start"}


def test_the_clip_stays_when_nothing_reads_it() -> None:
    nodes = [input_node((2,), 5), node("k", "constant", params={"value": "k"})]
    after = passes.drop_dead(built(nodes, {"k": np.ones(2, np.float32)}, 5, 1, ("k",)))
    assert [n.name for n in after] == ["clip", "k"]
