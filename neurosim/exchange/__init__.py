"""Graphs to and from other tools: one file or folder per tool, each imported only when used."""
