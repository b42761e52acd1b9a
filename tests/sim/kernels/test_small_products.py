"""Small products and what is counted on the way, against brute force in every memory order."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from neurosim.sim.kernels import small_products as kernels
from neurosim.sim.kernels.small_products import Laid, Met, fits, small_products
from neurosim.sim.simulate import simulate
from tests.ops.graphs import built, input_node, node
from tests.passes.networks import neuron

AXES = range(5)


def laid(x: np.ndarray) -> Laid:
    """The memory of an array, by brute force: every element's place."""
    apart = tuple(s // 4 for s in x.strides)
    length = 1 + sum((n - 1) * s for n, s in zip(x.shape, apart, strict=True))
    return Laid(np.lib.stride_tricks.as_strided(x, (length,), (4,)), apart)


def in_order(x: np.ndarray, order: tuple[int, ...]) -> np.ndarray:
    return np.ascontiguousarray(x.transpose(order)).transpose(np.argsort(order))


def expected(a: np.ndarray, b: np.ndarray, scale: float) -> tuple[np.ndarray, Met]:
    n, m = a.astype(np.int64), b.astype(np.int64)
    product, every = n @ m, (2, 3, 4)
    pairs = ((n != 0).astype(np.int64) @ (m != 0)).sum(every)
    return (scale * product).astype(np.float32), Met(
        (n != 0).sum(every), (m != 0).sum(every), (product != 0).sum(every), pairs,
        product.sum(every),
    )  # fmt: skip


@pytest.mark.parametrize("most", [1, 5])
@pytest.mark.parametrize("sizes", [(2, 3, 2, 4, 3, 16), (1, 2, 1, 7, 17, 32), (3, 1, 3, 33, 5, 16)])
def test_in_every_memory_order_that_fits(sizes: tuple[int, ...], most: int) -> None:
    rng, (t, b, h, m, k, n) = np.random.default_rng(sum(sizes)), sizes
    left = rng.integers(0, most + 1, (t, b, h, m, k)).astype(np.float32)
    right = rng.integers(0, 2, (t, b, h, k, n)).astype(np.float32)
    out, met = expected(left, right, 0.25)
    orders = [o for o in itertools.permutations(AXES) if o[-1] in (3, 4)]
    assert len(orders) == 48
    for order in orders:
        one, two = in_order(left, order), in_order(0.25 * right, (1, 0, 3, 2, 4))
        a, b_ = laid(one), laid(two)
        assert fits(a, b_, sizes)
        found, seen = small_products(a, b_, sizes, 0.25)
        np.testing.assert_array_equal(found, out)
        for name, value, truth in zip(Met._fields, seen, met, strict=True):
            np.testing.assert_array_equal(value, truth, name)
            assert value.dtype == np.int64
        by_rows = order.index(3) < order.index(2) and h > 1
        assert (found.strides[3] > found.strides[2]) == by_rows or h == 1


def test_what_does_not_fit() -> None:
    x = np.zeros((1, 1, 1, 16, 16), np.float32)
    sizes = (1, 1, 1, 16, 16, 16)
    assert fits(laid(x), laid(x), sizes)
    assert not fits(laid(x), laid(x.swapaxes(3, 4)), sizes)  # columns of b far apart
    wide = np.zeros((1, 1, 1, 16, 32), np.float32)[..., ::2]
    assert not fits(laid(wide), laid(x), sizes)
    assert not fits(laid(x), laid(x[..., :15]), (*sizes[:5], 15))


def test_the_number_of_threads_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    x = (rng.random((16, 16, 4, 16, 16)) < 0.2).astype(np.float32)
    before, found = torch.get_num_threads(), []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        found.append(small_products(laid(x), laid(x), (16, 16, 4, 16, 16, 16), 1.0))
    torch.set_num_threads(before)
    np.testing.assert_array_equal(found[0][0], found[1][0])
    for one, two in zip(found[0][1], found[1][1], strict=True):
        np.testing.assert_array_equal(one, two)


def watched(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Sizes of the products that the kernel is asked for from now on."""
    called: list[tuple[int, ...]] = []

    def call(a: Laid, b: Laid, sizes: tuple[int, ...], scale: float) -> tuple[np.ndarray, Met]:
        called.append(sizes)
        return small_products(a, b, sizes, scale)

    monkeypatch.setattr(kernels, "small_products", call)
    return called


@pytest.mark.parametrize("lead", [(), (4,), (2, 2)])
def test_attention_in_a_graph_counts_as_torch_does(
    lead: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """q · (kᵀ · v), from tokens × heads × features as a model lays them out."""
    shape = (6, *lead, 16)
    turned = [*range(1, len(shape) - 1), 0, len(shape) - 1]
    flipped = [*range(len(shape) - 2), len(shape) - 1, len(shape) - 2]
    nodes = [input_node(shape, 3)]
    for name in "qkv":
        nodes += [neuron(name, "clip"), node(f"{name}t", "permute", name, order=turned)]
    nodes += [
        node("kf", "permute", "kt", order=flipped),
        node("kv", "matmul", "kf", "vt"),
        node("out", "matmul", "qt", "kv"),
        neuron("last", "out"),
    ]
    graph = built(nodes, {}, 3)
    clip = (np.random.default_rng(1).random((3, 2, *shape)) < 0.4).astype(np.float32)
    called = watched(monkeypatch)
    dense, auto = (simulate(graph, clip, engine, record="all") for engine in ("dense", "auto"))
    assert auto.counts == dense.counts
    assert dense.counts.total("coincidence") > 0
    assert len(called) == (2 if len(lead) < 2 else 0)  # heads along two axes are torch's
    for name in ("kv", "out", "last"):
        np.testing.assert_array_equal(auto.trace[name], dense.trace[name])


def test_large_ones_are_left_to_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = [input_node((16, 16), 2), node("t", "permute", "clip", order=[1, 0]),
             node("y", "matmul", "t", "clip")]  # fmt: skip
    graph = built(nodes, {}, 2)
    clip = (np.random.default_rng(2).random((2, 1, 16, 16)) < 0.3).astype(np.float32)
    called = watched(monkeypatch)
    runs = [simulate(graph, clip)]
    assert called == [(2, 1, 1, 16, 16, 16)] and math.prod(called[0][2:]) <= kernels.MOST
    monkeypatch.setattr(kernels, "MOST", 16**3 - 1)
    runs.append(simulate(graph, clip))
    assert len(called) == 1 and runs[0].counts == runs[1].counts
    np.testing.assert_array_equal(runs[0].outputs, runs[1].outputs)
