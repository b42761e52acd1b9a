"""Costs: terms by hand, a fit that finds what made its rows, files that are ours or are not."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from neurosim.sim import calibrate, cost
from neurosim.sim.cost import DENSE_TERMS, EVENT_TERMS, Costs, Work, shipped, work
from tests.ops.graphs import built, input_node, node
from tests.passes.networks import conv, neuron


def test_work_of_a_convolution_and_a_linear_layer() -> None:
    params = {"w": np.ones((80, 8, 3, 3), np.float32), "fc": np.ones((5, 720), np.float32)}
    nodes = [
        input_node((16, 6, 6), 4),
        conv("c", "clip", {"weight": "w"}, stride=(2, 2), padding=(1, 1), groups=2),
        neuron("n", "c"),
        node("flat", "reshape", "n", shape=(720,)),
        node("fc", "linear", "flat", params={"weight": "fc"}),
    ]
    graph = built(nodes, params, 4)
    found = work(graph["c"], 3, active=10.0)
    assert found == Work("conv2", 3 * 16 * 36, 3 * 80 * 9, 3 * 9 * 80 * 8 * 9, 9, 8, 40, 10.0)
    terms = found.event()
    assert terms["joins"] == 90 and terms["pixels"] == 3 * 9 * 2 * 2  # groups × tiles of [32, 16]
    adds = found.macs * 10 / found.inputs
    assert terms["adds"] == pytest.approx(adds * 48 / 40)  # 40 channels fill 48 lanes
    assert (terms["inputs"], terms["bits"]) == (found.inputs, 0)
    assert found.dense()["macs_over_in"] == found.macs / 8
    assert work(graph["fc"], 2, 7.0).kind == "linear"
    assert work(graph["fc"], 2, 7.0, bits=True).event()["bits"] == 1440


def test_kinds() -> None:
    params = {
        "wide": np.ones((8, 8, 1, 1), np.float32),
        "each": np.ones((8, 1, 3, 3), np.float32),
        "line": np.ones((8, 8, 3), np.float32),
    }
    a, b = conv("a", "clip", {"weight": "wide"}), conv("b", "clip", {"weight": "each"}, groups=8)
    graph = built([input_node((8, 4, 4), 1), a, b], params, 1, 1, ("a", "b"))
    assert [work(graph[n], 1, 1.0).kind for n in ("a", "b")] == ["pointwise_few", "depthwise"]
    assert cost.few("pointwise", 33) == "pointwise" and cost.few("linear", 32) == "linear_few"
    graph = built([input_node((8, 4), 1), conv("a", "clip", {"weight": "line"}, n=1)], params, 1)
    assert work(graph["a"], 1, 1.0).kind == "conv1"


def test_a_fit_finds_the_seconds_that_made_it() -> None:
    rng = np.random.default_rng(0)
    for names in (DENSE_TERMS, EVENT_TERMS):
        true = dict(zip(names, rng.random(len(names)) * 1e-9, strict=True)) | {names[-1]: 0.0}
        rows = []
        for terms in rng.random((30, len(names))) * 1e6:
            row = dict(zip(names, map(float, terms), strict=True))
            rows.append((row, sum(true[n] * row[n] for n in names)))
        assert calibrate.fitted(rows) == pytest.approx(true, rel=1e-6, abs=1e-18)


def test_the_cheaper_engine_is_best() -> None:
    seconds = {"conv2/dense": {"macs": 1.0}, "conv2/dense_planar": {"macs": 0.9},
               "conv2/event": {"adds": 4.0}, "turn": {"inputs": 1000.0}}  # fmt: skip
    costs = Costs(seconds)

    def best(active: float, **more: bool) -> str:
        return costs.best(Work("conv2", 100.0, 1.0, 1e4, 1, 64, 64, active, **more))

    assert [best(a) for a in (1.0, 20.0, 30.0)] == ["event", "event", "dense"]
    assert best(30.0, planar=True) == "dense_planar"
    unknown = Work("conv3", 1.0, 1.0, 1.0, 1, 1, 1, 0.0)
    assert costs.predict("event", unknown) == math.inf and costs.best(unknown) == "dense"


def test_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEUROSIM_CACHE", str(tmp_path))
    cost.costs.cache_clear()
    assert cost.costs(3) is shipped()
    own = Costs({"conv2/dense": {"macs": 1.5e-11}}, "mine")
    own.save(cost.path_for(3))
    cost.costs.cache_clear()
    assert cost.costs(3) == own and cost.costs(4) is shipped()
    assert cost.path_for(3) != cost.path_for(4) and "3 threads" in cost.machine(3)
    for broken in ("", "[1]", json.dumps({"seconds": {"a": 1}, "machine": ""})):
        cost.path_for(3).write_text(broken)
        assert cost.read(cost.path_for(3)) is None
    cost.costs.cache_clear()


def test_shipped_costs_know_every_kind() -> None:
    kinds = {
        "linear",
        "linear_few",
        "pointwise",
        "pointwise_few",
        "depthwise",
        "conv1",
        "conv2",
        "conv3",
    }
    for kind in kinds:
        sparse = Work(kind, 1e6, 1e6, 1e9, 9, 64, 64, 1.0)
        for engine in ("dense", "event"):
            assert 0 < shipped().predict(engine, sparse) < 1, (kind, engine)
    busy = Work("conv2", 1e6, 1e6, 5.76e8, 9, 64, 64, 1e6)
    assert shipped().best(busy) != "event"
    assert shipped().best(Work("conv2", 1e6, 1e6, 5.76e8, 9, 64, 64, 1e3, True)) == "event"


def test_probes_are_measured_in_both_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    few = {p.kind: p for p in reversed(calibrate.probes())}
    small = [calibrate.replace(p, size=min(p.size, 4), slices=1) for p in few.values()]
    monkeypatch.setattr(calibrate, "probes", lambda: small)
    monkeypatch.setattr(calibrate, "GOES", 1)
    heard: list[tuple[int, int]] = []
    found = calibrate.calibrate(lambda done, all_: heard.append((done, all_)))
    assert {k.partition("/")[0] for k in found.seconds} == {*few, "turn", "unpack"}
    assert all(v >= 0 for terms in found.seconds.values() for v in terms.values())
    assert heard == [(k + 1, 6) for k in range(6)]
    assert f"{torch.get_num_threads()} threads" in found.machine
