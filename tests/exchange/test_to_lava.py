"""Lava's own objects come back: to connect, to monitor, to run."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import neurosim as ns
from neurosim import passes
from neurosim.errors import GraphError
from tests.exchange.lava.networks import convolutional, recurrent, with_bias

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("lava") is None, reason="lava-nc is not installed"
)
BUILT_ON = """
    import numpy as np
    import neurosim as ns
    from neurosim import passes
    from tests.exchange.lava.networks import CASES

    if __name__ == "__main__":
        case = CASES["with_bias"](12)
        graph = passes.quantize(case.graph)
        network = ns.to_lava(graph, case.clip)
        from lava.proc.io.sink import RingBuffer

        last = network.neurons["c.n"]
        sink = RingBuffer(shape=last.s_out.shape, buffer=network.steps)
        last.s_out.connect(sink.a_in)
        network.run()
        late = sink.data.get().T
        network.stop()
        ours = ns.simulate(graph, case.clip, record="spikes").trace["c.n"][:, 0]
        depth = network.depth["c.n"]
        print(depth, ours.any(), late[:depth].any(), np.array_equal(late[depth:], ours))
"""


def test_processes_of_lavas_own_classes() -> None:
    from lava.proc.conv.process import Conv
    from lava.proc.io.source import RingBuffer
    from lava.proc.lif.process import LIF, LIFReset

    case = convolutional(10)
    network = ns.to_lava(passes.quantize(case.graph), case.clip)
    assert type(network.neurons["a.n"]) is LIF and type(network.processes["a"]) is Conv
    source = network.sources["clip"]
    assert type(source) is RingBuffer and network.steps == 12
    played = source.data.init
    assert played.shape == (12, 9, 2, 12), "(W, H, C), then the clip's steps and those that drain"
    np.testing.assert_array_equal(played[..., :10].T.transpose(0, 1, 2, 3), case.clip[:, 0])
    assert not played[..., 10:].any()
    assert type(ns.to_lava(with_bias(5).graph).neurons["b.n"]) is LIFReset
    forgetful = ns.to_lava(case.graph, reset_every=10).neurons["b.n"]
    assert type(forgetful) is LIFReset
    parameters = forgetful.proc_params
    assert (parameters["reset_interval"], parameters["reset_offset"]) == (10, 3)


def test_open_entries_and_open_ends() -> None:
    network = ns.to_lava(recurrent(5).graph)
    assert not network.sources
    (entry,) = network.entries["clip"]
    assert entry.shape == (12,) and entry.process is network.processes["a"]
    part = ns.to_lava(recurrent(5).graph, until=["a.n"])
    assert set(part.neurons) == {"a.n"} and "b" not in part.processes
    with pytest.raises(GraphError, match="reset_every=0"):
        ns.to_lava(recurrent(5).graph, reset_every=0)


@pytest.mark.slow
def test_a_network_that_is_built_on_runs(tmp_path: Path) -> None:
    script = tmp_path / "on_top.py"
    script.write_text(textwrap.dedent(BUILT_ON))
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=100,
        env={"PYTHONPATH": root, "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.stdout == "3 True False True\n", done.stderr
