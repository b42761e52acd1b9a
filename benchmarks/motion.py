"""How hard the built-in data set is: a linear probe on frame differences.

    python -m benchmarks.motion [--clips 10000] [--epochs 30]

Features: the 15 differences of successive frames, averaged over 4×4 pixels. The probe is a
multinomial logistic regression (Adam, L2), its strength chosen on the validation split, and it is
scored once on the held-out split. What single frames tell is in tests/data/test_motion.py.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurosim.data import sets


def features(split: str, number: int | None) -> tuple[Tensor, Tensor]:
    """(N, 15·3·16·16) differences, and labels."""
    videos = sets.open("motion", None, split, number=number)

    def one(index: int) -> Tensor:
        frames = functional.avg_pool2d(videos.frames(index).float().div(255), 4)
        return frames.diff(dim=0).flatten()

    with ThreadPoolExecutor(2) as pool:
        return torch.stack(list(pool.map(one, range(len(videos))))), torch.tensor(videos.labels)


def probe(x: Tensor, y: Tensor, decay: float, epochs: int) -> nn.Linear:
    """The regression, trained."""
    torch.manual_seed(0)
    layer = nn.Linear(x.shape[1], 10)
    optimizer = torch.optim.AdamW(layer.parameters(), lr=1e-3, weight_decay=decay)
    for _ in range(epochs):
        for part in torch.randperm(len(x)).split(250):
            loss = functional.cross_entropy(layer(x[part]), y[part])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return layer


def accuracy(layer: nn.Linear, x: Tensor, y: Tensor) -> float:
    """Top-1."""
    return float((layer(x).argmax(1) == y).float().mean())


def main() -> None:
    """Print the probe's accuracies."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=30)
    given = parser.parse_args()
    (x, y), (xv, yv), (xt, yt) = (
        features(split, number)
        for split, number in (("train", given.clips), ("validation", None), ("test", None))
    )
    scale = x.std()
    layers = {d: probe(x / scale, y, d, given.epochs) for d in (0.01, 0.1, 1.0)}
    scores = {d: accuracy(layer, xv / scale, yv) for d, layer in layers.items()}
    best = max(scores, key=lambda d: scores[d])
    print(f"linear probe on frame differences, {len(x):,} clips, weight decay {best}:")
    print(f"  training   {accuracy(layers[best], x / scale, y):.1%}")
    print(f"  validation {scores[best]:.1%}")
    print(f"  test       {accuracy(layers[best], xt / scale, yt):.1%}")


if __name__ == "__main__":
    main()
