"""SVFormer against the figures of its published log."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import neurosim as ns
from neurosim import models
from neurosim.errors import ModelError
from neurosim.models.svformer import SVFormer, SVFormerConfig
from neurosim.nn.plif import PLIF
from neurosim.nn.surrogate import Sigmoid


@pytest.fixture(scope="module")
def meta() -> SVFormer:
    with torch.device("meta"):
        return SVFormer().eval()


@pytest.fixture(scope="module")
def counted(meta) -> FlopCounterMode:
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        logits = meta(torch.empty(16, 1, 3, 224, 224, device="meta"))
    assert logits.shape == (1, 101)
    return counter


def test_parameters_are_those_of_the_log(meta):
    assert sum(p.numel() for p in meta.parameters()) == 13_801_612


def test_multiply_accumulates_are_those_of_the_log(counted):
    by_op = {str(k).split(".")[1]: v // 2 for k, v in counted.get_flop_counts()["Global"].items()}
    attention = by_op.pop("bmm")
    assert attention == 513_802_240
    assert sum(by_op.values()) == 37_675_756_544
    layers = models.published("svformer")["layers"]
    assert sum(layer["dense_macs"] for layer in layers.values()) == sum(by_op.values())


def test_macs_of_every_published_layer(counted):
    counts = counted.get_flop_counts()
    for name, layer in models.published("svformer")["layers"].items():
        assert sum(counts[f"SVFormer.{name}"].values()) == 2 * layer["dense_macs"], name


def test_every_neuron_and_layer_of_the_log_is_a_module(meta):
    rates = models.published("svformer")
    paths = dict(meta.named_modules())
    assert set(rates["plif"]) == {n for n, m in paths.items() if isinstance(m, PLIF)}
    weighted = {n for n, m in paths.items() if isinstance(m, (nn.Conv2d, nn.Conv3d, nn.Linear))}
    assert set(rates["layers"]) == weighted


def test_every_published_population_has_its_size(meta):
    sizes: dict[str, int] = {}
    handles = [
        m.register_forward_hook(lambda _m, _i, z, n=n: sizes.update({n: z.numel()}))
        for n, m in meta.named_modules()
        if isinstance(m, PLIF)
    ]
    with torch.no_grad():
        meta(torch.empty(16, 1, 3, 224, 224, device="meta"))
    for handle in handles:
        handle.remove()
    published = models.published("svformer")["plif"]
    assert sizes == {n: p["neuron_steps"] for n, p in published.items()}


def test_attention_is_q_times_k_transposed_v():
    torch.manual_seed(0)
    config = SVFormerConfig(size=32, channels=(8, 8, 16, 16), head_dim=8, qkv_spread=4.0)
    attention = SVFormer(config).eval().blocks3[0].attn
    x = torch.randn(16, 2, 4, 16)
    seen: dict[str, torch.Tensor] = {}
    for name in ("q_lif", "k_lif", "v_lif"):
        getattr(attention, name).register_forward_hook(
            lambda _m, _i, z, n=name: seen.update({n: z})
        )
    attention.proj_lif.register_forward_pre_hook(lambda _m, x: seen.update({"mixed": x[0]}))
    with torch.no_grad():
        attention(x)
    q, k, v = (seen[n].unflatten(-1, (2, 8)) for n in ("q_lif", "k_lif", "v_lif"))
    expected = torch.einsum("tbnhd,tbmhd,tbmhe->tbnhe", q, k, v).flatten(3) * 8**-0.5
    assert expected.any()
    torch.testing.assert_close(seen["mixed"], expected)


def with_own_statistics(model: nn.Module, clips: torch.Tensor) -> None:
    """Norms know their inputs: activations without a threshold grow beyond float32 otherwise."""
    for module in model.modules():
        if hasattr(module, "momentum"):
            module.momentum = 1.0
    with torch.no_grad():
        model.train()(clips)
    model.eval()


@pytest.mark.slow
def test_the_dense_twin_has_no_spikes_and_as_many_multiplications():
    torch.manual_seed(0)
    clip, graphs = torch.randn(16, 1, 3, 32, 32), []
    for neuron in ("plif", "relu"):
        model = models.load("svformer_tiny", neuron=neuron, size=32)
        with_own_statistics(model, torch.randn(16, 4, 3, 32, 32))
        graphs.append(ns.lower(ns.capture(model, clip)))
    spiking, dense = (sum(n.known.dense_macs for n in graph.nodes) for graph in graphs)
    assert spiking == dense > 0
    run = ns.simulate(graphs[1], clip)
    assert run.counts.total("spike") == run.synaptic_operations() == 0
    torch.testing.assert_close(run.outputs, model(clip).detach(), rtol=1e-4, atol=1e-4)


def test_gradients_reach_every_parameter_with_either_surrogate():
    for surrogate in (SVFormerConfig().surrogate, Sigmoid()):
        net = models.load("svformer_tiny", surrogate=surrogate).train()
        net(torch.randn(16, 2, 3, 64, 64)).square().sum().backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())


@pytest.mark.parametrize(
    "config",
    [{"size": 50}, {"size": 0}, {"channels": (8, 8, 10, 16), "head_dim": 8}, {"clases": 3}],
)
def test_impossible_configurations_are_one_line(config):
    with pytest.raises(ModelError) as error:
        models.load("svformer", **config)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("shape", [(8, 1, 3, 64, 64), (16, 1, 3, 32, 64), (16, 3, 64, 64)])
def test_a_clip_of_another_shape_is_one_line(shape):
    with pytest.raises(ModelError, match=r"expects a clip \[16, B, 3, 64, 64\], got"):
        models.load("svformer_tiny")(torch.zeros(shape))
