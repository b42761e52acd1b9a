"""Any number of threads gives the same bits; failures and lazy imports."""

import subprocess
import sys

import numba
import numpy as np
import pytest

from neurosim.sim.kernels import conv
from neurosim.sim.kernels.threads import run_tasks


@pytest.fixture
def two_threads():
    if numba.config.NUMBA_NUM_THREADS < 2:
        pytest.skip("one thread only")
    before = numba.get_num_threads()
    numba.set_num_threads(2)
    yield
    numba.set_num_threads(before)


@pytest.mark.parametrize("groups", [1, 4, 40])
def test_one_and_two_threads_give_the_same_bits(two_threads, groups):
    rng = np.random.default_rng(1)
    x = (rng.random((3, 40, 24, 24)) < 0.2) * rng.standard_normal((3, 40, 24, 24)).astype(
        np.float32
    )
    weight = rng.standard_normal((80, 40 // groups, 3, 3)).astype(np.float32)
    both = conv(x, weight, padding=1, groups=groups)
    numba.set_num_threads(1)
    np.testing.assert_array_equal(both, conv(x, weight, padding=1, groups=groups))


def test_every_task_is_run_once(two_threads):
    seen = np.zeros(1003, int)

    def mark(begin, end):
        seen[begin:end] += 1

    run_tasks(mark, len(seen), 10**9)
    assert (seen == 1).all()


def test_a_failure_in_any_thread_reaches_the_caller(two_threads):
    def fail(begin, end):
        raise MemoryError(f"{begin}:{end}")

    with pytest.raises(MemoryError):
        run_tasks(fail, 10, 10**9)


def test_importing_the_package_does_not_import_numba():
    code = "import sys, neurosim.sim.kernels; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
