"""One file per library: ``NEURONS`` maps a class name of that package to what recognises it."""
