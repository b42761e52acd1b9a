"""Convolution: torch's shapes and values, brute-force counts, torch's own flop counter."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from neurosim import ops
from neurosim.errors import GraphError
from neurosim.ir.types import Kind
from neurosim.ops.convolution import axis_fan_out
from tests.ops.graphs import OF_KIND, Operand, Ran, built, input_node, node, operate, same_counts
from tests.oracles import Conv, conv_counts, dense_macs, existing_macs, fan_out

Geometry = dict[str, Any]


def geometry(rng: np.random.Generator, axes: int, transposed: bool) -> Geometry:
    """Random attributes that torch takes."""
    stride = tuple(int(s) for s in rng.integers(1, 4, axes))
    dilation = tuple(int(d) for d in rng.integers(1, 3, axes))
    extra = tuple(
        int(rng.integers(0, max(s, d))) if transposed else 0
        for s, d in zip(stride, dilation, strict=True)
    )
    return {
        "stride": stride,
        "padding": tuple(int(p) for p in rng.integers(0, 3, axes)),
        "dilation": dilation,
        "groups": int(rng.integers(1, 3)),
        "transposed": transposed,
        "output_padding": extra,
    }


def weight_of(rng: np.random.Generator, a: Geometry, channels: int, axes: int) -> np.ndarray:
    """Multiples of 1/4, a third of them 0."""
    kernel = tuple(int(k) for k in rng.integers(1, 4, axes))
    c_out = a["groups"] * int(rng.integers(1, 4))
    lead = (channels, c_out // a["groups"]) if a["transposed"] else (c_out, channels // a["groups"])
    weight = rng.integers(-4, 5, (*lead, *kernel)) / 4 * (rng.random((*lead, *kernel)) < 0.7)
    return weight.astype(np.float32)


def torch_out(
    x: torch.Tensor, w: torch.Tensor, b: torch.Tensor | None, a: Geometry
) -> torch.Tensor:
    """torch on (batch, C, *size)."""
    axes = w.ndim - 2
    if a["transposed"]:
        function = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[axes - 1]
        return function(
            x, w, b, a["stride"], a["padding"], a["output_padding"], a["groups"], a["dilation"]
        )
    function = (F.conv1d, F.conv2d, F.conv3d)[axes - 1]
    return function(x, w, b, a["stride"], a["padding"], a["dilation"], a["groups"])


SIZES = {1: (9,), 2: (6, 7), 3: (4, 5, 4)}


def case(
    seed: int, transposed: bool
) -> tuple[Operand, np.ndarray, np.ndarray | None, Geometry, str]:
    """Random layer and input whose output exists."""
    rng = np.random.default_rng(seed)
    axes = 1 + seed % 3
    kind = list(OF_KIND)[seed % 4]
    while True:
        a = geometry(rng, axes, transposed)
        w = weight_of(rng, a, 2, axes)
        bias = (rng.integers(-4, 5, w.shape[1] * a["groups"] if transposed else len(w)) / 4).astype(
            np.float32
        )
        x = OF_KIND[kind](rng, 2, 2, 2, *SIZES[axes])
        try:
            out = torch_out(torch.from_numpy(x.n[0]), torch.from_numpy(w), None, a)
        except RuntimeError:
            continue
        if out.numel():
            return x, w, bias if seed % 2 else None, a, kind


def run(x: Operand, w: np.ndarray, bias: np.ndarray | None, a: Geometry) -> Ran:
    """Through the engine."""
    params = {"weight": w} if bias is None else {"weight": w, "bias": bias}
    return operate("convolution", x, params=params, **a)


CASES = [(seed, transposed) for seed in range(18) for transposed in (False, True)]


@pytest.mark.parametrize(("seed", "transposed"), CASES)
def test_shapes_values_and_counts(seed: int, transposed: bool) -> None:
    x, w, bias, a, kind = case(seed, transposed)
    found = run(x, w, bias, a)
    b = None if bias is None else torch.from_numpy(bias)
    expected = torch_out(torch.from_numpy(x.n).flatten(0, 1), torch.from_numpy(w), b, a)
    assert found.type.shape == tuple(expected.shape[1:])
    assert found.type.kind is Kind.REAL and not found.type.masked
    np.testing.assert_allclose(
        found.out, expected.unflatten(0, (2, 2)).numpy(), rtol=1e-5, atol=1e-5
    )
    same_counts(found.counts, conv_counts(x.n, kind, w, bias=bias is not None, **a))


@pytest.mark.parametrize(("seed", "transposed"), CASES)
def test_facts(seed: int, transposed: bool) -> None:
    x, w, bias, a, _ = case(seed, transposed)
    facts = run(x, w, bias, a).facts
    layer = Conv(
        w.shape,
        a["stride"],
        a["padding"],
        "zeros",
        a["dilation"],
        a["groups"],
        transposed,
        a["output_padding"],
    )
    targets = fan_out(x.shape, layer)
    assert facts.fan_out == (targets.min(), targets.mean(), targets.max())
    assert facts.fan_out_total == targets.sum()
    assert facts.dense_macs == 2 * dense_macs(x.shape, layer)
    assert facts.existing_macs == 2 * existing_macs(x.shape, layer)
    assert facts.weight_zeros == np.sum(w == 0) and facts.bias is (bias is not None)
    with FlopCounterMode(display=False) as flops:
        torch_out(torch.from_numpy(x.n).flatten(0, 1), torch.from_numpy(w), None, a)
    assert 2 * sum(flops_of(x, w, bias, a).values()) == flops.get_total_flops()


def flops_of(x: Operand, w: np.ndarray, bias: np.ndarray | None, a: Geometry) -> dict[str, int]:
    """dense_macs of the whole graph: all steps and samples."""
    return run(x, w, bias, a).graph.dense_macs()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.integers(1, 9),
    st.integers(1, 4),
    st.integers(1, 3),
    st.integers(0, 3),
    st.integers(1, 3),
    st.booleans(),
)
def test_fan_out_of_an_axis_is_brute_force(
    size: int, kernel: int, stride: int, padding: int, dilation: int, transposed: bool
) -> None:
    layer = Conv((1, 1, kernel), stride, padding, "zeros", dilation, 1, transposed)
    reach = dilation * (kernel - 1) + 1
    out = (
        (size - 1) * stride - 2 * padding + reach
        if transposed
        else (size + 2 * padding - reach) // stride + 1
    )
    if out < 1:
        return
    found = axis_fan_out(size, out, kernel, stride, padding, dilation, transposed)
    np.testing.assert_array_equal(found, fan_out((1, size), layer)[0])


def test_negative_payloads_count_by_magnitude() -> None:
    n = np.zeros((1, 1, 1, 3), np.float32)
    n[0, 0, 0, 0], n[0, 0, 0, 1] = -2, 3
    a = {
        "stride": (1,),
        "padding": (1,),
        "dilation": (1,),
        "groups": 1,
        "transposed": False,
        "output_padding": (0,),
    }
    found = run(Operand(n, "graded", scale=-0.5), np.ones((1, 1, 3), np.float32), None, a)
    assert (found.total("graded_synapse"), found.total("graded_unit")) == (2 + 3, 2 * 2 + 3 * 3)
    np.testing.assert_allclose(found.out[0, 0], [[-0.5, -0.5, -1.5]])


def plain(axes: int = 1) -> Geometry:
    """Kernel of any size, stride 1, nothing else."""
    one = (1,) * axes
    return {
        "stride": one,
        "padding": (0,) * axes,
        "dilation": one,
        "groups": 1,
        "transposed": False,
        "output_padding": (0,) * axes,
    }


def test_counts_are_exact_past_two_to_the_32() -> None:
    # 70,001 outputs × 65,537 active inputs = 4,587,655,537 > 2^32; odd, so that a float32 sum shows
    size, channels = 65_537, 70_001
    graph = built(
        [
            input_node((1, size), 1),
            node("y", "convolution", "clip", params={"weight": "w"}, **plain()),
        ],
        {"w": np.broadcast_to(np.float32(1), (channels, 1, 1))},
        1,
    )
    from neurosim.ops._value import Call, Value

    y = graph["y"]
    x = Value(torch.ones(1, 1, 1, size), graph["clip"].value)
    out = Value(torch.empty(1, 1, 1, 1).expand(1, 1, channels, size), y.value)
    weight = torch.ones(1).expand(channels, 1, 1)
    counts = ops.get("convolution").count(Call(y, (x,), {"weight": weight}, {}), out)
    assert int(counts["synapse"].item()) == size * channels == y.known.fan_out_total
    assert int(counts["state_write"].item()) == size * channels


def test_wrong_operands_are_named() -> None:
    for shape, what in (((3, 5), "expects 2 input channels, got 3"), ((2, 5, 5), "expects 2 axes")):
        with pytest.raises(GraphError, match=f"'y'.*{what}"):
            built(
                [
                    input_node(shape, 1),
                    node("y", "convolution", "clip", params={"weight": "w"}, **plain()),
                ],
                {"w": np.ones((1, 2, 3), np.float32)},
                1,
            )
