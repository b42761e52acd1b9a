"""Kinetics-600: YouTube clips of ten seconds, 600 actions; the layout is in ``_kinetics``."""

from __future__ import annotations

from neurosim.data.sets._kinetics import layout

LAYOUT = layout(600)
