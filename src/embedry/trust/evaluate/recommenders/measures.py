"""Measures of many lists at once: those of `embedry.ranking`, for every user and cutoff.

What it is: the same definitions on arrays, some hundred times as fast; the functions of
`embedry.ranking` are their oracle. What it is not: a mean, or an interval.

References
----------
Manning, Raghavan, Schütze 2008, Introduction to Information Retrieval, sections 8.3 and 8.4.
Järvelin, Kekäläinen 2002, Cumulated gain-based evaluation of IR techniques, section 2.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from embedry.trust.evaluate.recommenders.rows import parts_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

__all__ = ["MEASURES", "list_measures"]

MEASURES = ("hit_rate", "recall", "precision", "ndcg", "mrr", "map")


def list_measures(
    hits: NDArray[np.bool_], wanted: NDArray[np.int64], cutoffs: Sequence[int]
) -> dict[str, NDArray[np.float64]]:
    """Measure the list of each user at each cutoff.

    Parameters
    ----------
    hits : ndarray (users, places), bool
        Whether the user took the item at each place, best first. A list that is shorter has
        False in the rest; beyond the places nobody has a hit.
    wanted : ndarray (users,), int64
        How many items each took in all; at least 1.
    cutoffs : sequence of int
        Each at least 1.

    Returns
    -------
    dict of str to ndarray (users,), float64
        Such as ``"ndcg@10"``, in the order of ``MEASURES``, and for each of the cutoffs:

        - ``hit_rate``: 1 if any of the first k was taken.
        - ``recall``: of the items taken, the share among the first k. The denominator is all of
          them, also where they are more than k.
        - ``precision``: of the first k places, the share that was taken. The denominator is k,
          also where the list is shorter.
        - ``ndcg``: 1 / log2(1 + place) summed over the hits, over the same sum of the best
          order there is, min(k, taken) hits in the first places. A gain is 0 or 1.
        - ``mrr``: 1 / place of the first hit, 0 if there is none among the first k; its mean
          over the users is the mean reciprocal rank.
        - ``map``: the precision at the place of each hit, summed, over min(k, taken); its mean
          is the mean average precision.

    Examples
    --------
    >>> found = list_measures(np.array([[False, True, True]]), np.array([4]), [3])
    >>> {name: round(float(values[0]), 3) for name, values in found.items()}  # doctest: +ELLIPSIS
    {'hit_rate@3': 1.0, 'recall@3': 0.5, 'precision@3': 0.667, 'ndcg@3': 0.531, 'mrr@3': 0.5, ...
    """
    found = {f"{name}@{k}": np.empty(len(hits)) for name in MEASURES for k in cutoffs}
    discounts = 1 / np.log2(1 + np.arange(1, 1 + max(hits.shape[1], wanted.max(initial=1))))
    for part in parts_of(*hits.shape):
        for name, values in _measured(hits[part], wanted[part], cutoffs, discounts):
            found[name][part] = values
    return found


def _measured(
    hits: NDArray[np.bool_],
    wanted: NDArray[np.int64],
    cutoffs: Sequence[int],
    discounts: NDArray[np.float64],
) -> Iterator[tuple[str, NDArray[np.float64] | NDArray[np.bool_]]]:
    """Yield each measure of some lists, by name."""
    places = np.arange(1, hits.shape[1] + 1)
    found = np.cumsum(hits, axis=1)  # (users, places): hits up to each place
    gains = np.cumsum(hits * discounts[: len(places)], axis=1)
    best = np.cumsum(discounts)  # of a list that begins with so many hits
    precisions = np.cumsum(np.where(hits, found / places, 0.0), axis=1)
    first = np.where(hits.any(axis=1), 1 / (1 + hits.argmax(axis=1)), 0.0)
    for k in cutoffs:
        last, reachable = min(k, len(places)) - 1, np.minimum(wanted, k)
        any_hit = found[:, last] > 0
        yield f"hit_rate@{k}", any_hit
        yield f"recall@{k}", found[:, last] / wanted
        yield f"precision@{k}", found[:, last] / k
        yield f"ndcg@{k}", gains[:, last] / best[reachable - 1]
        yield f"mrr@{k}", np.where(any_hit, first, 0.0)
        yield f"map@{k}", precisions[:, last] / reachable
