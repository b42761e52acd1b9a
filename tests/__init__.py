"""Tests mirror the package; ``tests.oracles`` holds what they compare against."""
