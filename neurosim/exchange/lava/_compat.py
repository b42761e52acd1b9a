"""Lets lava-nc 0.10.0 (written for Python 3.10) be imported on 3.11 and later.

Since 3.11 a dataclass refuses every unhashable default, other dataclasses' instances among them
(https://docs.python.org/3/library/dataclasses.html#mutable-default-values). Lava's compiler has
eight, each of the form ``ByteEncoder()``.
"""

from __future__ import annotations

import dataclasses
import importlib
from typing import Any
from unittest.mock import patch

from neurosim.errors import NeurosimError

AFFECTED = "lava.magma.compiler.var_model"  # the only module of 0.10.0 with such defaults
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
    """Import the affected module under a lenient ``dataclass``; then all of Lava imports.

    Raises LavaMissing.
    """
    strict = dataclasses.dataclass

    def lenient(cls: type | None = None, /, **options: Any) -> Any:
        if cls is None:
            return lambda decorated: lenient(decorated, **options)
        _instances_as_factories(cls)
        return strict(cls, **options)

    try:
        with patch.object(dataclasses, "dataclass", lenient):
            importlib.import_module(AFFECTED)
    except ImportError as error:
        raise LavaMissing(f"at import of Lava: {error}; {REMEDY}") from None
