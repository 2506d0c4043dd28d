"""Positions that are no rows of a table: angles, and buckets of distances."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embedry.encode.transformer.model.architecture import Relative

__all__ = ["angles", "buckets"]


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
