"""Imports go one way, and the rooms that must do without torch do."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

import neurosim

ROOT = Path(neurosim.__file__).parent
TORCH_FREE = ("ir", "hardware", "energy", "mapping", "plots")
HEAVY = ("torch", "norse", "lava", "numba")


def _modules(room: str) -> list[str]:
    """Dotted names of all modules in a room; none while the room is empty."""
    files = sorted((ROOT / room).rglob("*.py"))
    names = [".".join(file.relative_to(ROOT.parent).with_suffix("").parts) for file in files]
    return [name.removesuffix(".__init__") for name in names]


def _loaded_by(*modules: str) -> set[str]:
    """Top-level packages in a fresh interpreter after the imports."""
    code = "\n".join([*(f"import {m}" for m in modules), "import sys", "print(*sys.modules)"])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return {name.partition(".")[0] for name in done.stdout.split()}


def test_contracts_of_pyproject_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT.parent)
    assert lint_imports(no_cache=True) == 0, "run lint-imports to see the chain"


def test_rooms_import_without_torch() -> None:
    """All of them in one process; the first module that brings a heavy package is named."""
    modules = ["neurosim", *(name for room in TORCH_FREE for name in _modules(room))]
    assert len(modules) > 50
    code = f"""if True:
        import importlib, sys
        for name in {modules!r}:
            importlib.import_module(name)
            if heavy := {set(HEAVY)!r} & set(sys.modules):
                sys.exit(f"{{name}} imports {{heavy}}")
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert not _loaded_by("neurosim") & {*HEAVY, "scipy", "pandas", "matplotlib", "pydantic"}


@cache
def _imported(file: Path) -> set[str]:
    """Top-level packages that a file names in import statements, nested ones included."""
    found = set[str]()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize(("package", "room"), [("lava", "exchange/lava"), ("pickle", "nowhere")])
def test_package_is_imported_in_its_room_only(package: str, room: str) -> None:
    files = [file for file in ROOT.rglob("*.py") if ROOT / room not in file.parents]
    assert not [str(file) for file in files if package in _imported(file)]
