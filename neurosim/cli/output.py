"""``--out DIR``: all files of a report, or none of them."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from neurosim.energy.report import EnergyReport
from neurosim.errors import StoreError
from neurosim.ir.run import Run
from neurosim.ir.store import write_atomically


@dataclass(frozen=True)
class Folder:
    """A folder that nobody sees until it is complete."""

    staging: Path

    def write(self, run: Run, reports: Mapping[str, EnergyReport]) -> None:
        """report.json, report.html, run.npz and manifest.json. Raises StoreError."""
        from neurosim.cli.page import page
        from neurosim.cli.show import about
        from neurosim.studies.estimate import document

        report = {**document(run, reports), **about(run)}
        self._text("report.json", json.dumps(report, indent=2, allow_nan=False))
        self._text("manifest.json", json.dumps(run.manifest.to_dict(), indent=2, allow_nan=False))
        self._text("report.html", page(run, reports))
        run.save(self.staging / "run.npz")

    def _text(self, name: str, text: str) -> None:
        write_atomically(self.staging / name, (text + "\n").encode())


@contextlib.contextmanager
def staged(out: Path) -> Iterator[Folder]:
    """A hidden folder beside ``out`` that takes its place at the end, or vanishes on an error.

    Opened before the work, so that a place that cannot be written is known at once.
    Raises StoreError.
    """
    out = out.absolute()
    made = _open(out)
    try:
        yield Folder(made)
        _publish(made, out)
    except OSError as error:
        if isinstance(error, StoreError):
            raise _named(error, made, out) from None
        raise _cannot(out, error) from None
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _open(out: Path) -> Path:
    """A fresh folder on the file system of ``out``."""
    if out.exists() and not out.is_dir():
        raise StoreError(f"--out {out}: not a folder; name one that may be made")
    parent = out if out.is_dir() else out.parent
    try:
        parent.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".tmp", dir=parent))
    except OSError as error:
        raise _cannot(out, error) from None


def _publish(made: Path, out: Path) -> None:
    """Rename the folder, or its files one by one where ``out`` exists already."""
    if not out.is_dir():
        made.chmod(0o777 & ~_umask())
        os.replace(made, out)
        return
    for file in sorted(made.iterdir()):
        os.replace(file, out / file.name)


def _umask() -> int:
    found = os.umask(0o022)
    os.umask(found)
    return found


def _cannot(out: Path, error: OSError) -> StoreError:
    return StoreError(
        f"--out {out}: {error.strerror or error}; choose a folder that can be written"
    )


def _named(error: StoreError, made: Path, out: Path) -> StoreError:
    """The final name instead of the hidden one."""
    return StoreError(str(error).replace(str(made), str(out)))
