"""Small real videos whose frames say their number: frame i is gray, LEVEL + STEP·i."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

LEVEL, STEP = 20, 5
QUALITY = {"mpeg4": {"qmax": "3"}, "libx264": {"x264-params": "bframes=3:b-adapt=0"}}


def encode(
    path: Path,
    pictures: Sequence[np.ndarray],
    *,
    codec: str = "libx264",
    rate: int = 30,
    ticks: Sequence[int] | None = None,
    rotate: int = 0,
    faststart: bool = False,
) -> Path:
    """Write (H, W, 3) pictures at ``ticks`` milliseconds (None: one frame period each)."""
    quality = {"threads": "1"} | QUALITY.get(codec, {})
    options = {"movflags": "faststart"} if faststart else {}
    with av.open(path, "w", options=options) as container:
        stream = container.add_stream(codec, rate=rate, options=quality)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv444p" if path.suffix == ".mp4" else "yuv420p"
        if ticks is not None:
            stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        if rotate:
            stream.set_display_rotation(rotate)
        for i, rgb in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            frame.pts = i if ticks is None else ticks[i]
            frame.time_base = Fraction(1, rate) if ticks is None else Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def numbered(count: int, height: int = 32, width: int = 48) -> list[np.ndarray]:
    return [np.full((height, width, 3), LEVEL + STEP * i, np.uint8) for i in range(count)]


def numbers(frames: np.ndarray) -> list[int]:
    """The frame numbers that the gray levels of (T, H, W, 3) frames spell."""
    return [round((float(f.mean()) - LEVEL) / STEP) for f in frames]


@pytest.fixture
def write_video(tmp_path: Path) -> Callable[..., Path]:
    """write_video(name, pictures or a frame count, **encode options) → path."""

    def write(name: str, pictures: Sequence[np.ndarray] | int = 40, **options: object) -> Path:
        content = numbered(pictures) if isinstance(pictures, int) else pictures
        return encode(tmp_path / name, content, **options)  # type: ignore[arg-type]

    return write


@pytest.fixture
def read_numbers() -> Callable[[np.ndarray], list[int]]:
    return numbers
