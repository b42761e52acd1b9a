"""Shares of an evaluation on Dask: a local cluster by default, or a scheduler that is there.

One process a worker, one thread each. A task is small and says all it needs: a killed worker costs
its task alone, which Dask runs again elsewhere. The graph is sent once to every worker.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from neurosim.data.noise import Noise
from neurosim.errors import SimulationError
from neurosim.ir.graph import Graph
from neurosim.ir.store import load_graph, save_graph
from neurosim.studies.shard import Pricing, Share, evaluate_share

if TYPE_CHECKING:
    from distributed import Client

    from neurosim.data.sets import VideoSet
    from neurosim.studies.evaluate import Tell

Key = TypeVar("Key")
SHARD = 50  # videos a task
_NO_PAGE: Any = None  # no dashboard, no port


@contextlib.contextmanager
def client(workers: int, scheduler: str | None) -> Iterator[Client]:
    """A Dask client; a local cluster lives as long as it. Raises SimulationError: no scheduler."""
    from distributed import Client, LocalCluster

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        if scheduler:
            try:
                _knock(scheduler)
                found = Client(scheduler, timeout=5)
            except (OSError, ValueError) as error:
                raise SimulationError(
                    f"--scheduler {scheduler}: no Dask scheduler answers ({error}); start one with "
                    "`dask scheduler`, or leave the option out"
                ) from None
            with found:
                yield found
            return
        with (
            tempfile.TemporaryDirectory() as place,
            LocalCluster(
                n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=_NO_PAGE,
                local_directory=place, silence_logs=logging.CRITICAL,
            ) as cluster,
            Client(cluster) as found,
        ):  # fmt: skip
            yield found


def _knock(scheduler: str) -> None:
    """Raises OSError at once where nothing listens: Dask would try again for seconds."""
    scheme, _, place = scheduler.rpartition("://")
    host, colon, port = place.rpartition(":")
    if scheme in ("", "tcp") and colon and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=5).close()


def packed(graph: Graph) -> bytes:
    """A graph as the bytes of its file."""
    with tempfile.TemporaryDirectory() as place:
        return save_graph(graph, Path(place) / "graph.npz").read_bytes()


@lru_cache(maxsize=2)
def unpacked(data: bytes) -> Graph:
    """Inverse of ``packed``; kept between the tasks of a worker."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "graph.npz"
        path.write_bytes(data)
        return load_graph(path)


@lru_cache(maxsize=2)
def prepared(data: bytes, noise: Noise, seed: int) -> Graph:
    """Lowered, with the noise in its weights where it lies there."""
    from neurosim import passes
    from neurosim.studies.disturb import disturbed

    return passes.lower(disturbed(unpacked(data), noise, seed))


def share_task(
    data: bytes,
    videos: VideoSet,
    indices: Sequence[int],
    pricing: Pricing,
    noise: Noise,
    seed: int,
    settings: Mapping[str, Any],
) -> Share:
    """What a worker does, on one thread."""
    import torch

    torch.set_num_threads(1)
    graph = prepared(data, noise, seed)
    return evaluate_share(graph, videos, indices, pricing, noise=noise, seed=seed, **settings)


def shards(number: int) -> list[range]:
    """Indices of the videos of each task."""
    return [range(i, min(i + SHARD, number)) for i in range(0, number, SHARD)]


def shares(
    data: bytes,
    tasks: Mapping[Key, tuple[Any, ...]],
    workers: int,
    scheduler: str | None,
) -> Iterator[tuple[Key, Share]]:
    """What each task found, as it ends; ``tasks``: what ``share_task`` gets after the graph.

    One worker and no scheduler: here, one after the other, on one thread as a worker would.
    Raises SimulationError: no scheduler.
    """
    if workers == 1 and not scheduler:
        with _one_thread():
            for key, task in tasks.items():
                yield key, share_task(data, *task)
        return
    from distributed import as_completed

    with client(workers, scheduler) as dask:
        sent = dask.scatter(data, broadcast=True)
        jobs = {
            dask.submit(share_task, sent, *task, pure=False): key for key, task in tasks.items()
        }
        for job in as_completed(list(jobs)):
            yield jobs[job], job.result()
            job.release()


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    import torch

    threads = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def evaluate_on(
    graph: Graph,
    videos: VideoSet,
    pricing: Pricing,
    settings: Mapping[str, Any],
    workers: int,
    scheduler: str | None,
    tell: Tell | None,
) -> Share:
    """All videos of one evaluation; shares are joined in their order."""
    clean, parts, done = Noise("clean"), shards(len(videos)), 0
    tasks = {k: (videos, part, pricing, clean, 0, settings) for k, part in enumerate(parts)}
    found: dict[int, Share] = {}
    for k, share in shares(packed(graph), tasks, workers, scheduler):
        found[k] = share
        done += len(share.videos)
        if tell is not None:
            tell(done, len(videos))
    total = Share()
    for k in tasks:
        total.add(found[k])
    return total
