"""Scores against a count by hand."""

import torch

from neurosim.train.metrics import Running, scores


def test_scores_by_hand():
    labels = torch.tensor([0, 0, 1, 2, 5])
    logits = torch.zeros(5, 7)
    logits[0, 0] = 3
    logits[1] = torch.tensor([2.0, 9, 8, 7, 6, 5, 4])  # true class last but for none: rank 6
    logits[2, 1], logits[3, 1], logits[4, 5] = 1, 1, 1
    logits[3, 2] = 0.5
    found = scores(logits, labels)
    assert abs(found.top1 - 3 / 5) < 1e-6 and abs(found.top5 - 4 / 5) < 1e-6
    assert found.per_class.tolist() == [0.5, 1, 0, 0, 0, 1, 0]
    assert int(found.confusion.sum()) == 5 and found.confusion[2, 1] == 1 == found.confusion[0, 1]


def test_running_means():
    running = Running()
    for loss in (1.0, 2.0):
        running.add(loss, torch.eye(3), torch.tensor([0, 1, 0]))
    assert running.row() == {"loss": 1.5, "train_top1": 4 / 6}
