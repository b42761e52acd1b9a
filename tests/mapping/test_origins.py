"""Index arrays carried back through movement, against the movement of numbered elements itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from neurosim.ir.graph import Edge, Node
from neurosim.mapping.origins import Origins
from tests.mapping.nets import STEPS, clip_node, lif, moved
from tests.ops.graphs import built

MOVES: list[tuple[str, dict[str, Any], Any]] = [
    ("reshape", {"shape": [6, 4]}, lambda x: x.reshape(6, 4)),
    ("permute", {"order": [2, 0, 1]}, lambda x: x.permute(2, 0, 1)),
    ("slice", {"axis": 2, "start": 1, "stop": 4, "step": 2}, lambda x: x[:, :, 1:4:2]),
    ("expand", {"shape": [2, 3, 4]}, lambda x: x.expand(2, 3, 4)),
    ("pad", {"mode": "constant", "before": [0, 1, 0], "after": [0, 0, 2]},
     lambda x: torch.nn.functional.pad(x, (0, 2, 1, 0), value=-1)),
    ("pad", {"mode": "circular", "before": [0, 0, 1], "after": [0, 0, 1]},
     lambda x: torch.cat([x[..., -1:], x, x[..., :1]], -1)),
    ("upsample", {"mode": "nearest", "size": [6, 8]},
     lambda x: x.repeat_interleave(2, 1).repeat_interleave(2, 2)),
]  # fmt: skip


@pytest.mark.parametrize(("op", "attrs", "move"), MOVES)
def test_index_moves_as_the_elements_do(op: str, attrs: dict[str, Any], move: Any) -> None:
    graph = built([clip_node((2, 3, 4)), lif("n", "clip"), moved("m", op, "n", **attrs)], {}, STEPS)
    (origin,) = Origins(graph).of("m")
    assert origin.source == "n"
    numbered = torch.arange(24, dtype=torch.float64).reshape(2, 3, 4)
    np.testing.assert_array_equal(origin.index, move(numbered).reshape(-1).numpy())


def test_a_pool_reads_every_element_of_its_window_once() -> None:
    attrs = {"mode": "max", "kernel": [2, 2], "stride": [2, 2], "padding": [1, 1],
             "dilation": [1, 1], "ceil_mode": False}  # fmt: skip
    graph = built([clip_node((1, 4, 4)), lif("n", "clip"), moved("p", "pool", "n", **attrs)], {},
                  STEPS)  # fmt: skip
    found = Origins(graph).of("p")
    assert len(found) == 4
    stacked = np.stack([o.index for o in found])
    assert sorted(stacked[stacked >= 0].tolist()) == list(range(16))  # windows do not overlap
    assert sorted(stacked[:, 0].tolist()) == [-1, -1, -1, 0]  # the corner has one real element


def test_concat_and_add_have_both_sources_and_delays_add_up() -> None:
    nodes = [
        clip_node((4,)), lif("a", "clip"), lif("b", "clip"),
        Node("both", "concat", (Edge("a"), Edge("b", 2)), {"axis": 0}),
        Node("sum", "add", (Edge("a"), Edge("b"))),
    ]  # fmt: skip
    origins = Origins(built(nodes, {}, STEPS))
    first, second = origins.of("both")
    assert (first.source, second.source, second.delay) == ("a", "b", 2)
    assert first.index.tolist() == [0, 1, 2, 3, -1, -1, -1, -1]
    assert second.index.tolist() == [-1, -1, -1, -1, 0, 1, 2, 3]
    assert [o.source for o in origins.of("sum")] == ["a", "b"]


def test_unknown_movement_keeps_the_order_and_is_named() -> None:
    attrs = {"mode": "sum", "axes": [1], "keepdim": False}
    graph = built(
        [clip_node((2, 3)), lif("n", "clip"), moved("r", "reduce", "n", **attrs)], {}, STEPS
    )
    origins = Origins(graph)
    assert origins.of("r")[0].index.tolist() == [0, 3] and origins.guesses == ["r"]
