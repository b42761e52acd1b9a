"""AEDAT 4 against FlatBuffers' own builder, and against a file that iniVation's library wrote."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
import pytest

from neurosim.data.sets._aedat4 import _number, read_aedat4
from neurosim.errors import ClipError

# dv-processing 2.0.4, MonoCameraWriter, 12×10 pixels, LZ4: event i of 20 is (1000 + 7i, i mod 12,
# 3i mod 10, i mod 3 = 0); written in two stores
REAL = """
eNqNVE1PE1EUPUynthQoY6cxmBgzDCRusJ1WdNWWIh+xRCB8BIsbMtIHTGznTd68NsGFMf4E/QPG+CfcuXTrv2Bn
iNHEhYn3FZBShshL7syZ++495955c2difHZh/f787OZ0zhlJTcWAMQC11ScL6K4UstAxjCQhYIBsmOy1frL7WwNK
jY7VYSL0uF+2iznHrqQsWiWfN5jluy1Wtnlb1vw9bluBKw/Kdv70OX8a2h/uXAp0ekO74a6UwnrJDsv2Lm8FgoVK
37bkYUAEoRSev29Xnj6fLuVV5JXJXHj7nu82l3mj3WQrJN/Pscx9Pkd+4T4TnmTimoSrbRm0ZRQh6zBfhv+hUSnz
LNwVXiAjGptrh5K3rIYr3e6OxbtyuWuw1hok7+15TPSTLmxtbkQS9ByNF3WMTt7rO80I7dB7xepnkp4v7UqhGKUW
kbZ9Mc25Thpvi91Lr35+qx40uWBiJ3RbQZNFdptX7fZ8mD3PZ7iUb3QqqZMRwFcy3V4eq1a/fCb4MztMU2IQUu8T
uEGjo9OVgshGyY5iNEcbapS+G7AHMIjMrwTGoT3CA+CPgY8x8ql9XZ9BQYc2CHPIQCGOuAEzQ4hIHZi3DdxMpFWS
RSj5TqF7FDFow8yRJ7WiPA/JM/QBZonyqJx1mHOESLYIc8nAGw0aetfBeT/bBI+zTVzdT5xsTadi38cIq5rrhio5
OQZzx4B2V1Ww161Yp4pbpJdA4p/Wqc4hwW+f6JIlW9ycfUxMP/SLSqrI+iSO6Z5Gkf5COkXfwSTSDt6eVH1LH0Em
nsAE1qjnVhKahpk0pqrAC3VKizEbmVG1f0R1LOnnPf8FRzUU7w==
"""


def test_a_real_file(tmp_path):
    path = tmp_path / "real.aedat4"
    path.write_bytes(zlib.decompress(base64.b64decode(REAL)))
    found = read_aedat4(path)
    i = np.arange(20)
    expected = {"t": 1000 + 7 * i, "x": i % 12, "y": 3 * i % 10, "p": i % 3 == 0}
    for name, values in expected.items():
        assert (found[name] == values).all(), name
    assert (found["height"], found["width"]) == (10, 12)


@pytest.mark.parametrize("compression", [0, 1, 2])
@pytest.mark.parametrize("table", [False, True])
def test_packets_of_the_event_stream(tmp_path, aedat4, recording, columns, compression, table):
    events = recording(1 << 40, 90)
    packets = [events[:30], [], events[30:]]
    path = aedat4(tmp_path / "a.aedat4", packets, compression=compression, table=table)
    found = read_aedat4(path)
    for name, values in columns(events).items():
        assert (found[name] == values).all(), name
    assert int(found["height"]) == int(found["width"]) == 128


def test_what_cannot_be_read_is_said(tmp_path, aedat4, recording, aedat4_header):
    path = tmp_path / "a.aedat4"
    events = recording(0, 4)
    aedat4(path, [events], compression=3)
    with pytest.raises(ClipError, match="at 'a.aedat4': found compression 3; save it .*LZ4"):
        read_aedat4(path)
    aedat4(path, [events], xml=aedat4_header.replace("EVTS", "IMUS"))
    with pytest.raises(ClipError, match="found 0 event streams"):
        read_aedat4(path)
    aedat4(path, [events], xml="<!DOCTYPE dv>" + aedat4_header)
    with pytest.raises(ClipError, match="found a document type"):
        read_aedat4(path)
    path.write_bytes(b"#!AER-DAT3.1\r\n")
    with pytest.raises(ClipError, match="found a file that is not AEDAT 4"):
        read_aedat4(path)


@pytest.mark.parametrize("compression", [0, 1])
def test_a_damaged_file_is_an_error_or_other_numbers_never_a_crash(
    tmp_path, aedat4, recording, compression
):
    path = tmp_path / "a.aedat4"
    whole = aedat4(path, [recording(0, 20)] * 3, compression=compression).read_bytes()
    rng = np.random.default_rng(compression)
    refused = 0
    for trial in range(150):
        data = bytearray(whole)
        if trial % 2:
            data = data[: rng.integers(len(data))]
        for at in rng.integers(len(data) or 1, size=3 * (trial % 2 == 0)):
            data[at] = rng.integers(256)
        path.write_bytes(data)
        try:
            read_aedat4(path)
        except ClipError as error:
            refused += 1
            assert "'a.aedat4'" in str(error) and "\n" not in str(error)
    assert refused > 75  # all that are cut off, and more


def test_a_packet_of_another_stream_that_is_cut_off(tmp_path, aedat4, recording):
    path = aedat4(tmp_path / "a.aedat4", [recording(0, 20)], table=False)
    path.write_bytes(path.read_bytes() + struct.pack("<ii", 0, 100) + bytes(99))
    with pytest.raises(ClipError, match="a damaged or truncated recording"):
        read_aedat4(path)
    path.write_bytes(path.read_bytes() + bytes(1))
    assert len(read_aedat4(path)["t"]) == 20


def test_nothing_is_read_before_the_buffer():
    assert _number(b"abcd", "<H", 2) == int.from_bytes(b"cd", "little")
    for at in (-2, 3, 1 << 40):
        with pytest.raises((ValueError, struct.error)):
            _number(b"abcd", "<H", at)


def test_a_file_without_a_table_that_is_cut_off(tmp_path, aedat4, recording):
    path = aedat4(tmp_path / "a.aedat4", [recording(0, 20)] * 2, table=False)
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(ClipError, match="at 'a.aedat4': found a damaged or truncated recording"):
        read_aedat4(path)
