"""Norms per step become the norm of their mean statistics; other norms stay."""

from __future__ import annotations

import numpy as np

from neurosim import passes
from neurosim.ir.graph import Graph
from tests.ops.graphs import built, input_node
from tests.passes.networks import STEPS, body, conv, neuron, norm, norm_params, ran

RNG = np.random.default_rng(0)
WEIGHT = {"w": RNG.normal(0.2, 0.3, (4, 3, 3, 3)).astype(np.float32)}


def graph(per_step: bool) -> Graph:
    rng = np.random.default_rng(1)
    params = WEIGHT | norm_params(rng, "b", 4, STEPS if per_step else 1)
    nodes = [input_node((3, 8, 8), STEPS), conv("c", "clip", {"weight": "w"})]
    return built([*nodes, norm("b", "c", 0, per_step), neuron("n", "b")], params, STEPS, 2)


def test_one_norm_of_the_means_which_folds_into_the_weights() -> None:
    found = passes.average_bn(graph(True))
    held = {role: found.params[key] for role, key in found["b"].params.items()}
    for role, rows in held.items():
        stepwise = graph(True).params[f"b.{role}"]
        np.testing.assert_allclose(rows, stepwise.mean(axis=0, keepdims=True), rtol=1e-6)
    lowered = passes.lower(found)
    assert [n.op for n in lowered] == ["input", "convolution", "neuron"]
    bias = lowered.params[lowered["n"].params["affine_bias"]]
    assert len(bias) == 1, "one bias a channel, not one a step"


def test_equal_statistics_change_no_spike_and_other_norms_stay() -> None:
    shared = graph(False)
    assert body(passes.average_bn(shared)) == body(shared)
    rows = {k: np.repeat(v, STEPS, 0) if k[0] == "b" else v for k, v in shared.params.items()}
    stepwise = graph(True)
    same = built(list(stepwise.nodes), rows, STEPS, 2)
    x = (np.random.default_rng(2).random((STEPS, 2, 3, 8, 8)) < 0.4).astype(np.float32)
    before, after = ran(passes.lower(same), x), ran(passes.lower(passes.average_bn(same)), x)
    different = before.trace["n"] != after.trace["n"]
    assert before.trace["n"].any() and different.mean() < 1e-3  # folded: other roundings
