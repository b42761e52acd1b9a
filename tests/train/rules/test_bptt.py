"""norse's step is what runs; one update is the gradient of torch's own autograd, by hand."""

import copy

import pytest
import torch
from norse.torch.functional import lif_box

import neurosim as ns
from neurosim.errors import TrainError
from neurosim.nn.plif import PLIF
from neurosim.train import rules
from neurosim.train.batches import Batch
from neurosim.train.rules import Update
from neurosim.train.rules.bptt import BPTT


def batch(shape, classes, seed=0):
    g = torch.Generator().manual_seed(seed)
    labels = torch.arange(shape[1]) % classes
    return Batch(torch.rand(shape, generator=g), torch.eye(classes)[labels], labels)


def update(model, rule, given, lr=0.1):
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    optimizer.zero_grad()
    rule.prepare(model)
    return rule.update(Update(model, model, lambda loss: loss.backward(), optimizer.step), given)


@pytest.fixture
def calls(monkeypatch):
    """Counts the calls of norse's functional box step, wherever they come from."""
    counted, step = [], lif_box.lif_box_feed_forward_step

    def counting(*args, **kwargs):
        counted.append(args[0].shape)
        return step(*args, **kwargs)

    monkeypatch.setattr(lif_box, "lif_box_feed_forward_step", counting)
    monkeypatch.setattr("norse.torch.module.lif_box.lif_box_feed_forward_step", counting)
    return counted


def test_norse_s_step_is_what_runs_in_a_network_of_plifs(calls):
    model = ns.models.load("svformer_tiny").train()
    before = copy.deepcopy(model.state_dict())
    done = update(model, BPTT("norse"), batch((16, 2, 3, 64, 64), 10))
    neurons = sum(isinstance(m, PLIF) for m in model.modules())
    assert len(calls) == neurons * 16 and neurons == 32
    changed = [k for k, v in model.named_parameters() if not torch.equal(v, before[k])]
    assert len(changed) > 0.9 * len(list(model.parameters())) and done.loss > 0


def test_norse_s_step_is_what_runs_in_norse_s_own_cells(calls):
    model = ns.models.load("norse_conv").train()
    given = batch((5, 2, 2, 34, 34), 10)
    update(model, BPTT(), Batch((given.clips < 0.2).float(), given.targets, given.labels))
    assert len(calls) == 2 * 5  # two box cells, each once a step


def test_fused_and_norse_s_own_steps_make_the_same_update(net):
    given, losses, models = batch((16, 4, 3, 64, 64), 10), [], []
    for scan in ("fused", "norse"):
        model = copy.deepcopy(net).train()
        model.drop.p = 0.0
        losses.append(update(model, BPTT(scan), given).loss)
        models.append(model)
    assert losses[0] == losses[1]
    for (name, a), b in zip(models[0].named_parameters(), models[1].parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6, msg=name)


def test_one_update_is_minus_lr_times_the_gradient(net):
    model = net.train()
    model.drop.p = 0.0
    given, other = batch((16, 4, 3, 64, 64), 10), copy.deepcopy(model)
    loss = torch.nn.functional.cross_entropy(other(given.clips), given.labels)
    loss.backward()
    done = update(model, BPTT(), given)
    assert done.loss == pytest.approx(float(loss.detach()), rel=1e-6)
    for a, b in zip(model.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(a, (b - 0.1 * b.grad).detach(), rtol=1e-5, atol=1e-7)


def test_a_loss_that_is_not_finite_reaches_no_weight(net):
    given, model = batch((16, 4, 3, 64, 64), 10), net.train()
    before = copy.deepcopy(model.head.weight)
    with torch.no_grad():
        model.head.bias[0] = float("nan")
    with pytest.raises(TrainError, match="the loss is nan; lower lr"):
        update(model, BPTT(), given)
    assert torch.equal(model.head.weight, before)


def test_options_are_checked():
    with pytest.raises(TrainError, match="scan='slow'"):
        rules.load("bptt", {"scan": "slow"})
    with pytest.raises(TrainError, match="bptt"):
        rules.load("bptt", {"speed": 1})
