"""Counts × prices: bills, reports and published tables. Imports neither torch nor any operator."""

from neurosim.energy.price import price
from neurosim.energy.report import EnergyReport

__all__ = ["EnergyReport", "price"]
