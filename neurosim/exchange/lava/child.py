"""What runs in the child: a plan and its files in, spikes in files out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from neurosim.exchange.lava.build import build
from neurosim.exchange.lava.plan import Plan, Unit
from neurosim.exchange.lava.processes import FileSink, FileSource
from neurosim.exchange.lava.run import BEAT


def main(place: Path) -> None:
    """Run ``place``/plan.npz; ``place``/done appears when all spikes are written."""
    plan = Plan.load(place / "plan.npz")
    numbers = {name: i for i, name in enumerate(plan.sources)}

    def source(name: str, unit: Unit) -> Any:
        path = place / f"source{numbers[name]}.npy"
        return FileSource(path=path, shape=unit.shape)

    network = build(plan, source)
    for i, process in enumerate(network.neurons.values()):
        path = place / f"sink{i}.npy"
        sink = FileSink(path=path, shape=process.s_out.shape, beat=place / BEAT)
        process.s_out.connect(sink.a_in)
    network.run()
    (place / "done").touch()
    network.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
