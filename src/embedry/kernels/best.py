"""The best columns of each row of scores, those left out that a row has seen.

What it is: one pass over each row that keeps the k best in a short sorted list. Most scores are
below the worst of them and cost one comparison; a full sort costs ten times that. What it is
not: a search. The scores are there already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from embedry.errors import InputError
from embedry.kernels.arrays import check_array, read_only
from embedry.kernels.compiler import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["NOTHING", "best_columns", "best_columns_plain"]

NOTHING = -1  # the column where a row has fewer than k


def best_columns(
    scores: NDArray[np.float32],
    allowed: NDArray[np.bool_],
    indptr: NDArray[np.int64],
    seen: NDArray[np.int32],
    k: int,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return the k best columns of each row, but for those that it has seen.

    Parameters
    ----------
    scores : ndarray (rows, columns), float32, C-contiguous
        Minus infinity is never among the best.
    allowed : ndarray (columns,), bool
        Which columns any row may have.
    indptr : ndarray (rows + 1,), int64
        Row ``r`` has seen ``seen[indptr[r]:indptr[r + 1]]``.
    seen : ndarray (entries,), int32
        Columns, in [0, columns).
    k : int
        At least 1.

    Returns
    -------
    best : ndarray (rows, k), int32
        Best first, ties in the order of the columns; -1 where a row has fewer.
    values : ndarray (rows, k), float32
        Their scores; minus infinity where there is none.

    Raises
    ------
    InputError
        If an array is of another dtype, shape or layout, an offset or a column is out of range,
        k is below 1, or a score that counts is NaN.

    Notes
    -----
    Time linear in the scores; some k * log(columns / k) of a row are moved, k / 2 places each.
    """
    _check(scores, allowed, indptr, seen, k)
    best = np.full((len(scores), k), NOTHING, np.int32)
    values = np.full((len(scores), k), -np.inf, np.float32)
    closed = np.full(scores.shape[1], -1, np.int64)
    closed[~allowed] = len(scores)  # for every row
    arrays = (read_only(scores), closed, read_only(indptr), read_only(seen))
    row = _fill(*arrays, best, values)
    if row >= 0:
        _refuse_nan(row)
    return best, values


def best_columns_plain(
    scores: NDArray[np.float32],
    allowed: NDArray[np.bool_],
    indptr: NDArray[np.int64],
    seen: NDArray[np.int32],
    k: int,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Do as `best_columns`, by sorting each row: its oracle."""
    _check(scores, allowed, indptr, seen, k)
    best = np.full((len(scores), k), NOTHING, np.int32)
    values = np.full((len(scores), k), -np.inf, np.float32)
    for row, mine in enumerate(scores):
        open_ = allowed.copy()
        open_[seen[indptr[row] : indptr[row + 1]]] = False
        if np.isnan(mine[open_]).any():
            _refuse_nan(row)
        places = np.flatnonzero(open_ & (mine > -np.inf))
        first = places[np.argsort(-mine[places], kind="stable")][:k]
        best[row, : len(first)], values[row, : len(first)] = first, mine[first]
    return best, values


def _check(
    scores: NDArray[np.float32],
    allowed: NDArray[np.bool_],
    indptr: NDArray[np.int64],
    seen: NDArray[np.int32],
    k: int,
) -> None:
    check_array("scores", scores, np.float32, 2)
    for name, array, dtype in (
        ("allowed", allowed, np.bool_),
        ("indptr", indptr, np.int64),
        ("seen", seen, np.int32),
    ):
        check_array(name, array, dtype)
    rows, columns = scores.shape
    if len(allowed) != columns or len(indptr) != rows + 1:
        raise InputError(
            f"allowed and indptr must fit the scores, ({columns},) and ({rows + 1},); got "
            f"{allowed.shape} and {indptr.shape}."
        )
    if indptr[0] < 0 or (np.diff(indptr) < 0).any() or indptr[-1] > len(seen):
        raise InputError(f"indptr must rise from 0 to at most {len(seen)}; got other offsets.")
    if seen.size and not (seen.min() >= 0 and seen.max() < columns):
        raise InputError(f"seen must be at least 0 and below the {columns} columns.")
    if k < 1:
        raise InputError(f"k must be at least 1; got {k}. Pass k=10 for ten columns.")


def _refuse_nan(row: int) -> None:
    raise InputError(
        f"Scores must not be NaN: nothing is better or worse than it; row {row} holds one. Find "
        "out what made it, or score such items minus infinity."
    )


@compiled
def _fill(
    scores: NDArray[np.float32],
    closed: NDArray[np.int64],
    indptr: NDArray[np.int64],
    seen: NDArray[np.int32],
    best: NDArray[np.int32],
    values: NDArray[np.float32],
) -> int:
    """Fill ``best`` and ``values``; return the first row with NaN, else -1.

    ``closed[column]`` is the last row that may not have the column: no row has to clean up.
    """
    columns, k = scores.shape[1], best.shape[1]
    for row in range(scores.shape[0]):
        for entry in range(indptr[row], indptr[row + 1]):
            column = seen[entry]
            closed[column] = max(closed[column], row)
        mine, places, kept = scores[row], best[row], values[row]
        worst = kept[k - 1]
        for column in range(columns):
            score = mine[column]
            if score <= worst or closed[column] >= row:
                continue
            if score != score:  # noqa: PLR0124  (only NaN)
                return row
            place = k - 1
            while place > 0 and kept[place - 1] < score:
                kept[place], places[place] = kept[place - 1], places[place - 1]
                place -= 1
            kept[place], places[place] = score, column
            worst = kept[k - 1]
    return -1
