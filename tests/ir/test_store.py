"""Files: whole or not at all, no pickle, no torch; a foreign file is one line."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from neurosim.errors import StoreError
from neurosim.ir.graph import Graph
from neurosim.ir.run import Run
from neurosim.ir.store import load_graph, load_run, save_graph, save_run, write_atomically
from neurosim.ops import build
from neurosim.passes import snap_weights
from neurosim.sim.simulate import simulate
from tests.passes.networks import RandomNet, clip


def graph() -> Graph:
    return snap_weights(RandomNet(4).graph())


def run() -> Run:
    return simulate(graph(), clip(), record="spikes", window=2)


def test_graph_round_trip(tmp_path: Path) -> None:
    before = graph()
    after = load_graph(save_graph(before, tmp_path / "net.npz"))
    assert str(after) == str(before) and after.facts() == before.facts()
    assert after.params.keys() == before.params.keys()
    for key, array in before.params.items():
        np.testing.assert_array_equal(after.params[key], array)
    assert [n.type for n in after] == [n.type for n in before]
    assert str(build(after)) == str(before)
    a, b = (simulate(g, clip(), "dense") for g in (before, after))
    assert a.counts == b.counts
    np.testing.assert_array_equal(a.outputs, b.outputs)


def test_run_round_trip(tmp_path: Path) -> None:
    before = run()
    after = load_run(before.save(tmp_path / "deep" / "run.npz"))
    assert after.counts == before.counts and after.manifest == before.manifest
    assert after.facts == before.facts and after.firing_rates() == before.firing_rates()
    assert after.trace.values.keys() == before.trace.values.keys() and len(after.trace)
    for name, spikes in before.trace.values.items():
        np.testing.assert_array_equal(after.trace[name], spikes)
    np.testing.assert_array_equal(after.outputs[0], before.outputs)
    assert not list(tmp_path.rglob("*.tmp"))


def test_nothing_in_the_file_is_pickled(tmp_path: Path) -> None:
    path = save_run(run(), tmp_path / "run.npz")
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        assert "header.npy" in names and "allow_pickle.npy" not in names
        assert all(archive.read(n)[:6] == b"\x93NUMPY" for n in names)
    with np.load(path, allow_pickle=False) as file:
        assert all(file[k].dtype != object for k in file.files)


@pytest.mark.parametrize(
    "kind", ["text", "empty", "truncated", "directory", "missing", "graph", "other npz", "pickle"]
)
def test_a_file_that_is_none_of_ours(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "run.npz"
    if kind == "text":
        path.write_text("firing rates of last week\n")
    elif kind == "empty":
        path.touch()
    elif kind == "truncated":
        whole = save_run(run(), path).read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
    elif kind == "directory":
        path.mkdir()
    elif kind == "graph":
        save_graph(graph(), path)
    elif kind == "other npz":
        np.savez(path, a=np.ones(3))
    elif kind == "pickle":
        np.savez(path, header=np.array([{"what": "run"}], dtype=object))
    with pytest.raises(StoreError) as error:
        load_run(path)
    assert "; " in str(error.value) or kind == "missing"
    assert "\n" not in str(error.value) and "run.npz" in str(error.value)


@pytest.mark.parametrize(
    "header", [b"[]", b"{}", b'{"what": "run", "format": 99}', b'{"what": "run", "format": 1}']
)
def test_a_header_that_is_not_ours(tmp_path: Path, header: bytes) -> None:
    np.savez(tmp_path / "run.npz", header=np.frombuffer(header, np.uint8))
    with pytest.raises(StoreError, match="run.npz"):
        load_run(tmp_path / "run.npz")


def test_unwritable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot write .*; choose a writable folder"):
        save_run(run(), tmp_path / "file" / "run.npz")


def test_a_full_disk_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_atomically(tmp_path / "a.txt", b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StoreError, match="No space left on device"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old" and [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_loading_and_pricing_import_no_torch(tmp_path: Path) -> None:
    path = save_run(run(), tmp_path / "run.npz")
    code = (
        "import sys\n"
        "from neurosim.ir.store import load_run\n"
        "import neurosim.energy as energy\n"
        f"run = load_run({str(path)!r})\n"
        "report = energy.price(run, 'cmos_45nm')\n"
        "assert report.joules > 0\n"
        "found = [m for m in ('torch', 'norse', 'numba', 'neurosim.ops') if m in sys.modules]\n"
        "assert not found, found\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_nothing_but_a_regular_file_is_ever_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for taken in (pipe, tmp_path):
        with pytest.raises(StoreError, match="it is not a regular file"):
            write_atomically(taken, b"data")
    assert pipe.is_fifo() and list(tmp_path.iterdir()) == [pipe]
