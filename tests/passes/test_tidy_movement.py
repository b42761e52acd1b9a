"""Movement that undoes itself goes; what remains holds the same values."""

from __future__ import annotations

from neurosim import passes
from neurosim.ir.graph import Edge, Node
from tests.ops.graphs import built, input_node, node
from tests.passes.networks import body, clip, neuron, ran, same_spikes

FRAME = (3, 4, 2)


def chain(*steps: tuple[str, tuple[int, ...]]) -> list[Node]:
    """Reshapes (``shape``) and permutes (``order``) one after the other, then a neuron."""
    nodes, last = [input_node(FRAME, 5)], "clip"
    for i, (op, how) in enumerate(steps):
        nodes.append(node(f"m{i}", op, last, **{"shape" if op == "reshape" else "order": how}))
        last = f"m{i}"
    return [*nodes, neuron("n", last)]


def tidied(*steps: tuple[str, tuple[int, ...]]) -> list[tuple[str, object]]:
    before = built(chain(*steps), {}, 5, 2)
    after = passes.tidy_movement(before)
    x = clip(shape=FRAME)
    same_spikes(ran(before, x), ran(after, x))
    assert not ran(before, x).counts.differences(ran(after, x).counts)
    assert body(passes.tidy_movement(after)) == body(after)
    return [(n.op, n.attrs.get("shape", n.attrs.get("order"))) for n in after.nodes[1:-1]]


def test_identities_go() -> None:
    assert tidied(("reshape", FRAME), ("permute", (0, 1, 2))) == []


def test_pairs_join_and_cancel() -> None:
    assert tidied(("reshape", (12, 2)), ("reshape", (24,))) == [("reshape", (24,))]
    assert tidied(("reshape", (24,)), ("reshape", FRAME)) == []
    assert tidied(("permute", (2, 0, 1)), ("permute", (1, 2, 0))) == []
    assert tidied(("permute", (2, 0, 1)), ("permute", (2, 0, 1))) == [("permute", (1, 2, 0))]
    cancel = (
        ("permute", (1, 0, 2)),
        ("reshape", (12, 2)),
        ("reshape", (4, 3, 2)),
        ("permute", (1, 0, 2)),
    )
    assert tidied(*cancel) == []


def test_a_real_reorder_stays() -> None:
    steps = (("permute", (1, 0, 2)), ("reshape", (12, 2)), ("permute", (1, 0)))
    assert tidied(*steps) == list(steps)


def test_an_output_and_a_second_reader_stay() -> None:
    nodes = [*chain(("reshape", (24,)), ("reshape", FRAME)), neuron("flat", "m0")]
    after = passes.tidy_movement(built(nodes, {}, 5, 2, ("n", "flat", "m1")))
    assert [n.name for n in after] == ["clip", "m0", "m1", "n", "flat"]
    assert after["m1"].inputs == (Edge("clip"),) and after.outputs == ("n", "flat", "m1")


def test_a_delayed_operand_stays_delayed() -> None:
    late = Node("m0", "reshape", (Edge("clip", 1),), {"shape": FRAME})
    nodes = [
        input_node(FRAME, 5),
        late,
        node("m1", "reshape", "m0", shape=(24,)),
        neuron("n", "m1"),
    ]
    before = built(nodes, {}, 5, 2)
    after = passes.tidy_movement(before)
    assert [n.name for n in after] == ["clip", "m0", "m1", "n"]
    x = clip(shape=FRAME)
    same_spikes(ran(before, x), ran(after, x))


def test_unread_movement_goes() -> None:
    nodes = [*chain(), node("unread", "reshape", "clip", shape=(24,))]
    assert "unread" not in passes.tidy_movement(built(nodes, {}, 5, 2, ("n",))).by_name
