"""Disturbed weights: by the book, by name, once for each tensor."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim import passes
from neurosim.data.noise import Noise, stream
from neurosim.errors import ClipError
from neurosim.ir.graph import Graph
from neurosim.ir.store import load_graph
from tests.ops.graphs import built, input_node, node
from tests.passes.networks import RandomNet, body, clip, conv, neuron, ran

RNG = np.random.default_rng(0)


def graph() -> Graph:
    """Two convolutions on one weight, a linear map, biases and a norm's coefficients."""
    params = {"shared": RNG.normal(0.1, 0.4, (3, 3, 3, 3)), "b": RNG.normal(size=3)}
    params |= {"fc": RNG.normal(-1, 2, (60, 192)), "s": np.array(0.5)}
    nodes = [input_node((3, 8, 8), 5)]
    nodes += [conv("c1", "clip", {"weight": "shared", "bias": "b"}, padding=(1, 1))]
    nodes += [neuron("n1", "c1"), conv("c2", "n1", {"weight": "shared"}, padding=(1, 1))]
    nodes += [node("scale", "affine", "c2", params={"scale": "s"}), neuron("n2", "scale")]
    nodes += [node("flat", "reshape", "n2", shape=(192,))]
    nodes += [node("fc", "linear", "flat", params={"weight": "fc"})]
    return built(nodes, {k: v.astype(np.float32) for k, v in params.items()}, 5, 2)


def test_by_the_book() -> None:
    before = graph()
    after = passes.weight_noise(before, sigma=0.2, seed=3)
    for key in ("shared", "fc"):
        weight = before.params[key]
        drawn = stream(key, Noise("weight", 0.2), 3).standard_normal(weight.shape)
        expected = weight + drawn * 0.2 * weight.std(ddof=1)
        np.testing.assert_allclose(after.params[key], expected, rtol=1e-6, atol=1e-7)
        assert after.params[key].dtype == np.float32
    for key in ("b", "s"):
        np.testing.assert_array_equal(after.params[key], before.params[key])
    moved = (after.params["fc"] - before.params["fc"]) / before.params["fc"].std()
    n = moved.size
    assert abs(moved.mean()) < 4 * 0.2 / n**0.5 and abs(moved.std() / 0.2 - 1) < 4 / (2 * n) ** 0.5


def test_a_shared_weight_is_disturbed_once_and_stays_shared() -> None:
    before = graph()
    after = passes.weight_noise(before, sigma=0.2)
    assert set(after.params) == set(before.params) and body(after) == body(before)
    assert after["c1"].params["weight"] == after["c2"].params["weight"] == "shared"
    alone = built(
        [input_node((3, 8, 8), 5), conv("c", "clip", {"weight": "shared"})],
        {"shared": before.params["shared"]},
        5,
    )
    twin = passes.weight_noise(alone, sigma=0.2)
    np.testing.assert_array_equal(twin.params["shared"], after.params["shared"])


def test_name_level_and_seed_decide() -> None:
    before = graph()
    kept = {k: v.copy() for k, v in before.params.items()}
    a, b, c = (passes.weight_noise(before, sigma=0.2, seed=s) for s in (0, 0, 1))
    d = passes.weight_noise(before, sigma=0.3, seed=0)
    for key in ("shared", "fc"):
        np.testing.assert_array_equal(a.params[key], b.params[key])
        np.testing.assert_array_equal(before.params[key], kept[key])
        assert (a.params[key] != c.params[key]).mean() > 0.9
        unit = [(g.params[key] - kept[key]) / s for g, s in ((a, 0.2), (d, 0.3))]
        assert abs(np.corrcoef(unit[0].ravel(), unit[1].ravel())[0, 1]) < 0.4
    none = passes.weight_noise(before, sigma=0.0)
    assert all((none.params[k] == kept[k]).all() for k in kept)


def test_the_pipeline_says_how_much(tmp_path) -> None:
    disturbed = passes.weight_noise(graph(), sigma=0.2, seed=3)
    assert disturbed.pipeline == ("capture", "weight_noise(seed=3, sigma=0.2)")
    lowered = passes.lower(disturbed)
    assert lowered.pipeline[1:3] == ("weight_noise(seed=3, sigma=0.2)", passes.PIPELINE[0])
    assert load_graph(lowered.save(tmp_path / "g.graph")).pipeline == lowered.pipeline


def test_spikes_change_and_silence_counts_as_before() -> None:
    net, x = RandomNet(2).graph(), clip(2)
    noisy = passes.weight_noise(net, sigma=0.5)
    a, b = ran(net, x), ran(noisy, x)
    assert any((a.trace[n] != b.trace[n]).any() for n in a.trace.values)
    first = next(n.name for n in net if n.op == "convolution")
    for event in ("synapse", "add"):
        assert a.counts.get(first, event) == b.counts.get(first, event)


def test_bad_sigma() -> None:
    with pytest.raises(ClipError, match="at noise 'weight': found level -0.1; give a number"):
        passes.weight_noise(graph(), sigma=-0.1)
