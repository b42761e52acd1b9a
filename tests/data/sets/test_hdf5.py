"""HDF5 in the layouts that are about."""

from __future__ import annotations

from collections.abc import Callable

import h5py
import numpy as np
import pytest

from neurosim.data.sets._hdf5 import read_hdf5
from neurosim.errors import ClipError


def _flat(file: h5py.File, fields: dict[str, np.ndarray]) -> None:
    for name, values in fields.items():
        file[name] = values
    file["height"], file["width"] = 100, 128


def _dsec(file: h5py.File, fields: dict[str, np.ndarray]) -> None:
    for name, values in fields.items():
        file[f"events/{name}"] = values
    file["t_offset"] = 49_599_300_523
    file.attrs["height"], file.attrs["width"] = 100, 128


def _event_cnn(file: h5py.File, fields: dict[str, np.ndarray]) -> None:
    for name, values in fields.items():
        file[f"events/{name}s"] = values / 1e6 if name == "t" else values
    file.attrs["sensor_resolution"] = (100, 128)


def _metavision(file: h5py.File, fields: dict[str, np.ndarray]) -> None:
    dtype = [("x", "u2"), ("y", "u2"), ("p", "i2"), ("t", "i8")]
    table = np.zeros(len(fields["t"]), dtype)
    for name, values in fields.items():
        table[name] = values
    file["CD/events"] = table
    file.attrs["height"], file.attrs["width"] = 100, 128


@pytest.mark.parametrize("write", [_flat, _dsec, _event_cnn, _metavision])
def test_layouts(tmp_path, recording, columns, write: Callable):
    fields = columns(recording(1_234_567, 40, gap=333))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        write(file, fields)
    found = read_hdf5(tmp_path / "a.h5")
    for name, values in fields.items():
        assert (found[name] == values).all(), name
    assert (int(found["height"]), int(found["width"])) == (100, 128)


def test_whole_number_ts_are_microseconds(tmp_path, recording, columns):
    fields = columns(recording(0, 5))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for name, values in fields.items():
            file[f"{name}s"] = values
    found = read_hdf5(tmp_path / "a.h5")
    assert (found["t"] == fields["t"]).all() and "height" not in found


def test_what_cannot_be_read_is_said(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["events/t"] = np.arange(3)
    with pytest.raises(ClipError, match="at 'a.h5': found none of the known layouts"):
        read_hdf5(path)
    for content in (b"", b"text", path.read_bytes()[:300]):
        path.write_bytes(content)
        with pytest.raises(ClipError, match="at 'a.h5': found HDF5 that cannot be read") as caught:
            read_hdf5(path)
        assert "\n" not in str(caught.value)
