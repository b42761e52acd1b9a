"""``neurosim estimate FILE.nir``, ``neurosim graph FILE.nir`` and ``graph MODEL --nir FILE``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import neurosim as ns
from neurosim.cli import main
from neurosim.models._source import resolve
from tests.exchange.nir.frameworks import DATA

NORSE, RECURRENT = str(DATA / "norse.nir"), str(DATA / "snntorch_recurrent.nir")


@pytest.fixture
def clips(tmp_path: Path) -> dict[str, str]:
    """Of each stored network, the clip of one sample."""
    found: dict[str, str] = {}
    for name in ("norse", "snntorch_recurrent"):
        clip = np.load(DATA / f"{name}.npz")["clip"][:, 0]
        np.save(tmp_path / f"{name}.npy", clip)
        found[name] = str(tmp_path / f"{name}.npy")
    return found


def test_estimate_prices_what_python_prices(
    clips: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["estimate", NORSE, "--source", "norse", "--clip", clips["norse"], "--json"]
    assert main([*asked, "--hardware", "loihi1", "--engine", "dense"]) == 0
    told = json.loads(capsys.readouterr().out)
    graph = ns.lower(ns.from_nir(NORSE, source="norse"))
    run = ns.simulate(graph, torch.from_numpy(np.load(clips["norse"]))[:, None], "dense")
    assert told["synaptic_operations"] == run.synaptic_operations()
    assert told["firing_rates"] == pytest.approx(run.firing_rates())
    assert told["reports"]["loihi1"]["mj_per_video"] > 0
    assert any("as norse writes them" in note for note in told["manifest"]["notes"])


def test_rates_need_no_clip(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["estimate", RECURRENT, "--source", "snntorch", "--rates", "0.25", "--json"]
    assert main([*asked, "--frames", "8"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["firing_rates"] == {"1.lif": pytest.approx(0.25, abs=0.02)}


def test_graph_exports_what_it_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    to = tmp_path / "a.nir"
    asked = ["graph", RECURRENT, "--source", "snntorch", "--neuron", "reset=subtract"]
    assert main([*asked, "--kind", "spike", "--nir", str(to)]) == 0
    assert "reset=subtract" in capsys.readouterr().out
    back = ns.from_nir(to)
    assert back["1.lif"].attrs["equation"]["reset"] == "subtract"
    assert back.inputs[0].attrs["kind"] == "spike"
    assert main(["graph", str(to)]) == 0
    assert "reset=subtract" in capsys.readouterr().out


WRONG: dict[str, tuple[list[str], str]] = {
    "no file": (["estimate", "absent.nir"], "no such file"),
    "no HDF5": (["graph", "text.nir"], "cannot be read as NIR"),
    "no source": (["estimate", RECURRENT, "--rates", "0.1"], "how long a step is"),
    "another source": (["graph", RECURRENT, "--source", "brian"], "unknown NIR source 'brian'"),
    "no clip": (["estimate", RECURRENT, "--source", "snntorch"], "takes 7 numbers a step"),
    "a video": (
        ["estimate", RECURRENT, "--source", "snntorch", "--clip", "text.nir"], "no array",
    ),
    "another clip": (
        ["estimate", RECURRENT, "--source", "snntorch", "--clip", "norse.npy"], "give numbers of",
    ),
    "weights": (["graph", RECURRENT, "--weights", "none"], "--weights"),
    "a size": (["graph", RECURRENT, "--source", "snntorch", "--size", "4x4"], "--size"),
    "a field that is none": (
        ["graph", RECURRENT, "--source", "snntorch", "--neuron", "colour=red"], "no such field",
    ),
    "a field without value": (["graph", RECURRENT, "--neuron", "reset"], "KEY=VALUE"),
    "a word for a number": (
        ["graph", RECURRENT, "--source", "snntorch", "--neuron", "v_reset=low"], "is no number",
    ),
    "a choice that is none": (
        ["graph", RECURRENT, "--source", "snntorch", "--neuron", "reset=maybe"], "choose one of",
    ),
    "a zoo model": (["graph", "norse_conv", "--source", "norse"], "belong to a .nir file"),
    "no folder": (["graph", RECURRENT, "--source", "snntorch", "--nir", "no/a.nir"], "--nir"),
    "no word": (
        ["graph", RECURRENT, "--source", "snntorch", "--neuron", "refractory=2", "--nir", "o.nir"],
        "NIR has no word for neuron (a refractory time): '1.lif'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_a_mistake_is_one_line_and_code_2(
    what: str, clips: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path("text.nir").write_text("hello")
    asked, said = WRONG[what]
    assert main(asked) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1 and error.startswith("neurosim: ")
    assert not Path("no").exists() and not Path("o.nir").exists()


def test_a_nir_graph_is_nothing_to_train() -> None:
    with pytest.raises(ns.NeurosimError, match="no module to train"):
        resolve(RECURRENT)
