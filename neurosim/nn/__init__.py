"""Layers our models use, in norse's style: a pure functional step and a thin module around it."""
