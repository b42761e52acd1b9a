"""Step times by events, one by one: the reference that the faster levels are tested against.

Every core emits its messages in order; every link on a route is a queue of so many places that
hands its first message on after the time of a hop, when the next queue has room; a message stays in
its last queue until its core has done the one before it. A core whose first queue is full waits.
Plain Python: for networks of a few thousand messages.
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from neurosim.ir.run import Run
from neurosim.mapping.detailed import Work, work_of
from neurosim.mapping.traffic import Traffic

if TYPE_CHECKING:
    from neurosim.mapping.placement import Placement

Message = tuple[int, float, tuple[int, ...], float]  # target, seconds there, links, seconds a link


def queueing_steps(placement: Placement, run: Run, traffic: Traffic) -> np.ndarray:
    """(samples, chip steps) seconds without the barrier. Raises PlacementError: no spikes."""
    work = work_of(placement, run, traffic)
    return np.array([
        [Simulation(work, sample, step).run() for step in range(work.fired.shape[1])]
        for sample in range(work.fired.shape[0])
    ])  # fmt: skip


def emitted(
    work: Work, sample: int, step: int, core: int
) -> Iterator[tuple[float, Message | None]]:
    """The seconds until each message of a core, and it; None at the end, for what is left to do."""
    cores, waited = len(work.starts) - 1, 0.0
    for neuron in range(work.starts[core], work.starts[core + 1]):
        waited += work.spent[sample, step, neuron]
        if not work.fired[sample, step, neuron]:
            continue
        for axon in range(work.axons[neuron], work.axons[neuron + 1]):
            target = int(work.leads[axon])
            way = core * cores + target
            links = tuple(work.links[work.begins[way] : work.begins[way + 1]].tolist())
            each = work.hops[way] / max(1, len(links) - 1)
            yield waited + work.out, (target, float(work.takes[axon]), links, each)
            waited = 0.0
    yield waited, None


@dataclass
class Simulation:
    """One step of the chip. ``queues``: link → its messages with the place of the link in their
    route; ``ready``: links whose first message has done its hop; ``waiting``: link → who wants in.
    """

    work: Work
    sample: int
    step: int
    now: float = 0.0
    last: float = 0.0
    events: list[tuple[float, int, str, int]] = field(
        default_factory=list[tuple[float, int, str, int]]
    )
    queues: dict[int, deque[tuple[Message, int]]] = field(
        default_factory=dict[int, "deque[tuple[Message, int]]"]
    )
    ready: set[int] = field(default_factory=set[int])
    waiting: dict[int, deque[tuple[str, int]]] = field(
        default_factory=dict[int, "deque[tuple[str, int]]"]
    )
    busy: dict[int, bool] = field(default_factory=dict[int, bool])
    wanted: dict[int, deque[int]] = field(default_factory=dict[int, "deque[int]"])
    pending: dict[int, Message | None] = field(default_factory=dict[int, "Message | None"])
    order: Iterator[int] = field(default_factory=itertools.count)

    def run(self) -> float:
        """Seconds until nothing is left to do."""
        cores = len(self.work.starts) - 1
        self.sources = [emitted(self.work, self.sample, self.step, c) for c in range(cores)]
        for core in range(cores):
            self._next(core)
        while self.events:
            self.now, _, what, which = heapq.heappop(self.events)
            self.last = max(self.last, self.now)
            {"emit": self._emit, "hop": self._hopped, "done": self._done}[what](which)
        return self.last

    def _at(self, delay: float, what: str, which: int) -> None:
        heapq.heappush(self.events, (self.now + delay, next(self.order), what, which))

    def _next(self, core: int) -> None:
        delay, self.pending[core] = next(self.sources[core])
        self._at(delay, "emit", core)

    def _emit(self, core: int) -> None:
        message = self.pending[core]
        if message is not None and self._enter(message, 0, ("core", core)):
            self._next(core)

    def _enter(self, message: Message, place: int, who: tuple[str, int]) -> bool:
        """Into the queue of a link, or into the line of those who wait for room there."""
        link = message[2][place]
        queue = self.queues.setdefault(link, deque())
        if len(queue) >= self.work.room:
            line = self.waiting.setdefault(link, deque())
            if who not in line:
                line.append(who)
            return False
        queue.append((message, place))
        if len(queue) == 1:
            self._at(message[3] if place else 0.0, "hop", link)
        return True

    def _hopped(self, link: int) -> None:
        self.ready.add(link)
        self._hand_on(link)

    def _hand_on(self, link: int) -> None:
        """The first message of a link to its next link, or to its core when that is free."""
        if link not in self.ready:
            return
        message, place = self.queues[link][0]
        if place + 1 < len(message[2]):
            moved = self._enter(message, place + 1, ("link", link))
        else:
            moved = self._take(message, link)
        if moved:
            self._leave(link)

    def _take(self, message: Message, link: int) -> bool:
        target = message[0]
        if self.busy.get(target):
            line = self.wanted.setdefault(target, deque())
            if link not in line:
                line.append(link)
            return False
        self.busy[target] = True
        self._at(message[1], "done", target)
        return True

    def _done(self, core: int) -> None:
        self.busy[core] = False
        line = self.wanted.get(core)
        if line:
            self._hand_on(line.popleft())

    def _leave(self, link: int) -> None:
        queue = self.queues[link]
        queue.popleft()
        self.ready.discard(link)
        if queue:
            message, place = queue[0]
            self._at(message[3] if place else 0.0, "hop", link)
        line = self.waiting.get(link)
        if line:
            kind, which = line.popleft()
            (self._emit if kind == "core" else self._hand_on)(which)
