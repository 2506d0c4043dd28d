"""What somebody has used, by places, and the best of what they have not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Past", "largest"]

_BLOCK = 256  # scores


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
    scores: NDArray[np.floating], candidates: NDArray[np.int64], k: int
) -> NDArray[np.int64]:
    """Return the k candidates of largest score, best first, ties in their order.

    Candidates ascend. Of many only those are sorted that reach the k-th best maximum of a block:
    at least k do, and hardly more.
    """
    mine = scores if len(candidates) == len(scores) else scores[candidates]
    blocks = len(mine) // _BLOCK
    if k < blocks:
        maxima = mine[: blocks * _BLOCK].reshape(blocks, _BLOCK).max(axis=1)
        few = np.flatnonzero(mine >= np.partition(maxima, blocks - k)[blocks - k])
        candidates, mine = candidates[few], mine[few]
    return candidates[np.argsort(-mine, kind="stable")[:k]]
