"""From the numbers of tokens to the rows that the network begins with.

Looked up outside of the compiled graph: of a table of a gigabyte only the rows that occur are read,
and no copy of it is compiled, cached or kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embedry.encode.transformer.model.weights import Weights

__all__ = ["embed"]


def embed(
    weights: Weights, ids: NDArray[np.integer], segments: NDArray[np.integer] | None = None
) -> NDArray[np.float32]:
    """Return the sum of the rows of tokens, of their positions and of their text's number.

    Parameters
    ----------
    weights : Weights
    ids : ndarray (batch, length), int
        Numbers of tokens, padded behind.
    segments : ndarray (batch, length), int, optional
        0 for the first text and 1 for the second; left out, all are of the first.

    Returns
    -------
    ndarray (batch, length, hidden), float32
        Before the first norm.
    """
    rows = weights.words[ids]
    if weights.places is not None:
        rows += weights.places[_positions(weights, ids)]
    if weights.segments is not None:
        rows += weights.segments[0 if segments is None else segments]
    return rows


def _positions(weights: Weights, ids: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the row of each token's position: (1, length), or (batch, length)."""
    shape = weights.architecture
    if shape.offset == 0:
        return np.arange(ids.shape[1])[None]
    # as RoBERTa counts: a padding token has no position, even one that is read in a text
    real = ids != shape.padding
    return np.asarray(np.cumsum(real, axis=1) * real + shape.padding)
