"""The promises of ``capture``: any calling context, the model left as found, nests, ties, layouts,
refusals."""

from __future__ import annotations

import contextlib

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import neurosim as ns
from neurosim.capture.capture import capture
from neurosim.errors import CaptureError, UnknownOps
from neurosim.sim.simulate import simulate
from tests.capture.checking import Model, captured, folded, ops

T, B, C = 4, 2, 3


def _network() -> Model:
    return folded(
        nn.Conv2d(C, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 5)
    ).eval()


def frames() -> torch.Tensor:
    return torch.randn(T, B, C, 6, 6)


@pytest.mark.parametrize("context", [contextlib.nullcontext, torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("built_in", [contextlib.nullcontext, torch.inference_mode])
def test_any_context(context, built_in):
    with built_in():
        model, clip = _network(), frames()
    with context():
        captured(model, clip)
        assert not torch.is_grad_enabled() or context is contextlib.nullcontext


class Restless(nn.Module):
    """Changes everything it can reach while it runs."""

    def __init__(self) -> None:
        super().__init__()
        self.net, self.calls, self.log = _network(), 0, []
        self.register_buffer("seen", torch.zeros(1))
        self.kept, self.table = torch.zeros(1), {"a": torch.zeros(1)}
        self.net.net[1].register_forward_hook(lambda *_: None)

    def forward(self, x):
        self.calls += 1
        self.log.append(self.calls)
        self.seen += 1
        self.kept += 1
        self.table["a"] += 1
        self.cache = x
        return self.net(x)


def test_the_model_is_left_as_found():
    model, clip = Restless().eval(), frames()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    attributes, random = set(model.__dict__), torch.random.get_rng_state()
    hooks, call = len(model.net.net[1]._forward_hooks), nn.Module.__call__
    attention = F.scaled_dot_product_attention
    capture(model, clip)
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert (model.calls, model.log, set(model.__dict__)) == (0, [], attributes)
    assert model.kept.item() == model.table["a"].item() == 0
    assert torch.equal(random, torch.random.get_rng_state()) and nn.Module.__call__ is call
    assert len(model.net.net[1]._forward_hooks) == hooks and not model.training
    assert all(p.requires_grad for p in model.parameters())
    assert F.scaled_dot_product_attention is attention


def test_the_model_is_left_as_found_after_a_failure():
    model, call = Restless().eval(), nn.Module.__call__
    with pytest.raises(CaptureError):
        capture(Model(lambda s, x: s.m[0](x).sort(0), model), frames())
    assert model.calls == 0 and nn.Module.__call__ is call
    assert not torch.utils._python_dispatch._get_current_dispatch_mode()


def test_outputs_keep_their_nest():
    def forward(s, x):
        y = s.m[0](x)
        return {"a": [y, (y.mean(0), None)], "b": x, "n": 3, "constant": torch.zeros(3)}

    clip = torch.randn(T, B, C)
    graph = captured(Model(forward, nn.Linear(C, 5)), clip)
    found = simulate(graph, clip, "dense").outputs
    assert list(found) == ["a", "b", "n", "constant"] and found["n"] is None
    assert (
        isinstance(found["a"][1], tuple) and found["a"][1][1] is None and found["constant"] is None
    )


def test_a_module_used_twice_is_two_nodes_with_one_weight():
    model = Model(lambda s, x: s.m[0](torch.relu(s.m[0](x))), nn.Linear(C, C))
    graph = captured(model, torch.randn(T, B, C))
    keys = [n.params["weight"] for n in graph if n.op == "linear"]
    assert keys == ["m.0.weight", "m.0.weight"]
    assert [n.name for n in graph if n.op == "linear"] == ["m.0", "m.0#1"]


def test_tied_weights_are_keyed_by_storage():
    a, b = nn.Linear(C, C), nn.Linear(C, C)
    b.weight = a.weight
    graph = captured(Model(lambda s, x: s.m[1](torch.relu(s.m[0](x))), a, b), torch.randn(T, B, C))
    assert len({n.params["weight"] for n in graph if n.op == "linear"}) == 1


@pytest.mark.parametrize(
    ("shape", "dims"),
    [
        ((B, T, C, 6, 6), {"time_dim": 1, "batch_dim": 0}),
        ((B, T, C, 6, 6), {"time_dim": -4, "batch_dim": -5}),
        ((T, C, 6, 6), {"batch_dim": None}),
        ((B, C, 6, 6), {"time_dim": None, "batch_dim": 0}),
    ],
)
def test_layouts(shape, dims):
    def forward(s, x):
        return s.net(x.flatten(0, -4)).unflatten(0, x.shape[:-3])

    model = Model(forward, net=nn.Sequential(nn.Conv2d(C, 4, 3), nn.ReLU()))
    captured(model, torch.randn(shape), **dims)


def test_any_callable():
    layer = nn.Linear(C, 5)
    graph = captured(lambda x: torch.relu(layer(x)).mean(0), torch.randn(T, B, C))
    assert ops(graph) == ["linear", "activation", "time_reduce"]


REFUSED = {
    "batch size": lambda s, x: s.m[0](x) / x.shape[1],
    "batch mean": lambda s, x: s.m[0](x) - s.m[0](x).mean(1, keepdim=True),
    "constant a sample": lambda s, x: s.m[0](x) + torch.arange(x.shape[1]).view(1, -1, 1),
    "first sample": lambda s, x: s.m[0](x)[:, 0],
    "mask of the data": lambda s, x: s.m[0](x)[x[..., 0] > 0],
    "largest of the data": lambda s, x: s.m[0](x) / float(x.abs().max()),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_depends_on_batch_or_data_is_refused(name):
    with pytest.raises(CaptureError, match=r"test_capture.py:\d+") as caught:
        capture(Model(REFUSED[name], nn.Linear(C, 5)), torch.randn(T, B, C))
    assert "\n" not in str(caught.value) and ";" in str(caught.value)


def test_a_branch_on_the_number_of_samples_is_refused():
    model = Model(
        lambda s, x: s.m[0](x) if x.shape[1] > 2 else torch.relu(s.m[0](x)), nn.Linear(C, 5)
    )
    with pytest.raises(
        CaptureError, match="behaviour may not depend on the data or on the batch size"
    ):
        capture(model, torch.randn(T, B, C))


def test_a_hidden_branch_on_the_data_is_refused():
    """The value is read where no mode can see it; only the second clip tells."""

    def forward(s, x):
        y = s.m[0](x)
        return torch.relu(y) if x.untyped_storage().tolist()[0] > 127 else y

    clip = torch.zeros(T, B, C)
    clip[0] = 1.1  # its first byte is 205; the second clip is reversed in time
    with pytest.raises(CaptureError, match="behaviour may not depend on the data"):
        capture(Model(forward, nn.Linear(C, 5)), clip)


def test_every_unknown_operation_is_in_one_error():
    with pytest.raises(UnknownOps, match="2 operations without a rule: .*cumsum.*; .*sort"):
        capture(lambda x: x.cumsum(2).tril() + x.sort(2)[0], torch.randn(T, B, C))


def test_the_package_is_the_function():
    assert ns.capture(_network(), frames()).outputs
