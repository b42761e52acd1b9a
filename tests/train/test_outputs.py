"""Logits are found among states, and averaged over the steps where there are steps."""

import pytest
import torch

from neurosim.errors import ModelError
from neurosim.train.outputs import logits


def test_logits_and_their_mean_over_the_steps():
    x, steps = torch.randn(4, 3), torch.randn(7, 4, 3)
    assert logits(x, 4) is x
    assert logits((x, {"state": torch.zeros(4, 3, 2)}), 4) is x
    assert torch.equal(logits((steps, None), 4), steps.mean(0))


@pytest.mark.parametrize("found", [torch.zeros(5, 3), torch.zeros(4), None])
def test_no_logits_is_one_line(found):
    with pytest.raises(ModelError, match=r"for 4 clips; return logits"):
        logits(found, 4)
