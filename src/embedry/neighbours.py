"""Exact neighbours: the nearest rows, examples for and against, analogies, the odd one out.

What it is: functions of rows that lie in memory; `embedry.Embeddings` gives them names and says
what was asked. Each looks at every row. What it is not: an index (see ``embedry.store``).

References
----------
T. Mikolov, W. Yih, G. Zweig, "Linguistic regularities in continuous space word
representations", 2013, section 4 (examples added and subtracted, 3CosAdd).
O. Levy, Y. Goldberg, "Linguistic regularities in sparse and explicit word representations",
2014, equation 5 (3CosMul).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from embedry.errors import InputError
from embedry.metrics import COSINE, candidates
from embedry.progress import bar

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from embedry.metrics import Metric

__all__ = [
    "best_first",
    "fit_with_the_others",
    "mean_of_examples",
    "nearest_of_each",
    "nearest_rows",
    "products_of_cosines",
]

_SMALLEST_DIVISOR = 1e-3  # epsilon of Levy and Goldberg
_NUMBERS_AT_ONCE = 2**24  # scores of one block of queries: 64 MB
_ROWS_AT_ONCE = 4096  # brought to unit length at a time


def nearest_rows(
    query: NDArray[np.float32],
    rows: NDArray[np.float32],
    metric: Metric,
    k: int,
    without: Collection[int] = (),
) -> list[tuple[int, float]]:
    """Return the k rows nearest to a query, but for some.

    Parameters
    ----------
    query : ndarray (dims,), float32
        As ``metric.prepare`` returns it, as are the rows.
    rows : ndarray (n, dims), float32
    metric : Metric
    k : int
        At least 1; more than there are gives all.
    without : collection of int
        Places that may not answer.

    Returns
    -------
    list of (int, float)
        Place and score, nearest first, ties by place.

    Notes
    -----
    O(n dims) time, O(n) memory.

    Examples
    --------
    >>> nearest_rows(np.float32([1, 0]), np.eye(2, dtype=np.float32), COSINE, 1, without={0})
    [(1, 0.0)]
    """
    places, scores = metric.top(query, rows, k + len(without))
    pairs = zip(places.tolist(), scores.tolist(), strict=True)
    return [(place, score) for place, score in pairs if place not in without][:k]


def nearest_of_each(
    rows: NDArray[np.float32], asked: NDArray[np.int64], metric: Metric, k: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the k rows nearest to each of many rows, itself left out.

    Use it for many rows at once: matrix products of blocks are quicker than `nearest_rows` of one
    after the other, and give the same.

    Parameters
    ----------
    rows : ndarray (n, dims), float32
        As they are: they are prepared in blocks.
    asked : ndarray (q,), int64
        Places of the rows whose neighbours are looked for.
    metric : Metric
    k : int
        More than there are others gives all of them.

    Returns
    -------
    places : ndarray (q, min(k, n - 1)), int64
        Nearest first, ties by place.
    scores : ndarray (q, min(k, n - 1)), float32

    Raises
    ------
    InputError
        If a row is zero and must have a direction, or too long for its scores.

    Notes
    -----
    O(q n dims) time, nearly all of it in matrix products, and O(q n) to pick the candidates.
    Memory in bytes, beside the rows and the answer of ``12 * q * k``: at most ``2**27`` for the
    scores of a block (of one row asked about at least), ``2**14 * dims`` for rows of unit length,
    and ``16 * n``. No copy of the rows is made.

    Examples
    --------
    >>> rows = np.float32([[1, 0], [0, 2], [3, 1]])
    >>> nearest_of_each(rows, np.array([0, 1]), COSINE, 1)[0].tolist()
    [[2], [2]]
    """
    lengths = metric.lengths(rows)
    size = min(k, len(rows) - 1)
    near = np.empty((len(asked), size), np.int64)
    scores = np.empty((len(asked), size), np.float32)
    step = max(1, _NUMBERS_AT_ONCE // len(rows))
    with bar("Comparing neighbours", len(asked)) as advance:
        for first in range(0, len(asked), step):
            part = slice(first, first + step)
            near[part], scores[part] = _nearest_of_block(rows, lengths, asked[part], metric, size)
            advance(len(asked[part]))
    return near, scores


def _nearest_of_block(
    rows: NDArray[np.float32],
    lengths: NDArray[np.float64],
    asked: NDArray[np.int64],
    metric: Metric,
    k: int,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    queries = metric.scaled(rows[asked], lengths[asked])
    rough = _rough_scores(queries, rows, lengths, metric)
    near, scores = np.empty((len(asked), k), np.int64), np.empty((len(asked), k), np.float32)
    for number, place in enumerate(asked.tolist()):
        found = candidates(rough[number], k + 1)
        found = found[found != place]
        units = metric.scaled(rows[found], lengths[found])
        near[number], scores[number] = metric.best_of(queries[number], found, units, k)
    return near, scores


def _rough_scores(
    queries: NDArray[np.float32],
    rows: NDArray[np.float32],
    lengths: NDArray[np.float64],
    metric: Metric,
) -> NDArray[np.float32]:
    rough = np.empty((len(queries), len(rows)), np.float32)
    for first in range(0, len(rows), _ROWS_AT_ONCE):
        part = slice(first, first + _ROWS_AT_ONCE)
        # (q, dims) @ (dims, part) -> (q, part)
        rough[:, part] = metric.scores(queries, metric.scaled(rows[part], lengths[part]))
    return rough


def best_first(scores: NDArray[np.float32], k: int, without: Collection[int] = ()) -> list[int]:
    """Return the places of the k largest scores, but for some.

    Parameters
    ----------
    scores : ndarray (n,), float32
    k : int
        At least 1; more than there are gives all.
    without : collection of int
        Places that are left out.

    Returns
    -------
    list of int
        Largest first, ties by place.

    Examples
    --------
    >>> best_first(np.float32([1, 3, 2, 3]), 2, without={1})
    [3, 2]
    """
    wanted = min(k + len(without), len(scores))
    if not wanted:
        return []
    kth = np.partition(scores, len(scores) - wanted)[len(scores) - wanted]
    places = np.flatnonzero(scores >= kth)
    order = places[np.argsort(-scores[places], kind="stable")].tolist()
    return [place for place in order if place not in without][:k]


def mean_of_examples(rows: NDArray[np.float32], likes: int) -> NDArray[np.float32]:
    """Return the mean of unit vectors, all but the first ``likes`` of them negated (3CosAdd).

    Parameters
    ----------
    rows : ndarray (examples, dims), float32
        Of any length; a zero vector adds nothing.
    likes : int
        How many of the rows, from the first on, are examples for; the others are against.

    Returns
    -------
    ndarray (dims,), float32

    Raises
    ------
    InputError
        If the examples cancel out.

    Examples
    --------
    >>> mean_of_examples(np.float32([[2, 0], [0, 3]]), likes=1).tolist()
    [0.5, -0.5]
    """
    signs = np.ones(len(rows), np.float32)
    signs[likes:] = -1
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    units = rows / np.where(lengths > 0, lengths, 1)
    mean = (signs @ units / len(rows)).astype(np.float32)  # (examples,) @ (examples, dims)
    if not mean.any():
        raise InputError(
            "like and unlike must not cancel out; their mean is zero. Take one example away."
        )
    return mean


def products_of_cosines(
    units: NDArray[np.float32], likes: Sequence[int], unlikes: Sequence[int]
) -> NDArray[np.float32]:
    """Score all rows by their cosines to the examples, multiplied and divided (3CosMul).

    Where a sum follows its largest term, a product needs all of them: no single example decides.

    Parameters
    ----------
    units : ndarray (n, dims), float32
        Of length 1.
    likes, unlikes : sequences of int
        Places of the examples for and against.

    Returns
    -------
    ndarray (n,), float32
        Each cosine is moved into [0, 1]; the product over the likes is divided by the product
        over the unlikes plus 0.001. Equal rows score the same.

    Examples
    --------
    >>> rows = np.float32([[1, 0], [0, 1], [-1, 0]])
    >>> scores = products_of_cosines(rows, [1], [2])
    >>> [round(float(score), 3) for score in scores]  # 0.5 / 0.001, 1 / 0.501, 0.5 / 1.001
    [500.0, 1.996, 0.5]
    """

    def product(places: Sequence[int]) -> NDArray[np.float64]:
        result = np.ones(len(units))
        for place in places:
            result *= (1 + COSINE.exact_scores(units[place], units).astype(np.float64)) / 2
        return result

    return np.asarray(product(likes) / (product(unlikes) + _SMALLEST_DIVISOR), np.float32)


def fit_with_the_others(units: NDArray[np.float32]) -> NDArray[np.float32]:
    """Score each row by its cosine to the mean of all the other rows.

    Parameters
    ----------
    units : ndarray (n, dims), float32
        Of length 1; at least two.

    Returns
    -------
    ndarray (n,), float32
        In [-1, 1]; 0 where the others cancel out, so that no direction is left to compare with.

    Examples
    --------
    >>> fit_with_the_others(np.float32([[1, 0], [1, 0], [0, 1], [1, 0]])).tolist()[2]
    0.0
    """
    rows = units.astype(np.float64)
    others = rows.sum(axis=0) - rows  # (dims,) - (n, dims): the sum of all but each
    lengths = np.linalg.norm(others, axis=1)
    # below, what is left of the sum is rounding
    real = lengths > 1e-6 * len(rows)
    scores = np.vecdot(rows, others) / np.where(real, lengths, 1)
    return np.where(real, np.clip(scores, -1, 1), 0).astype(np.float32)
