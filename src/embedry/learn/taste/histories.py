"""Users out of their histories: a linear map from what somebody used to where they lie.

What it is: for learners whose users have vectors of their own, the map that gives those vectors
best from the sum of the items used, by ridge regression over all users. Whoever it places is a
sum over past items, so that a stranger is placed like a learned user, and each past item has its
exact share. What it is not: training; no item moves.

References
----------
A. Paterek, "Improving regularized singular value decomposition for collaborative filtering",
2007, section 3.6 (users as sums over their items, divided by the root of their number).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embedry.data.interactions import Interactions

__all__ = ["history_sums", "learn_map"]

_RIDGE = 0.01  # of the mean square of a coordinate


def history_sums(used: Interactions, items: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the sum of each user's items, divided by the root of their number.

    Parameters
    ----------
    used : Interactions
        Of n users and m items.
    items : ndarray (m, dims), float32

    Returns
    -------
    ndarray (n, dims), float32
        Zeros for a user who used nothing.

    Notes
    -----
    Time: O(pairs dims).
    """
    from embedry.kernels.recommend.sums import row_sums

    counts = np.diff(used.indptr)
    sums = row_sums(np.ascontiguousarray(items), used.indptr, used.indices)
    return np.asarray(sums / np.sqrt(np.maximum(counts, 1))[:, None], np.float32)


def learn_map(sums: NDArray[np.float32], users: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the map from sums of histories to users.

    Parameters
    ----------
    sums : ndarray (n, dims), float32
        As `history_sums` gives them; not all zero.
    users : ndarray (n, dims), float32
        Where they were learned.

    Returns
    -------
    ndarray (dims, dims), float64
        ``sums @ map`` is nearest to ``users`` by least squares, with a little ridge.
    """
    gram = (sums.T @ sums).astype(np.float64)  # (dims, n) @ (n, dims) -> (dims, dims)
    gram[np.diag_indices_from(gram)] += _RIDGE * np.trace(gram) / len(gram)
    return np.asarray(np.linalg.solve(gram, (sums.T @ users).astype(np.float64)))
