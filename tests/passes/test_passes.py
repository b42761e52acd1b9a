"""What every pass keeps, on random networks and on the zoo."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch

from neurosim import passes
from neurosim.errors import UnknownName
from neurosim.ir.graph import Graph, verify
from neurosim.ir.run import Run
from neurosim.ops._interpret import interpret
from tests.passes.networks import (
    RandomNet,
    body,
    captured,
    clip,
    ran,
    same_events,
    same_spikes,
    words,
)  # fmt: skip

FOLDS = ("merge_linear_chains", "fold_average_pool")


def snapped(seed: int) -> Graph:
    return passes.apply(RandomNet(seed).graph(), "snap_weights")


@pytest.mark.parametrize("seed", range(8))
def test_every_pass_keeps_spikes_and_events_of_random_networks(seed: int) -> None:
    graph, x = snapped(seed), clip(seed)
    before = ran(graph, x)
    assert before.counts.total("spike") > 0
    for name in passes.PIPELINE:
        graph = passes.apply(graph, name)
        verify(graph)
        after = ran(graph, x)
        same_spikes(before, after)
        same_events(before, after)
        assert body(passes.apply(graph, name)) == body(graph), f"{name} is not idempotent"
        before = after
    same_spikes(before, ran(graph, x, "event"))
    assert graph.pipeline == ("capture", "snap_weights", *passes.PIPELINE)


@pytest.mark.parametrize("seed", range(10, 18))
def test_optional_folds_keep_spikes_and_outputs(seed: int) -> None:
    graph, x = snapped(seed), clip(seed)
    before = ran(graph, x)
    order = (*FOLDS, *passes.PIPELINE) if seed % 2 else (*passes.PIPELINE, *FOLDS)
    for name in order:
        graph = passes.apply(graph, name)
        same_spikes(before, ran(graph, x))
        assert body(passes.apply(graph, name)) == body(graph), f"{name} is not idempotent"
    after = ran(graph, x, "event")
    same_spikes(before, after)
    assert not ran(graph, x).counts.differences(after.counts)


@pytest.mark.parametrize("seed", range(4))
def test_silence_after_folding(seed: int) -> None:
    """Biases speak in silence: neurons fire as before, and no synapse counts anything."""
    graph = snapped(seed)
    x = np.zeros_like(clip())
    before, after = ran(graph, x), ran(passes.lower(graph), x)
    same_spikes(before, after)
    same_events(before, after)
    assert before.counts.total("input_event") == 0


def test_a_bias_that_speaks_in_silence() -> None:
    net = RandomNet(3)
    graph = net.graph()
    graph = passes.apply(graph, "snap_weights")
    x = np.zeros_like(clip())
    run = ran(passes.lower(graph), x)
    first = graph.neurons()[0].name
    assert run.counts.get(first, "neuron_active") == 0
    assert run.counts.get(first, "spike") == ran(graph, x).counts.get(first, "spike") > 0


# ---- the zoo

ZOO = ("svformer_tiny", "norse_conv", "dvs_conv")


@cache
def captured_run(name: str) -> Run:
    graph, x = captured(name)
    return ran(passes.apply(graph, "snap_weights"), x)


@pytest.mark.parametrize("name", [pytest.param(ZOO[0], marks=pytest.mark.slow), *ZOO[1:]])
def test_zoo_spikes_are_bit_equal_after_every_pass_and_in_both_engines(name: str) -> None:
    graph, x = captured(name)
    graph = passes.apply(graph, "snap_weights")
    first = before = captured_run(name)
    assert first.counts.total("spike") > 1000
    same_spikes(first, ran(graph, x, "event"))
    for pass_ in passes.PIPELINE:
        lowered = passes.apply(graph, pass_)
        if body(lowered) != body(graph):
            after = ran(lowered, x)
            same_spikes(first, after)
            same_events(before, after)
            before = after
        graph = lowered
    event = ran(graph, x, "event")
    same_spikes(first, event)
    assert not event.counts.differences(before.counts)
    assert words(before) < words(first)


@pytest.mark.parametrize("name", ZOO)
def test_zoo_real_weights_stay_within_rounding(name: str) -> None:
    """Teacher forcing: every neuron fed from the spikes before lowering emits the same ones, but
    for membranes within rounding of the threshold; the outputs agree to rounding."""
    graph, x = captured(name)
    lowered, clip_ = passes.lower(graph), torch.from_numpy(x)
    spiking = [n.name for n in graph.neurons() if n.value.discrete]
    before, _ = interpret(graph, clip_)
    forced = {n: before[n] for n in spiking}
    after, computed = interpret(lowered, clip_, forced)
    flips = {n: float((computed[n] != before[n]).float().mean()) for n in spiking}
    assert max(flips.values()) < 1e-4, flips
    for old, new in zip(graph.outputs, lowered.outputs, strict=True):
        torch.testing.assert_close(after[new], before[old], rtol=1e-4, atol=1e-5)


def test_lowering_is_recorded_and_passes_are_named() -> None:
    graph = RandomNet(0).graph()
    assert passes.lower(graph).pipeline == ("capture", *passes.PIPELINE)
    assert passes.drop_dead(graph).pipeline == ("capture", "drop_dead")
    with pytest.raises(
        UnknownName, match="unknown pass 'fold_batchnorm'; did you mean fold_batch_norm"
    ):
        passes.apply(graph, "fold_batchnorm")
    with pytest.raises(AttributeError):
        _ = passes.no_such_pass
