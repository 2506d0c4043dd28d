"""What somebody has used, by places, and the best of what they have not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Past", "largest"]


@dataclass(frozen=True, eq=False)
class Past:
    """What somebody has used, by places in the learned items.

    Attributes
    ----------
    places : ndarray (past,), int64
    values : ndarray (past,), float64
        How strongly, above 0.
    row : int or None
        The row of a learned user; None for a history.
    """

    places: NDArray[np.int64]
    values: NDArray[np.float64]
    row: int | None = None


def largest(
    scores: NDArray[np.float32], candidates: NDArray[np.int64], k: int
) -> NDArray[np.int64]:
    """Return the k candidates of largest score, best first, ties in their order."""
    mine = scores[candidates]
    if k < len(candidates):
        border = np.partition(mine, len(mine) - k)[len(mine) - k]
        above = np.flatnonzero(mine > border)
        level = np.flatnonzero(mine == border)[: k - len(above)]
        chosen = np.sort(np.concatenate([above, level]))
        candidates, mine = candidates[chosen], mine[chosen]
    return candidates[np.argsort(-mine, kind="stable")]
