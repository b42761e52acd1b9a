"""Every name that ``neurosim.plots`` offers is there, and none is hidden by a file of its name."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from neurosim import plots, registry


def test_every_name_is_found_after_every_file_was_imported() -> None:
    for name in registry.modules("plots"):
        importlib.import_module(f"neurosim.plots.{name}")
    for name in plots.__all__:
        assert callable(getattr(plots, name)), name
        assert name in dir(plots)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = plots.nothing


def test_importing_the_room_imports_no_matplotlib() -> None:
    code = "import sys, neurosim.plots; print({'matplotlib', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "set()"
