"""A hand-written feedback loop counts what the model ran: not the last step's spikes."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from neurosim.capture.capture import capture
from neurosim.capture.recognise import recognise
from neurosim.ir.neuron import LIF
from neurosim.sim.simulate import simulate


class Cell(nn.Module):
    def forward(self, x, v):
        v = (0.0 if v is None else v) * 0.5 + x
        z = (v > 1.0).float()
        return z, v * (1 - z)


@recognise(Cell)
def cell(module):
    return LIF(v_decay=0.5, v_threshold=1.0, fires=">")


class Feedback(nn.Module):
    def __init__(self, bias, scaled):
        super().__init__()
        torch.manual_seed(0)
        self.c, self.w, self.n = nn.Linear(5, 8), nn.Linear(8, 8, bias=bias), Cell()
        self.scaled = scaled

    def forward(self, x):
        z, v, out = torch.zeros(x.shape[1], 8), None, []
        for step in x:
            back = self.w(z) * 0.5 if self.scaled else self.w(z)
            z, v = self.n(4 * self.c(step) + back, v)
            out.append(z)
        return torch.stack(out)


@pytest.mark.parametrize("steps", [2, 3, 7])
@pytest.mark.parametrize(("bias", "scaled"), [(False, False), (True, False), (False, True)])
def test_the_last_steps_spikes_do_not_come_back(bias, scaled, steps):
    model, clip = Feedback(bias, scaled).eval(), torch.randn(steps, 3, 5)
    graph = capture(model, clip)
    run = simulate(graph, clip, record="spikes")
    with torch.no_grad():
        assert torch.equal(run.outputs, model(clip))
    spikes = run.trace["n"]
    assert run.counts.get("w", "synapse") == int(spikes[:-1].sum()) * 8
    assert spikes[-1].any()  # else the test says nothing
