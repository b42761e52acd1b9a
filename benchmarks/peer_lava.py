"""Lava's CPU simulation of the network of ``peers.py``: RingBuffer → Dense → LIF, 10 % input.

Prints {"seconds", "events"} of a second run of the same processes, so that starting them is not
timed.
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np

import neurosim.exchange.lava  # noqa: F401  (makes Lava importable)

NEURONS, STEPS, RATE, FEW = 1000, 380, 0.1, 20


def run(recurrent: bool) -> float:
    """Seconds of ``STEPS`` steps, after a few."""
    from lava.magma.core.run_conditions import RunSteps
    from lava.magma.core.run_configs import Loihi2SimCfg
    from lava.proc.dense.process import Dense
    from lava.proc.io.source import RingBuffer
    from lava.proc.lif.process import LIF

    rng = np.random.default_rng(0)
    source = RingBuffer(data=(rng.random((NEURONS, FEW + STEPS)) < RATE).astype(np.float64))
    dense = Dense(weights=rng.integers(1, 64, (NEURONS, NEURONS)) / 1024)
    lif = LIF(shape=(NEURONS,), du=1.0, dv=0.1, vth=8.0)
    source.s_out.connect(dense.s_in)
    dense.a_out.connect(lif.a_in)
    if recurrent:
        back = Dense(weights=rng.integers(1, 64, (NEURONS, NEURONS)) / 4096)
        lif.s_out.connect(back.s_in)
        back.a_out.connect(lif.a_in)
    how = Loihi2SimCfg(select_tag="floating_pt")
    lif.run(condition=RunSteps(num_steps=FEW), run_cfg=how)
    begin = time.perf_counter()
    lif.run(condition=RunSteps(num_steps=STEPS), run_cfg=how)
    seconds = time.perf_counter() - begin
    lif.stop()
    return seconds


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--recurrent", action="store_true")
    given = parser.parse_args()
    seconds = run(given.recurrent)
    print(json.dumps({"seconds": seconds, "events": int(NEURONS * RATE * STEPS * NEURONS)}))


if __name__ == "__main__":
    main()
