"""What two spaces share of the neighbourhoods of their ids.

What it is not: the search (see ``embedry.neighbours``), nor a comparison of vectors, which two
spaces do not share; only ids are compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from embedry.metrics import as_metric
from embedry.neighbours import nearest_of_each

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embedry.embeddings import Embeddings

__all__ = ["staying"]


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
    kept = np.flatnonzero(placed >= 0)  # rows of the retrain that the reference has
    row_of = np.full(len(reference), -1, np.int64)
    row_of[placed[kept]] = np.arange(len(kept))
    queries = row_of[asked]
    known = queries >= 0
    stays = np.full(near.shape, np.nan)
    if known.any() and len(kept) > 1:
        metric = as_metric(replica.card.metric)
        rows, _ = nearest_of_each(replica.vectors[kept], queries[known], metric, near.shape[1])
        found = placed[kept[rows]]
        # (n, k, 1) == (n, 1, k) -> (n, k): is each neighbour among those of the retrain?
        stays[known] = (near[known][:, :, None] == found[:, None, :]).any(axis=2)
    return stays, len(reference) - len(kept)
