"""Progress on stderr, for people who watch; stdout carries nothing but the answer."""

from __future__ import annotations

import contextlib
import logging
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
def counted(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar over so many of so many, with the time that is left; nothing without a terminal."""
    with renamed(what, transient=True) as tell:
        yield lambda done, total: tell(what, done, total)


@contextlib.contextmanager
def renamed(what: str, transient: bool = False) -> Iterator[Callable[[str, int, int], None]]:
    """The same bar, whose text is told with every step; ``transient``: gone when it is done."""
    if not sys.stderr.isatty():
        yield lambda text, done, total: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=transient) as bar:
        task = bar.add_task(what, total=None)
        yield lambda text, done, total: bar.update(
            task, description=text, completed=done, total=total
        )


@contextlib.contextmanager
def quiet_stdout() -> Iterator[None]:
    """What a user's model prints goes to stderr: stdout holds the report alone."""
    with contextlib.redirect_stdout(sys.stderr), _torch_quiet():
        yield


@contextlib.contextmanager
def _torch_quiet() -> Iterator[None]:
    """torch's loggers speak of errors alone: a library that probes for Triton is not the user's
    concern."""
    import torch  # noqa: F401  (sets its loggers up, at their own levels)

    loggers = [logging.getLogger(n) for n in ("torch", *logging.root.manager.loggerDict)
               if n.partition(".")[0] == "torch"]  # fmt: skip
    before = [(logger, logger.level) for logger in dict.fromkeys(loggers)]
    for logger, _ in before:
        logger.setLevel(max(logger.level, logging.ERROR))
    try:
        yield
    finally:
        for logger, level in before:
            logger.setLevel(level)
