"""Compiled code taken from numba's disk cache without its compiler: no typing rules, no ``scipy``.

numba reads all of its rules, and compiles its own run-time library, before it looks whether a
function was compiled before: 60 MB and half a second of every process. Code that lies in the cache
needs none of it but the addresses of what it calls.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

from llvmlite import binding
from numba.core import caching

from neurosim.threads import _beside

_Cache: Any = caching.FunctionCache


@cache
def _name_helpers() -> None:
    """Tell LLVM where the C helpers of numba's run-time library lie, as numba does itself."""
    helpers: dict[str, int] = import_module("numba.core.runtime._nrt_python").c_helpers
    for name, address in helpers.items():
        binding.add_symbol(name if name.startswith("_") else f"NRT_{name}", address)


class Kept(_Cache):
    """The cache of one function. What is not in it is compiled, which reads the rules."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The compiled code for these types; None: there is none."""
        _name_helpers()
        with self._guard_against_spurious_io_errors():
            found = self._load_overload(sig, target_context)
            loop = f"{self._py_func.__module__}.{self._py_func.__qualname__} {sig}"
            if found is None and _beside.missing(loop):
                found = self._load_overload(sig, target_context)
            return found

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep what was compiled for these types."""
        super().save_overload(sig, data)
        _beside.kept()
