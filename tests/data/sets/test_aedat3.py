"""AEDAT 3.1 packets, against what the test wrote."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.data.sets._aedat3 import read_aedat3
from neurosim.errors import ClipError


def test_valid_polarity_events_of_all_packets(tmp_path, aedat3, recording, columns):
    events = recording(1_000, 50, side=32_768)  # coordinates have 15 bits
    found = read_aedat3(aedat3(tmp_path / "a.aedat", [events[:20], events[20:]]))
    for name, values in columns(events).items():
        assert (found[name] == values).all(), name


@pytest.mark.parametrize(
    ("camera", "size"), [("DVS128", (128, 128)), ("DAVIS346BMono", (260, 346)), ("Other", None)]
)
def test_the_camera_tells_the_size(tmp_path, aedat3, recording, camera, size):
    path = aedat3(tmp_path / "a.aedat", [recording(0, 5)])
    path.write_bytes(path.read_bytes().replace(b": DVS128", f": {camera}".encode()))
    found = read_aedat3(path)
    sizes = (int(found["height"]), int(found["width"])) if "height" in found else None
    assert sizes == size


def test_time_beyond_31_bits(tmp_path, aedat3, recording):
    events = recording((3 << 31) + 17, 5)
    found = read_aedat3(aedat3(tmp_path / "a.aedat", [events], overflow=3))
    assert found["t"].tolist() == [e[0] for e in events] and found["t"].dtype == np.int64


def test_a_span_is_half_open(tmp_path, aedat3, recording):
    path = aedat3(tmp_path / "a.aedat", [recording(0, 10), recording(10_000, 10)])
    assert read_aedat3(path, (3_000, 12_000))["t"].tolist() == list(range(3_000, 12_000, 1000))
    with pytest.raises(ClipError, match="at 'a.aedat': found no events from 20000 to 30000 µs"):
        read_aedat3(path, (20_000, 30_000))


@pytest.mark.parametrize("cut", [5, 60, 190, 240])
def test_truncated_anywhere(tmp_path, aedat3, recording, cut):
    path = aedat3(tmp_path / "a.aedat", [recording(0, 10), recording(10_000, 10)])
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(ClipError, match="at 'a.aedat': found a truncated recording") as caught:
        read_aedat3(path, (0, 5_000))  # the span itself is whole
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "an empty file"),
        (b"#!AER-DAT2.0\r\n", "a file that is not AEDAT 3.1"),
        (b"#!AER-DAT3.1\r\n#Format: RAW\r\n", "a header without an end"),
        (b"#!AER-DAT3.1\r\n#!END-HEADER\r\n", "no polarity events"),
        (b"#!AER-DAT3.1\r\n#!END-HEADER\r\n" + bytes(28), "a damaged packet at byte"),
    ],
)
def test_not_a_recording(tmp_path, content, found):
    path = tmp_path / "a.aedat"
    path.write_bytes(content)
    with pytest.raises(ClipError, match=f"at 'a.aedat': found {found}"):
        read_aedat3(path)
