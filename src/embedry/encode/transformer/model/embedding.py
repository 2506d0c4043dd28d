"""From the numbers of tokens to the rows that the network begins with, and their positions.

Rows are looked up outside of the compiled graph: of a table of a gigabyte only the rows that occur
are read, and no copy of it is compiled, cached or kept. Positions that are no rows are angles, or
buckets of distances; those are for the graph.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embedry.encode.transformer.model.architecture import Relative
    from embedry.encode.transformer.model.weights import Weights

__all__ = ["angles", "buckets", "embed"]


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


def angles(length: int, width: int, base: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the cosines and sines by which queries and keys are turned.

    Parameters
    ----------
    length, width : int
        Of the text, and of a head.
    base : float

    Returns
    -------
    cosines, sines : ndarray (length, width), float32

    References
    ----------
    J. Su et al., "RoFormer", 2021, equation 34; the halves of a head turn together.
    """
    steps = np.float32(1) / np.float32(base) ** (np.arange(0, width, 2, dtype=np.float32) / width)
    turns = np.arange(length, dtype=np.float32)[:, None] * steps
    turns = np.concatenate([turns, turns], axis=1)  # (length, width / 2) -> (length, width)
    return np.cos(turns), np.sin(turns)


def buckets(length: int, relative: Relative) -> NDArray[np.int64]:
    """Return the bucket of the distance from each token to each.

    Parameters
    ----------
    length : int
    relative : Relative

    Returns
    -------
    ndarray (length, length), int64
        From the token of the row to that of the column.

    References
    ----------
    C. Raffel et al., "T5", 2020, section 2.1, for both directions.
    """
    half = relative.buckets // 2
    exact = half // 2
    places = np.arange(length)
    ahead = places[None, :] - places[:, None]
    distance = abs(ahead)
    growth = np.log(np.maximum(distance, 1).astype(np.float32) / exact)
    growth /= np.float32(np.log(relative.farthest / exact))
    far = np.minimum(exact + (growth * (half - exact)).astype(np.int64), half - 1)
    return np.where(ahead > 0, half, 0) + np.where(distance < exact, distance, far)
