"""Pictures: data in, Axes out. Imports neither torch nor any operator.

Whatever is drawn is a table of numbers first: ``draw_…(table, ax)`` draws it on the axes given, or
on new ones; ``save`` keeps the picture and ``save_csv`` its numbers. Figures of several panels:
``firing_rates``, ``noise_robustness`` and ``training_curves``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurosim.plots.chip import core_load as core_load
    from neurosim.plots.chip import draw_core_load as draw_core_load
    from neurosim.plots.chip import draw_link_load as draw_link_load
    from neurosim.plots.chip import draw_step_times as draw_step_times
    from neurosim.plots.chip import link_load as link_load
    from neurosim.plots.chip import step_times as step_times
    from neurosim.plots.classes import class_rates as class_rates
    from neurosim.plots.classes import draw_class_rates as draw_class_rates
    from neurosim.plots.confusion import confusion_matrix as confusion_matrix
    from neurosim.plots.confusion import draw_confusion as draw_confusion
    from neurosim.plots.front import EnergyPoint as EnergyPoint
    from neurosim.plots.front import draw_front as draw_front
    from neurosim.plots.front import energy_front as energy_front
    from neurosim.plots.graph import draw_graph as draw_graph
    from neurosim.plots.joules import draw_energies as draw_energies
    from neurosim.plots.joules import draw_joules as draw_joules
    from neurosim.plots.joules import draw_layers as draw_layers
    from neurosim.plots.joules import joule_table as joule_table
    from neurosim.plots.noise import NoiseSample as NoiseSample
    from neurosim.plots.noise import draw_energy as draw_energy
    from neurosim.plots.noise import draw_retained as draw_retained
    from neurosim.plots.noise import noise_robustness as noise_robustness
    from neurosim.plots.noise import noise_table as noise_table
    from neurosim.plots.overview import draw_rate_by_depth as draw_rate_by_depth
    from neurosim.plots.overview import draw_rate_histogram as draw_rate_histogram
    from neurosim.plots.overview import draw_tau_by_depth as draw_tau_by_depth
    from neurosim.plots.overview import draw_tau_histogram as draw_tau_histogram
    from neurosim.plots.overview import firing_rates as firing_rates
    from neurosim.plots.raster import draw_raster as draw_raster
    from neurosim.plots.raster import spike_raster as spike_raster
    from neurosim.plots.rates import rate_table as rate_table
    from neurosim.plots.scatter import CostPoint as CostPoint
    from neurosim.plots.scatter import CostScatter as CostScatter
    from neurosim.plots.scatter import draw_scatter as draw_scatter
    from neurosim.plots.silent import draw_silent as draw_silent
    from neurosim.plots.silent import silent_neurons as silent_neurons
    from neurosim.plots.span import Span as Span
    from neurosim.plots.span import over_seeds as over_seeds
    from neurosim.plots.steps import draw_step_rates as draw_step_rates
    from neurosim.plots.steps import step_rates as step_rates
    from neurosim.plots.style import PlotError as PlotError
    from neurosim.plots.style import save as save
    from neurosim.plots.table import csv_text as csv_text
    from neurosim.plots.table import save_csv as save_csv
    from neurosim.plots.tornado import draw_tornado as draw_tornado
    from neurosim.plots.training import TrainingCurves as TrainingCurves
    from neurosim.plots.training import draw_curves as draw_curves
    from neurosim.plots.training import training_curves as training_curves
    from neurosim.plots.twin import draw_twin as draw_twin
    from neurosim.plots.twin import twin_table as twin_table

_HOME = {
    "CostPoint": "scatter",
    "CostScatter": "scatter",
    "EnergyPoint": "front",
    "NoiseSample": "noise",
    "PlotError": "style",
    "Span": "span",
    "TrainingCurves": "training",
    "class_rates": "classes",
    "confusion_matrix": "confusion",
    "core_load": "chip",
    "csv_text": "table",
    "draw_class_rates": "classes",
    "draw_confusion": "confusion",
    "draw_core_load": "chip",
    "draw_curves": "training",
    "draw_energies": "joules",
    "draw_energy": "noise",
    "draw_front": "front",
    "draw_graph": "graph",
    "draw_joules": "joules",
    "draw_layers": "joules",
    "draw_link_load": "chip",
    "draw_raster": "raster",
    "draw_rate_by_depth": "overview",
    "draw_rate_histogram": "overview",
    "draw_retained": "noise",
    "draw_scatter": "scatter",
    "draw_silent": "silent",
    "draw_step_rates": "steps",
    "draw_step_times": "chip",
    "draw_twin": "twin",
    "draw_tau_by_depth": "overview",
    "draw_tau_histogram": "overview",
    "draw_tornado": "tornado",
    "energy_front": "front",
    "firing_rates": "overview",
    "joule_table": "joules",
    "link_load": "chip",
    "noise_robustness": "noise",
    "noise_table": "noise",
    "over_seeds": "span",
    "spike_raster": "raster",
    "rate_table": "rates",
    "save": "style",
    "save_csv": "table",
    "silent_neurons": "silent",
    "step_rates": "steps",
    "step_times": "chip",
    "training_curves": "training",
    "twin_table": "twin",
}

__all__ = sorted(_HOME)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
