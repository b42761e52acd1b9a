"""Typed errors: one base, each also the standard type a caller would catch.

A message names the place, what was found and the remedy, in one line; the command line prints it
and exits with 2.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class NeurosimError(Exception):
    """Base of everything neurosim raises on purpose."""

    def __str__(self) -> str:  # KeyError and LookupError would quote the message
        return str(self.args[0]) if self.args else type(self).__name__


class ClipError(NeurosimError, ValueError):
    """A clip that cannot be read, or that the model cannot take."""


class ModelError(NeurosimError, ValueError):
    """A model that cannot be built, loaded or run as it was handed over."""


class CaptureError(NeurosimError, ValueError):
    """A module whose behaviour cannot be turned into a graph."""


class UnknownOps(CaptureError, NotImplementedError):
    """Operations without a rule; lists every one with its place."""


class GraphError(NeurosimError, ValueError):
    """A graph that breaks its own invariants."""


class CountsError(NeurosimError, ValueError):
    """A table of counts that cannot be one."""


class SimulationError(NeurosimError, RuntimeError):
    """A run that cannot be carried out as asked."""


class ProfileError(NeurosimError, ValueError):
    """A hardware profile or convention file that is not well formed; names file and line."""


class PlacementError(NeurosimError, ValueError):
    """A graph that cannot be put on a chip as asked; names the layer, the limit and the remedy."""


class UnpricedEvents(NeurosimError, LookupError):
    """Events that a profile neither prices, hosts, ignores nor forbids; or forbids."""


class RatesError(NeurosimError, ValueError):
    """Assumed firing rates that are out of range or name unknown layers."""


class TrainError(NeurosimError, ValueError):
    """A training run that cannot be set up, continued or read."""


class StoreError(NeurosimError, OSError):
    """A file of ours that cannot be read or written."""


class NirError(NeurosimError, ValueError):
    """A NIR file or graph that cannot be read, or a graph that NIR has no words for; lists it
    all."""


class UnknownName(NeurosimError, LookupError):
    """A name that nothing is registered under; offers near ones."""

    def __init__(self, what: str, name: str, known: Iterable[str]) -> None:
        known = sorted(known)
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(known)}"
        super().__init__(f"unknown {what} {name!r}; {hint}")
