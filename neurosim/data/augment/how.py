"""How training clips are augmented, as a value that configurations and manifests repeat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from neurosim.data.augment import fields
from neurosim.data.augment.policy import parse
from neurosim.errors import ClipError

_PLACE = "augment"
_PARTNERS = (("left", "right"), ("clockwise", "anticlockwise"))


@dataclass(frozen=True)
class Augment:
    """Each field is one augmentation; all are off by default.

    - ``shift``: roll the clip by whole pixels, any number of them, on both axes of a torus;
    - ``flip``: probability of mirroring left and right; the label l becomes ``mirror_labels[l]``
      (None: l), so that a clip of something that moves left is not called "right";
    - ``rand_augment``: RandAugment as timm writes it, "rand-m5-n2-mstd0.25" (see ``policy``);
    - ``color_jitter`` j: brightness, contrast and saturation times 1 − j … 1 + j, in any order;
    - ``scale_jitter``: the short side becomes low … high pixels, then a crop at a random place;
    - or ``resized_crop``: a crop of low … high of the frame's area and of ``ratio`` width/height,
      brought to the model's size (Szegedy et al., "Going deeper with convolutions", CVPR 2015);
    - ``erasing``: probability of noise over 2 … 33 % of the frame (Zhong et al., "Random erasing
      data augmentation", AAAI 2020).

    Raises ClipError: a field out of range, or both kinds of crop.
    """

    scale_jitter: tuple[int, int] | None = None
    resized_crop: tuple[float, float] | None = None
    ratio: tuple[float, float] = (3 / 4, 4 / 3)
    flip: float = 0.0
    rand_augment: str | None = None
    color_jitter: float = 0.0
    erasing: float = 0.0
    shift: bool = False
    mirror_labels: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        fields.check(_PLACE, self, self._checks(), _REMEDY)
        if self.rand_augment is not None:
            parse(self.rand_augment)
        if self.scale_jitter and self.resized_crop:
            raise ClipError(
                f"at {_PLACE}: found scale_jitter {self.scale_jitter} and resized_crop "
                f"{self.resized_crop}; give one, as each chooses the crop's size"
            )

    def _checks(self) -> dict[str, bool]:
        jitter, area = self.scale_jitter, self.resized_crop
        return {
            "scale_jitter": jitter is None
            or fields.ordered(jitter)
            and all(isinstance(side, int) for side in jitter),
            "resized_crop": area is None or fields.ordered(area) and area[1] <= 1,
            "ratio": fields.ordered(self.ratio),
            "flip": fields.number(self.flip, high=1),
            "rand_augment": self.rand_augment is None or isinstance(self.rand_augment, str),
            "color_jitter": fields.number(self.color_jitter, high=1),
            "erasing": fields.number(self.erasing, high=1),
            "shift": isinstance(self.shift, bool),
            "mirror_labels": self.mirror_labels is None or _undoes_itself(self.mirror_labels),
        }

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: tuples are lists."""
        return fields.to_dict(self)

    @staticmethod
    def from_dict(d: Mapping[str, Any]) -> Augment:
        """Inverse of ``to_dict``; what is left out is off. Raises ClipError: an unknown field."""
        return fields.from_dict(Augment, _PLACE, d)


def mirrored(names: Sequence[str]) -> tuple[int, ...]:
    """``mirror_labels`` of classes by name: left ↔ right, clockwise ↔ anticlockwise.

    Raises ClipError: one of a pair without the other.
    """
    partner = {a: b for pair in _PARTNERS for a, b in (pair, pair[::-1])}
    lonely = [name for name in names if partner.get(name, name) not in names]
    if lonely:
        raise ClipError(
            f"at the class names: found {lonely[0]!r} without {partner[lonely[0]]!r}, which it "
            "becomes in a mirror; give mirror_labels by hand, or flip=0"
        )
    return tuple(names.index(partner.get(name, name)) for name in names)


def _undoes_itself(labels: object) -> bool:
    """Whether mirroring twice changes no label."""
    if not isinstance(labels, tuple) or not all(fields.whole(label, 0) for label in labels):
        return False
    inside = all(label < len(labels) for label in labels)
    return inside and all(labels[labels[i]] == i for i in range(len(labels)))


_REMEDY = {
    "scale_jitter": "give (low, high), the short side in whole pixels, or None",
    "resized_crop": "give (low, high), parts of the frame's area in 0 … 1, or None",
    "ratio": "give (low, high), width over height, above 0",
    "flip": "give a probability in 0 … 1",
    "rand_augment": "give a string such as 'rand-m5-n2-mstd0.25', or None",
    "color_jitter": "give a number in 0 … 1",
    "erasing": "give a probability in 0 … 1",
    "shift": "give true or false",
    "mirror_labels": "give each label's mirror image, where two mirrors change nothing, or None",
}
