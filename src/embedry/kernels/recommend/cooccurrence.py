"""Which items are used by the same users, and how strongly: rows of the Gram matrix A'A.

What it is: for a range of items, the sums of products of their columns of the users-by-items
matrix with all columns, from sparse rows: time goes with pairs of pairs, not with users times
items squared. What it is not: a check of the sparse matrix, which `check_csr` is for.

References
----------
Steck 2019, Embarrassingly Shallow Autoencoders for Sparse Data (the Gram matrix of EASE).
Deshpande, Karypis 2004, Item-Based Top-N Recommendation Algorithms, section 4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from embedry.errors import InputError
from embedry.kernels.arrays import check_array, read_only
from embedry.kernels.compiler import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Sparse", "cooccurrences", "cooccurrences_plain"]


class Sparse(NamedTuple):
    """A matrix in compressed rows, as `embedry.kernels.least_squares.check_csr` wants it.

    Attributes
    ----------
    indptr : ndarray (rows + 1,), int64
    indices : ndarray (entries,), int32
    values : ndarray (entries,), float32
    """

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    values: NDArray[np.float32]


def cooccurrences(
    by_user: Sparse, by_item: Sparse, first: int, last: int, out: NDArray[np.float32]
) -> None:
    """Write rows ``first`` to before ``last`` of A'A, A the matrix of users by items.

    Parameters
    ----------
    by_user : Sparse
        A.
    by_item : Sparse
        A', its transpose. Its values may be others: those of the items that rows stand for.
    first, last : int
        Items, ``0 <= first <= last <= items``.
    out : ndarray (last - first, items), float32
        Written to.

    Raises
    ------
    InputError
        If an array has another shape, dtype or order, or ``first`` and ``last`` are outside.

    Notes
    -----
    Time: for each user of these items, the pairs of that user. Sums of whole numbers are exact
    below 2**24.
    """
    _check(by_user, by_item, first, last, out)
    out[:] = 0
    _add(
        read_only(by_user.indptr),
        read_only(by_user.indices),
        read_only(by_user.values),
        read_only(by_item.indptr),
        read_only(by_item.indices),
        read_only(by_item.values),
        int(first),
        int(last),
        out,
    )


def cooccurrences_plain(
    by_user: Sparse, by_item: Sparse, first: int, last: int, out: NDArray[np.float32]
) -> None:
    """Do what `cooccurrences` does, by a dense product in float64.

    Parameters
    ----------
    by_user, by_item, first, last, out
        As `cooccurrences` takes them.

    Raises
    ------
    InputError
        As `cooccurrences` raises it.
    """
    _check(by_user, by_item, first, last, out)
    users, items = len(by_user.indptr) - 1, len(by_item.indptr) - 1
    matrix, columns = np.zeros((users, items)), np.zeros((items, users))
    np.add.at(matrix, (_rows(by_user), by_user.indices), by_user.values)
    np.add.at(columns, (_rows(by_item), by_item.indices), by_item.values)
    out[:] = columns[first:last] @ matrix  # (rows, users) @ (users, items)


def _rows(matrix: Sparse) -> NDArray[np.intp]:
    return np.repeat(np.arange(len(matrix.indptr) - 1), np.diff(matrix.indptr))


def _check(
    by_user: Sparse, by_item: Sparse, first: int, last: int, out: NDArray[np.float32]
) -> None:
    for side in (by_user, by_item):
        check_array("indptr", side.indptr, np.int64)
        check_array("indices", side.indices, np.int32)
        check_array("values", side.values, np.float32)
    check_array("out", out, np.float32, 2)
    items = len(by_item.indptr) - 1
    if not 0 <= first <= last <= items:
        raise InputError(f"0 <= first <= last <= {items} must hold; got {first} and {last}.")
    if out.shape != (last - first, items):
        raise InputError(f"out must have shape {(last - first, items)}; got {out.shape}.")


@compiled
def _add(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    values: NDArray[np.float32],
    item_indptr: NDArray[np.int64],
    users: NDArray[np.int32],
    item_values: NDArray[np.float32],
    first: int,
    last: int,
    out: NDArray[np.float32],
) -> None:
    """Add to one row of ``out`` after the other: it stays in the nearest cache."""
    for item in range(first, last):
        row = out[item - first]
        for entry in range(item_indptr[item], item_indptr[item + 1]):
            user = users[entry]
            weight = item_values[entry]
            for place in range(indptr[user], indptr[user + 1]):
                row[indices[place]] += weight * values[place]
