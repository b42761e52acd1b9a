"""What ``ns.train`` takes and refuses, before any time is spent."""

import pytest

import neurosim as ns
from neurosim.errors import TrainError, UnknownName
from neurosim.train import begin


def test_the_package_is_the_function(config, tmp_path):
    done = ns.train(config.with_(epochs=1).to_dict(), tmp_path / "run")
    assert done.path == tmp_path / "run" and done.best["epoch"] == 1


def test_default_folder_is_plain(config):
    name = begin.default_folder(config).name
    assert begin.default_folder(config).parent.name == "runs" and ":" not in name


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"rule": "bttp"}, UnknownName, "did you mean bptt"),
        ({"data": "motoin"}, UnknownName, "did you mean motion"),
        ({"model": "svformer_tin"}, UnknownName, "did you mean svformer_tiny"),
        ({"split": "training"}, UnknownName, "train"),
        ({"init": "nowhere.safetensors"}, ns.errors.ModelError, "nowhere.safetensors"),
    ],
)
def test_mistakes_are_one_line(config, tmp_path, changes, error, said):
    with pytest.raises(error, match=said) as found:
        ns.train(config.with_(**changes), tmp_path / "run")
    assert "\n" not in str(found.value)


def test_energy_weight_needs_layers_that_take_spikes(config, tmp_path):
    (tmp_path / "dense.py").write_text(
        "import torch\nfrom neurosim.data import Recipe\nRECIPE = Recipe(frames=2, size=(8, 8))\n"
        "class Net(torch.nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.head = torch.nn.Linear(192, 10)\n"
        "    def forward(self, x):\n"
        "        return self.head(x.flatten(2)).mean(0)\n"
    )
    dense = config.with_(model=f"{tmp_path / 'dense.py'}:Net", epochs=1)
    with pytest.raises(TrainError, match="takes spikes; set it to 0"):
        ns.train(dense.with_(energy_weight=1.0), tmp_path / "one")
    done = ns.train(dense, tmp_path / "two")
    assert "synaptic_operations" not in done.rows[0] and done.rows[0]["top1"] >= 0
