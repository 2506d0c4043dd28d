"""Metrics: what "near" means in a space.

A metric is an object, never a string to be tested: it knows its name, whether rows must be of
unit length, and between which values its scores lie. Scores grow with nearness, for every one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from embedry.errors import InputError
from embedry.vectors import as_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["COSINE", "DOT", "EUCLIDEAN", "Metric", "as_metric"]


_SHORTEST = 1e-18  # below, the square of a length is lost to float32
_LONGEST = 1e18  # the square of the length, and any dot product, then fits float32


@dataclass(frozen=True)
class Metric:
    """How two vectors are scored; larger is nearer.

    Attributes
    ----------
    name : str
        ``"cosine"``, ``"dot"`` or ``"euclidean"``.
    unit_rows : bool
        Whether vectors are brought to length 1 first; zero vectors are then refused.
    lowest, highest : float
        The bounds of a score.
    """

    name: str
    unit_rows: bool
    lowest: float
    highest: float
    _block: Callable[[NDArray[np.float32], NDArray[np.float32]], NDArray[np.float32]]
    _each: Callable[[NDArray[np.float32], NDArray[np.float32]], NDArray[np.float32]]

    def prepare(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Bring vectors into the form that `scores` expects.

        Parameters
        ----------
        vectors : ndarray (n, dims), float32

        Returns
        -------
        ndarray (n, dims), float32
            Unit rows for cosine, else ``vectors`` itself.

        Raises
        ------
        InputError
            If a row is zero and must have a direction, or too long for its scores.
        """
        return self.scaled(vectors, self.lengths(vectors))

    def lengths(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return how long vectors are, and check them on the way.

        Parameters
        ----------
        vectors : ndarray (n, dims), float32

        Returns
        -------
        ndarray (n,), float64

        Raises
        ------
        InputError
            As `prepare`.
        """
        lengths: NDArray[np.float64] = np.sqrt(
            np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64)
        )
        if not self.unit_rows:
            long = np.flatnonzero(lengths > _LONGEST)
            if long.size:
                raise InputError(
                    f"A vector of a {self.name} space must be at most {_LONGEST:g} long, or scores "
                    f"leave float32; {long.size} are longer, the first row {long[0]}. Scale them."
                )
            return lengths
        zero = np.flatnonzero(lengths == 0)
        if zero.size:
            raise InputError(
                f"A {self.name} space takes no zero vectors; {zero.size} came, the first in row "
                f"{zero[0]}. Leave those items without a vector."
            )
        return lengths

    def scaled(
        self, vectors: NDArray[np.float32], lengths: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """Do what `prepare` does where the lengths are known, as for some rows of many.

        Parameters
        ----------
        vectors : ndarray (n, dims), float32
        lengths : ndarray (n,), float64
            As `lengths` returns them.

        Returns
        -------
        ndarray (n, dims), float32
            To the bit what `prepare` makes of these rows.
        """
        if not self.unit_rows:
            return vectors
        units = np.empty_like(vectors)
        np.divide(vectors, lengths[:, None], out=units)  # divided in float64, then rounded
        return units

    def prepare_row(self, row: NDArray[np.float32]) -> NDArray[np.float32]:
        """Bring one vector into the form that `scores` expects, and check it on the way.

        Parameters
        ----------
        row : ndarray (dims,), float32

        Returns
        -------
        ndarray (dims,), float32

        Raises
        ------
        InputError
            If it is not finite, or as `prepare`.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            square = float(row.dot(row))  # one product checks all: NaN and infinity fail the next
        if not _SHORTEST**2 < square < _LONGEST**2:
            prepared: NDArray[np.float32] = self.prepare(as_rows(row[None], what="vector"))[0]
            return prepared
        if not self.unit_rows:
            return row
        return np.asarray(row * np.float32(1 / math.sqrt(square)))

    def scores(
        self, queries: NDArray[np.float32], rows: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Score every query with every row, as fast as matrix products go.

        Parameters
        ----------
        queries : ndarray (q, dims), float32
            As `prepare` returns them, as are the rows.
        rows : ndarray (n, dims), float32

        Returns
        -------
        ndarray (q, n), float32
            Right to rounding: equal rows may differ in the last bit. See `exact_scores`.
        """
        return self._block(queries, rows)

    def exact_scores(
        self, query: NDArray[np.float32], rows: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Score one query with each row, always in the same order of additions.

        Parameters
        ----------
        query : ndarray (dims,), float32
        rows : ndarray (n, dims), float32

        Returns
        -------
        ndarray (n,), float32
            Equal rows get equal scores, whatever else is in ``rows``; within the bounds.
        """
        scores = self._each(query, rows)
        if self.unit_rows:
            np.minimum(scores, np.float32(self.highest), out=scores)
            np.maximum(scores, np.float32(self.lowest), out=scores)
        return scores

    def top(
        self, query: NDArray[np.float32], rows: NDArray[np.float32], k: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the k nearest rows of a query, exactly.

        Parameters
        ----------
        query : ndarray (dims,), float32
        rows : ndarray (n, dims), float32
        k : int
            At least 1; k > n gives n.

        Returns
        -------
        places : ndarray (min(k, n),), int64
            Nearest first; ties by place.
        scores : ndarray (min(k, n),), float32

        Notes
        -----
        A matrix product picks the candidates, among them all that rounding may have put below
        the k-th; `exact_scores` decides. O(n dims) time, O(n) memory.
        """
        rough = self.scores(query[None], rows)[0]
        places = candidates(rough, k)
        return self.best_of(query, places, rows[places], k)

    def best_of(
        self,
        query: NDArray[np.float32],
        places: NDArray[np.int64],
        rows: NDArray[np.float32],
        k: int,
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the k nearest of some candidates, by their exact scores.

        Parameters
        ----------
        query : ndarray (dims,), float32
        places : ndarray (c,), int64
            Where the candidates stand, ascending; see `candidates`.
        rows : ndarray (c, dims), float32
            Their vectors.
        k : int

        Returns
        -------
        places : ndarray (min(k, c),), int64
            Nearest first; ties by place.
        scores : ndarray (min(k, c),), float32
        """
        scores = self.exact_scores(query, rows)
        best = np.argsort(-scores, kind="stable")[:k]
        return places[best], scores[best]


def candidates(rough: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Return the places of the k largest scores and of all within rounding of the k-th.

    Parameters
    ----------
    rough : ndarray (n,), float32
        Scores right to rounding.
    k : int

    Returns
    -------
    ndarray (at least min(k, n),), int64
        Ascending.
    """
    if k >= len(rough):
        return np.arange(len(rough))
    kth = np.partition(rough, len(rough) - k)[len(rough) - k]
    largest = float(np.abs(rough).max())  # large products that cancel round as large ones do
    if not math.isfinite(largest):
        return np.arange(len(rough))  # beyond float32: every row is looked at
    return np.flatnonzero(rough >= kth - 1e-5 * max(1.0, largest))


def _dot_block(queries: NDArray[np.float32], rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return queries @ rows.T  # (q, dims) @ (dims, n) -> (q, n)


def _dot_each(query: NDArray[np.float32], rows: NDArray[np.float32]) -> NDArray[np.float32]:
    # row by row: einsum and a matrix product add up in an order that depends on the other rows
    scores: NDArray[np.float32] = np.vecdot(rows, query)
    return scores


def _euclidean_each(query: NDArray[np.float32], rows: NDArray[np.float32]) -> NDArray[np.float32]:
    apart = rows - query  # (n, dims)
    distances: NDArray[np.float32] = np.sqrt(np.vecdot(apart, apart))
    return -distances


_ROWS_AT_ONCE = 4096


def _euclidean_block(
    queries: NDArray[np.float32], rows: NDArray[np.float32]
) -> NDArray[np.float32]:
    # the usual |q|^2 + |r|^2 - 2qr loses near neighbours to cancellation: differences do not
    scores = np.empty((len(queries), len(rows)), np.float32)
    for first in range(0, len(rows), _ROWS_AT_ONCE):
        part = slice(first, first + _ROWS_AT_ONCE)
        for number, query in enumerate(queries):
            scores[number, part] = _euclidean_each(query, rows[part])
    return scores


COSINE = Metric("cosine", True, -1.0, 1.0, _dot_block, _dot_each)
DOT = Metric("dot", False, -np.inf, np.inf, _dot_block, _dot_each)
EUCLIDEAN = Metric("euclidean", False, -np.inf, 0.0, _euclidean_block, _euclidean_each)
_METRICS = {metric.name: metric for metric in (COSINE, DOT, EUCLIDEAN)}


def as_metric(name: str | Metric) -> Metric:
    """Return the metric of a name.

    Parameters
    ----------
    name : {"cosine", "dot", "euclidean"} or Metric

    Returns
    -------
    Metric

    Raises
    ------
    InputError
        If there is no such metric.

    Examples
    --------
    >>> as_metric("cosine").unit_rows, as_metric("dot").highest
    (True, inf)
    """
    if isinstance(name, Metric):
        return name
    if not isinstance(name, str) or name not in _METRICS:
        raise InputError(
            f"metric must be one of {', '.join(_METRICS)}; got {name!r}. Pass one of these names."
        )
    return _METRICS[name]
