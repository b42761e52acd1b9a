"""Compiled loops over torch's threads, or ours: every range once, the same bits, failures told."""

import ctypes
import multiprocessing
import subprocess
import sys
import threading

import numba
import numpy as np
import pytest
import torch

from neurosim import threads
from neurosim.sim.kernels import conv
from neurosim.threads import _pool, spread
from neurosim.threads._fork import fork


@numba.njit(nogil=True)
def mark(first, last, seen, add):
    for k in range(first, last):
        seen[k] += add


@numba.njit(nogil=True)
def mark_loop(start, threads, tasks, chunk, args):
    return fork(mark, start, threads, tasks, chunk, args)


@numba.njit(nogil=True)
def fail(first, last, seen):
    if first > 0:
        raise MemoryError
    seen[first:last] += 1


@numba.njit(nogil=True)
def fail_loop(start, threads, tasks, chunk, args):
    return fork(fail, start, threads, tasks, chunk, args)


@pytest.fixture(params=["torch", "own"])
def two_threads(request, monkeypatch):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    if request.param == "own":
        monkeypatch.setattr(threads, "_start", _pool.pool_address)
    yield request.param
    torch.set_num_threads(before)


@pytest.mark.parametrize("tasks", [0, 1, 2, 7, 1003])
def test_every_task_is_run_once(two_threads, tasks):
    seen = np.zeros(tasks, np.int64)
    for _ in range(50):
        spread(mark_loop, tasks, 10**9, seen, 3)
    assert (seen == 150).all()


def test_little_work_stays_on_this_thread(monkeypatch):
    monkeypatch.setattr(threads, "_start", lambda: 1 / 0)
    seen = np.zeros(10, np.int64)
    spread(mark_loop, 10, threads.SMALL - 1, seen, 1)
    assert (seen == 1).all()


def test_a_failure_in_any_thread_reaches_the_caller(two_threads):
    seen = np.zeros(40, np.int64)
    with pytest.raises(RuntimeError, match="fail_loop"):
        spread(fail_loop, 40, 10**9, seen)
    assert seen[0] == 1 and seen[-1] == 0


def test_the_two_come_from_different_places():
    if not threads._openmp():
        pytest.skip("torch came without an OpenMP runtime that lends its threads")
    assert threads._start() == threads._openmp() != _pool.pool_address()


def test_several_callers_at_once(two_threads):
    seen = np.zeros((4, 997), np.int64)

    def call(row):
        for _ in range(30):
            spread(mark_loop, 997, 10**9, seen[row], 1)

    callers = [threading.Thread(target=call, args=(row,)) for row in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert (seen == 30).all()


def test_our_threads_all_come_and_are_waited_for():
    together, left = threading.Barrier(3), []

    def work():
        together.wait(timeout=20)
        left.append(threading.get_ident())

    _pool.start(work, 3)
    assert len(set(left)) == 3


def _in_a_child(queue):
    seen = np.zeros(1003, np.int64)
    spread(mark_loop, 1003, 10**9, seen, 1)
    queue.put((int(seen.sum()), threads._start() == _pool.pool_address()))


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_brings_its_own_threads(two_threads):
    spread(mark_loop, 1003, 10**9, np.zeros(1003, np.int64), 1)  # the parent has threads by now
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_in_a_child, args=(queue,))
    child.start()
    assert queue.get(timeout=60) == (1003, True)
    child.join(timeout=60)
    assert child.exitcode == 0


@pytest.mark.parametrize("groups", [1, 4, 40])
def test_one_and_two_threads_give_the_same_bits(two_threads, groups):
    rng = np.random.default_rng(1)
    x = (rng.random((3, 40, 24, 24)) < 0.2) * rng.standard_normal((3, 40, 24, 24)).astype(
        np.float32
    )
    weight = rng.standard_normal((80, 40 // groups, 3, 3)).astype(np.float32)
    both = conv(x, weight, padding=1, groups=groups)
    torch.set_num_threads(1)
    np.testing.assert_array_equal(both, conv(x, weight, padding=1, groups=groups))


def test_importing_the_package_does_not_import_numba():
    code = "import sys, neurosim.sim.kernels, neurosim.threads; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_addresses_are_those_of_functions():
    assert ctypes.cast(_pool._entry, ctypes.c_void_p).value == _pool.pool_address() != 0
