"""What a training clip goes through at random: one draw per clip, the same for all its frames."""

from __future__ import annotations

from neurosim.data.augment.clip import augment
from neurosim.data.augment.how import Augment, mirrored

__all__ = ["Augment", "augment", "mirrored"]
