"""What a spiking video model costs in hardware: exact event counts, priced in joules per video.

The public names are imported when they are first used; ``import neurosim`` loads nothing heavy.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurosim import capture as capture
    from neurosim import data as data
    from neurosim import errors as errors
    from neurosim import models as models
    from neurosim import ops as ops
    from neurosim import passes as passes
    from neurosim import plots as plots
    from neurosim import train as train
    from neurosim.capture.as_spikes import as_spikes as as_spikes
    from neurosim.capture.recognise import Recognised as Recognised
    from neurosim.capture.recognise import recognise as recognise
    from neurosim.capture.stepwise import stepwise as stepwise
    from neurosim.energy.baseline import DenseTwin as DenseTwin
    from neurosim.energy.baseline import baseline as baseline
    from neurosim.energy.price import price as price
    from neurosim.energy.report import EnergyReport as EnergyReport
    from neurosim.errors import NeurosimError as NeurosimError
    from neurosim.exchange.nir import from_nir as from_nir
    from neurosim.exchange.nir import to_nir as to_nir
    from neurosim.exchange.to_lava import to_lava as to_lava
    from neurosim.hardware import conventions as conventions
    from neurosim.hardware import load_convention as load_convention
    from neurosim.hardware import load_profile as load_profile
    from neurosim.hardware import profiles as profiles
    from neurosim.ir.counts import Counts as Counts
    from neurosim.ir.graph import Graph as Graph
    from neurosim.ir.manifest import Manifest as Manifest
    from neurosim.ir.run import Run as Run
    from neurosim.ir.store import load_graph as load_graph
    from neurosim.ir.store import load_run as load_run
    from neurosim.ir.store import save_graph as save_graph
    from neurosim.mapping.place import place as place
    from neurosim.mapping.placement import Placement as Placement
    from neurosim.passes import lower as lower
    from neurosim.sim.assumed import activity_from_rates as activity_from_rates
    from neurosim.sim.simulate import simulate as simulate
    from neurosim.studies.compare import compare as compare
    from neurosim.studies.energy_front import energy_front as energy_front
    from neurosim.studies.estimate import estimate as estimate
    from neurosim.studies.evaluate import Evaluation as Evaluation
    from neurosim.studies.evaluate import evaluate as evaluate
    from neurosim.studies.noise_sweep import sweep_noise as sweep_noise

__version__ = "0.1.0"

_ROOMS = ("capture", "data", "errors", "models", "ops", "passes", "plots", "train")
_HOME = {
    "Counts": "ir.counts",
    "DenseTwin": "energy.baseline",
    "EnergyReport": "energy.report",
    "Evaluation": "studies.evaluate",
    "Graph": "ir.graph",
    "Manifest": "ir.manifest",
    "NeurosimError": "errors",
    "Placement": "mapping.placement",
    "Recognised": "capture.recognise",
    "Run": "ir.run",
    "activity_from_rates": "sim.assumed",
    "as_spikes": "capture.as_spikes",
    "baseline": "energy.baseline",
    "compare": "studies.compare",
    "conventions": "hardware.convention",
    "energy_front": "studies.energy_front",
    "estimate": "studies.estimate",
    "evaluate": "studies.evaluate",
    "from_nir": "exchange.nir",
    "load_convention": "hardware.convention",
    "load_graph": "ir.store",
    "load_profile": "hardware.profile",
    "load_run": "ir.store",
    "lower": "passes",
    "place": "mapping.place",
    "price": "energy.price",
    "profiles": "hardware.profile",
    "recognise": "capture.recognise",
    "save_graph": "ir.store",
    "simulate": "sim.simulate",
    "stepwise": "capture.stepwise",
    "sweep_noise": "studies.noise_sweep",
    "to_nir": "exchange.nir",
    "to_lava": "exchange.to_lava",
}

__all__ = sorted({*_ROOMS, *_HOME, "__version__"})  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"neurosim.{name}")
    if name not in _HOME:
        raise AttributeError(f"module 'neurosim' has no attribute {name!r}")
    return getattr(importlib.import_module(f"neurosim.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
