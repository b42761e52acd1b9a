"""Frames out of a folder of pictures, in the order a person would number them."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path

import numpy as np

from neurosim.data.decode import upright
from neurosim.data.pictures import Picture, Selection, fault, too_short

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp")
_DEMUXERS = "png_pipe,jpeg_pipe,bmp_pipe,jpegls_pipe"


def natural_key(path: Path) -> tuple[list[tuple[int, int | str]], str]:
    """img2 before img10; equal numbers (img2, img02) by name."""
    parts = re.split(r"([0-9]+)", path.name.lower())
    return [(0, int(p)) if i % 2 else (1, p) for i, p in enumerate(parts)], path.name


def picture_files(folder: Path) -> list[Path]:
    """The pictures of a folder in natural order. Raises ClipError: there are none."""
    try:
        files = [p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and p.name[0] != "."]
    except OSError as error:
        raise fault(
            folder, f"a folder that cannot be listed ({error.strerror})", "check its rights"
        ) from None
    if not files:
        raise fault(
            folder,
            "a folder without frames",
            f"put {', '.join(SUFFIXES)} files in it, or name a video file",
        )
    return sorted(files, key=natural_key)


def chosen_files(folder: Path, want: Selection) -> list[tuple[int, Path]]:
    """(number, file) of the frames at k·stride. Raises ClipError: too few."""
    files = picture_files(folder)
    if want.start_seconds or want.fps:
        raise fault(
            folder,
            "a folder of frames, which has no times",
            "drop the start time and the frame rate",
        )
    if want.frames is not None and want.span > len(files):
        steps = max(want.frames - 1, 1)
        raise too_short(folder, want, f"{len(files)} frames", (len(files) - 1) // steps)
    return list(
        islice(zip(count(0, want.stride), files[:: want.stride], strict=False), want.frames)
    )


def folder_pictures(folder: Path, want: Selection) -> Iterator[Picture]:
    """The chosen frames of a folder.

    Raises ClipError: too few pictures, one that cannot be read, or different sizes.
    """
    first = None
    for index, file in chosen_files(folder, want):
        rgb = read_picture(file)
        first = first or (file, rgb.shape)
        if rgb.shape != first[1]:
            raise fault(
                file,
                f"a picture of {rgb.shape[1]}x{rgb.shape[0]} pixels where {first[0].name!r} has "
                f"{first[1][1]}x{first[1][0]}",
                "give frames of one size",
            )
        yield Picture(index, None, rgb)


def read_picture(file: Path) -> np.ndarray:
    """(H, W, 3) uint8, upright. Raises ClipError: not a whole picture."""
    import av
    from av.error import FFmpegError

    try:
        data = file.read_bytes()
        only = {"format_whitelist": _DEMUXERS}
        with av.open(io.BytesIO(data), "r", options=only, metadata_errors="replace") as container:
            stream = container.streams.video[0]
            stream.codec_context.options = {"err_detect": "explode"}
            frame = next(container.decode(stream))
            if frame.is_corrupt:
                raise fault(file, "a damaged picture", "replace it")
            return upright(frame)
    except (FFmpegError, OSError, IndexError, StopIteration):
        raise fault(
            file, "a picture that cannot be read", "replace it or remove it from the folder"
        ) from None
