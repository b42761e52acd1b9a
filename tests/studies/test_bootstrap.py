"""The interval covers the mean as often as it says, and is a point where there is one value."""

import numpy as np

from neurosim.studies.bootstrap import interval


def test_one_value_and_equal_values():
    assert interval(np.array([3.0])).to_dict() == {"mean": 3.0, "low": 3.0, "high": 3.0}
    assert interval(np.full(9, 2.0)).low == 2.0 == interval(np.full(9, 2.0)).high


def test_close_to_the_normal_interval_for_many_values():
    x = np.random.default_rng(0).normal(5, 2, size=1000)
    found, half = interval(x), 1.96 * x.std() / 1000**0.5
    assert abs(found.low - (x.mean() - half)) < 0.02 and abs(found.high - (x.mean() + half)) < 0.02
    assert found == interval(x) != interval(x, seed=1)


def test_it_covers_the_true_mean_in_about_95_of_100():
    rng = np.random.default_rng(1)
    hits = [
        i.low <= 0 <= i.high
        for i in (interval(rng.normal(size=60), resamples=300) for _ in range(200))
    ]
    assert 0.88 <= np.mean(hits) <= 0.99
