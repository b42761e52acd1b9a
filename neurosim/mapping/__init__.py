"""Where a graph sits on a chip: placement, traffic, latency. Imports no torch and no operator."""
