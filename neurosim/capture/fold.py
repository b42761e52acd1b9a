"""Folds a Python loop over time: the records that one place in the code left at every step become
one node.

Records are matched by where they came from (module path with indices hidden, code position, how
often in the step). An operand taken s steps before is an edge with delay s; a constant that stands
there before step s is the edge's initial value; constants that differ from step to step become
per-step parameters.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from neurosim.capture import axes
from neurosim.capture.axes import Dims
from neurosim.capture.loops import Id, Loops, at, plain_attrs, same_tensor
from neurosim.capture.trace import Record, Trace, Val
from neurosim.errors import CaptureError
from neurosim.ops import get


@dataclass
class Operand:
    """An edge to be: the node it comes from, its delay, and what stands there before the first
    step."""

    node: Id
    delay: int = 0
    initial: Tensor | None = None


@dataclass
class Folded:
    """A node to be. ``dims`` are those of a single step for a folded record (``folded``), else as
    traced."""

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
        self.loops = Loops(trace)
        self.sums: dict[Id, Val] = {}
        self.nodes: list[Folded] = []
        self.selects: dict[tuple[Id, int], Id] = {}

    def run(self) -> list[Folded]:
        """Every node, in the order the code came to it."""
        done: set[Id] = set()
        for record in self.trace.records:
            if record.step is None:
                if record.op not in ("collect", "own_output"):
                    self.nodes.append(self._plain(record))
                continue
            key = self.loops.group_of[record.id]
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
        if (
            attrs.get("mode") == "at" and operands[0].node in self.loops.singles
        ):  # it ran at that step alone
            op, attrs = "reshape", {"shape": axes.slice_shape(record.dims)}
        return Folded(
            record.id,
            op,
            operands,
            attrs,
            record.params,
            record.dims,
            record.path,
            record.source,
            record.id,
            [record],
        )

    def _whole(self, value: Val) -> Operand:
        """An operand outside any loop."""
        node, step, delay = self.loops.target(value)
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
            self.nodes.append(
                Folded(
                    found,
                    "time_reduce",
                    [Operand(node)],
                    {"mode": "at", "step": at},
                    {},
                    value.dims,
                    self.trace.records[value.record].path,
                    "",
                    len(self.trace.records),
                )
            )
        return self.selects[node, step]

    def _loop(self, key: Id) -> None:
        group = self.loops.groups[key]
        if key in self.loops.singles:
            (record,) = group.values()
            self.nodes.append(self._single(key, record))
            return
        steps = sorted(group)
        if self._running_sum(key, group, steps):
            return
        begins = steps[0] if key in self.loops.begun else 0
        short = self.steps - begins - len(steps)
        costly = (
            short
            and get(group[steps[0]].op).role in ("weights", "product")
            and self.loops.skipped(key)
        )
        if (
            steps != list(range(begins, begins + len(steps)))
            or short > self.loops.lag(key)
            or costly
        ):
            raise CaptureError(
                f"{at(group[steps[0]])}: runs at {len(steps)} of the {self.steps} steps of the "
                f"loop "
                f"({steps[:4]}…); write the loop so that every step does the same"
            )
        self.nodes.append(self._family(key, group, steps))

    def _single(self, key: Id, record: Record) -> Folded:
        operands = [self._whole(v) for v in record.operands]
        return Folded(
            key,
            record.op,
            operands,
            record.attrs,
            record.params,
            record.dims,
            record.path,
            record.source,
            record.id,
            [record],
        )

    def _family(self, key: Id, group: dict[int, Record], steps: list[int]) -> Folded:
        last = group[steps[-1]]
        operands = [self._operand(group, steps, j) for j in range(len(last.operands))]
        for t in steps:
            self._reconcile(group[t], last, operands, t)
        attrs, params = self._parameters(group, steps, last)
        if any(r.attrs.get("memoryless") for r in group.values()):
            attrs = attrs | {"memoryless": True}
        return Folded(
            key,
            last.op,
            operands,
            attrs,
            params,
            last.dims,
            _common_path(group),
            last.source,
            last.id,
            [group[t] for t in steps],
            folded=True,
        )

    def _operand(self, group: dict[int, Record], steps: list[int], j: int) -> Operand:
        last = group[steps[-1]]
        node, step, extra = self.loops.target(last.operands[j])
        if step is None:
            return Operand(node, extra)
        delay = steps[-1] - step
        if len(steps) > 2 and delay and self._absolute(group, steps, j, node, step):
            return Operand(self._select(node, step, last.operands[j]))
        return Operand(node, delay + extra)

    def _absolute(
        self, group: dict[int, Record], steps: list[int], j: int, node: Id, step: int
    ) -> bool:
        """Whether every step reads the same step of that operand."""
        found = [
            self.loops.target(group[t].operands[j])[:2]
            for t in steps[1:]
            if len(group[t].operands) > j
        ]
        return all(f == (node, step) for f in found)

    def _reconcile(self, record: Record, last: Record, operands: list[Operand], t: int) -> None:
        """Check one step against the last; a constant in the place of a delayed operand is its
        initial value."""
        if record.op == last.op and plain_attrs(record) == plain_attrs(last):
            if len(record.operands) == len(last.operands):
                misses = [
                    j for j, v in enumerate(record.operands) if not self._matches(v, operands[j], t)
                ]
                if all(self._constant(record, operands, j, t) for j in misses):
                    return
        elif record.binary is not None and record.binary[0] == last.op and len(last.operands) == 2:
            for j in (0, 1):
                other = operands[1 - j]
                same = self._matches(record.operands[0], operands[j], t) and other.delay > t
                if same and _same_sign(record, last, 1 - j):
                    self._initial(other, record)
                    return
        raise CaptureError(
            f"{at(record)}: step {t} of the loop does something else ({record.op}) than later "
            f"steps ({last.op}); "
            "start from zeros instead of a special first step"
        )

    def _constant(self, record: Record, operands: list[Operand], j: int, t: int) -> bool:
        """Whether operand j is the constant that a delayed operand holds before step 0."""
        given = self.trace.records[record.operands[j].record]
        if given.op != "constant" or operands[j].delay <= t:
            return False
        self._holds(operands[j], given.params["value"], record)
        return True

    def _holds(self, operand: Operand, constant: Tensor, record: Record) -> None:
        if operand.initial is not None and not torch.equal(operand.initial, constant):
            raise CaptureError(
                f"{at(record)}: starts from two different constants; start every step before 0 "
                f"from one"
            )
        operand.initial = constant

    def _initial(self, operand: Operand, record: Record) -> None:
        assert record.binary is not None
        self._holds(operand, record.binary[2], record)

    def _matches(self, value: Val, operand: Operand, t: int) -> bool:
        node, step, extra = self.loops.target(value)
        if step is None:
            return node == operand.node and operand.delay == extra
        if isinstance(operand.node, tuple) and operand.node[:1] == ("at",):
            return operand.node == ("at", node, step)
        return self.loops.holds(node, operand.node, step) and t - step + extra == operand.delay

    def _parameters(
        self, group: dict[int, Record], steps: list[int], last: Record
    ) -> tuple[dict[str, Any], dict[str, Tensor]]:
        params: dict[str, Tensor] = {}
        attrs = dict(last.attrs)
        full = [group[t] for t in steps if group[t].op == last.op]
        for role, tensor in last.params.items():
            values = [r.params[role] for r in full]
            if all(
                same_tensor(v, tensor) or (v.shape == tensor.shape and torch.equal(v, tensor))
                for v in values
            ):
                params[role] = tensor
            else:
                params[role] = self._stacked(last, role, values, full)
                attrs["per_step"] = True
        if attrs.get("per_step") and not last.attrs.get("per_step"):
            params = {
                k: p if p.shape[:1] == (self.steps,) else self._repeated(last, p)
                for k, p in params.items()
            }
        return attrs, params

    def _stacked(self, last: Record, role: str, values: list[Tensor], full: list[Record]) -> Tensor:
        if last.op not in ("affine", "batch_norm") or len(full) != self.steps:
            raise CaptureError(
                f"{at(last)}: {role} differs from step to step; only norms and scales may"
            )
        return torch.cat(values) if last.op == "batch_norm" else torch.stack(values)

    def _repeated(self, last: Record, param: Tensor) -> Tensor:
        rows = param if last.op == "batch_norm" else param.unsqueeze(0)
        return rows.expand(self.steps, *rows.shape[1:])

    # -- running sums
    # ------------------------------------------------------------------------------------------
    def _running_sum(self, key: Id, group: dict[int, Record], steps: list[int]) -> bool:
        """acc ← acc + x[t], read only after the last step: a sum over time."""
        last = group[steps[-1]]
        if (
            last.op != "add"
            or last.attrs.get("subtract")
            or steps[-1] != self.steps - 1
            or steps[0] > 1
        ):
            return False
        own = [j for j, v in enumerate(last.operands) if self.loops.group_of.get(v.record) == key]
        if len(own) != 1 or self._read_inside(key):
            return False
        x = last.operands[1 - own[0]]
        node, step, extra = self.loops.target(x)
        if step != self.steps - 1 or extra or not self._starts_at_zero(group, steps, node):
            return False
        self.sums[key] = x
        self.nodes.append(
            Folded(
                ("sum", key),
                "time_reduce",
                [Operand(node)],
                {"mode": "sum"},
                {},
                last.dims,
                last.path,
                last.source,
                last.id,
                [],
            )
        )
        return True

    def _read_inside(self, key: Id) -> bool:
        """Whether the running value is used by anything but itself before the end."""
        last = self.loops.groups[key][self.steps - 1]
        for own in self.loops.groups[key].values():
            outside = [
                r for r in self.loops.readers[own.id] if self.loops.group_of.get(r.id) != key
            ]
            if any(own is not last or r.op == "collect" or v.sequence
                   for r in outside for v in r.operands if v.record == own.id):  # fmt: skip
                return True
        return False

    def _starts_at_zero(self, group: dict[int, Record], steps: list[int], node: Id) -> bool:
        first = group[steps[0]]
        if steps[0] == 0:
            zero = first.binary is not None and not bool(first.binary[2].any())
            return zero and self.loops.target(first.operands[0])[:2] == (node, 0)
        found = [self.loops.target(v)[:2] for v in first.operands]
        return sorted(found, key=str) == sorted([(node, 0), (node, 1)], key=str)


def _same_sign(record: Record, last: Record, position: int) -> bool:
    """Whether a constant at ``position`` is added or subtracted as the later operand there is."""
    assert record.binary is not None
    _, attrs, _ = record.binary
    if bool(attrs.get("subtract")) != bool(last.attrs.get("subtract")):
        return False
    return not attrs.get("subtract") or bool(attrs.get("first")) == (position == 0)


def _common_path(group: dict[int, Record]) -> str:
    paths = {r.path for r in group.values()}
    if len(paths) == 1:
        return paths.pop()
    parts = [p.split(".") for p in sorted(paths)]
    same = [a for a, *rest in zip(*parts, strict=False) if all(a == r for r in rest)]
    return ".".join(same)
