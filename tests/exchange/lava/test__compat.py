"""Lava imports and runs behind the compatibility module; a missing Lava is one clear line."""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
import subprocess
import sys
import textwrap

import pytest

from neurosim.errors import NeurosimError
from neurosim.exchange.lava import _compat

needs_lava = pytest.mark.skipif(
    importlib.util.find_spec("lava") is None, reason="lava-nc is not installed"
)
RUN = """
    import numpy as np
    import neurosim.exchange.lava
    from lava.magma.core.run_conditions import RunSteps
    from lava.magma.core.run_configs import Loihi2SimCfg
    from lava.proc.lif.process import LIF

    if __name__ == "__main__":
        lif = LIF(shape=(1,), bias_mant=4, vth=10, du=0, dv=0)
        lif.run(RunSteps(2), Loihi2SimCfg())
        print(int(lif.v.get()[0]))
        lif.stop()
"""


@needs_lava
def test_a_lava_process_runs(tmp_path) -> None:
    script = tmp_path / "two_steps.py"
    script.write_text(textwrap.dedent(RUN))
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60)
    assert done.stdout == "8\n", done.stderr  # two steps of bias 4, no leak


@needs_lava
def test_each_encoder_gets_its_own_default_and_dataclass_is_strict_again() -> None:
    _compat.admit_lava()
    encoder = importlib.import_module(_compat.AFFECTED).CoreEncoder
    assert encoder().x == encoder().x and encoder().x is not encoder().x
    with pytest.raises(ValueError, match="mutable default"):

        @dataclasses.dataclass
        class Refused:
            x: encoder = encoder()  # noqa: B008


def test_missing_lava_is_one_line_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_compat, "AFFECTED", "no_such_package.module")
    with pytest.raises(ImportError, match="pip install") as raised:
        _compat.admit_lava()
    assert isinstance(raised.value, NeurosimError) and "\n" not in str(raised.value)
