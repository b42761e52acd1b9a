"""What NIR is told of a neuron: the differential equation whose Euler step is ours."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import neurosim as ns
from neurosim.errors import NirError
from neurosim.exchange.nir.neuron_out import fields_of
from neurosim.ir.neuron import Neuron
from tests.exchange.nir.graphs import lone
from tests.exchange.nir.reference import Reference

DT = 1e-3
SILENT: dict[str, Any] = {"fires": "never", "reset": "none", "output": "v"}
MEMBRANES: dict[str, dict[str, Any]] = {
    "no leak": {"gain": 0.5},
    "decay": {"v_decay": 0.9, "gain": 0.3},
    "decay whole": {"v_decay": 0.0},
    "add_leak": {"integrate": "add_leak", "k": 0.2, "gain": 1.5, "v_leak": 0.25},
    "leak_add": {"integrate": "leak_add", "k": 0.1, "gain": 2.0, "v_leak": -0.5},
    "difference": {"integrate": "difference", "leak": "divide", "tau": 3.0, "v_leak": 0.5},
    "leak_only": {"integrate": "leak_only", "leak": "divide", "tau": 4.0, "v_leak": 0.5},
    "jump_first": {"integrate": "leak_add", "k": 0.1, "current": "jump_first", "i_k": 0.25},
    "decay_first": {"v_decay": 0.8, "gain": 0.5, "current": "decay_first", "i_decay": 0.7},
    "jump_decay": {"v_decay": 0.8, "current": "jump_decay", "i_decay": 0.7},
}


@pytest.mark.parametrize("name", MEMBRANES)
def test_another_reader_of_the_fields_sees_the_same_membrane(name: str) -> None:
    graph = lone(Neuron(**SILENT, **MEMBRANES[name]))
    clip = torch.randn(8, 2, 3, generator=torch.Generator().manual_seed(0))
    mine = ns.simulate(graph, clip, "dense").outputs
    theirs = Reference(ns.to_nir(graph, dt=DT), DT).run(clip)
    assert mine.abs().max() > 0.1
    assert torch.allclose(mine, theirs, rtol=1e-5, atol=1e-6)


def test_a_delayed_current_is_one_step_late_for_other_readers() -> None:
    graph = lone(Neuron(**SILENT, integrate="leak_add", k=0.1, current="delayed", i_k=0.25))
    clip = torch.randn(8, 2, 3, generator=torch.Generator().manual_seed(0))
    mine = ns.simulate(graph, clip, "dense").outputs
    theirs = Reference(ns.to_nir(graph, dt=DT), DT).run(clip)
    assert torch.allclose(mine[1:], theirs[:-1], rtol=1e-5, atol=1e-6)


def test_the_words_of_nir() -> None:
    said = {
        name: fields_of(Neuron(**{**SILENT, **more}), {}, (2,), DT)[0]
        for name, more in MEMBRANES.items()
    }
    assert said["no leak"] == "I" and said["decay"] == "LI" and said["jump_first"] == "CubaLI"
    kind, fields = fields_of(Neuron(v_decay=0.75, v_threshold=2.0, v_reset=-1.0), {}, (2,), DT)
    assert kind == "LIF"
    assert np.allclose(fields["tau"], 4 * DT) and np.allclose(fields["r"], 4)
    assert np.allclose(fields["v_threshold"], 2) and np.allclose(fields["v_reset"], -1)
    assert all(f.shape == (2,) for f in fields.values())


WITHOUT_WORDS: dict[str, dict[str, Any]] = {
    "adaptive threshold": {"adaptation": True, "b_k": 0.1},
    "refractory": {"refractory": 2},
    "membrane of a neuron that fires": {"output": "v"},
    "silent spikes": {"fires": "never"},
    "behind a synaptic current": {"current": "decay_first", "i_decay": 0.5},
    "does not decay": {"v_decay": 0.5, "current": "decay_first"},
    "gone before it acts": {"v_decay": 0.5, "current": "jump_decay", "i_decay": 0.0},
    "of the way to rest": {"v_decay": 1.5},
}


@pytest.mark.parametrize("said", WITHOUT_WORDS)
def test_what_has_no_word_is_named(said: str) -> None:
    with pytest.raises(NirError, match=said):
        fields_of(Neuron(**WITHOUT_WORDS[said]), {}, (2,), DT)


def test_a_norm_kept_in_the_neuron_is_named() -> None:
    with pytest.raises(NirError, match="a norm in front"):
        fields_of(Neuron(), {"affine_bias": np.zeros((1, 2))}, (2,), DT)
