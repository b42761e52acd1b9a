"""What a layer will cost in each engine, from its sizes and the activity that arrived.

A cost is a sum of terms, each a number of things to do times seconds a thing; the seconds are
fitted once per machine (``calibrate``) and kept by processor, threads and library versions. Without
them the ones shipped with neurosim serve: their ratios carry over better than their sizes. A cost
chooses a kernel and never enters a figure.
"""

from __future__ import annotations

import hashlib
import json
import math
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from neurosim.cache import cache_folder
from neurosim.ir.graph import Node
from neurosim.ir.manifest import versions
from neurosim.sim.kernels.packing import FEW_INPUTS, tile_widths

SHIPPED = Path(__file__).with_name("costs.json")
DENSE, PLANAR, EVENT = "dense", "dense_planar", "event"
FEW = "_few"
KERNELS = 4  # goes up when they become faster or slower: costs measured before are of no use
ASSUMED = 0.1  # density where none may be looked at
DENSE_TERMS = ("call", "macs", "macs_over_in", "macs_over_out", "inputs", "outputs")
EVENT_TERMS = ("call", "inputs", "bits", "joins", "adds", "pixels", "outputs")
Seconds = Mapping[str, Mapping[str, float]]  # "conv2/event" → term → seconds


@dataclass(frozen=True)
class Work:
    """One call of a layer with weights.

    ``kind``: linear, pointwise (either ``_few`` where sums of few channels can be looked up),
    depthwise, or conv with the number of its axes. ``inputs`` and ``outputs``: elements of all
    slices; ``fan_in``, ``fan_out``: channels of a group.
    """

    kind: str
    inputs: float
    outputs: float
    macs: float
    taps: int
    fan_in: int
    fan_out: int
    active: float
    bits: bool = False
    planar: bool = False  # activity lies with channels outermost
    alone: bool = False  # there are bits and no numbers yet

    def dense(self) -> dict[str, float]:
        """Terms of torch's kernel."""
        over = (self.macs / max(1, self.fan_in), self.macs / max(1, self.fan_out))
        return dict(zip(DENSE_TERMS, (1.0, self.macs, *over, self.inputs, self.outputs),
                        strict=True))  # fmt: skip

    def event(self) -> dict[str, float]:
        """Terms of the event kernel; additions go to whole tiles of output channels."""
        tiles = tile_widths(self.fan_out)
        reached = self.macs * self.active / max(1.0, self.inputs)
        flat = self.kind.startswith(("linear", "pointwise"))
        joins = 0.0 if flat else self.active * self.taps
        adds = reached * (1 if self.kind == "depthwise" else sum(tiles) / max(1, self.fan_out))
        if self.kind.endswith(FEW) and self.bits:  # whatever is active
            adds = self.macs / 4
        pixels = self.outputs / max(1, self.fan_out) * len(tiles)
        scanned = (0.0, self.inputs) if self.bits else (self.inputs, 0.0)
        return dict(zip(EVENT_TERMS, (1.0, *scanned, joins, adds, pixels, self.outputs),
                        strict=True))  # fmt: skip


def work(
    node: Node,
    slices: int,
    active: float,
    bits: bool = False,
    planar: bool = False,
    alone: bool = False,
) -> Work:
    """Of a convolution or linear node over so many slices."""
    facts = node.known
    inputs, outputs = math.prod(facts.in_shapes[0]) * slices, node.value.size * slices
    macs = facts.dense_macs / max(1, facts.steps) * slices
    g = facts.geometry
    if g is None:
        out, features = facts.weight_shape
        kind = few("linear", features)
        return Work(kind, inputs, outputs, macs, 1, features, out, active, bits, False, alone)
    taps, fan_in, fan_out = (
        math.prod(g.kernel), g.channels_in // g.groups, g.channels_out // g.groups
    )  # fmt: skip
    kind = "depthwise" if fan_in == 1 < g.groups else f"conv{len(g.kernel)}"
    if taps == 1 and fan_in > 1:
        kind = few("pointwise", fan_in) if g.groups == 1 else "pointwise"
    return Work(kind, inputs, outputs, macs, taps, fan_in, fan_out, active, bits, planar, alone)


def few(kind: str, fan_in: int) -> str:
    """The kind of a layer in which an output sees one pixel's channels."""
    return kind + FEW if fan_in <= FEW_INPUTS else kind


@dataclass(frozen=True)
class Costs:
    """Fitted seconds of each term of each kind and engine; ``machine``: what they are of."""

    seconds: Seconds
    machine: str = "shipped"

    def predict(self, engine: str, work: Work) -> float:
        """Seconds of a call; infinite where the engine has no kernel of that kind."""
        found = self.seconds.get(f"{work.kind}/{engine}")
        if found is None:
            return math.inf
        terms = work.event() if engine == EVENT else work.dense()
        cost = sum(found.get(term, 0.0) * number for term, number in terms.items())
        more = self.seconds.get("unpack", {}).get("inputs", 0.0) * work.inputs
        cost += more * (work.alone and engine != EVENT)
        turned = not work.kind.startswith("linear") and engine == (DENSE if work.planar else PLANAR)
        elements = work.inputs * turned + work.outputs * (engine == PLANAR)  # for who reads on
        return cost + self.seconds.get("turn", {}).get("inputs", 0.0) * elements

    def best(self, work: Work) -> str:
        """The engine with the least predicted seconds."""
        return min((DENSE, PLANAR, EVENT), key=lambda engine: self.predict(engine, work))

    def save(self, path: Path) -> None:
        """As JSON."""
        from neurosim.ir.store import write_atomically

        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"machine": self.machine, "seconds": self.seconds}, indent=1)
        write_atomically(path, text.encode())


def read(path: Path) -> Costs | None:
    """Costs from a file; None where it is not there or not ours."""
    try:
        held: Any = json.loads(path.read_text())
        seconds = {
            str(k): {str(t): float(s) for t, s in v.items()} for k, v in held["seconds"].items()
        }
        return Costs(seconds, str(held["machine"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


@lru_cache(maxsize=8)
def costs(threads: int) -> Costs:
    """Those measured on this machine with so many threads, else the shipped ones."""
    return read(path_for(threads)) or shipped()


@lru_cache(maxsize=1)
def shipped() -> Costs:
    """What neurosim was built with."""
    found = read(SHIPPED)
    assert found is not None, SHIPPED
    return found


def path_for(threads: int) -> Path:
    """Where this machine's costs lie."""
    digest = hashlib.sha256(machine(threads).encode()).hexdigest()[:12]
    return cache_folder() / f"costs-{digest}.json"


def machine(threads: int) -> str:
    """Processor, threads, and the versions of what decides speed."""
    found = versions()
    named = (f"{name} {found.get(name, '?')}" for name in ("torch", "numba", "neurosim-snn"))
    return f"{_processor()}, {threads} threads, {', '.join(named)}, kernels {KERNELS}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
