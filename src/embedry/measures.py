"""Measures: how far scores agree with the truth. Pure functions of arrays, in NumPy.

Spearman's rank correlation for graded pairs, area under the ROC curve and average precision for
scores of true and false pairs, F1 for sets of labels. What it is not: `embedry.ranking`, which
measures one list of answers to one query.

References
----------
Spearman 1904, The Proof and Measurement of Association between Two Things.
Fawcett 2006, An introduction to ROC analysis. Manning, Raghavan, Schütze 2008, Introduction to
Information Retrieval, sections 8.4 (average precision) and 13.6 (micro- and macro-F1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from embedry.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "auc",
    "average_precision",
    "average_ranks",
    "f1_scores",
    "spearman",
    "weighted_spearman",
]


def average_ranks(values: ArrayLike) -> NDArray[np.float64]:
    """Return the rank of each value from 1 on; equal values share the mean of their ranks.

    Parameters
    ----------
    values : array-like (n,), real and finite

    Returns
    -------
    ndarray (n,), float64

    Raises
    ------
    InputError
        If the values are not such.

    Examples
    --------
    >>> average_ranks([10, 30, 30, 20]).tolist()
    [1.0, 3.5, 3.5, 2.0]
    """
    array = _finite(values, "values")
    ranks: NDArray[np.float64] = _weighted_ranks(array, np.ones((1, len(array)), np.int64))[0]
    return ranks


def spearman(first: ArrayLike, second: ArrayLike) -> float:
    """Return Spearman's rank correlation of two columns, ties averaged.

    Parameters
    ----------
    first, second : array-like (n,), real and finite

    Returns
    -------
    float
        In [-1, 1]; NaN where all values of a column are equal, or n < 2.

    Raises
    ------
    InputError
        If the columns are not such, or differ in length.

    Examples
    --------
    >>> round(spearman([1, 2, 3, 4], [1, 3, 2, 4]), 3)
    0.8
    """
    one, two = _finite(first, "first"), _finite(second, "second")
    if len(one) != len(two):
        raise InputError(f"Both columns must be equally long; got {len(one)} and {len(two)}.")
    return float(weighted_spearman(one, two, np.ones((1, len(one)), np.int64))[0])


def weighted_spearman(
    first: NDArray[np.floating], second: NDArray[np.floating], counts: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the rank correlation of pairs that come several times each, for many such counts.

    Parameters
    ----------
    first, second : ndarray (n,)
    counts : ndarray (b, n), int64
        How often each pair comes in each of b samples.

    Returns
    -------
    ndarray (b,), float64
        What `spearman` gives of the pairs written out so often; NaN where it is not defined.

    Notes
    -----
    The values are sorted once; a sample then takes O(n).
    """
    middle = (counts.sum(axis=1, keepdims=True) + 1) / 2  # the mean of the ranks, ties or not
    one, two = (_weighted_ranks(values, counts) - middle for values in (first, second))  # (b, n)
    together = (counts * one * two).sum(axis=1)
    alone = (counts * one * one).sum(axis=1) * (counts * two * two).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        found: NDArray[np.float64] = np.clip(together / np.sqrt(alone), -1, 1)
    return found


def _weighted_ranks(values: NDArray[np.floating], counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the average rank of each value in each sample, (b, n)."""
    if not len(values):
        return np.zeros(counts.shape)
    _, groups = np.unique(values, return_inverse=True)
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order], prepend=-1))
    sizes = np.add.reduceat(counts[:, order], starts, axis=1)  # (b, n) -> (b, groups)
    ranks = np.cumsum(sizes, axis=1) - sizes + (sizes + 1) / 2
    return np.asarray(ranks[:, groups])  # (b, groups) -> (b, n)


def auc(scores: ArrayLike, truth: ArrayLike) -> float:
    """Return the chance that a true case scores above a false one, ties counting half.

    Parameters
    ----------
    scores : array-like (n,), real and finite
    truth : array-like (n,), bool
        Both true and false cases.

    Returns
    -------
    float
        In [0, 1]; 0.5 for scores that say nothing.

    Raises
    ------
    InputError
        If the columns are not such, differ in length, or a kind of case is missing.

    Notes
    -----
    By ranks, O(n log n): the statistic of Mann and Whitney.

    Examples
    --------
    >>> auc([0.9, 0.8, 0.7, 0.1], [True, False, True, False])
    0.75
    """
    values, true = _scored(scores, truth)
    positives = int(true.sum())
    above = average_ranks(values)[true].sum() - positives * (positives + 1) / 2
    return float(above / (positives * (len(true) - positives)))


def average_precision(scores: ArrayLike, truth: ArrayLike) -> float:
    """Return the mean, over the true cases, of the precision where each is found.

    Parameters
    ----------
    scores : array-like (n,), real and finite
    truth : array-like (n,), bool
        Both true and false cases.

    Returns
    -------
    float
        In [0, 1]; the share of true cases for scores that say nothing. Cases of equal score are
        found together.

    Raises
    ------
    InputError
        As `auc`.

    Examples
    --------
    >>> round(average_precision([0.9, 0.8, 0.7, 0.1], [True, False, True, False]), 4)
    0.8333
    """
    values, true = _scored(scores, truth)
    order = np.argsort(-values, kind="stable")
    last = np.flatnonzero(np.diff(values[order], append=np.nan) != 0)  # the end of each tie
    found = np.cumsum(true[order])[last]
    gained = np.diff(found, prepend=0)
    return float((gained * found / (last + 1)).sum() / found[-1])


def f1_scores(truth: NDArray[np.bool_], guessed: NDArray[np.bool_]) -> tuple[float, float]:
    """Return micro-F1 and macro-F1 of sets of labels.

    Parameters
    ----------
    truth, guessed : ndarray (n, labels), bool
        A case a row.

    Returns
    -------
    micro, macro : float
        In [0, 1]: of all decisions together, and as the mean over the labels. A label that is
        neither true nor guessed anywhere counts 0.

    Raises
    ------
    InputError
        If the shapes differ or are not (n, labels).

    Examples
    --------
    >>> f1_scores(np.array([[1, 0], [0, 1]], bool), np.array([[1, 0], [1, 0]], bool))
    (0.5, 0.3333333333333333)
    """
    if truth.shape != guessed.shape or truth.ndim != 2:
        raise InputError(
            f"truth and guessed must both be (n, labels); got {truth.shape} and {guessed.shape}."
        )
    right = (truth & guessed).sum(axis=0)  # (n, labels) -> (labels,)
    either = truth.sum(axis=0) + guessed.sum(axis=0)
    each = 2 * right / np.maximum(either, 1)
    return float(2 * right.sum() / max(int(either.sum()), 1)), float(each.mean())


def _scored(scores: ArrayLike, truth: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    values, true = _finite(scores, "scores"), np.asarray(truth)
    if true.dtype != bool or true.shape != values.shape:
        raise InputError(
            f"truth must be bool, one a score, shape {values.shape}; got {true.dtype} {true.shape}."
        )
    if true.all() or not true.any():
        raise InputError("truth must hold both true and false cases; it holds one kind.")
    return values, true


def _finite(values: ArrayLike, what: str) -> NDArray[np.float64]:
    array = np.asarray(values)
    if array.ndim != 1 or array.dtype.kind not in "fiu":
        raise InputError(
            f"{what} must be a flat array of real numbers; got {array.dtype} {array.shape}."
        )
    if not np.isfinite(array).all():
        raise InputError(f"{what} must be finite; some are NaN or infinite. Leave them out.")
    return array.astype(np.float64)
