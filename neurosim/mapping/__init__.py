"""Where a graph sits on a chip: placement, traffic, latency. Imports neither torch nor any operator."""
