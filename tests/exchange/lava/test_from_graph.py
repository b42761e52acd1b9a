"""What becomes of which node; what Lava cannot hold, all at once; Lava's own arithmetic."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from neurosim import passes
from neurosim.exchange.lava.from_graph import lava_shape, plan_of, standard_order
from neurosim.exchange.lava.network import prepared
from neurosim.exchange.lava.plan import LavaError, Plan, aligned
from neurosim.ir.fixed_point import FixedPoint
from neurosim.ir.neuron import LIF
from neurosim.ops._neuron_fixed import scan_steps
from tests.exchange.lava.networks import (
    CASES,
    biased,
    convolutional,
    fire,
    residual,
    weight,
    with_bias,
)  # fmt: skip
from tests.ops.graphs import built, input_node, node
from tests.passes.networks import conv


def fixed_plan(name: str, steps: int = 8) -> Plan:
    return plan_of(prepared(passes.quantize(CASES[name](steps).graph)))


def test_lavas_axes() -> None:
    order = standard_order((3, 4, 5))
    assert lava_shape((3, 4, 5)) == (5, 4, 3) and lava_shape((6, 2)) == (12,)
    assert order[2, 1, 4] == np.ravel_multi_index((4, 1, 2), (5, 4, 3))


def test_kernels_are_flipped_and_convolve_as_torch_correlates() -> None:
    from lava.proc.conv.utils import conv as lava_conv

    case = convolutional(4)
    unit = plan_of(case.graph).by_name["b"]
    x = np.random.default_rng(0).integers(0, 2, (6, 11, 6)).astype(np.float64)
    s = unit.settings
    given = (s["stride"], s["padding"], s["dilation"], s["groups"])
    found = lava_conv(x.T, unit.arrays["weight"], unit.arrays["weight"].shape[1:3], *given)
    a, w = case.graph["b"].attrs, torch.from_numpy(case.graph.params["b.w"]).double()
    ours = F.conv2d(torch.from_numpy(x.copy()), w, None, a["stride"], a["padding"], a["dilation"],
                    a["groups"])  # fmt: skip
    np.testing.assert_allclose(found.T, ours.numpy(), atol=1e-12)
    straight = case.graph.params["b.w"].transpose(0, 3, 2, 1)
    other = lava_conv(x.T, straight, straight.shape[1:3], *given)
    assert not np.allclose(other.T, ours.numpy()), "unflipped kernels would go unseen"


def test_lavas_fixed_point_neuron_is_ours() -> None:
    """``PyLifModelBitAcc`` called step by step in this process: wraps and saturates alike."""
    from lava.proc.lif.models import PyLifModelBitAcc

    rng, n, steps = np.random.default_rng(0), 40, 60
    for du, dv, vth, size in ((4095, 700, 90, 60), (300, 0, 131071, 100_000), (0, 4095, 0, 9)):
        x = rng.integers(-size, size, (steps, 1, n))
        model: Any = PyLifModelBitAcc({})
        model.u, model.v = np.zeros(n, np.int32), np.zeros(n, np.int32)
        model.du, model.dv, model.vth = np.array([du]), np.array([dv]), np.array([vth])
        model.bias_mant = rng.integers(-4095, 4096, n).astype(np.int16)
        model.bias_exp = rng.integers(0, 8, n).astype(np.int16)
        model.scale_threshold()
        lava = np.zeros((steps, n))
        for t in range(steps):
            model.scale_bias()
            model.subthr_dynamics(x[t, 0].astype(np.int32))
            lava[t] = model.spiking_activation()
            model.reset_voltage(lava[t].astype(bool))
        bias = torch.from_numpy(model.bias_mant.astype(np.int64) << model.bias_exp)
        zero = torch.zeros((1, n), dtype=torch.int64)
        ours, state = scan_steps(
            FixedPoint(du + 1, dv, vth << 6), torch.from_numpy(x).float(), bias,
            {"u": zero, "v": zero},
        )  # fmt: skip
        assert 0 < lava.mean() < 1
        np.testing.assert_array_equal(ours[:, 0].numpy(), lava)
        np.testing.assert_array_equal(state["v"][0].numpy(), model.v)
        np.testing.assert_array_equal(state["u"][0].numpy(), model.u)


def test_weights_are_mantissas_with_an_exponent_and_bias_too() -> None:
    plan, graph = fixed_plan("with_bias"), passes.quantize(with_bias(8).graph)
    unit = plan.by_name["b"]
    mantissa, exponent = unit.arrays["weight"], unit.settings["exponent"]
    columns = standard_order((4, 6, 6)).reshape(-1)
    stored = graph.params[graph["b"].params["weight"]]
    np.testing.assert_array_equal(mantissa[:, columns] * 2**exponent, stored)
    assert np.abs(mantissa).max() <= 254 and exponent > 0
    lif = plan.by_name["b.n"]
    bias = lif.arrays["bias_mant"] << lif.arrays["bias_exp"]
    np.testing.assert_array_equal(bias, graph.params[graph["b.n"].params["fixed_bias"]])


def test_pools_sums_and_tokens() -> None:
    plan, depth = aligned(plan_of(prepared(residual(8).graph)))
    kinds = {u.name: u.kind for u in plan.units}
    assert kinds["most.any"] == "conv" and kinds["most"] == "lif" and kinds["mean"] == "conv"
    assert kinds["t"] == "sparse" and kinds["a"] == "conv" and kinds["a+1"] == "conv"
    links = {u.name: sorted(link.unit for link in u.inputs) for u in plan.units}
    assert links["b.n"] == ["a+1", "b"], "the sum waits for its longer path"
    assert links["c.n"] == ["c", "d"] and depth["c"] == depth["d"]
    assert [depth[n] for n in ("a.n", "b.n", "c.n", "t.n")] == [1, 2, 4, 5]


def test_everything_unmappable_is_listed_in_one_line() -> None:
    rng = np.random.default_rng(0)
    params = {"a.w": weight(rng, 4, 2, 3, 3), "b.w": weight(rng, 4, 4)}
    nodes = [
        input_node((2, 6, 6), 5),
        conv("a", "clip", biased(rng, params, "a")),
        fire("soft", "a", LIF(v_decay=0.5, reset="subtract")),
        node("mean", "reduce", "soft", axes=(1, 2), mode="mean", keepdim=False),
        node("b", "linear", "mean", params={"weight": "b.w"}),
        node("relu", "activation", "b", function="relu"),
        fire("n", "relu"),
    ]
    graph = prepared(built(nodes, params, 5))
    with pytest.raises(LavaError) as raised:
        plan_of(graph)
    said = str(raised.value)
    assert all(name in said for name in ("'soft'", "'mean'", "'relu'")) and "\n" not in said
    assert "subtract" in said and "--until" in said
    with pytest.raises(LavaError, match="no neuron called x; known: soft, n"):
        plan_of(graph, ["x"])


def test_loops_need_a_step_for_every_connection() -> None:
    graph = CASES["recurrent"](5).graph
    nodes = [
        replace(n, inputs=tuple(replace(e, delay=min(e.delay, 1)) for e in n.inputs))
        if n.name == "s"
        else n
        for n in graph
    ]
    fits, depth = aligned(plan_of(prepared(graph.with_nodes(tuple(nodes)))))
    assert not [u.name for u in fits.units if "+" in u.name] and depth["b.n"] == 2
    extra = node("s.n", "neuron", "s", equation=LIF(v_decay=0.5).to_dict())
    again = node("s2", "linear", "s.n", params={"weight": "s.w"})
    longer = [n if n.name != "b.sum" else node("b.sum", "add", "b", "s2") for n in nodes]
    at = [n.name for n in longer].index("b.sum")
    whole = built([*longer[:at], extra, again, *longer[at:]], dict(graph.params), 5)
    with pytest.raises(LavaError, match="longer delay"):
        aligned(plan_of(prepared(whole)))
