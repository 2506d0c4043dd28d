"""Neighbourhoods of many ids at once, and what of them another space shares.

Exact, in blocks of matrix products. What it is not: an index (see ``embedry.store``), nor a
comparison of vectors, which two spaces do not share; only ids are compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from embedry.metrics import as_metric, candidates
from embedry.progress import bar

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embedry.embeddings import Embeddings

__all__ = ["nearest_of_each", "staying"]

_NUMBERS_AT_ONCE = 2**24  # scores of one block of ids: 64 MB


def staying(
    replica: Embeddings,
    reference: Embeddings,
    asked: NDArray[np.int64],
    near: NDArray[np.int64],
) -> tuple[NDArray[np.float64], int]:
    """Say of each neighbour whether it stays in a retrain.

    Parameters
    ----------
    replica, reference : Embeddings
    asked : ndarray (n,), int64
        Places in the reference.
    near : ndarray (n, k), int64
        The neighbours of each there, in places too.

    Returns
    -------
    stays : ndarray (n, k), float64
        1 or 0; NaN in rows of ids that the retrain lacks.
    missing : int
        Ids of the reference that it lacks.
    """
    place_of = {id: place for place, id in enumerate(reference.ids)}
    placed = np.array([place_of.get(id, -1) for id in replica.ids], np.int64)
    common = np.sort(placed[placed >= 0])
    stays = np.full(near.shape, np.nan)
    known = np.isin(asked, common)
    if known.any() and len(common) > 1:
        found, _ = nearest_of_each(
            replica, placed, asked[known], min(near.shape[1], len(common) - 1)
        )
        # (n, k, 1) == (n, 1, k) -> (n, k): is each neighbour among those of the retrain?
        stays[known] = (near[known][:, :, None] == found[:, None, :]).any(axis=2)
    return stays, len(reference) - len(common)


def nearest_of_each(
    space: Embeddings, placed: NDArray[np.int64], asked: NDArray[np.int64], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the k nearest of each id asked about, in places of the reference.

    Parameters
    ----------
    space : Embeddings
    placed : ndarray (rows of the space,), int64
        The place of each row in the reference; -1 for rows that it lacks.
    asked : ndarray (n,), int64
        Places in the reference, all of them in the space.
    k : int
        Less than the rows that are placed.

    Returns
    -------
    places : ndarray (n, k), int64
        Nearest first, ties by the row in the space, as `Embeddings.nearest` has them.
    scores : ndarray (n, k), float32
    """
    metric = as_metric(space.card.metric)
    kept = np.flatnonzero(placed >= 0)
    rows = metric.prepare(space.vectors[kept])
    row_of = np.full(placed.max() + 1, -1, np.int64)
    row_of[placed[kept]] = np.arange(len(kept))
    queries = row_of[asked]
    near, scores = np.empty((len(asked), k), np.int64), np.empty((len(asked), k), np.float32)
    step = max(1, _NUMBERS_AT_ONCE // len(rows))
    with bar("Comparing neighbours", len(asked)) as advance:
        for first in range(0, len(queries), step):
            block = queries[first : first + step]
            rough = metric.scores(rows[block], rows)  # (q, dims), (n, dims) -> (q, n)
            for number, query in enumerate(block):
                found = candidates(rough[number], k + 1)
                found = found[found != query]
                exact = metric.exact_scores(rows[query], rows[found])
                best = np.argsort(-exact, kind="stable")[:k]
                near[first + number] = placed[kept[found[best]]]
                scores[first + number] = exact[best]
            advance(len(block))
    return near, scores
