"""Products of all rows with all rows, added to a large matrix block by block.

What it is: X X' for rows that may be mostly zeros, as tags are, or dense, as vectors of texts
are; whichever way is the quicker is taken. What it is not: a sparse matrix; the rows are dense.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embedry.kernels.recommend.cooccurrence import Sparse

__all__ = ["add_products"]

_BLOCK = 256  # rows of the matrix that are added to at a time
_SPARSE = 16  # a product of two entries by the kernel takes as long as so many in a dense product


def add_products(matrix: NDArray[np.float64], rows: NDArray[np.float32]) -> None:
    """Add the products of all rows with all rows to a matrix.

    Parameters
    ----------
    matrix : ndarray (n, n), float64
        Written to.
    rows : ndarray (n, dims), float32

    Notes
    -----
    Sums are in float32. Time: the squares of how many rows have an entry in each column, or
    ``n**2 * dims / 16``, whichever is less. Memory: 1 kB a row, and 24 bytes an entry.
    """
    pairs = np.count_nonzero(rows, axis=0).astype(np.float64) ** 2
    if pairs.sum() < rows.size * len(rows) / _SPARSE:
        _add_sparse(matrix, rows)
        return
    for first in range(0, len(rows), _BLOCK):
        # (block, dims) @ (dims, n) -> (block, n)
        matrix[first : first + _BLOCK] += rows[first : first + _BLOCK] @ rows.T


def _add_sparse(matrix: NDArray[np.float64], rows: NDArray[np.float32]) -> None:
    from embedry.kernels.recommend.cooccurrence import cooccurrences

    columns, own = _sparse(rows.T), _sparse(rows)
    block = np.empty((min(_BLOCK, len(rows)), len(rows)), np.float32)
    for first in range(0, len(rows), _BLOCK):
        last = min(first + _BLOCK, len(rows))
        cooccurrences(columns, own, first, last, block[: last - first])
        matrix[first:last] += block[: last - first]


def _sparse(rows: NDArray[np.float32]) -> Sparse:
    from embedry.kernels.recommend.cooccurrence import Sparse

    owners, places = np.nonzero(rows)
    indptr = np.zeros(len(rows) + 1, np.int64)
    np.cumsum(np.bincount(owners, minlength=len(rows)), out=indptr[1:])
    return Sparse(indptr, places.astype(np.int32), np.ascontiguousarray(rows[owners, places]))
