"""What is said of energies that were priced without a placement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from neurosim.errors import PlacementError
from neurosim.hardware.schema import Profile
from neurosim.mapping.place import check_fabric

NOT_PLACED = (
    "not placed: static energy, messages and step times are left out; "
    "neurosim estimate or neurosim map places it"
)


def not_placed(chips: Iterable[Profile]) -> dict[str, str]:
    """Chip with cores → what its figures leave out; or why it can never be placed."""
    return {chip.name: _why(chip) for chip in chips if chip.fabric is not None}


def _why(chip: Profile) -> str:
    try:
        check_fabric(chip)
    except PlacementError as error:
        return f"not placed: {error}"
    return NOT_PLACED


def lines(found: Mapping[str, str]) -> list[str]:
    """One line a reason, with the chips that it holds for."""
    reasons = dict.fromkeys(found.values())
    return [f"{', '.join(n for n, why in found.items() if why == r)}: {r}" for r in reasons]
