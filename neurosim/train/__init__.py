"""Trains spiking video models. The package is callable: ``neurosim.train(config)``."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurosim.train.begin import Trained as Trained
    from neurosim.train.begin import train as train
    from neurosim.train.config import TrainConfig as TrainConfig
    from neurosim.train.config import load_config as load_config
    from neurosim.train.config import recipe_for as recipe_for
    from neurosim.train.run_dir import RunDir as RunDir

_HOME = {
    "Trained": "begin",
    "train": "begin",
    "TrainConfig": "config",
    "load_config": "config",
    "recipe_for": "config",
    "RunDir": "run_dir",
}


class _Callable(ModuleType):
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from neurosim.train.begin import train

        return train(*args, **kwargs)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"neurosim.train.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})


sys.modules[__name__].__class__ = _Callable
