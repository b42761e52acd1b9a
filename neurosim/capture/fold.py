"""Folds a Python loop over time: the records that one place in the code left at every step become one node.

Records are matched by where they came from (module path with indices hidden, code position, how often in the step).
An operand taken s steps before is an edge with delay s; a constant that stands there before step s is the edge's initial
value; constants that differ from step to step become per-step parameters.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from neurosim.capture import axes
from neurosim.capture.axes import Dims
from neurosim.capture.trace import Record, Trace, Val
from neurosim.errors import CaptureError
from neurosim.ops import get

_BINARY = {"add": "binary", "multiply": "binary", "affine": "binary"}
Id = Hashable


@dataclass
class Operand:
    """An edge to be: the node it comes from, its delay, and what stands there before the first step."""

    node: Id
    delay: int = 0
    initial: Tensor | None = None


@dataclass
class Folded:
    """A node to be. ``dims`` are those of a single step for a folded record (``folded``), else as traced."""

    id: Id
    op: str
    operands: list[Operand]
    attrs: dict[str, Any]
    params: dict[str, Tensor]
    dims: Dims
    path: str
    source: str
    order: int
    records: list[Record] = field(default_factory=list)
    folded: bool = False


class Fold:
    """The folding of one trace."""

    def __init__(self, trace: Trace) -> None:
        self.trace, self.steps = trace, trace.steps
        self.groups: dict[Id, dict[int, Record]] = {}
        self.group_of: dict[int, Id] = {}
        self.singles: set[Id] = set()
        self.sums: dict[Id, Val] = {}
        self.readers: dict[int, list[Record]] = defaultdict(list)
        for record in trace.records:
            for value in record.operands:
                self.readers[value.record].append(record)
        self.same_as: set[tuple[Id, int, Id]] = set()
        self.lags: dict[Id, int] = {}
        self._group()
        self.nodes: list[Folded] = []
        self.selects: dict[tuple[Id, int], Id] = {}

    # -- grouping ----------------------------------------------------------------------------------------------
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
        once = [k for k, group in self.groups.items() if len(group) == 1 and self.steps > 1 and k not in self.begun]
        self.singles.update(k for k in once if not self._carried(k))

    def _join_first(self, key: Id) -> None:
        """The same layer called in another line at step 0 (``if state is None:``) is the loop's first step."""
        group = self.groups[key]
        start = next((k for k, g in self.groups.items() if list(g) == [0] and _same_layer(g[0], group[min(group)])), None)
        if start is None or sorted(group) != list(range(1, self.steps)):
            return
        first = self.groups.pop(start)[0]
        self.groups[key] = {0: first, **group}
        self.group_of[first.id] = key

    def _lag(self, key: Id) -> int:
        """The fewest steps after which a full part of the loop reads a group's values; 0: nothing does."""
        if key not in self.lags:
            self.lags[key] = 0  # cuts cycles
            reads = [(r, t) for t, own in self.groups[key].items() for r in self.readers[own.id] if r.step is not None]
            self.lags[key] = min((r.step - t + self._beyond(r) for r, t in reads), default=0)  # type: ignore[operator]
        return self.lags[key]

    def _beyond(self, reader: Record) -> int:
        key = self.group_of[reader.id]
        return 0 if max(self.groups[key]) == self.steps - 1 else self._lag(key)

    def _carried(self, key: Id) -> bool:
        """What ran once, for the last step alone to read as its state, is part of the loop if its reader is."""
        group = self.groups[key]
        if list(group) != [0] or self._lag(key) != self.steps - 1:
            return False
        readers = {self.group_of[r.id] for r in self.readers[group[0].id] if r.step is not None}
        return any(len(self.groups[k]) > 1 or k in self.begun or self._carried(k) for k in readers)

    def _starts_as(self, key: Id, group: dict[int, Record]) -> list[tuple[Id, int, Id]]:
        """(group, step, what holds its value there): ``mem = x if mem is None else f(mem) + x`` starts as x."""
        steps = sorted(group)
        missing = range(steps[0])
        last = group[steps[-1]]
        if not missing or last.op != "add" or last.attrs.get("subtract") or steps[-1] != self.steps - 1:
            return []
        now = [self.target(v) for v in last.operands]
        fresh = [node for node, step, extra in now if step == self.steps - 1 and not extra]
        if len(fresh) != 1 or (len(group) == 1 and not self._stacked_with(last, fresh[0])):
            return []
        return [(key, t, fresh[0]) for t in missing]

    def _stacked_with(self, last: Record, start: Id) -> bool:
        """Whether what the only step computed is put behind the start value, as the next step of the same."""
        whole = [r.operands for r in self.readers[last.id] if r.op == "collect"]
        return any(self.target(parts[0])[0] == start for parts in whole)

    def _skipped(self, key: Id) -> bool:
        """Whether the loop leaves a group out at its first or last steps, rather than run it on a constant state."""
        readers = {self.group_of[r.id] for own in self.groups[key].values() for r in self.readers[own.id]
                   if r.step is not None}  # fmt: skip
        return any(k in self.begun or (len(self.groups[k]) < self.steps and self._skipped(k)) for k in readers)

    # -- nodes -------------------------------------------------------------------------------------------------
    def run(self) -> list[Folded]:
        """Every node, in the order the code came to it."""
        done: set[Id] = set()
        for record in self.trace.records:
            if record.step is None:
                if record.op not in ("collect", "own_output"):
                    self.nodes.append(self._plain(record))
                continue
            key = self.group_of[record.id]
            if key in done or record.op == "own_output":
                continue
            done.add(key)
            self._loop(key)
        used = {o.node for f in self.nodes for o in f.operands}
        self.nodes = [f for f in self.nodes if f.op != "constant" or f.id in used]
        return self.nodes

    def _plain(self, record: Record) -> Folded:
        operands = [self._whole(v) for v in record.operands]
        op, attrs = record.op, record.attrs
        if attrs.get("mode") == "at" and operands[0].node in self.singles:  # it ran at that step alone
            op, attrs = "reshape", {"shape": axes.slice_shape(record.dims)}
        return Folded(record.id, op, operands, attrs, record.params, record.dims, record.path, record.source, record.id,
                      [record])  # fmt: skip

    def _whole(self, value: Val) -> Operand:
        """An operand outside any loop."""
        node, step, delay = self.target(value)
        if step is None:
            return Operand(node, delay)
        return Operand(self._select(node, step, value))

    def operand_outside(self, value: Val) -> Id:
        """The node that holds a value the model returns."""
        return self._whole(value).node

    def _select(self, node: Id, step: int, value: Val) -> Id:
        if node in self.sums and step == self.steps - 1:
            return ("sum", node)
        if (node, step) not in self.selects:
            found: Id = ("at", node, step)
            self.selects[node, step] = found
            at = -1 if step == self.steps - 1 else step
            self.nodes.append(Folded(found, "time_reduce", [Operand(node)], {"mode": "at", "step": at}, {}, value.dims,
                                     self.trace.records[value.record].path, "", len(self.trace.records)))  # fmt: skip
        return self.selects[node, step]

    def target(self, value: Val) -> tuple[Id, int | None, int]:
        """(node, the step that is read or None for all of it, delay)."""
        record = self.trace.records[value.record]
        if record.op == "own_output":
            neuron = self.trace.records[record.attrs["neuron"]]
            step = value.step
            return self.group_of.get(neuron.id, neuron.id), step, record.attrs["delay"]
        if record.op == "collect":
            return self._collected(record), value.step, 0
        if record.step is not None:
            key = self.group_of[record.id]
            return key, (None if value.sequence or key in self.singles else record.step), 0
        return record.id, value.step, 0

    def _collected(self, record: Record) -> Id:
        """The node whose steps were put together. Raises CaptureError when they are several."""
        node = self.target(record.operands[-1])[0]
        for t, part in enumerate(record.operands):
            if not self._is(self.target(part)[0], node, t):
                raise CaptureError(
                    f"{_at(record)}: stacks steps that were computed in different ways (step {t} differs from the last); "
                    "write the loop so that every step does the same"
                )
        return node

    def _is(self, found: Id, wanted: Id, step: int) -> bool:
        return found == wanted or (wanted, step, found) in self.same_as

    def _loop(self, key: Id) -> None:
        group = self.groups[key]
        if key in self.singles:
            (record,) = group.values()
            self.nodes.append(self._single(key, record))
            return
        steps = sorted(group)
        if self._running_sum(key, group, steps):
            return
        begins = steps[0] if key in self.begun else 0
        short = self.steps - begins - len(steps)
        costly = short and get(group[steps[0]].op).role in ("weights", "product") and self._skipped(key)
        if steps != list(range(begins, begins + len(steps))) or short > self._lag(key) or costly:
            raise CaptureError(
                f"{_at(group[steps[0]])}: runs at {len(steps)} of the {self.steps} steps of the loop "
                f"({steps[:4]}…); write the loop so that every step does the same"
            )
        self.nodes.append(self._family(key, group, steps))

    def _single(self, key: Id, record: Record) -> Folded:
        operands = [self._whole(v) for v in record.operands]
        return Folded(key, record.op, operands, record.attrs, record.params, record.dims, record.path, record.source,
                      record.id, [record])  # fmt: skip

    def _family(self, key: Id, group: dict[int, Record], steps: list[int]) -> Folded:
        last = group[steps[-1]]
        operands = [self._operand(group, steps, j) for j in range(len(last.operands))]
        for t in steps:
            self._reconcile(group[t], last, operands, t)
        attrs, params = self._parameters(group, steps, last)
        if any(r.attrs.get("memoryless") for r in group.values()):
            attrs = attrs | {"memoryless": True}
        return Folded(key, last.op, operands, attrs, params, last.dims, _common_path(group), last.source, last.id,
                      [group[t] for t in steps], folded=True)  # fmt: skip

    def _operand(self, group: dict[int, Record], steps: list[int], j: int) -> Operand:
        last = group[steps[-1]]
        node, step, extra = self.target(last.operands[j])
        if step is None:
            return Operand(node, extra)
        delay = steps[-1] - step
        if len(steps) > 2 and delay and self._absolute(group, steps, j, node, step):
            return Operand(self._select(node, step, last.operands[j]))
        return Operand(node, delay + extra)

    def _absolute(self, group: dict[int, Record], steps: list[int], j: int, node: Id, step: int) -> bool:
        """Whether every step reads the same step of that operand."""
        found = [self.target(group[t].operands[j])[:2] for t in steps[1:] if len(group[t].operands) > j]
        return all(f == (node, step) for f in found)

    def _reconcile(self, record: Record, last: Record, operands: list[Operand], t: int) -> None:
        """Check one step against the last; a constant in the place of a delayed operand is its initial value."""
        if record.op == last.op and _plain_attrs(record) == _plain_attrs(last):
            if len(record.operands) == len(last.operands):
                misses = [j for j, v in enumerate(record.operands) if not self._matches(v, operands[j], t)]
                if all(self._constant(record, operands, j, t) for j in misses):
                    return
        elif record.binary is not None and record.binary[0] == last.op and len(last.operands) == 2:
            for j in (0, 1):
                other = operands[1 - j]
                if self._matches(record.operands[0], operands[j], t) and other.delay > t:
                    self._initial(other, record, last, 1 - j)
                    return
        raise CaptureError(
            f"{_at(record)}: step {t} of the loop does something else ({record.op}) than later steps ({last.op}); "
            "start from zeros instead of a special first step"
        )

    def _constant(self, record: Record, operands: list[Operand], j: int, t: int) -> bool:
        """Whether operand j is the constant that the delayed operand holds before the first step."""
        given = self.trace.records[record.operands[j].record]
        if given.op != "constant" or operands[j].delay <= t:
            return False
        self._holds(operands[j], given.params["value"], record)
        return True

    def _holds(self, operand: Operand, constant: Tensor, record: Record) -> None:
        if operand.initial is not None and not torch.equal(operand.initial, constant):
            raise CaptureError(f"{_at(record)}: starts from two different constants; start every step before 0 from one")
        operand.initial = constant

    def _initial(self, operand: Operand, record: Record, last: Record, position: int) -> None:
        assert record.binary is not None
        _, attrs, constant = record.binary
        if last.attrs.get("subtract") and bool(attrs.get("first")) != (position == 0):
            constant = -constant
        self._holds(operand, constant, record)

    def _matches(self, value: Val, operand: Operand, t: int) -> bool:
        node, step, extra = self.target(value)
        if step is None:
            return node == operand.node and operand.delay == extra
        if isinstance(operand.node, tuple) and operand.node[:1] == ("at",):
            return operand.node == ("at", node, step)
        return self._is(node, operand.node, step) and t - step + extra == operand.delay

    def _parameters(self, group: dict[int, Record], steps: list[int], last: Record) -> tuple[dict[str, Any], dict[str, Tensor]]:
        params: dict[str, Tensor] = {}
        attrs = dict(last.attrs)
        full = [group[t] for t in steps if group[t].op == last.op]
        for role, tensor in last.params.items():
            values = [r.params[role] for r in full]
            if all(_same_tensor(v, tensor) or (v.shape == tensor.shape and torch.equal(v, tensor)) for v in values):
                params[role] = tensor
            else:
                params[role] = self._stacked(last, role, values, full)
                attrs["per_step"] = True
        if attrs.get("per_step") and not last.attrs.get("per_step"):
            params = {k: p if p.shape[:1] == (self.steps,) else self._repeated(last, p) for k, p in params.items()}
        return attrs, params

    def _stacked(self, last: Record, role: str, values: list[Tensor], full: list[Record]) -> Tensor:
        if last.op not in ("affine", "batch_norm") or len(full) != self.steps:
            raise CaptureError(f"{_at(last)}: {role} differs from step to step; only norms and scales may")
        return torch.cat(values) if last.op == "batch_norm" else torch.stack(values)

    def _repeated(self, last: Record, param: Tensor) -> Tensor:
        rows = param if last.op == "batch_norm" else param.unsqueeze(0)
        return rows.expand(self.steps, *rows.shape[1:])

    # -- running sums ------------------------------------------------------------------------------------------
    def _running_sum(self, key: Id, group: dict[int, Record], steps: list[int]) -> bool:
        """acc ← acc + x[t], read only after the last step: a sum over time."""
        last = group[steps[-1]]
        if last.op != "add" or last.attrs.get("subtract") or steps[-1] != self.steps - 1 or steps[0] > 1:
            return False
        own = [j for j, v in enumerate(last.operands) if self.group_of.get(v.record) == key]
        if len(own) != 1 or self._read_inside(key):
            return False
        x = last.operands[1 - own[0]]
        node, step, extra = self.target(x)
        if step != self.steps - 1 or extra or not self._starts_at_zero(group, steps, node):
            return False
        self.sums[key] = x
        self.nodes.append(Folded(("sum", key), "time_reduce", [Operand(node)], {"mode": "sum"}, {}, last.dims,
                                 last.path, last.source, last.id, []))  # fmt: skip
        return True

    def _read_inside(self, key: Id) -> bool:
        """Whether the running value is used by anything but itself before the end."""
        last = self.groups[key][self.steps - 1]
        for own in self.groups[key].values():
            outside = [r for r in self.readers[own.id] if self.group_of.get(r.id) != key]
            if any(own is not last or r.op == "collect" or v.sequence
                   for r in outside for v in r.operands if v.record == own.id):  # fmt: skip
                return True
        return False

    def _starts_at_zero(self, group: dict[int, Record], steps: list[int], node: Id) -> bool:
        first = group[steps[0]]
        if steps[0] == 0:
            zero = first.binary is not None and not bool(first.binary[2].any())
            return zero and self.target(first.operands[0])[:2] == (node, 0)
        found = [self.target(v)[:2] for v in first.operands]
        return sorted(found, key=str) == sorted([(node, 0), (node, 1)], key=str)


