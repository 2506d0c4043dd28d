"""Sums of rows: the vectors of all that each user used, added up.

What it is: one compiled pass over the pairs, and the same in plain NumPy. What it is not: a
check of the pairs; call `check_csr` once before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from embedry.errors import InputError
from embedry.kernels.arrays import check_array, read_only
from embedry.kernels.compiler import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["row_sums", "row_sums_plain"]


def row_sums(
    items: NDArray[np.float32], indptr: NDArray[np.int64], indices: NDArray[np.int32]
) -> NDArray[np.float32]:
    """Return the sum of each user's items.

    Parameters
    ----------
    items : ndarray, shape (m, dims), float32
    indptr : ndarray, shape (n + 1,), int64
    indices : ndarray, shape (pairs,), int32
        What each user used, passed by `check_csr` with the shape (n, m).

    Returns
    -------
    ndarray, shape (n, dims), float32
        Added up in the order of the pairs; zeros for a user without one.

    Raises
    ------
    InputError
        If an array has another dtype, order or number of dimensions, or ``indptr`` ends
        elsewhere than the pairs.

    Notes
    -----
    Time: pairs * dims additions. NumPy's ``add.reduceat`` takes some twenty times as long.
    """
    check_array("items", items, np.float32, 2)
    check_array("indptr", indptr, np.int64)
    check_array("indices", indices, np.int32)
    if not len(indptr) or indptr[-1] != len(indices):
        raise InputError(
            f"indptr must end with the {len(indices)} pairs. Pass the arrays of one matrix."
        )
    sums = np.zeros((len(indptr) - 1, items.shape[1]), np.float32)
    _add_up(read_only(items), read_only(indptr), read_only(indices), sums)
    return sums


def row_sums_plain(
    items: NDArray[np.float32], indptr: NDArray[np.int64], indices: NDArray[np.int32]
) -> NDArray[np.float32]:
    """Do what `row_sums` does, in plain NumPy.

    Parameters
    ----------
    items, indptr, indices
        As `row_sums` takes them.

    Returns
    -------
    ndarray, shape (n, dims), float32
    """
    sums = np.zeros((len(indptr) - 1, items.shape[1]), np.float32)
    np.add.at(sums, np.repeat(np.arange(len(sums)), np.diff(indptr)), items[indices])
    return sums


@compiled
def _add_up(
    items: NDArray[np.float32],
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    sums: NDArray[np.float32],
) -> None:
    for user in range(sums.shape[0]):
        for entry in range(indptr[user], indptr[user + 1]):
            item = indices[entry]
            for column in range(sums.shape[1]):
                sums[user, column] += items[item, column]
