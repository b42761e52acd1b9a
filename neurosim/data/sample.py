"""The built-in sample clip: drawn here in integers, encoded to a real H.264 file on first use.

A textured background seen by a moving, shaking camera, with a ball, a box and a bar that move on
their own and hide one another. No clock, no random state, no floats: the drawing is the same on
every machine.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from neurosim.cache import cache_folder
from neurosim.errors import StoreError

FRAMES, FPS, HEIGHT, WIDTH = 150, 30, 240, 320
_NAME = "sample-1.mp4"  # the number changes with the drawing or the encoding
_X264 = {
    "preset": "medium",
    "crf": "23",
    "g": "30",
    "threads": "1",
    "x264-params": "threads=1:cpu-independent=1",
}


def sample_clip_path() -> Path:
    """Path of the sample clip (320×240, 5 s at 30 frames a second), made on first use in the cache.

    Written under another name and renamed, so that a second process never meets half a file.
    Raises StoreError: the cache cannot be written, or this PyAV has no H.264 encoder.
    """
    path = cache_folder() / _NAME
    if path.is_file() and path.stat().st_size:
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_beside(path)
    except OSError as error:
        raise StoreError(
            f"at {str(path.parent)!r}: the sample clip cannot be written ({error.strerror}); "
            "set NEUROSIM_CACHE to a folder that can"
        ) from None
    return path


def _write_beside(path: Path) -> None:
    handle, name = tempfile.mkstemp(prefix=".sample-", suffix=".mp4", dir=path.parent)
    os.close(handle)
    try:
        _encode(Path(name))
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _encode(path: Path) -> None:
    import av

    if "libx264" not in av.codecs_available:
        raise StoreError(
            f"at the sample clip: PyAV {av.__version__} has no H.264 encoder; "
            "install PyAV's own wheel, or give a clip"
        )
    with av.open(path, "w", format="mp4", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("libx264", rate=FPS, options=_X264)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for t, rgb in enumerate(sample_frames()):
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            frame.pts = t
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def sample_frames() -> Iterator[np.ndarray]:
    """The clip before encoding: (H, W, 3) uint8, one frame at a time."""
    ground = _texture(512, 640, seed=1, cell=32)
    skin = _texture(128, 128, seed=2, cell=8)
    for t in range(FRAMES):
        yield _draw(t, ground, skin)


def _draw(t: int, ground: np.ndarray, skin: np.ndarray) -> np.ndarray:
    shake_y, shake_x = _swing(t, 7, 3), _swing(t, 11, 4)
    top, left = 60 + _swing(t, 80, 60) + shake_y, 30 + t * 3 // 2 + shake_x
    frame = ground[top : top + HEIGHT, left : left + WIDTH].copy()
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    ball_y, ball_x = 60 + _swing(t, 36, 160) - shake_y, 20 + t * 2 - shake_x
    box_y, box_x = 110 - shake_y, 250 - t * 3 // 2 - shake_x
    bar_x = 40 + _swing(t, 50, 220)
    size = 26 + _swing(t, 60, 18)
    _paint(
        frame,
        (abs(y - box_y) < size) & (abs(x - box_x) < size),
        skin,
        (box_y, box_x),
        (200, 90, 40),
    )
    _paint(
        frame, (y - ball_y) ** 2 + (x - ball_x) ** 2 < 30**2, skin, (ball_y, ball_x), (60, 160, 220)
    )
    _paint(
        frame,
        (abs(2 * (x - bar_x) - (y - 120)) < 12) & (abs(y - 120) < 90),
        skin,
        (0, bar_x),
        (230, 220, 70),
    )
    return frame


def _paint(
    frame: np.ndarray,
    inside: np.ndarray,
    skin: np.ndarray,
    origin: tuple[int, int],
    colour: tuple[int, int, int],
) -> None:
    """Fill a shape with its colour times a texture that moves with it."""
    y, x = np.nonzero(inside)
    shade = skin[(y - origin[0]) % 128, (x - origin[1]) % 128, :1].astype(np.int64)  # (pixels, 1)
    frame[y, x] = np.array(colour) * (128 + shade // 2) // 255


def _swing(t: int, period: int, reach: int) -> int:
    """A triangle wave: 0 → reach → 0 over ``period`` frames."""
    phase = t % period
    return 2 * reach * min(phase, period - phase) // period


def _texture(height: int, width: int, seed: int, cell: int) -> np.ndarray:
    """(height, width, 3) uint8 value noise: hashed lattice values between fixed-point blends."""
    coarse, fine = (_noise(height, width, seed + i, max(cell >> (2 * i), 2)) for i in range(2))
    noise = (3 * coarse + fine) // 4
    return ((3 * noise[..., :1] + noise) // 4).astype(np.uint8)  # mostly gray, a little tinted


def _noise(height: int, width: int, seed: int, cell: int) -> np.ndarray:
    y, x = np.arange(height), np.arange(width)
    lattice = _hash(height // cell + 2, width // cell + 2, seed)
    fy, fx = (y % cell)[:, None, None], (x % cell)[None, :, None]
    rows, columns = y // cell, x // cell
    upper = lattice[rows][:, columns] * (cell - fx) + lattice[rows][:, columns + 1] * fx
    lower = lattice[rows + 1][:, columns] * (cell - fx) + lattice[rows + 1][:, columns + 1] * fx
    return (upper * (cell - fy) + lower * fy) // cell**2


def _hash(height: int, width: int, seed: int) -> np.ndarray:
    """(height, width, 3) integers in 0..255 by multiply and shift, modulo 2^32."""
    n = np.arange(height * width * 3, dtype=np.uint64) + np.uint64(seed * 1_000_003)
    for multiplier, shift in ((0x9E3779B1, 15), (0x85EBCA77, 13), (0xC2B2AE3D, 16)):
        n = n * np.uint64(multiplier) % np.uint64(2**32)
        n ^= n >> np.uint64(shift)
    return (n % np.uint64(256)).astype(np.int64).reshape(height, width, 3)
