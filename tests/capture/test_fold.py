"""A Python loop over time becomes one node per operation, whatever way it is written."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from neurosim.capture.capture import capture
from neurosim.capture.modes import user_frames
from neurosim.errors import CaptureError
from tests.capture.checking import Model, captured, ops

T, B, C = 4, 2, 3


def _index(s, x):
    return torch.stack([s.m[0](x[t]) for t in range(len(x))])


def _iterate(s, x):
    return torch.stack([s.m[0](y) for y in x])


def _unbind(s, x):
    return torch.stack([s.m[0](y) for y in x.unbind(0)])


def _cat(s, x):
    return torch.cat([s.m[0](y).unsqueeze(0) for y in x])


def _cat_slices(s, x):
    return torch.cat([s.m[0](x[t : t + 1]) for t in range(len(x))])


def _buffer(s, x):
    out = torch.zeros(*x.shape[:2], 5)
    for t in range(len(x)):
        out[t] = s.m[0](x[t])
    return out


def _last(s, x):
    for y in x:
        z = s.m[0](y)
    return z


def _sum(s, x):
    total = 0
    for y in x:
        total = total + s.m[0](y)
    return total / len(x)


def _sum_in_place(s, x):
    total = torch.zeros(x.shape[1], 5)
    for y in x:
        total += s.m[0](y)
    return total


def _sum_builtin(s, x):
    return sum([s.m[0](y) for y in x])


def _sum_none(s, x):
    total = None
    for y in x:
        z = s.m[0](y)
        total = z if total is None else total + z
    return total


def _leaky(start):
    def forward(s, x):
        mem, out = start(s, x), []
        for y in x:
            mem = 0.9 * mem + s.m[0](y)
            out.append(mem)
        return torch.stack(out)

    return forward


def _leaky_in_place(s, x):
    mem, out = torch.zeros(x.shape[1], 5), []
    for y in x:
        mem.mul_(0.9).add_(s.m[0](y))
        out.append(mem.clone())
    return torch.stack(out)


def _leaky_none(s, x):
    mem, out = None, []
    for y in x:
        z = s.m[0](y)
        mem = z if mem is None else 0.9 * mem + z
        out.append(mem)
    return torch.stack(out)


STATELESS = [_index, _iterate, _unbind, _cat, _cat_slices, _buffer, _last]
SUMS = [_sum, _sum_in_place, _sum_builtin, _sum_none]
RECURRENT = {
    "float": _leaky(lambda s, x: 0.0),
    "zeros": _leaky(lambda s, x: torch.zeros(x.shape[1], 5)),
    "learned": _leaky(lambda s, x: s.start.expand(x.shape[1], 5)),
    "in place": _leaky_in_place,
    "none": _leaky_none,
}


@pytest.mark.parametrize("steps", [1, 2, 3, T])
@pytest.mark.parametrize("form", STATELESS)
def test_stateless_loop(form, steps):
    graph = captured(Model(form, nn.Linear(C, 5)), torch.randn(steps, B, C))
    assert ops(graph).count("linear") == 1


@pytest.mark.parametrize("steps", [1, 2, 3, T])
@pytest.mark.parametrize("form", SUMS)
def test_running_sum_is_one_sum_over_time(form, steps):
    graph = captured(Model(form, nn.Linear(C, 5)), torch.randn(steps, B, C))
    assert ops(graph).count("linear") == 1
    if steps > 2 or (steps == 2 and form is not _sum_none):  # two values added once are no loop
        assert [n.attrs["mode"] for n in graph if n.op == "time_reduce"] == ["sum"]
        assert "add" not in ops(graph)


@pytest.mark.parametrize("steps", [1, 2, 3, T])
@pytest.mark.parametrize("form", RECURRENT)
def test_leaky_recurrence(form, steps):
    model = Model(RECURRENT[form], nn.Linear(C, 5), start=nn.Parameter(torch.randn(5)))
    graph = captured(model, torch.randn(steps, B, C))
    if steps > 1:
        delays = [edge.delay for node in graph for edge in node.inputs if edge.delay]
        assert delays == [1] and ops(graph).count("linear") == 1


def test_learned_start_is_the_initial_value_of_the_edge():
    model = Model(RECURRENT["learned"], nn.Linear(C, 5), start=nn.Parameter(torch.randn(5)))
    graph = captured(model, torch.randn(T, B, C))
    (edge,) = [e for n in graph for e in n.inputs if e.delay]
    torch.testing.assert_close(torch.tensor(graph.params[edge.initial]), 0.9 * model.start.data)


def test_loop_over_the_second_axis():
    def forward(s, x):
        return torch.stack([s.m[0](x[:, t]) for t in range(x.shape[1])], 1)

    captured(Model(forward, nn.Linear(C, 5)), torch.randn(B, T, C), time_dim=1, batch_dim=0)


def test_buffer_along_the_second_axis():
    def forward(s, x):
        out = torch.zeros_like(x)
        for t in range(x.shape[1]):
            out[:, t] = s.m[0](x[:, t])
        return out

    captured(Model(forward, nn.Linear(C, C)), torch.randn(B, T, C), time_dim=1, batch_dim=0)


@pytest.mark.parametrize("steps", [1, 2, 3, T])
def test_convolutional_lstm(steps):
    def forward(s, x):
        h, c, out = torch.zeros(x.shape[1], 4, 6, 6), torch.zeros(x.shape[1], 4, 6, 6), []
        for y in x:
            i, f, o, g = s.m[0](torch.cat([y, h], 1)).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            out.append(h)
        return torch.stack(out), (h, c)

    model = Model(forward, nn.Conv2d(C + 4, 16, 3, padding=1))
    graph = captured(model, torch.randn(steps, B, C, 6, 6))
    assert ops(graph).count("convolution") == 1


def test_recurrent_linear_layer_runs_every_step():
    def forward(s, x):
        h, out = torch.zeros(x.shape[1], 5), []
        for y in x:
            h = torch.tanh(s.m[0](y) + s.m[1](h))
            out.append(h)
        return torch.stack(out), h

    captured(Model(forward, nn.Linear(C, 5), nn.Linear(5, 5)), torch.randn(T, B, C))


def test_a_norm_per_step_becomes_one_node_with_parameters_per_step():
    norms = nn.ModuleList(nn.BatchNorm2d(4) for _ in range(T))
    for norm in norms:
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2)

    def forward(s, x):
        return torch.stack([s.norms[t](s.m[0](x[t])) for t in range(len(x))])

    model = Model(forward, nn.Conv2d(C, 4, 3), norms=norms)
    graph = captured(model.eval(), torch.randn(T, B, C, 6, 6))
    (norm,) = [n for n in graph if n.op == "batch_norm"]
    assert norm.attrs["per_step"] and graph.params[norm.params["mean"]].shape == (T, 4)


def test_two_steps_back():
    def forward(s, x):
        h = [torch.zeros(x.shape[1], 5)] * 2
        for y in x:
            h.append(0.5 * h[-2] + s.m[0](y))
        return torch.stack(h[2:])

    graph = captured(Model(forward, nn.Linear(C, 5)), torch.randn(5, B, C))
    assert [e.delay for n in graph for e in n.inputs if e.delay] == [2]


def test_calls_on_single_frames_are_not_a_loop():
    model = Model(lambda s, x: s.m[0](x[0]) + s.m[1](x[1]), nn.Linear(C, 5), nn.Linear(C, 5))
    captured(model, torch.randn(2, B, C))  # MACs: one call each, not one a step


def test_a_layer_left_out_at_some_steps_is_refused():
    def forward(s, x):
        out = []
        for t in range(len(x)):
            y = s.m[0](x[t])
            out.append(y + s.m[1](x[t - 2]) if t >= 2 else y)
        return torch.stack(out)

    model = Model(forward, nn.Linear(C, 5), nn.Linear(C, 5, bias=False))
    with pytest.raises(CaptureError, match=r"'m.1' \(test_fold.py:\d+\): runs at 3 of the 5 steps"):
        capture(model, torch.randn(5, B, C))


def test_steps_may_repeat_often_enough_for_the_interpreter_to_specialise_them():
    captured(Model(_sum_none, nn.Linear(C, 5)), torch.randn(40, 1, C))


def test_sizes_that_coincide_decide_nothing():
    captured(Model(_index, nn.Linear(3, 3)), torch.randn(3, 3, 3))
    model = Model(lambda s, x: s.m[0](x.permute(1, 0, 2)).mean(1), nn.Linear(3, 3))
    captured(model, torch.randn(3, 3, 3))


@pytest.mark.parametrize(
    "update",
    [
        lambda v, y: y - 0.5 * v,
        lambda v, y: 0.5 * v - y,
        lambda v, y: y - v,
        lambda v, y: v - y,
        lambda v, y: v * y,
        lambda v, y: v + y,
    ],
)
def test_a_constant_start_of_any_sign(update):
    def forward(s, x):
        v, out = torch.full(x.shape[1:], 2.0), []
        for y in x:
            v = update(v, y)
            out.append(v)
        return torch.stack(out)

    graph = captured(Model(forward), torch.rand(T, B, C))
    assert [e.delay for n in graph for e in n.inputs if e.delay] == [1]


def test_a_place_in_the_source_stays_one_place_when_the_interpreter_specialises_it():
    frames = []

    for _ in range(50):
        list(map(lambda _: frames.append(user_frames()[0]), [0]))
    assert len(set(frames)) == 1
