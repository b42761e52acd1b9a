"""Files that are no NIR, damaged, or hostile: one typed error, one line, nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import nir
import numpy as np
import pytest

import neurosim as ns
from neurosim.errors import NirError
from neurosim.exchange.nir import read
from neurosim.exchange.nir.read import read_file
from neurosim.exchange.nir.record import Primitive, Program
from tests.exchange.nir.frameworks import DATA, MAKERS

Change = Callable[[h5py.File, Path], object]


def small(folder: Path) -> Path:
    """Input → Linear → Output."""
    weight = np.eye(2, dtype=np.float32)
    graph = nir.NIRGraph(
        {"input": nir.Input(np.array([2])), "w": nir.Linear(weight),
         "output": nir.Output(np.array([2]))},
        [("input", "w"), ("w", "output")],
    )  # fmt: skip
    nir.write(folder / "small.nir", graph)
    return folder / "small.nir"


def test_what_nir_writes_comes_back(tmp_path: Path) -> None:
    found = read_file(small(tmp_path))
    assert found.edges == (("input", "w"), ("w", "output"))
    weight = found.nodes["w"]
    assert isinstance(weight, Primitive) and weight.kind == "Linear"
    assert np.array_equal(weight.fields["weight"], np.eye(2))


def test_a_graph_in_a_graph(tmp_path: Path) -> None:
    inner = nir.NIRGraph(
        {"i": nir.Input(np.array([2])), "o": nir.Output(np.array([2]))}, [("i", "o")]
    )
    nir.write(tmp_path / "a.nir", nir.NIRGraph({"sub": inner}, [], type_check=False))
    found = read_file(tmp_path / "a.nir").nodes["sub"]
    assert isinstance(found, Program) and found.edges == (("i", "o"),)


def _redirect(file: h5py.File, path: Path) -> None:
    del file["node/nodes/w/weight"]
    secret = path.with_suffix(".raw")
    secret.write_bytes(bytes(16))
    file["node/nodes/w"].create_dataset("weight", (2, 2), "f4", external=[(str(secret), 0, 16)])


def _virtual(file: h5py.File, path: Path) -> None:
    del file["node/nodes/w/weight"]
    layout = h5py.VirtualLayout((2, 2), "f4")
    layout[:] = h5py.VirtualSource(str(path.with_suffix(".other")), "x", (2, 2))
    file["node/nodes/w"].create_virtual_dataset("weight", layout)


def _huge(file: h5py.File, path: Path) -> None:
    del file["node/nodes/w/weight"]
    file["node/nodes/w"].create_dataset("weight", (2**20, 2**20), "f4", chunks=(64, 64))


def _objects(file: h5py.File, path: Path) -> None:
    del file["node/nodes/w/weight"]
    file["node/nodes/w"].create_dataset("weight", (2,), h5py.vlen_dtype(np.float32))


def _loop(file: h5py.File, path: Path) -> None:
    file["node/nodes/w/metadata/again"] = file["node/nodes/w"]


def _nested_loop(file: h5py.File, path: Path) -> None:
    del file["node/nodes/w/type"]
    file["node/nodes/w"]["type"] = "NIRGraph"
    file["node/nodes/w"]["nodes/w"] = file["node/nodes/w"]


def _replace(where: str, value: object) -> Change:
    def change(file: h5py.File, path: Path) -> None:
        del file[where]
        file[where] = value

    return change


HOSTILE: dict[str, tuple[Change, str]] = {
    "numbers in another file": (_redirect, "another file"),
    "a virtual array": (_virtual, "another file"),
    "an array of 4 TB": (_huge, "GiB"),
    "lists of lists": (_objects, "not numbers"),
    "metadata that holds itself": (_loop, "too deep"),
    "a graph that holds itself": (_nested_loop, "too deep"),
    "a link out of the file": (_replace("node/nodes/w", h5py.ExternalLink("b.h5", "/x")), "link"),
    "a link inside": (_replace("node/nodes/w", h5py.SoftLink("/node")), "link"),
    "no type": (lambda f, p: f.__delitem__("node/nodes/w/type"), "no type"),
    "a number as type": (_replace("node/nodes/w/type", 3), "no type"),
    "no node": (lambda f, p: f.__delitem__("node"), "without /node"),
    "no nodes": (lambda f, p: f.__delitem__("node/nodes"), "without /node/nodes"),
    "an array as nodes": (_replace("node/nodes", np.zeros(3)), "no group"),
    "an array as a node": (_replace("node/nodes/w", np.zeros(3)), "no group"),
    "edges of three": (_replace("node/edges", np.zeros((2, 3))), "pairs"),
    "edges to nowhere": (_replace("node/edges", [[b"input", b"x"]]), "no node 'x'"),
    "no weight": (lambda f, p: f.__delitem__("node/nodes/w/weight"), "no weight"),
    "text as weight": (_replace("node/nodes/w/weight", "abc"), "no numbers"),
    "NaN as weight": (_replace("node/nodes/w/weight", np.full((2, 2), np.nan)), "NaN"),
    "weight of one axis": (_replace("node/nodes/w/weight", np.zeros(4)), "expects (out, in)"),
    "an unknown primitive": (_replace("node/nodes/w/type", "Hodgkin"), "Hodgkin"),
    "an Input without numbers": (_replace("node/nodes/input/shape", "two"), "no shape"),
    "an Input of -2": (_replace("node/nodes/input/shape", np.array([-2])), "input_shape"),
    "text in compressed pieces": (
        lambda f, p: (
            f.__delitem__("node/nodes/w/type"),
            f["node/nodes/w"].create_dataset(
                "type", data=["Linear"] * 3, dtype=h5py.string_dtype(), chunks=(1,)
            ),
        ),
        "damaged text",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_file_is_one_typed_error(what: str, tmp_path: Path) -> None:
    change, said = HOSTILE[what]
    path = small(tmp_path)
    with h5py.File(path, "a") as file:
        file["node/nodes/w"].require_group("metadata")
        change(file, path)
    with pytest.raises(NirError) as error:
        ns.from_nir(path)
    assert said in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("data", [b"", b"hello", b"\x89HDF\r\n\x1a\n", b"\x89HDF\r\n\x1a\n" * 400])
def test_what_is_no_hdf5_is_refused(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.nir").write_bytes(data)
    with pytest.raises(NirError, match="cannot be read as NIR"):
        read_file(tmp_path / "a.nir")


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NirError, match="no such file"):
        read_file(tmp_path / "b.nir")
    with pytest.raises(NirError, match="a folder"):
        read_file(tmp_path)


def test_a_single_node_is_no_graph(tmp_path: Path) -> None:
    nir.write(tmp_path / "a.nir", nir.Linear(np.eye(2)))
    with pytest.raises(NirError, match="one Linear, not a graph"):
        read_file(tmp_path / "a.nir")


def test_too_many_bytes_in_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "MOST_BYTES", 8)
    with pytest.raises(NirError, match="GiB"):
        read_file(small(tmp_path))


def damaged(data: np.ndarray, seed: int) -> np.ndarray:
    """Cut short, or with a few bytes changed."""
    rng = np.random.default_rng(seed)
    if seed % 5 == 0:
        return data[: rng.integers(1, len(data))]
    found = data.copy()
    reach = len(data) if seed % 2 else min(len(data), 4096)
    at = rng.integers(0, reach, rng.integers(1, 20))
    found[at] = rng.integers(0, 256, len(at))
    return found


def check_damage(name: str, seeds: range, folder: Path) -> int:
    data = np.fromfile(DATA / f"{name}.nir", np.uint8)
    refused = 0
    for seed in seeds:
        damaged(data, seed).tofile(folder / "a.nir")
        try:
            ns.from_nir(folder / "a.nir", source=name.split("_")[0])
        except ns.NeurosimError as error:
            assert "\n" not in str(error)
            refused += 1
    return refused


def test_damaged_files_are_read_or_refused(tmp_path: Path) -> None:
    assert check_damage("snntorch", range(180, 190), tmp_path) > 3  # 186 makes HDF5 loop


@pytest.mark.slow
@pytest.mark.parametrize("name", MAKERS)
def test_many_damaged_files_are_read_or_refused(name: str, tmp_path: Path) -> None:
    assert check_damage(name, range(300), tmp_path) > 100
