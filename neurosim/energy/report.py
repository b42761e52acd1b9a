"""A priced run: joules with their range, by node, operator, event, step and sample, and what is not
in them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.energy.line import Excluded
from neurosim.hardware.convention import KEYS, Convention
from neurosim.hardware.schema import Profile
from neurosim.ir.counts import Counts
from neurosim.ir.manifest import Manifest

if TYPE_CHECKING:
    import pandas as pd  # pyright: ignore[reportMissingTypeStubs]


@dataclass(frozen=True)
class Row:
    """``quantity`` events at a node and their joules over the whole batch. ``by``: chip, static, or
    host NAME.
    """

    node: str
    op: str
    event: str
    billed: str
    by: str
    quantity: float
    joules: float
    low: float
    high: float
    like: str = ""

    @property
    def place(self) -> str:
        """The node; static and host energy are rows of their own."""
        return self.node if self.by == "chip" else self.by


@dataclass(frozen=True)
class EnergyReport:
    """Joules of a run on one chip under one convention. Sums over nodes, operators and events are
    equal.

    ``low`` and ``high`` are joules of the whole batch with every price at its low, or its high,
    end.
    """

    profile: Profile
    convention: Convention
    rows: tuple[Row, ...]
    not_included: tuple[Excluded, ...]
    notes: tuple[str, ...]
    samples: int
    steps: int
    manifest: Manifest
    synaptic_operations: int
    seconds_per_view: float | None
    counts: Counts
    opaque: tuple[str, ...] = ()

    @cached_property
    def joules(self) -> float:
        """The whole batch."""
        return math.fsum(r.joules for r in self.rows)

    @cached_property
    def low(self) -> float:
        """The whole batch, all prices at their low end."""
        return math.fsum(r.low for r in self.rows)

    @cached_property
    def high(self) -> float:
        """The whole batch, all prices at their high end."""
        return math.fsum(r.high for r in self.rows)

    @property
    def per_video(self) -> float:
        """Views of a video over samples of the batch: batch figure → figure per video."""
        return self.convention.views / self.samples

    @property
    def joules_per_view(self) -> float:
        """One forward of one clip."""
        return self.joules / self.samples

    @property
    def joules_per_video(self) -> float:
        """``joules_per_view`` × views."""
        return self.joules * self.per_video

    @property
    def seconds_per_video(self) -> float | None:
        """None when the run was not mapped."""
        return (
            None if self.seconds_per_view is None else self.seconds_per_view * self.convention.views
        )

    @property
    def synaptic_operations_per_video(self) -> float:
        """synapse + graded_synapse as counted, whatever the convention bills."""
        return self.synaptic_operations * self.per_video

    def by_node(self) -> dict[str, float]:
        """Node → joules of the batch; ``static`` and ``host NAME`` are rows of their own."""
        return self._by(lambda r: r.place)

    def by_op(self) -> dict[str, float]:
        """Operator → joules of the batch."""
        return self._by(lambda r: r.op if r.by == "chip" else r.by)

    def by_event(self) -> dict[str, float]:
        """Counted event → joules of the batch; what the host does is ``event, host NAME
        (assumed)``.
        """
        return self._by(lambda r: r.event if r.by in ("chip", "static") else f"{r.event}, {r.by}")

    def by_price(self) -> dict[str, float]:
        """Billed event → joules of the batch."""
        return self._by(lambda r: r.billed if r.by in ("chip", "static") else f"{r.billed}, {r.by}")

    def host_share(self) -> float:
        """Part of the joules that the host spends."""
        hosted = math.fsum(r.joules for r in self.rows if r.by.startswith("host"))
        return hosted / self.joules if self.joules else 0.0

    def split(self) -> dict[str, float]:
        """Joules per video: dynamic (what the chip does), host (assumed) and static."""
        part = {"dynamic": "chip", "host": "host", "static": "static"}
        return {
            name: math.fsum(r.joules for r in self.rows if r.by.startswith(by)) * self.per_video
            for name, by in part.items()
        }

    @property
    def energy_delay(self) -> float | None:
        """Joules × seconds of one video; None when the run was not mapped."""
        seconds = self.seconds_per_video
        return None if seconds is None else self.joules_per_video * seconds

    def _by(self, key: Callable[[Row], str]) -> dict[str, float]:
        found: dict[str, list[float]] = {}
        for row in self.rows:
            found.setdefault(key(row), []).append(row.joules)
        return {name: math.fsum(values) for name, values in found.items()}

    def by_step(self) -> np.ndarray:
        """Joules of the batch per step (per bin of steps where the counts were binned)."""
        return self._spread().sum(axis=0)

    def by_sample(self) -> np.ndarray:
        """Joules per sample (one entry where the counts were summed over samples)."""
        return self._spread().sum(axis=1)

    def _spread(self) -> np.ndarray:
        """(samples, steps): each row along its own counts, or evenly where it has none."""
        out = np.zeros(self.counts.shape)
        for row in self.rows:
            like = self.counts.array(row.node, row.like) if row.like else None
            total = 0 if like is None else int(like.sum())
            out += (
                row.joules / out.size if like is None or not total else like * (row.joules / total)
            )
        return out

    def to_dataframe(self) -> pd.DataFrame:
        """One line a row, then what is not included (joules NaN, ``why`` filled in)."""
        import pandas as pd  # pyright: ignore[reportMissingTypeStubs]

        lines = [
            {"node": r.node, "op": r.op, "event": r.event, "billed": r.billed, "by": r.by,
             "count": r.quantity, "joules": r.joules, "low": r.low, "high": r.high, "why": ""}
            for r in self.rows
        ]  # fmt: skip
        none = float("nan")
        lines += [
            {"node": "", "op": "", "event": e.event, "billed": "", "by": "not included",
             "count": none if e.quantity is None else e.quantity, "joules": none, "low": none,
             "high": none, "why": e.why}
            for e in self.not_included
        ]  # fmt: skip
        columns = ["node", "op", "event", "billed", "by", "count", "joules", "low", "high", "why"]
        return pd.DataFrame(lines, columns=columns)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; energies of ``by_*`` in joules per video."""
        scale = self.per_video
        seconds = self.seconds_per_video
        return {
            "profile": self.profile.name,
            "mj_per_video": self.joules_per_video * 1e3,
            "mj_low": self.low * scale * 1e3,
            "mj_high": self.high * scale * 1e3,
            "mj_per_view": self.joules_per_view * 1e3,
            "ms_per_video": None if seconds is None else seconds * 1e3,
            "energy_delay_js": self.energy_delay,
            "mj_split": {name: joules * 1e3 for name, joules in self.split().items()},
            "synaptic_operations_per_video": self.synaptic_operations_per_video,
            "by_node": {k: v * scale for k, v in self.by_node().items()},
            "by_op": {k: v * scale for k, v in self.by_op().items()},
            "by_event": {k: v * scale for k, v in self.by_event().items()},
            "not_included": [
                {"event": e.event, "count": e.quantity, "why": e.why} for e in self.not_included
            ],
            "convention": {
                "name": self.convention.name,
                **{k: getattr(self.convention, k) for k in KEYS},
            },
            "host_share": self.host_share(),
            "samples": self.samples,
            "views": self.convention.views,
            "activity": self.manifest.activity,
            "notes": list(self.notes),
            "opaque": list(self.opaque),
            "doubts": list(self.profile.doubts),
        }

    def to_json(self, indent: int | None = 2) -> str:
        """``to_dict`` as text."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False)

    def summary(self, layers: int = 8) -> str:
        """Plain text for a terminal: total, range, convention, largest layers, and what is not
        included.
        """
        from neurosim.energy.summary import summarise

        return summarise(self, layers)
