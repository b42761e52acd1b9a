"""Prove that the wheel, built from the sdist, carries every file of the package.

It is installed in an empty environment, where it must find its models and hardware profiles.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROOF = """
from neurosim import registry
print(len(registry.modules("models")), len(registry.data_files("hardware_profiles", ".yaml")))
"""


def main() -> int:
    """0 when nothing is missing; 1 with the list when something is."""
    with tempfile.TemporaryDirectory() as folder:
        wheel = build(Path(folder))
        python, site = install(wheel, Path(folder) / "empty")
        missing = sorted(expected() - carried(site / "neurosim"))
        shown = subprocess.run(
            [python, "-c", PROOF], check=True, capture_output=True, text=True, cwd=folder
        )
    if missing:
        print(f"{wheel.name}: lacks {', '.join(missing)}; add it to package-data")
        return 1
    models, profiles = shown.stdout.split()
    print(
        f"{wheel.name}: all {len(expected())} files, {models} models, {profiles} hardware profiles"
    )
    return 0


def build(folder: Path) -> Path:
    """The wheel, made from the sdist."""
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(
            f"{done.stdout[-2000:]}{done.stderr[-2000:]}\nbuilding sdist and wheel failed"
        )
    return next(folder.glob("*.whl"))


def install(wheel: Path, venv: Path) -> tuple[str, Path]:
    """Install alone into an empty environment; its Python and its site-packages."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    python = str(venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))
    pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel)], check=True)
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = subprocess.run([python, "-c", where], check=True, capture_output=True, text=True)
    return python, Path(site.stdout.strip())


def carried(package: Path) -> set[str]:
    """Files under the package, links followed, without what Python and numba cache."""
    found = set[str]()
    for folder, _, names in os.walk(package, followlinks=True):
        if "__pycache__" not in folder:
            found |= {str((Path(folder) / name).relative_to(package)) for name in names}
    return found


def expected() -> set[str]:
    """What the working tree holds, pages for readers of the repository left out."""
    return {name for name in carried(ROOT / "neurosim") if not name.endswith((".md", ".pyc"))}


if __name__ == "__main__":
    raise SystemExit(main())
