"""Peers' own implementations, captured as they are: torch's MACs, and synaptic operations counted
one event and one target at a time.

Weights are multiples of 1/8 and norms have no epsilon, so that no spike hangs on the order of sums.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from neurosim.sim.simulate import simulate
from tests.capture.checking import captured
from tests.models.peers import spikingjelly

SYNAPTIC = (nn.Conv1d, nn.Conv2d, nn.Linear)


def exact(model: nn.Module) -> nn.Module:
    """Weights of ±1/8, ±1/4, …; norms that multiply by one."""
    g = torch.Generator().manual_seed(0)
    for module in model.modules():
        if isinstance(module, SYNAPTIC):
            scale = 4 / module.weight[0].numel() ** 0.5  # few spikes drive many neurons
            with torch.no_grad():
                w = torch.randn(module.weight.shape, generator=g) * scale
                module.weight.copy_((w * 8).round() / 8)
                if module.bias is not None:
                    module.bias.zero_()
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eps = 0.0
    return model.eval()


def operations(x: np.ndarray, layer: Any) -> int:
    """Existing targets of every element that is not 0: x (N, C, *size) or (..., features)."""
    if isinstance(layer, nn.Linear):
        return int(np.count_nonzero(x)) * layer.out_features
    total, kernel, dilation = 0, layer.kernel_size, layer.dilation
    size = [
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, p, d, k, s in zip(
            x.shape[2:], layer.padding, dilation, kernel, layer.stride, strict=True
        )
    ]
    for _, _, *place in np.argwhere(x):
        for offset in itertools.product(*(range(k) for k in kernel)):
            steps = [
                p + pad - o * d
                for p, pad, o, d in zip(place, layer.padding, offset, dilation, strict=True)
            ]
            at = [divmod(n, s) for n, s in zip(steps, layer.stride, strict=True)]
            exists = all(r == 0 and 0 <= q < n for (q, r), n in zip(at, size, strict=True))
            total += exists * layer.out_channels // layer.groups
    return total


def brute_force(model: nn.Module, clip: torch.Tensor, names: set[str]) -> dict[str, int]:
    """Synaptic operations of layers by module path, from the inputs that the model itself had."""
    found, layers = dict.fromkeys(names, 0), dict(model.named_modules())

    def count(name: str, x: torch.Tensor) -> None:
        layer = layers[name]
        slices = (
            x if isinstance(layer, nn.Linear) else x.reshape(-1, *x.shape[1 - layer.weight.dim() :])
        )
        found[name] += operations(slices.numpy(), layer)

    handles = [
        layers[name].register_forward_pre_hook(lambda _m, x, n=name: count(n, x[0]))
        for name in names
    ]
    with torch.no_grad():
        model(clip)
    for handle in handles:
        handle.remove()
    return found


def check(model: nn.Module, clip: torch.Tensor, real: set[str], kind: str = "real") -> None:
    """Layers other than ``real``, which see no whole numbers, count what the loop counts."""
    graph = captured(model, clip, kind=kind)
    layers = {n for n, m in model.named_modules() if isinstance(m, SYNAPTIC)}
    assert {n.name for n in graph.nodes if n.known.role == "weights"} == layers
    expected = brute_force(model, clip, layers - real)
    silent = [name for name, count in expected.items() if not count]
    assert len(silent) <= len(layers) // 4
    for engine in ("dense", "event"):
        counts = simulate(graph, clip, engine).counts
        found = {n: counts.get(n, "synapse") + counts.get(n, "graded_synapse") for n in layers}
        assert found == expected | dict.fromkeys(real, 0)


def clip(size: int = 32) -> torch.Tensor:
    g = torch.Generator().manual_seed(1)
    return torch.randint(-16, 17, (4, 1, 3, size, size), generator=g) / 8


@pytest.fixture
def peer(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A file of SpikingJelly's by name."""
    return lambda name: spikingjelly(name, monkeypatch)


def afresh(model: nn.Module, peer: Any) -> nn.Module:
    """The same model with fresh neurons in every call: its state would outlive the clip."""
    reset = peer("functional").reset_net
    model.register_forward_pre_hook(lambda module, _: reset(module))
    return model


@pytest.mark.slow
def test_spikingjellys_sew_resnet(peer: Any) -> None:
    sew, neuron = peer("model.sew_resnet"), peer("neuron")
    model = sew.SEWResNet(sew.BasicBlock, [2, 1, 1, 1], 10, cnf="ADD", spiking_neuron=neuron.IFNode)
    peer("functional").set_step_mode(model, "m")
    check(afresh(exact(model), peer), clip(16)[:2], real={"conv1"})


@pytest.mark.slow
def test_spikingjellys_spikformer(peer: Any) -> None:
    model = peer("model.spikformer").Spikformer(
        T=4, img_size_h=32, img_size_w=32, patch_size=16, embed_dims=32, num_heads=2, depths=1
    )
    check(afresh(exact(model), peer), clip(), real={"patch_embed.stages.0.conv_bn.block.0"})


@pytest.mark.slow
def test_spikingjellys_spike_driven_transformer(peer: Any) -> None:
    model = peer("model.spike_driven_transformer").SpikeDrivenTransformer(
        T=4, embed_dims=32, num_heads=2, depths=1
    )
    check(afresh(exact(model), peer), clip(), real={"patch_embed.stages.0.0"})


@pytest.mark.slow
def test_spikingjellys_qkformer(peer: Any) -> None:
    model = peer("model.qkformer").QKFormer(
        T=4, embed_dims=32, num_heads=(2, 2, 2), depths=(1, 1, 1)
    )
    check(afresh(exact(model), peer), clip(), real={"patch_embed1.conv1"})


class Tutorial(nn.Module):
    """The convolutional network of snnTorch's tutorial 6, stepped over the clip."""

    def __init__(self, snn: Any) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, 4, 5), nn.MaxPool2d(2), snn.Leaky(beta=0.5, init_hidden=True),
            nn.Conv2d(4, 8, 5), nn.MaxPool2d(2), snn.Leaky(beta=0.5, init_hidden=True),
            nn.Flatten(), nn.Linear(8 * 4 * 4, 10),
            snn.Leaky(beta=0.5, init_hidden=True, output=True),
        )  # fmt: skip

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        from snntorch import utils

        utils.reset(self.net)
        return torch.stack([self.net(frame)[0] for frame in clip])


def events(channels: int, size: int) -> torch.Tensor:
    g = torch.Generator().manual_seed(1)
    return (torch.rand(5, 1, channels, size, size, generator=g) < 0.2).float()


@pytest.mark.slow
def test_snntorchs_tutorial_network() -> None:
    snn = pytest.importorskip("snntorch", reason="snnTorch is not installed")
    check(exact(Tutorial(snn)), events(1, 28), real=set(), kind="spike")


def test_norses_example_network() -> None:
    """The network of norse's README, and the one of its model zoo."""
    from norse.torch import LICell, LIFCell, SequentialState

    net = SequentialState(
        nn.Conv2d(1, 4, 5), LIFCell(), nn.MaxPool2d(2, 2), nn.Conv2d(4, 8, 5), LIFCell(),
        nn.MaxPool2d(2, 2), nn.Flatten(), nn.Linear(8 * 4 * 4, 10), LICell(),
    )  # fmt: skip
    check(exact(Stepped(net)), events(1, 28), real=set(), kind="spike")


class Stepped(nn.Module):
    """norse's cells with their state handed from step to step; outputs of every step."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        state, outputs = None, []
        for frame in clip:
            out, state = self.net(frame, state)
            outputs.append(out)
        return torch.stack(outputs)
