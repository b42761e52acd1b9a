"""Dense operations of our own models against torch's counter, published logs and printed GMACs."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from neurosim import models
from neurosim.energy.published_table import load_published
from neurosim.models._sizes import sizes
from neurosim.studies.own_layers import dense_operations


@pytest.mark.slow
@pytest.mark.parametrize("name", sizes())
def test_torchs_counter_agrees_layer_by_layer(name: str) -> None:
    recipe = models.card(name).recipe
    with torch.device("meta"):
        model = models.load(name)
    clip = torch.empty(recipe.frames, 1, 3, *recipe.size, device="meta")
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(clip)
    flops, ours = counter.get_flop_counts(), dense_operations(name)
    assert ours.of("") == sum(v for k, v in flops["Global"].items() if "bmm" not in str(k)) // 2
    for path, layer in model.named_modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            expected = sum(flops[f"{type(model).__name__}.{path}"].values()) // 2
            assert ours.macs[path] == expected > 0, path


def test_every_layer_of_the_published_log_is_a_module() -> None:
    dense = dense_operations("spikingformer_8_512")
    layers = load_published("spikingformer_8_512")["layers"]
    assert len(layers) == 54
    ours = {row["layer"]: dense.of(_path(row["layer"]), bias=True) for row in layers}
    for row in layers:  # the log prints nine digits
        assert ours[row["layer"]] == pytest.approx(row["dense_operations"], rel=5e-9), row
    assert sum(ours.values()) == dense.of("", bias=True)


def _path(logged: str) -> str:
    return logged.replace("[", ".").replace("]", "")


@pytest.mark.parametrize(
    ("name", "gmacs"), [("34", 3.66), ("50", 4.09), ("101", 7.80), ("152", 11.51)]
)
def test_residual_networks_cost_what_torchvision_prints(name: str, gmacs: float) -> None:
    dense = dense_operations(f"sew_resnet_{name}")
    assert dense.of("") / dense.steps / 1e9 == pytest.approx(gmacs, abs=0.005)
    assert dense.of("conv1") == 4 * 118_013_952  # 7·7·3·64·112²


@pytest.mark.parametrize(("dim", "stem"), [(384, 260_112_384), (512, 346_816_512)])
def test_stems_of_the_transformers(dim: int, stem: int) -> None:
    for family in ("spikformer", "spikingformer", "sdt"):
        assert dense_operations(f"{family}_8_{dim}").of("patch_embed.proj_conv") == stem


@pytest.mark.slow
def test_another_size_costs_as_many_times_as_it_has_pixels() -> None:
    at, to = (dense_operations("sdt_8_768", size) for size in (224, 288))
    assert to.of("block") * 14**2 == at.of("block") * 18**2
    assert to.of("head") == at.of("head") == 4 * 768 * 1000
