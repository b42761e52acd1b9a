"""The compiled kernels as operators see them: equal to the dense path on what they are given."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neurosim.ir.types import ValueType, integers
from neurosim.ops import get
from neurosim.ops._value import Call, Value
from neurosim.passes import snap_weights
from neurosim.sim.event import EventKernels, spike_value
from neurosim.sim.simulate import prepare, simulate
from tests.ops.graphs import built, input_node, node, same_counts
from tests.passes.networks import RandomNet, clip


@pytest.mark.parametrize("seed", range(5))
def test_given_the_same_inputs_counts_are_equal(seed: int) -> None:
    """Real weights: fed with the dense engine's values, every node counts alike."""
    graph = RandomNet(seed).graph()
    run = simulate(graph, clip(seed), "dense", record="all")
    params, kernels = prepare(graph, "cpu"), EventKernels()
    values = {
        n.name: Value(torch.from_numpy(run.trace[n.name].astype(np.float32)), n.value)
        for n in graph
    }
    for n in graph.nodes:
        if n.op == "input":
            continue
        inputs = tuple(values[e.node] for e in n.inputs)
        calls = [
            Call(n, inputs, params[n.name], {}, 0, engine, kernels) for engine in ("dense", "event")
        ]
        outs = [Value(get(n.op).run(call), n.value) for call in calls]
        counts = [dict(get(n.op).count(call, out)) for call, out in zip(calls, outs, strict=True)]
        same_counts(counts[1], counts[0])
        torch.testing.assert_close(outs[1].data, outs[0].data, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_a_free_run_on_a_grid_is_bit_equal(seed: int) -> None:
    graph = snap_weights(RandomNet(seed).graph())
    dense, event = (simulate(graph, clip(seed), e, record="all") for e in ("dense", "event"))
    assert dense.counts == event.counts
    for name, value in dense.trace.values.items():
        np.testing.assert_array_equal(event.trace[name], value, err_msg=name)


def test_spike_value() -> None:
    assert spike_value(integers((2,), 1, 0, 1, 0.25)) == 0.25
    assert spike_value(integers((2,), 1, 0, 1, np.array([1.0, 2.0]))) is None
    assert spike_value(integers((2,), 1, 0, 2)) is None and spike_value(ValueType((2,), 1)) is None


def grid(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Eighths, whose sums are exact in float32."""
    return (rng.integers(-8, 9, shape) / 8).astype(np.float32)


@pytest.mark.parametrize(
    ("channels", "out", "stride"), [(3, 16, 4), (2, 5, 3), (8, 8, 4), (3, 16, 2)]
)
def test_a_clips_first_layer_comes_out_channels_innermost(channels, out, stride) -> None:
    """Run plane by plane where the result is much smaller, and the same to the bit."""
    rng = np.random.default_rng(stride)
    weight, bias = grid(rng, out, channels, 3, 3), grid(rng, out)
    settings = {"stride": (stride, stride), "padding": (1, 1), "dilation": (1, 1), "groups": 1,
                "transposed": False, "output_padding": (0, 0)}  # fmt: skip
    graph = built(
        [input_node((channels, 24, 20), 4),
         node("y", "convolution", "clip", params={"weight": "w", "bias": "b"}, **settings)],
        {"w": weight, "b": bias}, 4,
    )  # fmt: skip
    x = torch.from_numpy(grid(rng, 4, 2, channels, 24, 20))
    params = {"weight": torch.from_numpy(weight), "bias": torch.from_numpy(bias)}
    call = Call(graph["y"], (Value(x, graph["clip"].value),), params, {}, 0,
                "dense", EventKernels())  # fmt: skip
    found = get("convolution").run(call)
    expected = torch.nn.functional.conv2d(
        x.flatten(0, 1), params["weight"], params["bias"], stride, 1
    )
    np.testing.assert_array_equal(found.flatten(0, 1), expected)
    assert found.flatten(0, 1).is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("groups", [1, 2, 6])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("size", [(), (3,), (2, 3)])
def test_a_kernel_as_large_as_the_clip_is_one_product(groups, bias, size) -> None:
    rng, steps = np.random.default_rng(groups), 5
    params = {"w": grid(rng, 12, 6 // groups, steps, *size)} | (
        {"b": grid(rng, 12)} if bias else {}
    )
    axes = 1 + len(size)
    settings = {"stride": (1,) * axes, "padding": (0,) * axes, "dilation": (1,) * axes,
                "groups": groups}  # fmt: skip
    roles = {"weight": "w"} | ({"bias": "b"} if bias else {})
    graph = built([input_node((6, *size), steps),
                   node("y", "temporal_convolution", "clip", params=roles, **settings)],
                  params, steps)  # fmt: skip
    x = torch.from_numpy(grid(rng, steps, 3, 6, *size)).abs().sign()
    event, dense = (simulate(graph, x, engine) for engine in ("event", "dense"))
    np.testing.assert_array_equal(event.outputs[0], dense.outputs[0])
    assert event.counts == dense.counts
