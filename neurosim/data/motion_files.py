"""The files of the built-in data set: ``motion-<version>/seed-<seed>/<index>.mp4`` and ``.npz``.

Every frame is coded on its own (intra) at a fixed quantiser: rate control and motion-compensated
residuals would carry a neighbour's content, and so the action, into a single decoded frame.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np

from neurosim.data.motion_draw import VERSION, draw_extended
from neurosim.data.motion_events import PERIOD_US, film_events
from neurosim.data.motion_scene import SIDE
from neurosim.errors import ClipError, StoreError

PathLike = str | os.PathLike[str]
_TASK = 50  # clips
_X264 = {
    "preset": "veryfast",
    "qp": "20",
    "g": "1",
    "threads": "1",
    "x264-params": "threads=1:cpu-independent=1",
}


def motion_path(folder: PathLike, seed: int, index: int, suffix: str = ".mp4") -> Path:
    """Where clip ``index`` of the set ``seed`` lies."""
    return Path(folder) / f"motion-{VERSION}" / f"seed-{seed}" / f"{index:06d}{suffix}"


def generate(
    folder: PathLike,
    number: int,
    seed: int = 0,
    workers: int | None = None,
    *,
    events: bool = False,
    progress: bool | None = None,
) -> Path:
    """Write those of the first ``number`` clips that are not there yet; returns their folder.

    A file is there whole or not at all, so that an interrupted call is resumed by calling again.
    ``workers``: processes (None: one a core; 1: this one). ``events``: event streams as well.
    ``progress``: a bar on stderr (None: when it is a terminal).
    Raises ClipError: an argument out of range; StoreError: a file cannot be written.
    """
    _check(number, seed, workers)
    home = motion_path(folder, seed, 0).parent
    try:
        home.mkdir(parents=True, exist_ok=True)
        missing = missing_clips(folder, number, seed, events=events)
        tasks = [missing[i : i + _TASK] for i in range(0, len(missing), _TASK)]
        with _bar(len(missing), progress) as advance:
            for done in _run(Path(folder), seed, events, tasks, workers or os.cpu_count() or 1):
                advance(done)
    except StoreError:
        raise
    except OSError as error:
        raise _unwritable(home, error.strerror or str(error)) from None
    return home


def missing_clips(
    folder: PathLike, number: int, seed: int, *, events: bool = False, video: bool = True
) -> list[int]:
    """Which of the first ``number`` clips lack a file."""
    home = motion_path(folder, seed, 0).parent
    there = {e.name for e in os.scandir(home) if e.stat().st_size} if home.is_dir() else set()
    suffixes = (".mp4",) * video + (".npz",) * events
    return [
        index
        for index in range(number)
        if any(motion_path(home, seed, index, s).name not in there for s in suffixes)
    ]


def _check(number: int, seed: int, workers: int | None) -> None:
    least = {
        "number": (number, 1),
        "seed": (seed, 0),
        "workers": (1 if workers is None else workers, 1),
    }
    for name, (value, low) in least.items():
        if value < low:
            raise ClipError(f"at the motion data set's {name}: found {value}; give at least {low}")


def _run(
    folder: Path, seed: int, events: bool, tasks: list[list[int]], workers: int
) -> Iterator[int]:
    """Carry the tasks out; yields the size of each as it is done."""
    if workers == 1 or len(tasks) < 2:
        yield from (_write_all(folder, seed, events, [i]) for task in tasks for i in task)
        return
    context = multiprocessing.get_context("spawn")  # a fork of a threaded parent can hang
    pool = ProcessPoolExecutor(min(workers, len(tasks)), context, _end_with_parent)
    try:
        jobs = [pool.submit(_write_all, folder, seed, events, task) for task in tasks]
        yield from (job.result() for job in as_completed(jobs))
    except BrokenProcessPool:
        found = "a worker process died; a script needs an `if __name__ == '__main__'` guard"
        raise _unwritable(folder, found) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for work for ever."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _write_all(folder: Path, seed: int, events: bool, indices: Sequence[int]) -> int:
    for index in indices:
        frames = draw_extended(seed, index)
        _write_beside(motion_path(folder, seed, index), lambda p, f=frames: encode(p, f[1:]))
        if events:
            _write_beside(
                motion_path(folder, seed, index, ".npz"), lambda p, f=frames: save_events(p, f)
            )
    return len(indices)


def _write_beside(path: Path, write: Callable[[Path], None]) -> None:
    """Write under another name and rename; a file that is there stays."""
    if path.is_file() and path.stat().st_size:
        return
    handle, name = tempfile.mkstemp(prefix=".motion-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    try:
        write(Path(name))
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def encode(path: Path, frames: np.ndarray) -> None:
    """(T, H, W, 3) uint8 as H.264 in an MP4 file; each decoded frame depends on its own alone.

    Raises StoreError: this PyAV has no H.264 encoder.
    """
    import av

    if "libx264" not in av.codecs_available:
        raise StoreError(
            f"at the motion data set: PyAV {av.__version__} has no H.264 encoder; "
            "install PyAV's own wheel"
        )
    with av.open(path, "w", format="mp4", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("libx264", rate=1_000_000 // PERIOD_US, options=_X264)
        stream.height, stream.width, stream.pix_fmt = *frames.shape[1:3], "yuv420p"
        for t, rgb in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            frame.pts = t
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def save_events(path: Path, frames: np.ndarray) -> None:
    """The events of (1 + T, H, W, 3) frames as ``.npz``: t, x, y, p, height, width."""
    arrays = film_events(frames)
    size = np.uint16(SIDE)
    np.savez_compressed(
        path, t=arrays["t"], x=arrays["x"], y=arrays["y"], p=arrays["p"], height=size, width=size
    )


@contextlib.contextmanager
def _bar(total: int, shown: bool | None) -> Iterator[Callable[[int], None]]:
    """A Rich progress bar over clips; calling the value with n moves it n on."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    visible = sys.stderr.isatty() if shown is None else shown
    columns = ("drawing clips", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    hidden = not (visible and total)
    with Progress(*columns, console=Console(stderr=True), disable=hidden) as bar:
        task = bar.add_task("", total=total)
        yield lambda n: bar.advance(task, n)


def _unwritable(place: Path, found: str) -> StoreError:
    return StoreError(
        f"at {str(place)!r}: the motion data set cannot be written ({found}); call again to go on "
        "where it stopped, or give a folder that can be written"
    )