def _same_layer(a: Record, b: Record) -> bool:
    """Whether two records are calls of one module with weights, or of one neuron."""
    weights = bool(b.params) and a.params.keys() == b.params.keys()
    weights = weights and all(_same_tensor(a.params[role], tensor) for role, tensor in b.params.items())
    neuron = a.op == "neuron" and _plain_attrs(a) == _plain_attrs(b)
    return (a.op, a.path) == (b.op, b.path) and (weights or (neuron and bool(a.path)))


def _same_tensor(a: Tensor, b: Tensor) -> bool:
    """Whether both show the same memory in the same way."""
    return a is b or (a.data_ptr(), a.shape, a.stride()) == (b.data_ptr(), b.shape, b.stride())


def _plain_attrs(record: Record) -> dict[str, Any]:
    return {k: v for k, v in record.attrs.items() if k not in ("memoryless", "neuron", "observes")}


def _at(record: Record) -> str:
    place = f"at {record.path!r}" if record.path else "in the loop"
    return f"{place} ({record.source})" if record.source else place


def _common_path(group: dict[int, Record]) -> str:
    paths = {r.path for r in group.values()}
    if len(paths) == 1:
        return paths.pop()
    parts = [p.split(".") for p in sorted(paths)]
    same = [a for a, *rest in zip(*parts, strict=False) if all(a == r for r in rest)]
    return ".".join(same)
