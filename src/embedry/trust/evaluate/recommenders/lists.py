"""What lists of recommendations are like, whether or not they are right.

Coverage (how much of what could be recommended is), novelty (how little known it is), and
intra-list similarity (how much the items of one list are alike). What it is not: a measure of
quality. Random lists cover all, and are new and mixed; read these beside NDCG.

References
----------
Herlocker, Konstan, Terveen, Riedl 2004, Evaluating Collaborative Filtering Recommender Systems,
section 5.2 (catalog coverage). Zhou et al. 2010, Solving the apparent diversity-accuracy dilemma
of recommender systems (novelty, there called surprisal). Ziegler, McNee, Konstan, Lausen 2005,
Improving Recommendation Lists Through Topic Diversification, section 3.2 (intra-list similarity).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from embedry.embeddings import Embeddings
from embedry.errors import InputError
from embedry.ids import kind_hint
from embedry.metrics import COSINE
from embedry.trust.evaluate.recommenders.rows import parts_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from embedry.ids import Id

__all__ = ["coverage", "novelty", "similarity", "unit_rows"]


def coverage(
    lists: NDArray[np.int32], allowed: NDArray[np.bool_], cutoffs: Sequence[int]
) -> dict[str, float]:
    """Return the share of the items that were recommended to anybody.

    Parameters
    ----------
    lists : ndarray (users, places), int32
        Columns, best first; -1 where a list is shorter. Beyond the places there is none.
    allowed : ndarray (items,), bool
        What may be recommended.
    cutoffs : sequence of int

    Returns
    -------
    dict of str to float
        Such as ``"coverage@10"``: the items in the first k places of any list, over all allowed
        items. It grows with the number of users asked.
    """
    shares = {}
    for k in cutoffs:
        mine = lists[:, :k]
        recommended = np.zeros(len(allowed), np.bool_)
        recommended[mine[mine >= 0]] = True
        shares[f"coverage@{k}"] = float(recommended.sum() / allowed.sum())
    return shares


def novelty(
    lists: NDArray[np.int32], popularity: NDArray[np.int64], users: int, cutoffs: Sequence[int]
) -> dict[str, NDArray[np.float64]]:
    """Return how little known the items of each list are.

    Parameters
    ----------
    lists : ndarray (users, places), int32
    popularity : ndarray (items,), int64
        How many users have used each item in training.
    users : int
        How many users there are in training.
    cutoffs : sequence of int

    Returns
    -------
    dict of str to ndarray (users,), float64
        Such as ``"novelty@10"``, in bits: the mean of log2(users / popularity) over the first k
        items; NaN for a list of none. An item that nobody has used, which would be infinitely
        new, counts as if one user had.
    """
    bits = np.log2(users / np.maximum(popularity, 1))
    last = [min(k, lists.shape[1]) - 1 for k in cutoffs]
    found = np.empty((len(lists), len(last)))
    for part in parts_of(*lists.shape):
        there = lists[part] >= 0
        sums = np.cumsum(np.where(there, bits[lists[part]], 0.0), axis=1)
        found[part] = _over(sums[:, last], np.cumsum(there, axis=1, dtype=np.int64)[:, last])
    return {f"novelty@{k}": values for k, values in zip(cutoffs, found.T.copy(), strict=True)}


def unit_rows(vectors: Embeddings, item_ids: Sequence[Id]) -> NDArray[np.float32]:
    """Return the vector of each item at length 1, zero where it has none.

    Parameters
    ----------
    vectors : Embeddings
    item_ids : sequence of ids

    Returns
    -------
    ndarray (items, dims), float32

    Raises
    ------
    InputError
        If ``vectors`` are none, or hold no item.
    """
    if not isinstance(vectors, Embeddings):
        raise InputError(
            f"vectors must be Embeddings of the items; got {type(vectors).__name__}. Pass "
            "Embeddings(ids, array), or the item_embeddings_ of a learner."
        )
    places = {id: place for place, id in enumerate(vectors.ids)}
    rows = np.fromiter((places.get(id, -1) for id in item_ids), np.int64, len(item_ids))
    pointing = np.asarray(vectors.vectors.any(axis=1))
    known = (rows >= 0) & pointing[rows]
    if not known.any():
        raise InputError(
            f"vectors must hold some of the items; none of {len(item_ids):,} has one."
            f"{kind_hint(item_ids, places)}"
        )
    units = np.zeros((len(item_ids), vectors.vectors.shape[1]), np.float32)
    units[known] = COSINE.prepare(vectors.vectors[rows[known]])
    return units


def similarity(
    lists: NDArray[np.int32], units: NDArray[np.float32], cutoffs: Sequence[int]
) -> dict[str, NDArray[np.float64]]:
    """Return the mean cosine of the pairs of items in each list.

    Parameters
    ----------
    lists : ndarray (users, places), int32
    units : ndarray (items, dims), float32
        As `unit_rows` gives them. Items without a vector are left out of the pairs.
    cutoffs : sequence of int

    Returns
    -------
    dict of str to ndarray (users,), float64
        Such as ``"similarity@10"``; NaN for a list with fewer than two vectors.

    Notes
    -----
    The cosines of all ordered pairs, an item with itself too, sum to the squared length of the
    sum of the unit vectors: no pair is ever looked at.
    """
    pointing = np.asarray(units.any(axis=1))
    last = [min(k, lists.shape[1]) - 1 for k in cutoffs]
    found = np.empty((len(lists), len(last)))
    for part in parts_of(len(lists), lists.shape[1] * units.shape[1]):
        there = (lists[part] >= 0) & pointing[lists[part]]
        chosen = np.where(there[:, :, None], units[lists[part]], 0)  # (b, places, dims)
        sums = np.cumsum(chosen, axis=1, dtype=np.float64)[:, last]  # (b, cutoffs, dims)
        count = np.cumsum(there, axis=1, dtype=np.int64)[:, last]
        found[part] = _over(np.vecdot(sums, sums) - count, count * (count - 1))
    return {f"similarity@{k}": values for k, values in zip(cutoffs, found.T.copy(), strict=True)}


def _over(sums: NDArray[np.float64], counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Divide, NaN where there is nothing to divide by."""
    there = counts > 0
    return np.where(there, sums / np.where(there, counts, 1), np.nan)
