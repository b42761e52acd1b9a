"""The bias of a weight node goes into the neuron behind it."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim import passes
from tests.ops.graphs import built, input_node, node
from tests.passes.networks import body, clip, conv, neuron, ran, same_events, same_spikes

ROLES = {"weight": "w", "bias": "b"}
PARAMS = {
    "w": (np.random.default_rng(0).integers(-8, 9, (2, 3, 3, 3)) / 8).astype(np.float32),
    "b": np.float32([0.75, -0.5]),
}


def test_sunk_and_printed() -> None:
    before = built(
        [input_node((3, 8, 8), 5), conv("c", "clip", ROLES), neuron("n", "c")], PARAMS, 5, 2
    )
    after = passes.sink_bias(before)
    assert after["c"].params == {"weight": "w"} and after["n"].params == {
        "affine_bias": "n.affine_bias"
    }
    np.testing.assert_array_equal(after.params["n.affine_bias"], PARAMS["b"].reshape(1, 2, 1, 1))
    assert "%n = neuron(%c) {equation=[fires=>=,v_decay=0.5]} <affine_bias=n.affine_bias>" in str(
        after
    )
    a, b = ran(before, clip()), ran(after, clip())
    same_spikes(a, b)
    same_events(a, b)
    assert (a.counts.total("add"), b.counts.total("add")) == (2 * 36 * 10, 0)
    assert body(passes.sink_bias(after)) == body(after)


@pytest.mark.parametrize("per_step", [False, True])
def test_composes_with_the_affine_that_is_there(per_step: bool) -> None:
    rows = 5 if per_step else 1
    params = PARAMS | {
        "s": np.full((rows, 1, 1, 1), 0.5, np.float32),
        "o": np.full((rows, 2, 1, 1), 0.25, np.float32),
    }
    nodes = [
        input_node((3, 8, 8), 5),
        conv("c", "clip", ROLES),
        neuron("n", "c", affine_scale="s", affine_bias="o"),
    ]
    before = built(nodes, params, 5, 2)
    after = passes.sink_bias(before)
    expected = np.broadcast_to(PARAMS["b"].reshape(1, 2, 1, 1) / 2 + 0.25, (rows, 2, 1, 1))
    np.testing.assert_array_equal(after.params["n.affine_bias"], expected)
    same_spikes(ran(before, clip()), ran(after, clip()))


def test_linear_over_rows() -> None:
    params = {"w": np.eye(2, 6, dtype=np.float32), "b": PARAMS["b"]}
    before = built(
        [input_node((4, 6), 5), node("c", "linear", "clip", params=ROLES), neuron("n", "c")],
        params,
        5,
        2,
    )
    after = passes.sink_bias(before)
    assert after.params["n.affine_bias"].shape == (1, 1, 2)
    same_spikes(ran(before, clip(shape=(4, 6))), ran(after, clip(shape=(4, 6))))


def test_silence_still_fires_and_no_neuron_becomes_active() -> None:
    before = built(
        [input_node((3, 8, 8), 5), conv("c", "clip", ROLES), neuron("n", "c")], PARAMS, 5, 2
    )
    x = np.zeros_like(clip())
    a, b = ran(before, x), ran(passes.sink_bias(before), x)
    same_spikes(a, b)
    for run in (a, b):  # 0.75, 1.125: a spike at every second step, in one of two channels
        assert run.counts.get("n", "spike") == 36 * 2 * 2
        assert run.counts.get("n", "neuron_active") == 0
        assert run.counts.get("n", "neuron_idle") == 2 * 36 * 10
        assert run.synaptic_operations() == 0


def test_two_readers_or_an_output_keep_the_bias() -> None:
    nodes = [input_node((3, 8, 8), 5), conv("c", "clip", ROLES), neuron("n", "c")]
    for before in (
        built([*nodes, neuron("m", "c")], PARAMS, 5, 2, ("n", "m")),
        built(nodes, PARAMS, 5, 2, ("n", "c")),
    ):
        assert body(passes.sink_bias(before)) == body(before)


def test_a_bias_shared_by_two_nodes() -> None:
    nodes = [
        input_node((3, 8, 8), 5),
        conv("c", "clip", ROLES),
        neuron("n", "c"),
        conv("d", "clip", ROLES),
    ]
    before = built(nodes, PARAMS, 5, 2, ("n", "d"))
    after = passes.sink_bias(before)
    assert after["d"].params == ROLES and "b" in after.params
