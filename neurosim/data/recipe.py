"""What happens to a video before a model's first layer; manifests repeat it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from neurosim.errors import ClipError

Numbers = float | tuple[float, ...]  # one for all channels, or one per channel
CHANNELS = {"rgb": 3, "gray": 1, "events": 2}


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _finite(value: Numbers) -> bool:
    return all(map(math.isfinite, value if isinstance(value, tuple) else (value,)))


def _positive(value: float | None) -> bool:
    return value is None or (math.isfinite(value) and value > 0)


@dataclass(frozen=True)
class Recipe:
    """x = (resize(frame)/255 − mean)/std, on frames at k·stride/fps for k in 0 … frames − 1.

    ``size`` is (height, width). With ``crop="center"`` the frame keeps its proportions: its short
    side becomes ``short_side`` (None: the smallest that covers ``size``) and the middle is cut out;
    ``crop="none"`` squeezes it to ``size``. ``fps`` None: the file's rate. ``channels="events"``:
    counts per bin of ``bin_ms``, 0 or 1 each when ``binary``; mean, std and stride do not apply.

    Raises ClipError: a field out of range.
    """

    frames: int
    size: tuple[int, int]
    stride: int = 1
    short_side: int | None = None
    crop: Literal["center", "none"] = "center"
    mean: Numbers = 0.45
    std: Numbers = 0.225
    channels: Literal["rgb", "gray", "events"] = "rgb"
    fps: float | None = None
    bin_ms: float | None = None
    binary: bool = False

    def __post_init__(self) -> None:
        for name, good in self._checks().items():
            if not good:
                raise ClipError(
                    f"at recipe field {name!r}: found {getattr(self, name)!r}; {_REMEDY[name]}"
                )

    def _checks(self) -> dict[str, bool]:
        std = self.std if isinstance(self.std, tuple) else (self.std,)
        return {
            "frames": _whole(self.frames),
            "stride": _whole(self.stride),
            "size": len(self.size) == 2 and all(map(_whole, self.size)),
            "short_side": self.short_side is None or _whole(self.short_side),
            "crop": self.crop in ("center", "none"),
            "channels": self.channels in CHANNELS,
            "mean": _finite(self.mean) and self._fits(self.mean),
            "std": _finite(self.std) and self._fits(self.std) and min(std) > 0,
            "fps": _positive(self.fps),
            "bin_ms": _positive(self.bin_ms),
        }

    def _fits(self, value: Numbers) -> bool:
        return not isinstance(value, tuple) or len(value) in (1, CHANNELS.get(self.channels))

    @property
    def span(self) -> int:
        """Frames of the video from the first one used to the last one used."""
        return (self.frames - 1) * self.stride + 1

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: tuples are lists."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}

    @staticmethod
    def from_dict(d: Mapping[str, Any]) -> Recipe:
        """Inverse of ``to_dict``. Raises ClipError: an unknown or a missing field."""
        unknown = set(d) - {f.name for f in fields(Recipe)}
        missing = {"frames", "size"} - set(d)
        if unknown or missing:
            raise ClipError(
                f"at recipe: found unknown fields {sorted(unknown)}, missing {sorted(missing)}; "
                f"the fields are {', '.join(f.name for f in fields(Recipe))}"
            )
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in d.items()}
        return Recipe(**values)


_REMEDY = {
    "frames": "give a whole number of at least 1",
    "stride": "give a whole number of at least 1",
    "size": "give (height, width) in pixels",
    "short_side": "give a whole number of pixels, or None",
    "crop": "give 'center' or 'none'",
    "channels": "give 'rgb', 'gray' or 'events'",
    "mean": "give one finite number, or one per channel",
    "std": "give one number above 0, or one per channel",
    "fps": "give frames per second above 0, or None for the file's own rate",
    "bin_ms": "give milliseconds above 0, or None",
}
