"""Both engines and the brute force agree, in the three senses of counting.md, section 1."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from neurosim import models, passes
from neurosim.capture.capture import capture
from neurosim.ir.graph import Graph, Node
from neurosim.ir.neuron import LIF
from neurosim.ir.run import Run
from neurosim.ops import get
from neurosim.ops._value import Call, Value
from neurosim.passes.snap_weights import snap_weights
from neurosim.sim.event import EventKernels
from neurosim.sim.simulate import prepare, simulate
from tests.models.small import FAMILIES, small
from tests.models.small import clip as small_clip
from tests.ops.graphs import OF_KIND, built, input_node, node, operate, same_counts
from tests.ops.test_convolution import CASES, case
from tests.oracles import Conv, net_a
from tests.oracles.whole_net import INPUT, LAYERS, SAMPLES, STEPS

HALF = LIF(v_decay=0.5, v_threshold=1.0, fires=">=").to_dict()

# ---- net A: every count and spike of a whole network against brute force


def net_a_graph(weights: dict[str, np.ndarray], biases: dict[str, np.ndarray]) -> Graph:
    nodes, last = [input_node(INPUT, STEPS)], "clip"
    for name, layer in LAYERS.items():
        roles = {"weight": name} | ({"bias": f"{name}.bias"} if biases else {})
        if isinstance(layer, Conv):
            pairs = {
                k: (getattr(layer, k),) * 2
                for k in ("stride", "padding", "dilation", "output_padding")
            }
            nodes.append(
                node(
                    name,
                    "convolution",
                    last,
                    params=roles,
                    groups=layer.groups,
                    transposed=False,
                    **pairs,
                )
            )
        else:
            nodes.append(node("flat", "reshape", last, shape=(288,)))
            nodes.append(node(name, "linear", "flat", params=roles))
        last = f"{name}.neuron"
        nodes.append(node(last, "neuron", name, equation=HALF))
    arrays = weights | {f"{k}.bias": v for k, v in biases.items()}
    return built(nodes, arrays, STEPS, SAMPLES)


@cache
def brute(biased: bool):
    return net_a(seed=0, biased=biased)


@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("engine", ["dense", "event", "auto"])
@pytest.mark.parametrize("chunk", [3, 8])
def test_net_a_equals_brute_force(biased: bool, engine: str, chunk: int) -> None:
    net = brute(biased)
    graph = net_a_graph(net.weights, net.biases)
    run = simulate(graph, net.clip, engine, chunk=chunk, record="spikes")
    for name, spikes in net.spikes.items():
        np.testing.assert_array_equal(run.trace[name], spikes, err_msg=name)
    for name, counts in net.counts.items():
        found = {e: a.T for n, e, a in run.counts if n == name}
        same_counts(found, counts)
    assert run.synaptic_operations() == net.synaptic_operations() > 0
    assert run.counts.total("input_event") == net.clip.sum()
    assert graph.dense_macs() == net.dense_macs


# ---- single operators: sums of multiples of 1/4 are exact in any order


@pytest.mark.parametrize(("seed", "transposed"), [c for c in CASES if c[0] % 4 < 2])
def test_event_convolutions(seed: int, transposed: bool) -> None:
    x, w, bias, a, _ = case(seed, transposed)
    params = {"weight": w} | ({} if bias is None else {"bias": bias})
    dense, event = (
        operate("convolution", x, params=params, engine=e, **a) for e in ("dense", "event")
    )
    assert event.run.manifest.engine_by_node["y"] == "event"
    np.testing.assert_array_equal(event.out, dense.out)
    same_counts(event.counts, dense.counts)


@pytest.mark.parametrize("kind", ["spike", "graded"])
@pytest.mark.parametrize("rows", [(), (3,), (2, 3)])
def test_event_linear_maps(kind: str, rows: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    x = OF_KIND[kind](rng, 3, 2, *rows, 70)
    params = {
        "weight": (rng.integers(-8, 9, (67, 70)) / 8).astype(np.float32),
        "bias": np.ones(67, np.float32),
    }
    dense, event = (operate("linear", x, params=params, engine=e) for e in ("dense", "event"))
    np.testing.assert_array_equal(event.out, dense.out)
    same_counts(event.counts, dense.counts)


@pytest.mark.parametrize(
    "kinds", [("spike", "spike"), ("spike", "graded"), ("graded", "spike"), ("graded", "graded")]
)
@pytest.mark.parametrize(("lead_a", "lead_b"), [((), ()), ((2,), (2,)), ((3, 1), (3, 2))])
def test_event_products(
    kinds: tuple[str, str], lead_a: tuple[int, ...], lead_b: tuple[int, ...]
) -> None:
    rng = np.random.default_rng(1)
    a = OF_KIND[kinds[0]](rng, 3, 2, *lead_a, 5, 9)
    b = OF_KIND[kinds[1]](rng, 3, 2, *lead_b, 9, 4)
    dense, event = (operate("matmul", a, b, engine=e) for e in ("dense", "event"))
    np.testing.assert_array_equal(event.out, a.n @ b.n)
    same_counts(event.counts, dense.counts)


# ---- the zoo

ZOO = ("svformer_tiny", "norse_conv", "dvs_conv")
QUICK = ("sew_resnet_34", "spikformer_8_512", "sdt_8_512")  # the others share their parts
REST = tuple(name for name in FAMILIES if name not in QUICK)
SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in FAMILIES]


@cache
def captured(name: str) -> tuple[Graph, np.ndarray]:
    """The model and a clip it can take; pixels are multiples of 1/8."""
    recipe = models.card(name).recipe
    rng = np.random.default_rng(0)
    if name in FAMILIES:
        pixels = small_clip()
        return capture(small(name), pixels), pixels.numpy()
    if recipe.channels == "events":
        clip, kind = (rng.random((5, 2, 2, *recipe.size)) < 0.1).astype(np.float32), "spike"
    else:
        clip = (rng.integers(-8, 9, (recipe.frames, 1, 3, *recipe.size)) / 8).astype(np.float32)
        kind = "real"
    return capture(models.load(name), torch.from_numpy(clip), kind=kind), clip


@cache
def recorded(name: str) -> Run:
    """Real weights, dense engine, every value kept."""
    graph, clip = captured(name)
    return simulate(graph, clip, "dense", record="all")


@pytest.mark.parametrize("name", [*ZOO, *SLOW])
def test_1_fed_with_the_same_input_each_node_counts_the_same(name: str) -> None:
    graph, _ = captured(name)
    run = recorded(name)
    params, kernels = prepare(graph, "cpu"), EventKernels()
    values = {n.name: Value(_whole(run, n), n.value) for n in graph.nodes}
    compared = 0
    for n in graph.nodes:
        if n.op == "input" or get(n.op).role == "movement":
            continue
        inputs = tuple(values[e.node] for e in n.inputs)
        assert not any(e.delay for e in n.inputs)
        calls = [
            Call(n, inputs, params[n.name], {}, 0, engine, kernels) for engine in ("dense", "event")
        ]
        a, b = (Value(get(n.op).run(call), n.value) for call in calls)
        counts = [get(n.op).count(call, out) for call, out in zip(calls, (a, b), strict=True)]
        same_counts(counts[1], counts[0])
        _within_rounding(calls[0], a.data, b.data)
        compared += n.known.role in ("weights", "product", "neuron")
    assert compared >= 2 * len(graph.neurons())


def _whole(run: Run, n: Node) -> torch.Tensor:
    """(steps, samples, *shape); a clip value has one step."""
    value = torch.from_numpy(run.trace[n.name].astype(np.float32))
    return value if n.value.steps is not None else value[None]


def _within_rounding(call: Call, a: torch.Tensor, b: torch.Tensor) -> None:
    """|a − b| ≤ 2·eps·√fan-in·Σ|w||x|; neurons and everything else: bit for bit."""
    if call.node.known.role not in ("weights", "product"):
        assert torch.equal(a, b), call.node.name
        return
    magnitudes = tuple(Value(v.data.abs(), v.type) for v in call.inputs)
    weights = {k: p.abs() for k, p in call.params.items()}
    total = get(call.node.op).run(Call(call.node, magnitudes, weights, {}))
    bound = 2 * torch.finfo(torch.float32).eps * math.sqrt(call.node.known.fan_in) * total
    assert bool(((a - b).abs() <= bound).all()), call.node.name


@pytest.mark.parametrize(
    ("name", "lowered"),
    [
        *((name, lowered) for name in ZOO for lowered in (False, True)),
        *((name, True) for name in QUICK),
        *(pytest.param(name, True, marks=pytest.mark.slow) for name in REST),
        *(pytest.param(name, False, marks=pytest.mark.slow) for name in FAMILIES),
    ],
)
def test_2_order_free_arithmetic_is_bit_equal(name: str, lowered: bool) -> None:
    graph, clip = captured(name)
    snapped = snap_weights(passes.lower(graph) if lowered else graph)
    dense = simulate(snapped, clip, "dense", record="all")
    assert dense.counts.total("spike") > (1000 if name in ZOO else 300)
    for engine, chunk in (("event", None), ("auto", 2)):
        run = simulate(snapped, clip, engine, chunk=chunk, record="all")
        assert not run.counts.differences(dense.counts)
        for n in snapped.nodes:
            np.testing.assert_array_equal(run.trace[n.name], dense.trace[n.name], err_msg=n.name)


@pytest.mark.parametrize(
    "name", [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in REST)]
)
def test_what_is_captured_is_the_model(name: str) -> None:
    """Outputs, and the dense operations of torch's counter (counting rules, section 8)."""
    graph, clip = captured(name)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        expected = small(name)(torch.from_numpy(clip))
    assert 2 * sum(graph.dense_macs().values()) == counter.get_total_flops() > 0
    run = simulate(graph, clip, "dense")
    torch.testing.assert_close(torch.as_tensor(run.outputs), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", [*ZOO, *SLOW])
def test_3_flips_of_a_free_run_are_reported(
    name: str, record_property: Callable[[str, object], None]
) -> None:
    graph, clip = captured(name)
    dense, event = recorded(name), simulate(graph, clip, "event", record="spikes")
    flips = {n: float((event.trace[n] != dense.trace[n]).mean()) for n in event.trace.values}
    for node_name, share in flips.items():
        record_property(f"{name} {node_name} flipped share", share)
    neuron_steps = sum(a.size for a in event.trace.values.values())
    assert set(flips) == {n.name for n in graph.neurons()} and neuron_steps > 5_000
    assert all(0 <= share < 0.05 for share in flips.values())  # beyond this it is no rounding
    for n in graph.neurons():
        found = event.counts.get(n.name, "neuron_active") + event.counts.get(n.name, "neuron_idle")
        assert found == n.value.size * event.steps * event.samples
