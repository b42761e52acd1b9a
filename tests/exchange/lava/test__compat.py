"""Lava imports and runs behind the compatibility module; a missing Lava is one clear line."""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
import subprocess
import sys

import pytest

from neurosim.errors import NeurosimError
from neurosim.exchange.lava import _compat

needs_lava = pytest.mark.skipif(
    importlib.util.find_spec("lava") is None, reason="lava-nc is not installed"
)


@needs_lava
def test_each_encoder_gets_its_own_default_and_dataclass_is_strict_again() -> None:
    _compat.admit_lava()
    encoder = importlib.import_module(_compat.AFFECTED).CoreEncoder
    assert encoder().x == encoder().x and encoder().x is not encoder().x
    with pytest.raises(ValueError, match="mutable default"):

        @dataclasses.dataclass
        class Refused:
            x: encoder = encoder()  # noqa: B008


@needs_lava
def test_a_process_with_a_start_method_imports_it_and_keeps_that() -> None:
    code = (
        "import multiprocessing as m; m.set_start_method('spawn'); import neurosim.exchange.lava; "
        "from lava.magma.runtime.runtime import Runtime; print(m.get_start_method())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "spawn\n", done.stderr


def test_missing_lava_is_one_line_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_compat, "AFFECTED", "no_such_package.module")
    with pytest.raises(ImportError, match="pip install") as raised:
        _compat.admit_lava()
    assert isinstance(raised.value, NeurosimError) and "\n" not in str(raised.value)
