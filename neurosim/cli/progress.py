"""Progress on stderr, for people who watch; stdout carries nothing but the answer."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence

_SAID = {
    "load": "reading model and clip",
    "capture": "capturing the model's graph",
    "lower": "lowering the graph",
    "simulate": "simulating and counting",
    "price": "pricing",
}


@contextlib.contextmanager
def stages(names: Sequence[str]) -> Iterator[Callable[[str], None]]:
    """A bar over named stages; the caller tells which one begins. Gone when the work is done."""
    if not sys.stderr.isatty():
        yield lambda stage: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=len(names))
        yield lambda stage: bar.update(
            task, description=_SAID.get(stage, stage), completed=list(names).index(stage)
        )


@contextlib.contextmanager
def quiet_stdout() -> Iterator[None]:
    """What a user's model prints goes to stderr: stdout holds the report alone."""
    with contextlib.redirect_stdout(sys.stderr):
        yield
