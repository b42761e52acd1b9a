"""Graph → Lava processes. The only room that imports Lava; importing it makes Lava importable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from neurosim.exchange.lava._compat import admit_lava

if TYPE_CHECKING:
    from neurosim.exchange.lava.compare import Comparison as Comparison
    from neurosim.exchange.lava.compare import compare_with_lava as compare_with_lava
    from neurosim.exchange.lava.network import to_lava as to_lava

admit_lava()

_HOME = {"to_lava": "network", "compare_with_lava": "compare", "Comparison": "compare"}
__all__ = ["Comparison", "compare_with_lava", "to_lava"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
