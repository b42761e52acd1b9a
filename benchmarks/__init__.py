"""Speed as ratios in one run. ``python -m benchmarks`` runs all; README.md says what they are."""
