"""Which records of a trace are the same operation at different steps of a Python loop over time.

Records are matched by where they came from (module path with indices hidden, code position, how
often in the step). A group holds one operation's records by step.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
from typing import Any

from torch import Tensor

from neurosim.capture.trace import Record, Trace, Val
from neurosim.errors import CaptureError

_BINARY = {"add": "binary", "multiply": "binary", "affine": "binary"}
Id = Hashable


class Loops:
    """``groups``: operation → step → record. ``singles``: groups that ran once, outside any loop.
    ``same_as``: (group, step, the node that holds its value there). ``begun``: groups that start as
    another node."""

    def __init__(self, trace: Trace) -> None:
        self.trace, self.steps = trace, trace.steps
        self.groups: dict[Id, dict[int, Record]] = {}
        self.group_of: dict[int, Id] = {}
        self.singles: set[Id] = set()
        self.same_as: set[tuple[Id, int, Id]] = set()
        self.lags: dict[Id, int] = {}
        self.collected: dict[int, Id] = {}
        self.readers: dict[int, list[Record]] = defaultdict(list)
        for record in trace.records:
            for value in record.operands:
                self.readers[value.record].append(record)
        self._group()

    def _group(self) -> None:
        seen: dict[Any, int] = defaultdict(int)
        for record in self.trace.records:
            if record.step is None:
                continue
            site = (record.site, _BINARY.get(record.op, record.op))
            occurrence = seen[site, record.step]
            seen[site, record.step] += 1
            key: Id = ("loop", site, occurrence)
            self.groups.setdefault(key, {})[record.step] = record
            self.group_of[record.id] = key
        for key in [k for k, group in self.groups.items() if min(group) > 0]:
            self._join_first(key)
        for key, group in self.groups.items():
            self.same_as.update(self._starts_as(key, group))
        self.begun = {key for key, _, _ in self.same_as}
        once = [
            k
            for k, group in self.groups.items()
            if len(group) == 1 and self.steps > 1 and k not in self.begun
        ]
        self.singles.update(k for k in once if not self._carried(k))

    def _join_first(self, key: Id) -> None:
        """The same layer called in another line at step 0 (``if state is None:``) is the loop's
        first step."""
        group = self.groups[key]
        start = next(
            (
                k
                for k, g in self.groups.items()
                if list(g) == [0] and _same_layer(g[0], group[min(group)])
            ),
            None,
        )
        if start is None or sorted(group) != list(range(1, self.steps)):
            return
        first = self.groups.pop(start)[0]
        self.groups[key] = {0: first, **group}
        self.group_of[first.id] = key

    def lag(self, key: Id) -> int:
        """The fewest steps after which a full part of the loop reads a group's values; 0: nothing
        does."""
        if key not in self.lags:
            self.lags[key] = 0  # cuts cycles
            reads = [
                (r, t)
                for t, own in self.groups[key].items()
                for r in self.readers[own.id]
                if r.step is not None
            ]
            self.lags[key] = min((r.step - t + self._beyond(r) for r, t in reads), default=0)  # type: ignore[operator]
        return self.lags[key]

    def _beyond(self, reader: Record) -> int:
        key = self.group_of[reader.id]
        return 0 if max(self.groups[key]) == self.steps - 1 else self.lag(key)

    def _carried(self, key: Id) -> bool:
        """What ran once, for the last step alone to read as its state, is part of the loop if its
        reader is."""
        group = self.groups[key]
        if list(group) != [0] or self.lag(key) != self.steps - 1:
            return False
        readers = {self.group_of[r.id] for r in self.readers[group[0].id] if r.step is not None}
        return any(len(self.groups[k]) > 1 or k in self.begun or self._carried(k) for k in readers)

    def _starts_as(self, key: Id, group: dict[int, Record]) -> list[tuple[Id, int, Id]]:
        """(group, step, what holds its value there): ``mem = x if mem is None else f(mem) + x``
        starts as x."""
        steps = sorted(group)
        missing = range(steps[0])
        last = group[steps[-1]]
        if (
            not missing
            or last.op != "add"
            or last.attrs.get("subtract")
            or steps[-1] != self.steps - 1
        ):
            return []
        now = [self.target(v) for v in last.operands]
        fresh = [node for node, step, extra in now if step == self.steps - 1 and not extra]
        if len(fresh) != 1 or (len(group) == 1 and not self._stacked_with(last, fresh[0])):
            return []
        return [(key, t, fresh[0]) for t in missing]

    def _stacked_with(self, last: Record, start: Id) -> bool:
        """Whether what the only step computed is put behind the start value, as the next step of
        the same."""
        whole = [r.operands for r in self.readers[last.id] if r.op == "collect"]
        return any(self.target(parts[0])[0] == start for parts in whole)

    def skipped(self, key: Id) -> bool:
        """Whether the loop leaves a group out at its first or last steps, rather than run it on a
        constant state."""
        readers = {
            self.group_of[r.id]
            for own in self.groups[key].values()
            for r in self.readers[own.id]
            if r.step is not None
        }
        return any(
            k in self.begun or (len(self.groups[k]) < self.steps and self.skipped(k))
            for k in readers
        )

    def target(self, value: Val) -> tuple[Id, int | None, int]:
        """(node, the step that is read or None for all of it, delay)."""
        record = self.trace.records[value.record]
        if record.op == "own_output":
            neuron = self.trace.records[record.attrs["neuron"]]
            step = value.step
            return self.group_of.get(neuron.id, neuron.id), step, record.attrs["delay"]
        if record.op == "collect":
            if record.id not in self.collected:
                self.collected[record.id] = self._collected(record)
            return self.collected[record.id], value.step, 0
        if record.step is not None:
            key = self.group_of[record.id]
            return key, (None if value.sequence or key in self.singles else record.step), 0
        return record.id, value.step, 0

    def _collected(self, record: Record) -> Id:
        """The node whose steps were put together. Raises CaptureError when they are several."""
        node = self.target(record.operands[-1])[0]
        for t, part in enumerate(record.operands):
            if not self.holds(self.target(part)[0], node, t):
                raise CaptureError(
                    f"{at(record)}: stacks steps that were computed in different ways (step {t} "
                    f"differs from the last); "
                    "write the loop so that every step does the same"
                )
        return node

    def holds(self, found: Id, wanted: Id, step: int) -> bool:
        """Whether ``found`` is what ``wanted`` is at that step."""
        return found == wanted or (wanted, step, found) in self.same_as


def _same_layer(a: Record, b: Record) -> bool:
    """Whether two records are calls of one module with weights, or of one neuron."""
    weights = bool(b.params) and a.params.keys() == b.params.keys()
    weights = weights and all(
        same_tensor(a.params[role], tensor) for role, tensor in b.params.items()
    )
    neuron = a.op == "neuron" and plain_attrs(a) == plain_attrs(b)
    return (a.op, a.path) == (b.op, b.path) and (weights or (neuron and bool(a.path)))


def same_tensor(a: Tensor, b: Tensor) -> bool:
    """Whether both show the same memory in the same way."""
    return a is b or (a.data_ptr(), a.shape, a.stride()) == (b.data_ptr(), b.shape, b.stride())


def plain_attrs(record: Record) -> dict[str, Any]:
    """The attributes that must agree between the steps."""
    return {k: v for k, v in record.attrs.items() if k not in ("memoryless", "neuron", "observes")}


def at(record: Record) -> str:
    """The place of a record, for an error."""
    place = f"at {record.path!r}" if record.path else "in the loop"
    return f"{place} ({record.source})" if record.source else place
