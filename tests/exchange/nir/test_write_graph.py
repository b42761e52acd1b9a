"""Our graphs as NIR: what NIR's own tools see in them, and what NIR cannot say."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest
import torch
from torch import nn

import neurosim as ns
from neurosim.errors import NirError, StoreError
from neurosim.ir.graph import Edge, Graph
from neurosim.ir.neuron import Neuron
from tests.exchange.nir.graphs import chain, lone
from tests.exchange.nir.reference import Reference
from tests.ops.graphs import node
from tests.passes.networks import average, conv

NEURON = Neuron(v_decay=0.5, fires=">=").to_dict()
W = {"w": np.random.default_rng(0).integers(-4, 5, (2, 2, 3, 3)).astype(np.float32) / 4}


def spiking(name: str, operand: str | Edge) -> Any:
    return node(name, "neuron", operand, equation=NEURON, emit="spike")


def residual(*late: Any, **params: np.ndarray) -> Graph:
    """a and b fire; then what ``late`` says."""
    return chain(
        conv("c", "clip", {"weight": "w"}, padding=(1, 1)), spiking("a", "c"), spiking("b", "a"),
        *late, **W, **params,
    )  # fmt: skip


KEPT: dict[str, Graph] = {
    "a sum with one reader": residual(node("s", "add", "a", "b"), spiking("z", "s")),
    "a sum with two readers": residual(
        node("s", "add", "a", "b"), spiking("y", "s"), node("z", "add", "y", "s")
    ),
    "a sum of sums": residual(
        node("s", "add", "a", "b"), node("t", "add", "b", "s"), spiking("y", "t"),
        node("u", "add", "y", "a"), node("v", "add", "u", "b"), spiking("z", "v"),
    ),
    "a value added to itself": residual(node("s", "add", "a", "a"), spiking("z", "s")),
    "a sum as the answer": residual(node("s", "add", "a", "b")),
    "a value of two steps ago": residual(
        node("s", "add", "a", Edge("b", 2)), node("z", "add", Edge("s", 1), "a")
    ),
    "a threshold": residual(
        average("p", "b"), node("z", "compare", "p", relation=">=", threshold=0.5)
    ),
    "a scale a channel": residual(
        node("z", "affine", "b", params={"scale": "s"}),
        s=np.array([0.5, -2.0], np.float32).reshape(2, 1, 1),
    ),
    "a division by a power of two": residual(
        node("z", "affine", "b", params={"scale": "s"}, divide=True), s=np.float32(4)
    ),
    "means and sums over space": residual(
        node("m", "reduce", "b", mode="mean", axes=(1, 2), keepdim=False),
        node("s", "reduce", "a", mode="sum", axes=(1, 2), keepdim=False),
        node("z", "add", "m", "s"),
    ),
    "space kept of a mean": residual(
        node("z", "reduce", "b", mode="mean", axes=(1, 2), keepdim=True)
    ),
    "some axes flattened": residual(node("z", "reshape", "b", shape=(2, 16))),
    "a pad that is 'same'": chain(
        node("p", "pad", "clip", mode="constant", value=0, before=(0, 0, 0), after=(0, 1, 0)),
        conv("z", "p", {"weight": "w"}, padding=(0, 0)), w=np.ones((1, 2, 2, 1), np.float32),
    ),
    "a pad inside a padded convolution": chain(
        node("p", "pad", "clip", mode="constant", value=0, before=(0, 1, 1), after=(0, 1, 1)),
        conv("z", "p", {"weight": "w"}, padding=(1, 0)), **W,
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", KEPT)
def test_numbers_and_counts_come_back(what: str, tmp_path: Path) -> None:
    graph = KEPT[what]
    ns.to_nir(graph, tmp_path / "a.nir")
    back = ns.from_nir(tmp_path / "a.nir")
    clip = torch.randint(-4, 9, (5, 1, *graph.inputs[0].value.shape)).float() / 4
    a, b = ns.simulate(graph, clip, "dense"), ns.simulate(back, clip, "dense")
    assert torch.equal(a.outputs, b.outputs)
    assert a.outputs.abs().sum() > 0
    for event in {e for _, e in (*a.counts.table, *b.counts.table)}:
        assert a.counts.total(event) == b.counts.total(event), event


def test_another_reader_of_the_file_sees_the_same_numbers(tmp_path: Path) -> None:
    """Round trips may agree on an error; the reference walks what nir.read returns."""
    equation = Neuron(integrate="leak_add", k=0.5).to_dict()
    graph = chain(
        conv("c", "clip", {"weight": "w"}, stride=(1, 2), padding=(1, 0)),
        node("n", "neuron", "c", equation=equation, emit="spike"), average("p", "n"),
        node("f", "reshape", "p", shape=(4,)), node("l", "linear", "f", params={"weight": "v"}),
        shape=(2, 4, 7), **W, v=np.random.default_rng(1).integers(-4, 5, (3, 4)) / 4,
    )  # fmt: skip
    graph = Graph(
        graph.nodes, {k: v.astype(np.float32) for k, v in graph.params.items()}, graph.outputs, 5
    )
    ns.to_nir(graph, tmp_path / "a.nir", dt=2.0**-10)
    read = nir.read(tmp_path / "a.nir", type_check=False)
    clip = torch.randint(-4, 9, (5, 2, 2, 4, 7)).float() / 4
    order = ("input", "c", "n", "p", "f", "l", "output")
    names = {"input": "clip"}
    read.nodes = {n: read.nodes[names.get(n, n)] for n in order}
    read.edges = [(n if n != "clip" else "input", m) for n, m in read.edges]
    assert torch.equal(ns.simulate(graph, clip, "dense").outputs, Reference(read).run(clip))


def test_square_ungrouped_nets_pass_nirs_own_check(tmp_path: Path) -> None:
    graph = residual(node("f", "reshape", "b", shape=(32,)))
    ns.to_nir(graph, tmp_path / "a.nir")
    assert nir.read(tmp_path / "a.nir").check_types()


def test_the_seconds_are_those_asked_for(tmp_path: Path) -> None:
    graph = lone(Neuron(v_decay=0.75))
    assert np.allclose(ns.to_nir(graph).nodes["n"].tau, 4e-4)
    made = ns.to_nir(graph, tmp_path / "a.nir", dt=1e-3)
    assert np.allclose(made.nodes["n"].tau, 4e-3)
    assert (made.metadata["dt"], made.nodes["n"].metadata["fires"]) == (1e-3, ">")
    again = ns.to_nir(ns.from_nir(tmp_path / "a.nir"))
    assert np.allclose(again.nodes["n"].tau, 4e-3)  # a graph keeps the dt it came with
    with pytest.raises(NirError, match="seconds a step"):
        ns.to_nir(graph, dt=0.0)


def test_the_steps_the_kind_and_the_name_come_back() -> None:
    graph = residual()
    made = ns.to_nir(graph)
    back = ns.from_nir(made)
    assert (back.steps, back.inputs[0].value.kind) == (5, graph.inputs[0].value.kind)
    assert ns.from_nir(made, kind="spike").inputs[0].attrs["hi"] == 1


@pytest.mark.slow
def test_a_captured_model_of_norse_comes_back_bit_for_bit(tmp_path: Path) -> None:
    import norse.torch as norse

    torch.manual_seed(0)
    net = norse.SequentialState(
        nn.Conv2d(2, 6, (3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=2),
        norse.LIFCell(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(36, 5), norse.LICell(),
    ).eval()  # fmt: skip
    clip = torch.rand(6, 2, 2, 8, 8) * 8
    graph = ns.capture(ns.stepwise(net), clip)
    ns.to_nir(graph, tmp_path / "a.nir")
    back = ns.from_nir(tmp_path / "a.nir")
    assert str(graph).replace("pipeline=capture", "") == str(back).replace("pipeline=from_nir", "")
    assert torch.equal(ns.simulate(graph, clip).outputs, ns.simulate(back, clip).outputs)


UNSAID: dict[str, tuple[Graph, str]] = {
    "softmax": (residual(node("z", "softmax", "b", axis=0)), "softmax: 'z'"),
    "a difference": (residual(node("z", "add", "a", "b", subtract=True)), "a difference"),
    "an offset": (
        residual(node("z", "affine", "b", params={"bias": "o"}), o=np.float32(1)),
        "an offset",
    ),
    "a maximum": (
        residual(node("z", "pool", "b", **{**average("z", "b").attrs, "mode": "max"})),
        "a maximum",
    ),
    "ceil_mode": (
        residual(node("z", "pool", "b", **{**average("z", "b").attrs, "ceil_mode": True})),
        "ceil_mode",
    ),
    "unflattened": (residual(node("z", "reshape", "b", shape=(2, 2, 2, 4))), "flattens nothing"),
    "tokens": (
        residual(node("z", "linear", "b", params={"weight": "v"}), v=np.ones((3, 4), np.float32)),
        "over the last axis",
    ),
    "transposed": (
        residual(conv("z", "b", {"weight": "w"}, transposed=True)),
        "transposed",
    ),
    "odd padding": (
        residual(
            node("p", "pad", "b", mode="constant", value=0, before=(0, 2, 0), after=(0, 0, 0)),
            conv("z", "p", {"weight": "w"}),
        ),
        "padded by",
    ),
    "a pad alone": (
        residual(
            node("z", "pad", "b", mode="reflect", before=(0, 1, 1), after=(0, 1, 1), value=None)
        ),
        "pad: 'z'",
    ),
    "a division": (
        residual(node("z", "affine", "b", params={"scale": "s"}, divide=True), s=np.float32(3)),
        "a division",
    ),
    "compared with a value": (residual(node("z", "compare", "a", "b", relation=">")), "operands"),
    "a mean over channels": (
        residual(node("z", "reduce", "b", mode="mean", axes=(0,), keepdim=False)),
        "mean over axes",
    ),
    "a membrane that is read": (
        residual(node("z", "neuron", "c", equation=NEURON, emit="v")),
        "the membrane",
    ),
    "a neuron without memory": (
        residual(node("z", "neuron", "c", equation=NEURON, memoryless=True)),
        "forgets",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", UNSAID)
def test_what_nir_cannot_say_is_named(what: str) -> None:
    graph, said = UNSAID[what]
    with pytest.raises(NirError, match="NIR has no word for") as error:
        ns.to_nir(graph)
    assert said in str(error.value) and "'z'" in str(error.value)


def test_everything_that_nir_cannot_say_is_told_at_once(tmp_path: Path) -> None:
    graph = residual(
        node("x", "softmax", "b", axis=0), node("y", "softmax", "x", axis=0),
        node("z", "add", "y", "a", subtract=True),
    )  # fmt: skip
    with pytest.raises(NirError) as error:
        ns.to_nir(graph, tmp_path / "a.nir")
    assert "softmax: 'x', 'y'" in str(error.value) and "a difference" in str(error.value)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError):
        ns.to_nir(lone(Neuron()), tmp_path / "file" / "a.nir")


def test_nothing_warns() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ns.from_nir(ns.to_nir(lone(Neuron(v_decay=0.5))))
