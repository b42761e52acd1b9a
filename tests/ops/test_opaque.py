"""An operation without a rule: run through torch, one special an output element."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neurosim.errors import SimulationError
from neurosim.ir.types import Kind
from tests.ops.graphs import OF_KIND, operate, same_counts
from tests.oracles import other_memory

CUMSUM = {"target": "aten.cumsum.default", "arguments": ({"operand": 0}, 1), "shape": (5,)}


@pytest.mark.parametrize("kind", ["spike", "real"])
def test_runs_and_bills(kind: str) -> None:
    x = OF_KIND[kind](np.random.default_rng(0), 3, 2, 5)
    found = operate("opaque", x, **CUMSUM)
    np.testing.assert_array_equal(found.out, torch.from_numpy(x.n).cumsum(2).numpy())
    assert found.type.kind is Kind.REAL
    same_counts(found.counts, other_memory(5, 5) | {"special": 5})
    assert "aten.cumsum" in found.run.manifest.notes[-1] and "y" in found.run.manifest.notes[-1]


def test_only_torchs_own_operators_are_called() -> None:
    x = OF_KIND["real"](np.random.default_rng(0), 1, 1, 5)
    with pytest.raises(SimulationError, match="'y': os.system.default is not an operator of torch"):
        operate("opaque", x, **(CUMSUM | {"target": "os.system.default"}))
