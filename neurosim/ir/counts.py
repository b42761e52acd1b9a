"""Exact integer counts of a run: (node, event) → samples × steps, binned when they would grow too
large."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from neurosim.errors import CountsError, UnknownName
from neurosim.ir.events import COUNTED, MAPPED, SYNAPTIC

if TYPE_CHECKING:
    import pandas as pd  # pyright: ignore[reportMissingTypeStubs]

Key = tuple[str, str]  # (node, event)
INT64 = np.dtype(np.int64)
BUDGET_BYTES = 64 * 2**20
MAX_BINS = 1024
MAX_CELLS = 2**26  # samples × bins of a table that is read
COLUMNS = ("sample", "step", "node", "event", "count")
KNOWN = (*COUNTED, *MAPPED, "neuron_updated")


@dataclass(frozen=True)
class Counts:
    """``table[node, event]``: int64 (samples, bins). A bin sums ``steps_per_bin`` consecutive
    steps.

    When ``samples_summed`` is true the table has one row, the sum over ``samples`` samples, and
    ``squares`` the sum over samples of the squared per-sample totals.
    """

    table: Mapping[Key, np.ndarray]
    samples: int
    steps: int
    steps_per_bin: int = 1
    samples_summed: bool = False
    squares: Mapping[Key, float] = field(default_factory=dict[Key, float])

    def total(self, event: str) -> int:
        """All nodes, samples and steps."""
        return sum(int(a.sum()) for (_, e), a in self.table.items() if e == event)

    def by_node(self, event: str) -> dict[str, int]:
        """Node → total of one event."""
        return {n: int(a.sum()) for (n, e), a in self.table.items() if e == event}

    def get(self, node: str, event: str) -> int:
        """One node's total; 0 where nothing was counted."""
        found = self.table.get((node, event))
        return 0 if found is None else int(found.sum())

    def array(self, node: str, event: str) -> np.ndarray:
        """(samples, bins) of one node and event."""
        found = self.table.get((node, event))
        return np.zeros(self.shape, np.int64) if found is None else found

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, bins) of every array of the table."""
        rows = 1 if self.samples_summed else self.samples
        return rows, max(1, -(-self.steps // self.steps_per_bin))

    def nodes(self) -> tuple[str, ...]:
        """Nodes that counted something, in order."""
        return tuple(dict.fromkeys(n for n, _ in self.table))

    def events(self) -> tuple[str, ...]:
        """Events that were counted, in the order of the rules."""
        found = {e for _, e in self.table}
        return tuple(e for e in COUNTED if e in found) + tuple(sorted(found - COUNTED.keys()))

    def synaptic_operations(self) -> int:
        """synapse + graded_synapse over the whole run."""
        return sum(self.total(e) for e in SYNAPTIC)

    def __iter__(self) -> Iterator[tuple[str, str, np.ndarray]]:
        return ((n, e, a) for (n, e), a in self.table.items())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Counts):
            return NotImplemented
        return not self.differences(other)

    def differences(self, other: Counts, ignore: Iterable[str] = ()) -> dict[Key, tuple[int, int]]:
        """(node, event) → both totals, wherever the arrays are not equal (missing means zero)."""
        skip = set(ignore)
        keys = [k for k in {**self.table, **other.table} if k[1] not in skip]
        return {
            (n, e): (self.get(n, e), other.get(n, e))
            for n, e in keys
            if not np.array_equal(self.array(n, e), other.array(n, e))
        }

    def to_dataframe(self) -> pd.DataFrame:
        """Tidy: sample, step (first of its bin), node, event, count; zero rows left out, totals
        kept."""
        import pandas as pd  # pyright: ignore[reportMissingTypeStubs]

        parts: dict[str, list[np.ndarray]] = {
            k: [] for k in ("sample", "step", "node", "event", "count")
        }
        for (node, event), array in self.table.items():
            rows, bins = np.nonzero(array)
            if not len(rows):  # keep the statement "zero" for a counted pair
                rows, bins = np.array([0]), np.array([0])
            parts["sample"].append(rows)
            parts["step"].append(bins * self.steps_per_bin)
            parts["node"].append(np.full(len(rows), node, dtype=object))
            parts["event"].append(np.full(len(rows), event, dtype=object))
            parts["count"].append(array[rows, bins])
        empty = np.zeros(0, np.int64)
        frame = pd.DataFrame({k: np.concatenate(v) if v else empty for k, v in parts.items()})
        frame.attrs.update(
            samples=self.samples,
            steps=self.steps,
            steps_per_bin=self.steps_per_bin,
            samples_summed=self.samples_summed,
        )
        return frame

    @staticmethod
    def from_dataframe(
        frame: pd.DataFrame, samples: int | None = None, steps: int | None = None
    ) -> Counts:
        """Inverse of ``to_dataframe``; sizes come from the frame's attrs, the arguments, or the
        largest index.

        Raises CountsError: a missing column, an unknown event, or a number that is no count or
        index.
        """
        per_bin = int(frame.attrs.get("steps_per_bin", 1))
        summed = bool(frame.attrs.get("samples_summed", False))
        _check_columns(frame)
        rows, first, number = (_whole(frame, c) for c in ("sample", "step", "count"))
        samples = _size("samples", samples, frame.attrs.get("samples"), rows)
        steps = _size("steps", steps, frame.attrs.get("steps"), first)
        _within("sample", rows, 1 if summed else samples)
        _within("step", first, steps)
        shape = (1 if summed else samples, max(1, -(-steps // per_bin)))
        if shape[0] * shape[1] > MAX_CELLS:
            raise CountsError(
                f"counts: {samples} samples of {steps} steps; number both from 0, without gaps"
            )
        table: dict[Key, np.ndarray] = {}
        groups: Any = cast(Any, frame).reset_index(drop=True).groupby(["node", "event"], sort=False)
        for (node, event), part in groups:
            table[str(node), str(event)] = array = np.zeros(shape, np.int64)
            at = np.asarray(part.index)
            np.add.at(array, (rows[at], first[at] // per_bin), number[at])
        return Counts(table, samples, steps, per_bin, summed)


def _check_columns(frame: pd.DataFrame) -> None:
    """Raise CountsError unless every column is there and every event and node has a name."""
    held = [str(c) for c in cast(Any, frame).columns]
    missing = [c for c in COLUMNS if c not in held]
    if missing:
        raise CountsError(
            f"counts: lacks the column {', '.join(missing)}; give {', '.join(COLUMNS)}"
        )
    for event in cast(Any, frame)["event"].unique():
        if event not in KNOWN:
            raise CountsError(f"counts: {UnknownName('event', str(event), KNOWN)}")
    if bool(cast(Any, frame)["node"].isna().any()):
        raise CountsError("counts: a row without a node; name the node of each")


def _whole(frame: pd.DataFrame, column: str) -> np.ndarray:
    """A column as int64. Raises CountsError: text, NaN, a fraction, or less than 0."""
    held = np.asarray(cast(Any, frame)[column])
    if held.dtype.kind in "iu" and not (held > np.iinfo(np.int64).max).any():
        found = held
    else:
        found = _from_floats(held, column)
    if (found < 0).any():
        raise CountsError(f"counts: {column} {int(found.min())}; give whole numbers of at least 0")
    return found.astype(np.int64)


def _from_floats(held: np.ndarray, column: str) -> np.ndarray:
    """Numbers of another type, where they are whole and fit."""
    try:
        floats = held.astype(np.float64)
    except (TypeError, ValueError):
        floats = np.full(1, np.nan)
    bad = ~((floats == np.floor(floats)) & (np.abs(floats) < 2.0**63))
    if bad.any():
        found = held[bad][0] if len(bad) == len(held) else held[0]
        raise CountsError(f"counts: {column} {found}; give whole numbers of at least 0")
    return floats.astype(np.int64)


def _size(name: str, given: int | None, known: Any, index: np.ndarray) -> int:
    """Samples or steps: what was given, what the frame knows, or what the largest index asks."""
    found = given if given is not None else known
    if found is None:
        return int(index.max(initial=0)) + 1
    if int(found) < 1:
        raise CountsError(f"counts: {name}={found}; give at least 1")
    return int(found)


def _within(name: str, index: np.ndarray, size: int) -> None:
    if int(index.max(initial=0)) >= size:
        raise CountsError(
            f"counts: {name} {int(index.max())} of a table of {size}; number them from 0, or give "
            f"{name}s="
        )


class CountsBuilder:
    """Collects int64 counts chunk by chunk, coarsening bins (then samples) to stay within
    ``budget_bytes``.

    ``steps`` None: as many as come; bins double as they fill. ``total``: the steps where known.
    """

    def __init__(
        self, samples: int, steps: int | None, pairs: int, budget_bytes: int = BUDGET_BYTES
    ) -> None:
        self.samples, self.total = samples, steps
        per_cell = 8 * max(1, pairs)
        self.steps_per_bin, self.rows = 1, samples
        if steps is None:
            self.rows = samples if samples * MAX_BINS * per_cell <= budget_bytes else 1
            steps = max(2, min(MAX_BINS, budget_bytes // (self.rows * per_cell)) // 2 * 2)
        self.steps = 0 if self.total is None else steps
        self._room = steps
        if self.total is not None and samples * steps * per_cell > budget_bytes:
            bins = max(1, min(MAX_BINS, budget_bytes // (samples * per_cell) or 1))
            self.steps_per_bin = max(1, -(-steps // bins))
        if samples * self._bins * per_cell > budget_bytes and samples > 1:
            self.rows = 1
        self._table: dict[Key, np.ndarray | int] = {}  # an int: the same in every cell
        self._per_sample: dict[Key, np.ndarray] = {}

    @property
    def _bins(self) -> int:
        return max(1, -(-self._room // self.steps_per_bin))

    def _grow(self) -> None:
        """Twice as many steps a bin, in as many bins."""
        self.steps_per_bin, self._room = 2 * self.steps_per_bin, 2 * self._room
        for key in self._table:
            table = self._row(key)
            paired = table.reshape(len(table), -1, 2).sum(axis=2)
            self._table[key] = np.concatenate([paired, np.zeros_like(paired)], axis=1)

    def add(
        self, node: str, event: str, counts: np.ndarray, first_step: int = 0, first_sample: int = 0
    ) -> None:
        """Add int64 ``counts`` of shape (steps, samples) that begin at ``first_step`` and
        ``first_sample``."""
        counts = np.asarray(counts)
        if counts.dtype.kind not in "iub":
            raise TypeError(f"counts of {node}/{event} are {counts.dtype}, not integers")
        key, last = (node, event), first_step + len(counts)
        while self.total is None and last > self._room:
            self._grow()
        self.steps = max(self.steps, last)
        table, (steps, samples) = self._row(key), counts.shape
        by_sample = counts.T.astype(np.int64, copy=False)
        if self.rows != self.samples:
            totals = self._per_sample.setdefault(key, np.zeros(self.samples, np.int64))
            totals[first_sample : first_sample + samples] += by_sample.sum(axis=1)
            by_sample = by_sample.sum(axis=0, keepdims=True)
            first_sample = 0
        rows = slice(first_sample, first_sample + len(by_sample))
        if self.steps_per_bin == 1:
            table[rows, first_step : first_step + steps] += by_sample
            return
        bins = cast(Any, first_step + np.arange(steps)) // self.steps_per_bin
        starts = np.flatnonzero(np.r_[True, bins[1:] != bins[:-1]])
        table[rows, bins[starts]] += np.add.reduceat(by_sample, starts, axis=1)

    def add_slices(
        self,
        node: str,
        counted: Mapping[str, int | np.ndarray],
        slices: tuple[int, int],
        first_step: int = 0,
        first_sample: int = 0,
    ) -> dict[str, np.ndarray]:
        """Every event of a node, of ``slices`` (steps, samples): an array of that shape, which is
        not changed from here on, or one number for all of them. Returns those of another shape."""
        whole = first_step == 0 and slices == (self._room, self.samples)
        simple = whole and self.rows == self.samples and self.steps_per_bin == 1
        left: dict[str, np.ndarray] = {}
        for event, found in counted.items():
            new = simple and (node, event) not in self._table
            if isinstance(found, int):
                if new:
                    self._table[node, event] = found
                    continue
                found = np.full(slices, found, np.int64)
            elif found.shape != slices:
                left[event] = found
                continue
            elif new and found.dtype == INT64:
                self._table[node, event] = found.T
                continue
            self.add(node, event, found, first_step, first_sample)
        if len(left) < len(counted):
            self.steps = max(self.steps, first_step + slices[0])
        return left

    def _row(self, key: Key) -> np.ndarray:
        """The table of a node and event, to be added to."""
        held = self._table.get(key)
        if held is None or isinstance(held, int):
            own = np.full((self.rows, self._bins), held or 0, np.int64)
        elif held.flags.owndata:
            return held
        else:
            own = held.copy()
        self._table[key] = own
        return own

    def finish(self) -> Counts:
        """The frozen table."""
        squares = {k: float((v.astype(np.float64) ** 2).sum()) for k, v in self._per_sample.items()}
        bins = max(1, -(-self.steps // self.steps_per_bin))
        table, even = dict(self._table), dict[int, np.ndarray]()  # equal ones share their memory
        for key, held in table.items():
            if isinstance(held, int):
                if held not in even:
                    even[held] = np.full((self.rows, self._bins), held, np.int64)
                    even[held].flags.writeable = False
                table[key] = even[held]
        arrays = cast("dict[Key, np.ndarray]", table)
        return Counts(
            arrays if bins == self._bins else {k: array[:, :bins] for k, array in arrays.items()},
            self.samples,
            self.steps,
            self.steps_per_bin,
            self.rows != self.samples,
            squares,
        )


class CountsSum:
    """Sums counts of equal steps over samples, with the sum of squares of each sample's total."""

    def __init__(self) -> None:
        self.samples, self.steps, self.steps_per_bin = 0, 1, 1
        self._table: dict[Key, np.ndarray] = {}
        self._squares: dict[Key, float] = {}

    def add(self, counts: Counts) -> None:
        """More samples."""
        self.samples += counts.samples
        self.steps, self.steps_per_bin = counts.steps, counts.steps_per_bin
        for key, array in counts.table.items():
            held = self._table.setdefault(key, np.zeros((1, array.shape[1]), np.int64))
            held += array.sum(axis=0, keepdims=True)
            squares = (array.sum(axis=1).astype(np.float64) ** 2).sum()
            squares = counts.squares.get(key, 0.0) if counts.samples_summed else float(squares)
            self._squares[key] = self._squares.get(key, 0.0) + squares

    def finish(self) -> Counts:
        """The frozen table, one row."""
        return Counts(
            self._table, self.samples, self.steps, self.steps_per_bin, True, self._squares
        )
