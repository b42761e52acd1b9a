"""``neurosim map MODEL --to lava``, and ``evaluate`` in a chip's arithmetic."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from neurosim.cli import main
from neurosim.cli.evaluate import _facts
from neurosim.studies.evaluate import evaluate

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("lava") is None, reason="lava-nc is not installed"
)
MODEL = """
import torch
from neurosim.data import Recipe
from neurosim.nn.norm import PerStepBatchNorm
from neurosim.nn.plif import PLIF
from torch import nn

RECIPE = Recipe(frames=6, size=(16, 16))


class Net(nn.Module):
    def __init__(self, per_step=False, mean=False):
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.lif = nn.Conv2d(3, 4, 8, 4), PLIF(v_threshold=0.2)
        self.norm = PerStepBatchNorm(4, 6) if per_step else nn.Identity()
        self.fc, self.lif2, self.head = nn.Linear(36, 8), PLIF(v_threshold=0.1), nn.Linear(8, 10)
        self.mean = mean

    def forward(self, x):
        x = self.lif(self.norm(self.conv(x.flatten(0, 1)).unflatten(0, x.shape[:2])))
        x = x.flatten(2)
        x = x * x.mean(-1, keepdim=True) if self.mean else x
        return self.head(self.lif2(self.fc(x))).mean(0)


def plain():
    return Net().eval()


def stepwise():
    net = Net(True).eval()
    torch.nn.init.normal_(net.norm.running_mean, std=0.1)
    return net


def gated():
    return Net(mean=True).eval()
"""


@pytest.fixture(scope="module")
def nets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("map") / "nets.py"
    path.write_text(MODEL)
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(arguments)
    said = capsys.readouterr()
    return code, said.out, said.err


def test_processes_layers_and_what_stays_with_the_host(nets, capsys) -> None:
    code, out, _ = run(capsys, "map", f"{nets}:plain", "--to", "lava", "--json")
    found = json.loads(out)
    assert code == 0 and found["arithmetic"] == "fixed point of loihi1"
    assert found["processes"] == {"source": 1, "lif": 2, "dense": 1}
    assert [(row["node"], row["neurons"], row["depth"]) for row in found["layers"]] == [
        ("lif", 36, 0), ("lif2", 8, 1),
    ]  # fmt: skip
    assert found["sources"] == ["conv.integers"] and found["not_mapped"] == ["conv", "head"]
    code, out, _ = run(
        capsys, "map", f"{nets}:stepwise", "--to", "lava", "--average-bn", "--floating"
    )
    assert code == 0 and "floating point: 1 source, 1 conv, 2 lif, 1 dense" in out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((":stepwise",), "'lif' (its input's scale or bias differs from step to step"),
        ((":gated", "--floating"), "no counterpart of"),
        ((":plain", "--until", "lif3"), "no neuron called lif3; known: lif, lif2"),
        ((":plain", "--chip", "loihi"), "did you mean loihi"),
        ((":plain", "--run", "--timeout", "0"), "--timeout 0"),
    ],
)
def test_a_mistake_is_one_line(nets, capsys, options: tuple[str, ...], said: str) -> None:
    code, out, err = run(capsys, "map", f"{nets}{options[0]}", "--to", "lava", *options[1:])
    assert (code, out, err.count("\n")) == (2, "", 1) and said in err


@pytest.mark.slow
def test_run_compares_every_spike(nets, capsys) -> None:
    code, out, err = run(capsys, "map", f"{nets}:plain", "--to", "lava", "--run", "--timeout", "60")
    assert code == 0, err
    assert "bit-identical in all layers over 6 steps" in out and "before step 0" in out


def test_accuracy_before_and_after_a_chips_arithmetic(nets, capsys, tmp_path) -> None:
    of = {"root": tmp_path, "number": 3}
    changed = evaluate(f"{nets}:stepwise", "motion", quantize="loihi1", average_bn=True, **of)
    pipeline = changed.run.manifest.pipeline
    assert "average_bn" in pipeline and pipeline[-1] == "quantize(chip=loihi1)"
    plain = evaluate(f"{nets}:stepwise", "motion", **of)
    assert changed.before is not None and plain.before is None
    assert changed.before.videos == plain.videos
    assert changed.to_dict()["before"]["top1"] == plain.top1.to_dict()
    assert not np.array_equal(
        [v.synaptic_operations for v in changed.videos],
        [v.synaptic_operations for v in plain.videos],
    )
    said = "\n".join(_facts(changed))
    assert "changed  by average_bn, quantize(chip=loihi1); before: top-1 " in said
    code, _, err = run(capsys, "evaluate", f"{nets}:stepwise", "--quantize", "loihi3")
    assert code == 2 and "loihi1" in err and err.count("\n") == 1
