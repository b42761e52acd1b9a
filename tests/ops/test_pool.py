"""Pooling: torch's shapes and values, the oracle's arithmetic, kinds of section 2."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from neurosim.sim.simulate import simulate
from tests.ops.graphs import OF_KIND, Operand, built, events, input_node, node, operate, same_counts
from tests.oracles import average_pool, kind_of, max_pool, other_memory
from tests.oracles.kinds import MASKED, REAL, SPIKE, graded

KINDS = {"spike": SPIKE, "graded": graded(-3, 3), "real": REAL, "masked": MASKED}
SIZES = {1: (9,), 2: (7, 6), 3: (5, 5, 6)}


def geometry(seed: int, mode: str) -> tuple[int, dict[str, Any]]:
    """Random attributes that torch takes."""
    rng = np.random.default_rng(seed)
    axes = 1 + seed % 3
    kernel = tuple(int(k) for k in rng.integers(1, 4, axes))
    stride = tuple(int(s) for s in rng.integers(1, 4, axes))
    padding = tuple(int(rng.integers(0, k // 2 + 1)) for k in kernel)
    dilation = tuple(int(d) for d in rng.integers(1, 3, axes)) if mode == "max" else (1,) * axes
    return axes, {
        "mode": mode,
        "kernel": kernel,
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
        "ceil_mode": bool(rng.integers(2)),
        "count_include_pad": bool(rng.integers(2)),
        "divisor": None,
    }


def torch_pool(x: torch.Tensor, a: dict[str, Any], axes: int) -> torch.Tensor:
    if a["mode"] == "max":
        function = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[axes - 1]
        return function(x, a["kernel"], a["stride"], a["padding"], a["dilation"], a["ceil_mode"])
    function = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[axes - 1]
    return function(
        x, a["kernel"], a["stride"], a["padding"], a["ceil_mode"], a["count_include_pad"]
    )


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("mode", ["average", "max"])
def test_shapes_values_kinds_and_counts(seed: int, mode: str) -> None:
    axes, a = geometry(seed, mode)
    kind = list(KINDS)[seed % 4]
    x = OF_KIND[kind](np.random.default_rng(seed), 2, 2, 3, *SIZES[axes])
    found = operate("pool", x, **a)
    expected = torch_pool(torch.from_numpy(x.n).flatten(0, 1), a, axes).unflatten(0, (2, 2)).numpy()
    assert found.type.shape == expected.shape[2:]
    np.testing.assert_allclose(found.out, expected, rtol=1e-6, atol=1e-6)
    k, size = math.prod(a["kernel"]), found.type.size
    if mode == "max":
        rule, work = kind_of("max_pool", KINDS[kind]), max_pool(size, k)
    else:
        constant = not a["ceil_mode"] and (a["count_include_pad"] or not any(a["padding"]))
        rule, work = (
            kind_of("average_pool", KINDS[kind], window=k, constant_divisor=constant),
            average_pool(size, k),
        )
    if k > 1:
        assert (found.type.kind.value, found.type.masked) == (rule.kind, rule.masked)
    same_counts(found.counts, events(work, other_memory(3 * math.prod(SIZES[axes]), size)))


@pytest.mark.parametrize("seed", range(6))
def test_average_of_integers_is_scale_times_an_integer_in_range(seed: int) -> None:
    axes, a = geometry(seed, "average")
    a |= {"ceil_mode": False, "count_include_pad": True}
    x = OF_KIND["graded"](np.random.default_rng(seed), 2, 2, 3, *SIZES[axes])
    found = operate("pool", Operand(x.n, "graded", 0.5, (-3, 3)), **a)
    n = found.out / float(found.type.scale)
    np.testing.assert_allclose(n, n.round(), atol=1e-4)
    assert found.type.lo <= n.min() and n.max() <= found.type.hi
    assert float(found.type.scale) == pytest.approx(0.5 / math.prod(a["kernel"]))


PLAIN = {
    "kernel": (2,),
    "stride": (2,),
    "padding": (0,),
    "dilation": (1,),
    "ceil_mode": False,
    "count_include_pad": True,
    "divisor": None,
}


def test_the_largest_of_negative_multiples_is_real() -> None:
    x = OF_KIND["spike"](np.random.default_rng(0), 1, 1, 2, 4)
    assert (
        operate("pool", Operand(x.n, "spike", -1.0), mode="max", **PLAIN).type.kind.value == "real"
    )


def test_a_divisor_of_its_own() -> None:
    x = OF_KIND["spike"](np.random.default_rng(0), 1, 1, 2, 4, 4)
    two = {k: (v * 2 if isinstance(v, tuple) else v) for k, v in PLAIN.items()} | {"divisor": 3}
    found = operate("pool", x, mode="average", **two)
    assert found.type.scale == pytest.approx(1 / 3)
    np.testing.assert_allclose(
        found.out, F.avg_pool2d(torch.from_numpy(x.n[0]), 2, divisor_override=3)[None]
    )


@pytest.mark.parametrize("scale", [np.float32([[1.0], [0.5]]), np.float32([[1, 2, 1, 2]])])
def test_a_scale_along_the_pooled_axis_is_real(scale: np.ndarray) -> None:
    x = OF_KIND["spike"](np.random.default_rng(0), 2, 1, 2, 4)
    graph = built(
        [
            input_node((2, 4), 2),
            node("s", "affine", "clip", params={"scale": "s"}),
            node("y", "pool", "s", mode="max", **PLAIN),
        ],
        {"s": scale},
        2,
    )
    per_channel = scale.shape == (2, 1)
    assert graph["y"].value.kind.value == ("spike" if per_channel else "real")
    run = simulate(graph, x.n, "dense", record=["y"])
    np.testing.assert_array_equal(run.trace["y"], (x.n * scale).reshape(2, 1, 2, 2, 2).max(-1))
