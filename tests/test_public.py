"""The public names are there, are documented, and cost nothing until they are used."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import neurosim as ns

HEAVY = {"torch", "numba", "pandas", "pydantic", "numpy", "matplotlib", "scipy", "typer", "rich"}


@pytest.mark.parametrize("name", ns.__all__)
def test_name_can_be_used(name: str) -> None:
    found = getattr(ns, name)
    assert name == "__version__" or found.__doc__, f"{name} lacks a docstring"
    assert name in dir(ns)


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'estimat'"):
        ns.estimat  # noqa: B018  # pyright: ignore[reportAttributeAccessIssue]


def test_capture_is_a_package_and_a_function() -> None:
    from neurosim.capture.capture import capture

    assert callable(ns.capture)
    assert sys.modules["neurosim.capture"] is ns.capture
    assert capture is not ns.capture


def test_version_is_that_of_the_project() -> None:
    project = Path(__file__).parent.parent / "pyproject.toml"
    assert tomllib.loads(project.read_text())["project"]["version"] == ns.__version__


def _fresh(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_loads_nothing_heavy_and_is_fast() -> None:
    code = (
        "import time, sys; t = time.process_time(); import neurosim; t = time.process_time() - t;"
        "print(t, *{m.partition('.')[0] for m in sys.modules})"
    )
    seconds, *loaded = _fresh(code).split()
    assert not HEAVY & set(loaded)
    assert float(seconds) < 0.3


def test_help_is_fast() -> None:
    code = (
        "import time, sys; t = time.process_time();"
        "from neurosim.cli import main; main(['--help']);"
        "print(time.process_time() - t, *{m.partition('.')[0] for m in sys.modules})"
    )
    seconds, *loaded = _fresh(code).splitlines()[-1].split()
    assert not {"torch", "numba", "pandas", "matplotlib"} & set(loaded)
    assert float(seconds) < 0.7
