"""The sweep measures both again at every level, resumes, and is the same on any scheduler."""

from __future__ import annotations

import pickle

import pandas as pd
import pytest

from neurosim.data import sets
from neurosim.errors import ClipError, StoreError
from neurosim.studies import cluster, noise_sweep
from neurosim.studies.evaluate import evaluate
from neurosim.studies.noise_sweep import (
    area_under_accuracy,
    by_level,
    layer_shifts,
    read_sweep,
    summary,
    sweep_noise,
)
from neurosim.studies.not_placed import NOT_PLACED

LEVELS = [
    "gaussian:0.5",
    "salt_pepper:0.3",
    "weight:0.3",
    "bits:3",
    "frame_drop:0.4",
    "time_jitter:1",
]


@pytest.fixture(scope="module")
def few(videos):
    return sets.open("motion", videos.items[0].path.parents[2], "test", number=12)


@pytest.fixture(scope="module")
def frame(model, few, tmp_path_factory):
    return sweep_noise(model, few, LEVELS, (0, 1), ["cmos_45nm", "loihi1"], workers=1,
                       out=tmp_path_factory.mktemp("sweep"))  # fmt: skip


@pytest.fixture(scope="module")
def dask():
    """Address of a scheduler with one worker, in a thread: tasks go through Dask, and no process
    has to import everything anew."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None,
                      silence_logs=50) as cluster:  # fmt: skip
        yield cluster.scheduler_address


def test_clean_level_is_the_evaluation(frame, model, few):
    plain = evaluate(model, few, ["cmos_45nm", "loihi1"])
    clean = summary(frame).iloc[0]
    assert clean["noise"] == "clean" and clean["accuracy"] == pytest.approx(plain.top1.mean)
    for chip in ("cmos_45nm", "loihi1"):
        assert clean[f"joules_{chip}"] == pytest.approx(plain.joules_per_video[chip].mean)
        assert clean[f"energy_ratio_{chip}"] == 1
    shifts = layer_shifts(frame)
    rates = shifts[shifts["kind"] == "clean"].set_index("node")["rate"].to_dict()
    assert (
        rates == pytest.approx(plain.layer_rates())
        and (shifts[shifts["kind"] == "clean"]["shift"] == 0).all()
    )


def test_noise_changes_spikes_and_so_energy(frame):
    rows = summary(frame).set_index("noise")
    assert set(rows.index) == {"clean", *LEVELS}
    assert rows.loc[["bits:3"], "seed"].tolist() == [0]
    for level in LEVELS:
        part = rows.loc[[level]]
        assert (part["synaptic_operations"] != rows.loc["clean", "synaptic_operations"]).all()
        assert (part["energy_ratio_loihi1"] != 1).all()
    two = rows.loc[["gaussian:0.5"], "synaptic_operations"]
    assert len(two) == 2 and two.iloc[0] != two.iloc[1]  # seeds differ


def test_the_table_is_tidy(frame):
    assert tuple(frame.columns) == noise_sweep.COLUMNS and not frame.isna().any().any()
    keys = ["noise", "seed", "measure", "subject"]
    assert not frame[frame["measure"] != "layer_rate"].duplicated(keys).any()
    assert len(by_level(frame)) == 7 and by_level(frame)[1]["seeds"] == 2
    assert set(area_under_accuracy(frame)) == {
        "gaussian", "salt_pepper", "weight", "bits", "frame_drop", "time_jitter",
    }  # fmt: skip


def test_an_interrupted_sweep_goes_on_where_it_stopped(model, few, tmp_path, frame, monkeypatch):
    arguments = (model, few, LEVELS[:2], (0, 1), ["cmos_45nm", "loihi1"])
    run, task = [], cluster.share_task
    monkeypatch.setattr(cluster, "share_task", lambda *args: run.append(args) or task(*args))
    first = sweep_noise(*arguments, out=tmp_path, workers=1)
    files = sorted((tmp_path / "tasks").iterdir())
    assert len(files) == len(run) == 5  # clean, and two levels × two seeds, one shard each
    files[2].unlink(), files[3].write_bytes(files[3].read_bytes()[:40])  # lost, and half-written
    run.clear()
    again = sweep_noise(*arguments, out=tmp_path, workers=1)
    assert len(run) == 2
    pd.testing.assert_frame_equal(again, first)
    kept = read_sweep(tmp_path)
    pd.testing.assert_frame_equal(kept, first)
    assert kept.attrs["not_placed"] == {"loihi1": NOT_PLACED}
    part = frame[frame["noise"].isin(["clean", *LEVELS[:2]])].reset_index(drop=True)
    pd.testing.assert_frame_equal(part, first)  # other tasks around: the same numbers


def test_any_scheduler_finds_the_same(model, few, frame, dask):
    found = sweep_noise(model, few, LEVELS[2:4], (0, 1), ["cmos_45nm", "loihi1"], scheduler=dask)
    part = frame[frame["noise"].isin(["clean", *LEVELS[2:4]])].reset_index(drop=True)
    pd.testing.assert_frame_equal(part, found)


@pytest.mark.slow
def test_processes_find_the_same(model, few, frame):
    chips = ["cmos_45nm", "loihi1"]
    pd.testing.assert_frame_equal(sweep_noise(model, few, LEVELS, (0, 1), chips, workers=2), frame)


def test_a_task_can_be_sent_to_another_process(model, few, frame, monkeypatch):
    task = cluster.share_task
    monkeypatch.setattr(
        cluster, "share_task", lambda *sent: pickle.loads(pickle.dumps(task(*copied(sent))))
    )
    found = sweep_noise(model, few, [], (0,), ["cmos_45nm", "loihi1"], workers=1)
    pd.testing.assert_frame_equal(frame[frame["kind"] == "clean"], found)


def copied(sent):
    return pickle.loads(pickle.dumps(sent))


def test_areas_are_means_of_the_curve():
    given = (
        ("clean", 0.0, 0, 0.8),
        ("gaussian:0.5", 0.5, 0, 0.6),
        ("gaussian:1", 1.0, 0, 0.2),
        ("gaussian:1", 1.0, 1, 0.4),
    )
    rows = [("m", n, n.split(":")[0], level, s, "correct", "v", y, 1)
            for n, level, s, y in given]  # fmt: skip
    rows += [
        (*r[:5], measure, *r[6:])
        for r in rows
        for measure in ("synaptic_operations", "firing_rate")
    ]
    table = pd.DataFrame(rows, columns=list(noise_sweep.COLUMNS))
    expected = (0.5 * (0.8 + 0.6) / 2 + 0.5 * (0.6 + 0.3) / 2) / 1.0
    assert area_under_accuracy(table)["gaussian"] == pytest.approx(expected)


def test_mistakes_are_one_line(model, few, tmp_path):
    with pytest.raises(ClipError, match="event_drop:0.1' is for"):
        sweep_noise(model, few, ["event_drop:0.1"])
    with pytest.raises(ClipError, match="gaussian:LEVEL"):
        sweep_noise(model, few, ["gaussian"])
    with pytest.raises(StoreError, match="no finished sweep"):
        read_sweep(tmp_path)
