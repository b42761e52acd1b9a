"""One share of an evaluation: some videos, one noise, one seed; forwards, counts and prices.

The forward that decides a video's class is the one whose events are counted. What is kept of a
video is its totals; counts are summed over videos, so memory does not grow with the set.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.data.noise import Noise, noisy
from neurosim.energy.price import price
from neurosim.hardware.convention import Convention
from neurosim.hardware.schema import Profile
from neurosim.ir.counts import Counts, Key
from neurosim.ir.graph import Graph
from neurosim.ir.run import Run
from neurosim.studies.estimate import Axes, arranged

if TYPE_CHECKING:
    from torch import Tensor

    from neurosim.data.sets import VideoSet, Views

CLEAN = Noise("clean")


@dataclass(frozen=True)
class Pricing:
    """How each video is priced: on every chip, under one convention or each chip's own."""

    chips: tuple[Profile, ...]
    convention: str | Convention | None = None
    host: str | Profile | None = None
    counts: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def joules(self, run: Run) -> dict[str, float]:
        """Chip → joules of all samples of the run."""
        found = (price(run, c, None, self.convention, self.host, **self.counts) for c in self.chips)
        return {report.profile.name: report.joules for report in found}


@dataclass(frozen=True)
class Video:
    """Totals of one video over its views. ``rank``: how many classes score above the true one."""

    key: str
    label: int
    prediction: int
    rank: int
    synaptic_operations: int
    firing_rate: float
    joules: Mapping[str, float]
    joules_by_view: Mapping[str, tuple[float, ...]]
    layer_rates: Mapping[str, float]
    layer_spikes: Mapping[str, int]


@dataclass
class Share:
    """What a share leaves behind. ``table``: summed over its views, (1, bins) an event."""

    videos: list[Video] = field(default_factory=list[Video])
    table: dict[Key, np.ndarray] = field(default_factory=dict[Key, np.ndarray])
    squares: dict[Key, float] = field(default_factory=dict[Key, float])
    samples: int = 0
    run: Run | None = None  # the last one, for its facts and manifest

    def add(self, other: Share) -> None:
        """Take another share's in, after one's own."""
        self.videos += other.videos
        for key, array in other.table.items():
            self.table[key] = self.table[key] + array if key in self.table else array
            self.squares[key] = self.squares.get(key, 0.0) + other.squares[key]
        self.samples += other.samples
        self.run = other.run or self.run

    def counts(self) -> Counts:
        """The sum over all views, as one table. Raises ValueError: nothing was run."""
        if self.run is None:
            raise ValueError("an empty share has no counts")
        c = self.run.counts
        return Counts(self.table, self.samples, c.steps, c.steps_per_bin, True, self.squares)


def evaluate_share(
    graph: Graph,
    videos: VideoSet,
    indices: Sequence[int],
    pricing: Pricing,
    *,
    views: Views,
    noise: Noise = CLEAN,
    seed: int = 0,
    batch_size: int = 16,
    engine: str = "auto",
    axes: Axes = (0, 1),
    tell: Callable[[int], object] | None = None,
) -> Share:
    """``graph``: lowered, and with the noise in its weights where it lies there.

    A batch holds whole videos: their views follow one another. ``tell`` hears of every batch how
    many videos it held. Raises ClipError, ModelError: a clip
    that cannot be read; a model that does not return logits.
    """
    share, size = Share(), max(1, batch_size // views.count)
    for first in range(0, len(indices), size):
        group = indices[first : first + size]
        share.add(_batch(graph, videos, group, pricing, views, noise, seed, engine, axes))
        if tell is not None:
            tell(len(group))
    return share


def _batch(
    graph: Graph,
    videos: VideoSet,
    group: Sequence[int],
    pricing: Pricing,
    views: Views,
    noise: Noise,
    seed: int,
    engine: str,
    axes: Axes,
) -> Share:
    import torch

    from neurosim.sim.simulate import simulate
    from neurosim.train.outputs import logits

    clips = [
        clip if noise.where == "model" else _noisy(clip, noise, videos, i, view, seed)
        for i in group
        for view, clip in enumerate(videos.every_view(i, views))
    ]
    # which kernel runs must not hang on the other clips of the batch, nor on the machine's load
    batch = arranged(torch.stack(clips, 1), axes)
    run = simulate(graph, batch, engine, reproducible=True)
    scores = logits(run.outputs, len(clips)).softmax(1).unflatten(0, (len(group), views.count))
    share = Share(samples=len(clips), run=_bare(run))
    for k, i in enumerate(group):
        parts = [sample(run, k * views.count + v) for v in range(views.count)]
        share.videos.append(_video(videos, i, scores[k].mean(0), parts, pricing))
    for key, array in run.counts.table.items():
        share.table[key] = array.sum(axis=0, keepdims=True)
        share.squares[key] = float((array.sum(axis=1).astype(np.float64) ** 2).sum())
    return share


def _noisy(
    clip: Tensor, noise: Noise, videos: VideoSet, index: int, view: int, seed: int
) -> Tensor:
    key = videos.items[index].key
    return noisy(clip, noise, f"{key}#{view}" if view else key, seed, videos.kind)


def _bare(run: Run) -> Run:
    """Without what grows with the clips."""
    return Run(run.counts, run.facts, run.manifest, graph=run.graph)


def sample(run: Run, number: int) -> Run:
    """One sample of a run, as a run of its own."""
    c = run.counts
    table = {key: array[number : number + 1] for key, array in c.table.items()}
    return Run(Counts(table, 1, c.steps, c.steps_per_bin), run.facts, run.manifest)


def _video(
    videos: VideoSet, index: int, scores: Tensor, parts: Sequence[Run], pricing: Pricing
) -> Video:
    item = videos.items[index]
    each = [pricing.joules(part) for part in parts]
    rates = [part.firing_rates() for part in parts]
    return Video(
        item.key,
        item.label,
        int(scores.argmax()),
        int((scores > scores[item.label]).sum()),
        sum(part.synaptic_operations() for part in parts),
        float(np.mean([part.mean_firing_rate() for part in parts])),
        {chip: sum(e[chip] for e in each) for chip in each[0]},
        {chip: tuple(e[chip] for e in each) for chip in each[0]},
        {node: float(np.mean([r[node] for r in rates])) for node in rates[0]},
        {node: sum(part.counts.get(node, "spike") for part in parts) for node in rates[0]},
    )
