"""NIR as the NIR paper's lava_to_nir writes it, against Lava's own processes in a child process."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest
import torch

import neurosim as ns

RUN = """
    import sys
    import numpy as np
    import neurosim.exchange.lava
    from lava.magma.core.run_conditions import RunSteps
    from lava.magma.core.run_configs import Loihi1SimCfg
    from lava.proc.dense.process import Dense
    from lava.proc.io.sink import RingBuffer as Sink
    from lava.proc.io.source import RingBuffer as Source
    from lava.proc.lif.process import LIF

    if __name__ == "__main__":
        held = np.load(sys.argv[1])
        steps = len(held["clip"])
        before = Source(data=held["clip"].T).s_out
        sinks = []
        for weight, du, dv, vth in (("a", 0.25, 0.125, 1.0), ("c", 0.5, 0.25, 0.5)):
            dense = Dense(weights=held[weight])
            lif = LIF(shape=(len(held[weight]),), du=du, dv=dv, vth=vth)
            sinks.append(Sink(shape=(len(held[weight]),), buffer=steps))
            before.connect(dense.s_in)
            dense.a_out.connect(lif.a_in)
            lif.s_out.connect(sinks[-1].a_in)
            before = lif.s_out
        lif.run(condition=RunSteps(num_steps=steps), run_cfg=Loihi1SimCfg(select_tag="floating_pt"))
        np.savez(sys.argv[2], b=sinks[0].data.get().T, d=sinks[1].data.get().T)
        lif.stop()
"""


def cuba(size: int, du: float, dv: float, vth: float) -> Any:
    """u ← (1 − du)·u + x, v ← (1 − dv)·v + u as lava_to_nir writes it."""
    tau_mem, tau_syn = 1e-4 / dv, 1e-4 / du
    return nir.CubaLIF(
        tau_syn=np.full(size, tau_syn), tau_mem=np.full(size, tau_mem),
        r=np.full(size, tau_mem / 1e-4), v_leak=np.zeros(size), v_threshold=np.full(size, vth),
        w_in=np.full(size, tau_syn / 1e-4),
    )  # fmt: skip


@pytest.mark.slow
def test_spikes_are_lavas_own_after_one_step_a_layer(tmp_path: Path) -> None:
    if importlib.util.find_spec("lava") is None:
        pytest.skip("lava-nc is not installed")
    rng = np.random.default_rng(0)
    held = {
        "a": rng.integers(-4, 9, (6, 5)) / 16, "c": rng.integers(-4, 9, (3, 6)) / 8,
        "clip": (rng.random((40, 5)) < 0.4).astype(float),
    }  # fmt: skip
    np.savez(tmp_path / "in.npz", **held)
    script = tmp_path / "run.py"
    script.write_text(textwrap.dedent(RUN))
    command = [sys.executable, script, tmp_path / "in.npz", tmp_path / "out.npz"]
    subprocess.run(command, check=True, timeout=110, capture_output=True, text=True)
    graph = nir.NIRGraph(
        {
            "input": nir.Input(np.array([5])), "a": nir.Linear(held["a"]),
            "b": cuba(6, 0.25, 0.125, 1.0), "c": nir.Linear(held["c"]),
            "d": cuba(3, 0.5, 0.25, 0.5), "output": nir.Output(np.array([3])),
        },
        [("input", "a"), ("a", "b"), ("b", "c"), ("c", "d"), ("d", "output")],
    )  # fmt: skip
    clip = torch.from_numpy(held["clip"]).float()[:, None]
    mine = ns.simulate(
        ns.from_nir(graph, source="lava", kind="spike"), clip, "dense", record="spikes"
    )
    theirs = np.load(tmp_path / "out.npz")
    for depth, name in ((1, "b"), (2, "d")):
        spikes = np.asarray(mine.trace.values[name]).reshape(40, -1)
        assert spikes.sum() > 20
        assert not theirs[name][:depth].any()
        assert np.array_equal(theirs[name][depth:], spikes[:-depth])
