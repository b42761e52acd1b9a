"""The event-level reference on cases that can be worked out by hand; the faster level beside it."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.mapping.detailed import Work, _compiled
from neurosim.mapping.queueing import Simulation

NS = 1e-9


def one_step(
    routes: dict[tuple[int, int], tuple[list[int], float]],
    sends: list[list[tuple[float, list[tuple[int, float]]]]],
    room: float = 16.0,
) -> Work:
    """``routes``: pair of cores → (links, hop seconds). ``sends``: core → neurons in order, each
    (seconds of its update, messages it sends as (target, seconds there)).
    """
    cores = len(sends)
    spent = [s for neurons in sends for s, _ in neurons]
    messages = [m for neurons in sends for _, m in neurons]
    starts = np.cumsum([0, *(len(n) for n in sends)])
    axons = np.cumsum([0, *(len(m) for m in messages)])
    flat = [m for of_neuron in messages for m in of_neuron]
    begins, links, hops = [0], [], []
    for a in range(cores):
        for b in range(cores):
            way, seconds = routes.get((a, b), ([100 + a], 0.0))
            links += way
            begins.append(len(links))
            hops.append(seconds)
    return Work(
        np.array([[[bool(m) for m in messages]]]), np.array([[spent]]), starts, axons,
        np.array([t for t, _ in flat], np.int64), np.array([s for _, s in flat], float),
        np.array(begins), np.array(links), np.array(hops), 200, 0.0, room,
    )  # fmt: skip


def queueing(work: Work) -> float:
    return Simulation(work, 0, 0).run()


def detailed(work: Work) -> float:
    found = np.zeros(1)
    w = work
    _compiled()(found, w.fired[0], w.spent[0], w.starts, w.axons, w.leads, w.takes,
                w.begins, w.links, w.hops, w.number, w.out, w.room)  # fmt: skip
    return float(found[0])


TWO = {(0, 1): ([0, 1], 4 * NS)}


def test_one_message_is_update_hop_and_processing() -> None:
    work = one_step(TWO, [[(10 * NS, [(1, 7 * NS)])], []])
    assert queueing(work) == pytest.approx(21 * NS) == detailed(work)


def test_a_busy_core_takes_messages_one_by_one() -> None:
    work = one_step(TWO, [[(1 * NS, [(1, 50 * NS)])] * 3, []])
    assert queueing(work) == pytest.approx((1 + 4 + 150) * NS)


def test_updates_after_the_last_message_count() -> None:
    work = one_step(TWO, [[(1 * NS, [(1, 2 * NS)]), (90 * NS, [])], []])
    assert queueing(work) == pytest.approx(91 * NS) == detailed(work)


def test_a_full_queue_holds_its_core_back() -> None:
    """Room for one message a link: the first is taken at 5 ns, the second waits in the last link
    until 55, the third in the first, and the fourth with its core; the last neuron comes after it.
    """
    sends = [[(1 * NS, [(1, 50 * NS)])] * 4 + [(200 * NS, [])], []]
    assert queueing(one_step(TWO, sends)) == pytest.approx((5 + 4 * 50) * NS)
    assert queueing(one_step(TWO, sends, room=1.0)) == pytest.approx((55 + 200) * NS)


def test_two_senders_share_a_receiver() -> None:
    routes = {(0, 2): ([0, 2], 1 * NS), (1, 2): ([1, 3], 1 * NS)}
    work = one_step(routes, [[(5 * NS, [(2, 20 * NS)])], [(5 * NS, [(2, 20 * NS)])], []])
    assert queueing(work) == pytest.approx(46 * NS) == detailed(work)


def test_detailed_is_near_the_reference_on_random_traffic() -> None:
    """Two ways to model the same network: they agree within a tenth, and never below the bound."""
    rng = np.random.default_rng(0)
    routes = {(a, b): ([10 + a, 20 + b], 4 * NS) for a in range(4) for b in range(4)}
    off = []
    for _ in range(12):
        sends = [
            [(6 * NS, [(int(t), 60 * NS) for t in rng.choice(4, rng.integers(0, 3), False)])
             for _ in range(20)]
            for _ in range(4)
        ]  # fmt: skip
        work = one_step(routes, sends)
        bound = np.bincount(work.leads, weights=work.takes).max()
        assert detailed(work) >= bound and queueing(work) >= bound
        off.append(abs(detailed(work) / queueing(work) - 1))
    assert np.median(off) < 0.1
