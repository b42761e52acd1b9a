"""The one training loop: batches in, a rule's updates, a checkpoint now and then, scores an epoch.

The loop knows neither losses nor gradients: ``rules`` does. It runs in one process or in several
(``torchrun``), each on its share of every batch.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from lightning_fabric import Fabric
from torch import Tensor, nn

from neurosim.nn._layout import channels_last, weights_channels_last
from neurosim.train import checkpoint, fabric, schedule
from neurosim.train.batches import Batch, Frames, Loader
from neurosim.train.board import Board
from neurosim.train.config import TrainConfig
from neurosim.train.metrics import Running
from neurosim.train.penalty import SynapticOperations
from neurosim.train.rules import Rule, Update
from neurosim.train.run_dir import BEST, LAST, RunDir
from neurosim.train.sampler import Sampler
from neurosim.train.validate import Validation, validate

Tell = Callable[[Mapping[str, Any]], object]


@dataclass
class Training:
    """Everything that lives while training goes on."""

    config: TrainConfig
    run: RunDir
    module: nn.Module
    train_frames: Frames
    validation_frames: Frames
    counted: SynapticOperations | None
    tell: Tell
    fabric: Fabric
    rule: Rule
    model: nn.Module = field(init=False)
    optimizer: Any = field(init=False)
    loader: Loader = field(init=False)
    epoch: int = 0
    update: int = 0  # of the epoch
    running: Running = field(default_factory=Running)
    rows: list[dict[str, float]] = field(default_factory=list[dict[str, float]])
    best: float = -1.0

    def __post_init__(self) -> None:
        c, f = self.config, self.fabric
        self.rule.prepare(self.module)
        self.module.train()
        if c.channels_last:
            weights_channels_last(self.module)
        made = schedule.optimizer(self.module, c)
        self.model, self.optimizer = f.setup(self.module, made)
        sampler = Sampler(
            len(self.train_frames.videos),
            c.batch_size,
            c.repeats,
            c.seed,
            f.global_rank,
            f.world_size,
        )
        self.loader = Loader(self.train_frames, sampler, c)

    @property
    def step(self) -> int:
        """Updates so far."""
        return self.epoch * self.loader.sampler.updates + self.update


def train_epochs(t: Training) -> list[dict[str, float]]:
    """From where ``t`` stands to the last epoch; the rows of all epochs.

    An interrupt (Ctrl-C) leaves a checkpoint of the last whole update. Raises TrainError: a loss
    that is not finite.
    """
    board = Board(t.run.path, t.step, t.fabric.is_global_zero)
    try:
        while t.epoch < t.config.epochs:
            _epoch(t, board)
    except KeyboardInterrupt:
        _save(t)
        raise
    finally:
        board.close()
    return t.rows


def _epoch(t: Training, board: Board) -> None:
    saved = time.monotonic()
    update = _update_for(t)
    batches = t.loader.epoch(t.epoch, t.update)
    for _ in range(t.update, t.loader.sampler.updates):
        begin = time.monotonic()
        batch = _on_device(next(batches), t)
        _set_rate(t)
        done = t.rule.update(update, batch)
        t.running.add(done.loss, done.logits, batch.labels)
        t.update += 1
        t.running.seconds += time.monotonic() - begin
        board.update(t.step, {"loss": done.loss, "lr": _rate(t)})
        t.tell({"epoch": t.epoch, "update": t.update, "updates": t.loader.sampler.updates,
                "loss": done.loss, **t.running.row()})  # fmt: skip
        if _due(t, saved) and t.update < t.loader.sampler.updates:
            _save(t)
            saved = time.monotonic()
    batches.close()
    _finish_epoch(t, board)


def _finish_epoch(t: Training, board: Board) -> None:
    """Validate, write the row, keep the weights, move on to the next epoch, save."""
    found = _validation(t)
    row = {
        "epoch": t.epoch + 1,
        "updates": t.step,
        "lr": _rate(t),
        **fabric.mean(t.fabric, t.running.row()),
        **({} if found is None else found.row()),
        "seconds": t.running.seconds,
    }
    t.rows.append(row)
    better = found is not None and found.top1 > t.best
    t.best = found.top1 if better and found is not None else t.best
    t.epoch, t.update, t.running = t.epoch + 1, 0, Running()
    if t.fabric.is_global_zero:
        t.run.record(t.rows)
        for name in (*([BEST] if better else []), LAST):
            t.run.keep_weights(name, t.module.state_dict())
    board.epoch(row)
    _save(t)
    t.tell({"row": row})


def _validation(t: Training) -> Validation | None:
    if (t.epoch + 1) % t.config.validate_every and t.epoch + 1 < t.config.epochs:
        return None
    return validate(t.module, t.validation_frames, t.fabric, t.config.batch_size, t.counted)


def _update_for(t: Training) -> Update:
    c = t.config

    def backward(loss: Tensor) -> None:
        t.fabric.backward(loss)

    def apply() -> None:
        if c.clip_grad:
            t.fabric.clip_gradients(
                t.model, t.optimizer, max_norm=c.clip_grad, error_if_nonfinite=False
            )
        t.optimizer.step()
        t.optimizer.zero_grad(set_to_none=True)

    counted = t.counted if c.energy_weight else None
    return Update(t.module, t.model, backward, apply, counted, c.energy_weight)


def _on_device(batch: Batch, t: Training) -> Batch:
    clips = channels_last(batch.clips) if t.config.channels_last else batch.clips
    return Batch(*(t.fabric.to_device(x) for x in (clips, batch.targets, batch.labels)))


def _rate(t: Training) -> float:
    return float(t.optimizer.param_groups[0]["lr"])


def _set_rate(t: Training) -> None:
    rate = schedule.learning_rate(t.step, t.loader.sampler.updates, t.config)
    for group in t.optimizer.param_groups:
        group["lr"] = rate


def _due(t: Training, saved: float) -> bool:
    """Whether a checkpoint is due: one process decides for all."""
    mine = time.monotonic() - saved >= t.config.checkpoint_seconds
    return fabric.agreed(t.fabric, mine)


def _save(t: Training) -> None:
    """The state after the last whole update; every process hands over its random state."""
    random = fabric.gathered(t.fabric, checkpoint.random_tensors(t.fabric.global_rank))
    running = fabric.gathered(t.fabric, {str(t.fabric.global_rank): asdict(t.running)})
    if t.fabric.is_global_zero:
        state = {
            "epoch": t.epoch,
            "update": t.update,
            "running": running,
            "rows": t.rows,
            "best": t.best,
            "scaler": fabric.scaler_state(t.fabric),
        }
        tensors = {
            **checkpoint.model_tensors(t.module),
            **checkpoint.optimizer_tensors(t.optimizer),
            **random,
        }
        place = t.run.checkpoints / checkpoint.name_of(t.step)
        checkpoint.write(place, checkpoint.Checkpoint(tensors, state))
        checkpoint.prune(t.run.checkpoints)
    t.fabric.barrier()


def restore(t: Training, held: checkpoint.Checkpoint) -> None:
    """Put ``t`` where the checkpoint was written."""
    t.module.load_state_dict(held.under(checkpoint.MODEL))
    checkpoint.restore_optimizer(t.optimizer, held.under(checkpoint.OPTIMIZER))
    checkpoint.restore_random(held.under(checkpoint.RANDOM), t.fabric.global_rank)
    state = held.state
    t.epoch, t.update, t.best = state["epoch"], state["update"], state["best"]
    t.rows = [dict(row) for row in state["rows"]]
    t.running = Running(**state["running"].get(str(t.fabric.global_rank), {}))
    fabric.restore_scaler(t.fabric, state["scaler"])
