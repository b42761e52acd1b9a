"""Counts are exact, whatever is binned or summed."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.errors import CountsError
from neurosim.ir.counts import MAX_BINS, Counts, CountsBuilder

RNG = np.random.default_rng(0)


def filled(samples: int, steps: int, budget: int, chunk: int = 7) -> tuple[Counts, np.ndarray]:
    """Counts added chunk by chunk, and the truth (samples, steps)."""
    truth = RNG.integers(0, 100, (samples, steps))
    builder = CountsBuilder(samples, steps, 2, budget)
    for start in range(0, steps, chunk):
        builder.add("n", "spike", truth[:, start : start + chunk].T, start)
    return builder.finish(), truth


def test_full_resolution() -> None:
    counts, truth = filled(3, 20, 2**20)
    np.testing.assert_array_equal(counts.array("n", "spike"), truth)
    assert counts.total("spike") == counts.get("n", "spike") == truth.sum()
    assert counts.by_node("spike") == {"n": truth.sum()} and counts.shape == (3, 20)
    assert counts.get("n", "mac") == 0 and not counts.array("n", "mac").any()


@pytest.mark.parametrize(
    ("samples", "steps", "budget"), [(3, 100, 2000), (2, 5000, 2**16), (3, 23, 3 * 16 * 5)]
)
def test_binning_keeps_totals(samples: int, steps: int, budget: int) -> None:
    counts, truth = filled(samples, steps, budget)
    per = counts.steps_per_bin
    assert per > 1 and not counts.samples_summed and counts.shape[1] <= MAX_BINS
    padded = np.pad(truth, ((0, 0), (0, -steps % per)))
    np.testing.assert_array_equal(
        counts.array("n", "spike"), padded.reshape(samples, -1, per).sum(2)
    )
    assert counts.total("spike") == truth.sum()


def test_summing_samples_keeps_the_sum_of_squares() -> None:
    counts, truth = filled(200, 50, 1000)
    assert counts.samples_summed and counts.samples == 200 and counts.shape[0] == 1
    assert counts.total("spike") == truth.sum()
    assert counts.squares["n", "spike"] == (truth.sum(1).astype(float) ** 2).sum()


def test_past_2_to_the_32() -> None:
    builder = CountsBuilder(1, 2, 1)
    for _ in range(3):
        builder.add("n", "synapse", np.full((2, 1), 2**33 + 1))
    counts = builder.finish()
    assert counts.total("synapse") == counts.synaptic_operations() == 6 * (2**33 + 1)
    assert Counts.from_dataframe(counts.to_dataframe()).total("synapse") == 6 * (2**33 + 1)


def test_only_integers() -> None:
    with pytest.raises(TypeError, match="counts of n/spike are float64, not integers"):
        CountsBuilder(1, 1, 1).add("n", "spike", np.ones((1, 1)))


def test_samples_added_apart() -> None:
    builder = CountsBuilder(3, 2, 1)
    builder.add("n", "spike", np.array([[1], [2]]), first_sample=2)
    np.testing.assert_array_equal(builder.finish().array("n", "spike"), [[0, 0], [0, 0], [1, 2]])


@pytest.mark.parametrize("budget", [2**20, 2000, 300])
def test_dataframe_round_trip(budget: int) -> None:
    counts, _ = filled(4, 60, budget)
    table = {("z", "mac"): np.zeros(counts.shape, np.int64), **counts.table}
    counts = Counts(table, 4, 60, counts.steps_per_bin, counts.samples_summed)
    frame = counts.to_dataframe()
    assert list(frame.columns) == ["sample", "step", "node", "event", "count"]
    assert frame["count"].sum() == counts.total("spike")
    back = Counts.from_dataframe(frame)
    assert back == counts and back.nodes() == ("z", "n")
    assert (back.samples, back.steps, back.steps_per_bin) == (4, 60, counts.steps_per_bin)
    assert Counts.from_dataframe(frame.sample(frac=1, random_state=0)) == counts


def test_a_plain_table_gives_its_own_sizes() -> None:
    import pandas as pd

    frame = pd.DataFrame(
        {"sample": [0, 2, 2], "step": [4, 0, 0], "node": "n", "event": "spike", "count": [1, 2, 3]}
    )
    counts = Counts.from_dataframe(frame)
    assert counts.shape == (3, 5) and counts.array("n", "spike")[2, 0] == 5
    assert len(Counts({}, 1, 1).to_dataframe()) == 0


def test_differences_name_the_pair() -> None:
    a = Counts({("n", "spike"): np.array([[1, 2]]), ("n", "mac"): np.array([[0, 0]])}, 1, 2)
    b = Counts({("n", "spike"): np.array([[2, 1]]), ("m", "add"): np.array([[1, 0]])}, 1, 2)
    assert a.differences(b) == {("n", "spike"): (3, 3), ("m", "add"): (0, 1)}
    assert a.differences(b, ignore=["spike", "add"]) == {} and a != b and a != 3
    assert b.events() == ("spike", "add")


ROW = {"sample": [0, 1], "step": [0, 3], "node": ["n", "n"], "event": ["spike", "mac"],
       "count": [1, 2]}  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"event": ["spike", "spikes"]}, "unknown event 'spikes'; did you mean spike"),
        ({"event": ["spike", None]}, "unknown event"),
        ({"node": ["n", None]}, "without a node"),
        ({"count": [1, -2]}, "count -2; give whole numbers"),
        ({"count": [1, 2.5]}, "count 2.5; give whole numbers"),
        ({"count": [1, float("nan")]}, "count nan; give whole numbers"),
        ({"count": [1, float("inf")]}, "count inf"),
        ({"count": [1, 1e300]}, "count 1e.300"),
        ({"count": ["many", "few"]}, "count many"),
        ({"sample": [0, -1]}, "sample -1"),
        ({"sample": [0, 0.5]}, "sample 0.5"),
        ({"step": [0, -4]}, "step -4"),
        ({"sample": [0, 7]}, "sample 7 of a table of 2"),
        ({"step": [0, 4]}, "step 4 of a table of 4"),
        ({"count": None}, "lacks the column count"),
        ({"node": None, "event": None}, "lacks the column node, event"),
    ],
)
def test_a_table_that_holds_no_counts_is_refused(
    changed: dict[str, list[object]], said: str
) -> None:
    import pandas as pd

    table = {k: v for k, v in {**ROW, **changed}.items() if v is not None}
    with pytest.raises(CountsError, match=said):
        Counts.from_dataframe(pd.DataFrame(table), samples=2, steps=4)


def test_whole_numbers_of_any_type_are_counts() -> None:
    import pandas as pd

    frame = pd.DataFrame({**ROW, "count": [1.0, 2.0]})
    assert Counts.from_dataframe(frame).total("mac") == 2
    with pytest.raises(CountsError, match="samples=0"):
        Counts.from_dataframe(frame, samples=0)
    with pytest.raises(CountsError, match="without gaps"):
        Counts.from_dataframe(pd.DataFrame({**ROW, "sample": [0, 10**12]}))
    summed = pd.DataFrame(ROW)
    summed.attrs.update(samples=2, steps=4, samples_summed=True)
    with pytest.raises(CountsError, match="sample 1 of a table of 1"):
        Counts.from_dataframe(summed)


def test_whole_slices_are_taken_as_they_are() -> None:
    builder, each = CountsBuilder(2, 3, 4), np.arange(6).reshape(3, 2)
    left = builder.add_slices("n", {"spike": each, "add": 5, "mac": each[:2]}, (3, 2))
    assert list(left) == ["mac"]
    assert builder.add_slices("m", {"add": 5, "spike": each.astype(np.int32)}, (3, 2)) == {}
    builder.add_slices("n", {"add": 1}, (3, 2))
    counts = builder.finish()
    np.testing.assert_array_equal(counts.array("n", "spike"), each.T)
    np.testing.assert_array_equal(counts.array("m", "spike"), each.T)
    assert counts.get("n", "add") == 36 and counts.get("m", "add") == 30
    assert counts.steps == 3 and counts.get("n", "mac") == 0
    with pytest.raises(ValueError, match="read-only"):
        counts.array("m", "add")[0, 0] = 7  # equal numbers share their memory
    later = CountsBuilder(2, 3, 4)
    later.add_slices("n", {"spike": each[1:]}, (2, 2), 1)
    np.testing.assert_array_equal(later.finish().array("n", "spike")[:, 1:], each[1:].T)
