"""Marks: what tells pieces apart in the sum of a text.

Each piece is 1 or -1 in eight of 256 dims, chosen by a hash of its number, one in each of eight
blocks; two pieces agree in 1 part of 256 on average. Nothing of it needs to be kept in a file.

References
----------
D. Kane, J. Nelson, "Sparser Johnson-Lindenstrauss transforms", 2014, section 1.1 (a sign in one
dim of each block). G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators",
2014 (the hash).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["piece_marks"]

MARKS = 8
MARK_DIMS = 256

_SPLIT = np.uint64(0x9E3779B97F4A7C15)
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


def piece_marks(pieces: int) -> NDArray[np.uint64]:
    """Return for each piece eight bytes: a sign and one of 32 dims for each of eight blocks."""
    bits = (np.arange(pieces, dtype=np.uint64) + np.uint64(1)) * _SPLIT
    bits = (bits ^ (bits >> np.uint64(30))) * _MIX[0]
    bits = (bits ^ (bits >> np.uint64(27))) * _MIX[1]
    return np.asarray(bits ^ (bits >> np.uint64(31)))
