"""Whoever adds an operator, a pass, a neuron recogniser or a training rule adds its test file."""

from __future__ import annotations

from pathlib import Path

import pytest

from neurosim import registry

TESTS = Path(__file__).parent.parent


@pytest.mark.parametrize("room", ["ops", "passes", "capture.neurons", "train.rules", "data.sets"])
def test_every_file_of_the_room_has_a_test_file(room: str) -> None:
    folder = TESTS.joinpath(*room.split("."))
    missing = [n for n in registry.modules(room) if not (folder / f"test_{n}.py").exists()]
    assert not missing, f"write tests/{room.replace('.', '/')}/test_{missing[0]}.py"
