"""Shapes where NIR's own inference is wrong, and what does not fit."""

from __future__ import annotations

from typing import Any

import nir
import numpy as np
import pytest
import torch
import torch.nn.functional as F

import neurosim as ns
from neurosim.errors import NirError
from tests.exchange.nir.graphs import program


def conv(weight: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1) -> Any:
    bias = np.zeros(len(weight), np.float32)
    return nir.Conv2d(None, np.asarray(weight, np.float32), stride, padding, dilation, groups, bias)


def alone(made: Any, *shape: int) -> Any:
    return program(
        ("input", nir.Input(np.array(shape))), ("it", made), ("output", nir.Output(np.array([1])))
    )


def test_what_nirs_own_inference_gets_wrong() -> None:
    """A kernel of 3×1, and two groups: NIR takes the height for the width, one group for all."""
    weight = np.random.default_rng(0).integers(-4, 5, (4, 2, 3, 1)).astype(np.float32)
    made = alone(conv(weight, (1, 2), (1, 0), 1, 2), 4, 6, 7)
    graph = ns.from_nir(made)
    x = torch.randint(-3, 4, (1, 1, 4, 6, 7)).float()
    wanted = F.conv2d(x[0], torch.from_numpy(weight), None, (1, 2), (1, 0), 1, 2)
    assert torch.equal(ns.simulate(graph, x, "dense").outputs[0], wanted)
    with pytest.raises(ValueError):
        nir.NIRGraph(made.nodes, made.edges)  # and so its check refuses it


def test_sample_axes_of_the_exporter_are_left_out() -> None:
    weight = np.ones((2, 3, 3, 3))
    graph = ns.from_nir(alone(conv(weight), 1, 3, 8, 8))
    assert graph.inputs[0].value.shape == (3, 8, 8)
    linear = nir.Linear(np.ones((2, 5), np.float32))
    assert ns.from_nir(alone(linear, 4, 7, 5)).inputs[0].value.shape == (5,)
    assert ns.from_nir(alone(conv(weight), 9), input_shape=(3, 5, 6))["it"].value.shape == (2, 3, 4)


def test_a_linear_map_for_each_place() -> None:
    """NIR's weight of more than two axes: y[k] = W[k] x[k]."""
    rng = np.random.default_rng(0)
    weight = rng.integers(-4, 5, (2, 3, 4, 5)).astype(np.float32)
    bias = rng.integers(-4, 5, (2, 3, 4)).astype(np.float32)
    x = torch.from_numpy(rng.integers(-3, 4, (2, 2, 2, 3, 5)).astype(np.float32))
    for made, extra in ((nir.Linear(weight), bias * 0), (nir.Affine(weight, bias), bias)):
        graph = ns.from_nir(alone(made, 2, 3, 5))
        wanted = torch.einsum("kjoi,tbkji->tbkjo", torch.from_numpy(weight), x)
        wanted = wanted + torch.from_numpy(extra)
        run = ns.simulate(graph, x, "dense")
        assert torch.equal(run.outputs, wanted)
        assert graph.dense_macs() == {"it.blocks": 2 * 3 * 4 * 5 * graph.steps}


ONES = np.ones((2, 3, 3, 3))
WRONG: dict[str, Any] = {
    "takes 6 channels": alone(conv(ONES, groups=2), 3, 8, 8),
    "do not split into 3 groups": alone(conv(ONES, groups=3), 9, 8, 8),
    "does not fit into": alone(conv(ONES), 3, 2, 2),
    "which torch does not define": alone(conv(ONES, 2, "same"), 3, 8, 8),
    "start at 1": alone(conv(ONES, 0), 3, 8, 8),
    "expects 0 or more": alone(conv(ONES, 1, -1), 3, 8, 8),
    "expects 2 whole numbers": alone(conv(ONES, (1, 1, 1)), 3, 8, 8),
    "takes 3 axes": alone(conv(ONES), 8, 8),
    "add a Flatten": program(
        ("input", nir.Input(np.array([2, 2]))),
        ("it", nir.Threshold(np.ones((2, 2)))),
        ("fc", nir.Linear(np.ones((1, 4)))),
    ),
    "flattens axes 2 to": alone(nir.Flatten({"input": np.array([4])}, 0, 0), 4),
    "more than half": alone(nir.AvgPool2d(*(np.array([k, k]) for k in (2, 1, 2))), 1, 4, 4),
    "does not fit values": alone(nir.Scale(np.ones(3)), 4),
}  # fmt: skip
WRONG["flattens axes 2 to"].nodes["it"].start_dim = 2


@pytest.mark.parametrize("said", WRONG)
def test_what_does_not_fit_is_named(said: str) -> None:
    with pytest.raises(NirError, match=f"at '(it|fc)' .*{said}"):
        ns.from_nir(WRONG[said])


def test_everything_wrong_is_told_at_once() -> None:
    made = program(
        ("input", nir.Input(np.array([4]))), ("a", nir.Scale(np.ones(3))),
        ("b", nir.LIF(*[np.ones(4)] * 5)), ("c", nir.Scale(np.full(4, np.nan))),
        ("output", nir.Output(np.array([4]))),
    )  # fmt: skip
    with pytest.raises(NirError) as error:
        ns.from_nir(made)
    assert all(f"at '{name}'" in str(error.value) for name in "abc")
