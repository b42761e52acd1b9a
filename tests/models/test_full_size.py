"""The smallest published size of every family, whole: captured, lowered, simulated and priced."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import neurosim as ns
from neurosim import models
from neurosim.capture.capture import capture

SMALLEST = (
    "sew_resnet_34",
    "spikformer_8_384",
    "spikingformer_8_384",
    "sdt_8_384",
    "meta_spikeformer_15m",
    "qkformer_10_384",
    "spike_video_former_15m",
)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", SMALLEST)
def test_a_whole_model_on_four_frames(name: str) -> None:
    model = models.load(name)
    clip = torch.randn(4, 1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        expected = model(clip)
    graph = capture(model, clip)
    assert 2 * sum(graph.dense_macs().values()) == counter.get_total_flops()
    run = ns.simulate(ns.lower(graph), clip)
    assert run.synaptic_operations() > 10**8
    # membranes at the threshold flip with the order of sums, and the flips reach the logits
    found = torch.as_tensor(run.outputs)
    assert found.shape == expected.shape
    assert torch.nn.functional.cosine_similarity(found, expected).item() > 0.9
    report = ns.price(run, "cmos_45nm")
    assert report.joules_per_video > 1e-3
