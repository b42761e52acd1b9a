"""Lets lava-nc 0.10.0 (written for Python 3.10) be imported on 3.11 and later.

Since 3.11 a dataclass refuses every unhashable default, other dataclasses' instances among them
(https://docs.python.org/3/library/dataclasses.html#mutable-default-values). Lava's compiler has
eight, each of the form ``ByteEncoder()``.

One of its modules sets the start method of ``multiprocessing`` as it is imported, which is an error
in a process that has one already (numba's threads suffice): there it stays as it is.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import multiprocessing
from typing import Any
from unittest.mock import patch

from neurosim.errors import NeurosimError

AFFECTED = "lava.magma.compiler.var_model"  # the only module of 0.10.0 with such defaults
STARTS = "lava.magma.runtime.message_infrastructure.multiprocessing"
REMEDY = (
    "pip install 'neurosim-snn[lava]', "
    "then pip install --no-deps --ignore-requires-python lava-nc==0.10.0"
)


class LavaMissing(NeurosimError, ImportError):
    """Lava is not installed, or not in a version that can be imported."""


def _instances_as_factories(cls: type) -> None:
    """``x: E = E()`` becomes ``x: E = field(default_factory=E)``, in place."""
    for name in cls.__dict__.get("__annotations__", {}):
        default = cls.__dict__.get(name)
        if dataclasses.is_dataclass(default) and not isinstance(default, type):
            setattr(cls, name, dataclasses.field(default_factory=type(default)))


def admit_lava() -> None:
    """Import the affected modules under a lenient ``dataclass`` and ``set_start_method``; then all
    of Lava imports.

    Raises LavaMissing.
    """
    strict = dataclasses.dataclass

    def lenient(cls: type | None = None, /, **options: Any) -> Any:
        if cls is None:
            return lambda decorated: lenient(decorated, **options)
        _instances_as_factories(cls)
        return strict(cls, **options)

    start = multiprocessing.set_start_method

    def unless_set(method: str | None, force: bool = False) -> None:
        with contextlib.suppress(RuntimeError):
            start(method, force)

    try:
        with (
            patch.object(dataclasses, "dataclass", lenient),
            patch.object(multiprocessing, "set_start_method", unless_set),
        ):
            importlib.import_module(AFFECTED)
            importlib.import_module(STARTS)
    except ImportError as error:
        raise LavaMissing(f"at import of Lava: {error}; {REMEDY}") from None
