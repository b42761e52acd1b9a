"""The folder of what can be made again: the sample clip, drawn data sets, measured costs."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """$NEUROSIM_CACHE, else $XDG_CACHE_HOME/neurosim, else ~/.cache/neurosim."""
    own, shared = os.environ.get("NEUROSIM_CACHE"), os.environ.get("XDG_CACHE_HOME")
    if own:
        return Path(own)
    return (Path(shared) if shared else Path.home() / ".cache") / "neurosim"
