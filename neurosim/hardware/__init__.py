"""Chips and counting conventions as data: schema, loader, description. Imports neither torch nor
any operator.
"""

from neurosim.hardware.convention import Convention, conventions, load_convention, with_counts
from neurosim.hardware.describe import describe, describe_convention
from neurosim.hardware.profile import load_profile, profiles
from neurosim.hardware.schema import Profile

__all__ = [
    "Convention",
    "Profile",
    "conventions",
    "describe",
    "describe_convention",
    "load_convention",
    "load_profile",
    "profiles",
    "with_counts",
]
