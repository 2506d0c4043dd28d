"""Diversity: lists whose items are wanted, and not all alike.

References
----------
Carbonell, Goldstein 1998, The Use of MMR, Diversity-Based Reranking for Reordering Documents and
Producing Summaries, section 2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["diverse", "pool_size"]

_POOL, _POOL_PER_PLACE = 100, 5


def pool_size(k: int) -> int:
    """Return of how many candidates k are chosen: 100, or five times as many as are wanted."""
    return max(_POOL, _POOL_PER_PLACE * k)


def diverse(
    scores: NDArray[np.float64], rows: NDArray[np.float32], k: int, diversity: float
) -> NDArray[np.int64]:
    """Choose k candidates one after the other by maximal marginal relevance.

    Each time the one with the largest ``(1 - diversity) * score - diversity * cosine`` comes
    next, the cosine being that to the nearest chosen one.

    Parameters
    ----------
    scores : ndarray (n,), float64
        On the common scale, largest first.
    rows : ndarray (n, dims), float32
        Unit rows; zeros for what lies nowhere, which is like nothing.
    k : int
    diversity : float
        In [0, 1]; 0 is the order of scores.

    Returns
    -------
    ndarray (min(k, n),), int64
        Places, in the order chosen; the first has the largest score. Ties by place.

    Notes
    -----
    O(k n dims) time.
    """
    nearest = np.full(len(scores), -np.inf)
    left = np.ones(len(scores), np.bool_)
    chosen: list[int] = []
    worth = scores
    for _ in range(min(k, len(scores))):
        best = int(np.where(left, worth, -np.inf).argmax())
        chosen.append(best)
        left[best] = False
        # (n, dims) @ (dims,) -> (n,)
        nearest = np.maximum(nearest, rows @ rows[best])
        worth = (1 - diversity) * scores - diversity * nearest
    return np.array(chosen, np.int64)
