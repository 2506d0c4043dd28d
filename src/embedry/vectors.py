"""Arrays of vectors, checked before anything is done with them.

What it is not: `embedry.Embeddings`, which gives the rows names and a card.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from embedry.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["as_queries", "as_row", "as_rows", "check_k"]

_REAL = "fiu"


def as_rows(
    vectors: ArrayLike, dims: int | None = None, what: str = "vectors"
) -> NDArray[np.float32]:
    """Return vectors as float32 rows.

    Parameters
    ----------
    vectors : array-like (n, dims)
        Real numbers; float64 and ints are rounded to float32.
    dims : int, optional
        The width they must have.
    what : str
        How the message calls them.

    Returns
    -------
    ndarray (n, dims), float32, C-contiguous
        ``vectors`` itself where it already is that.

    Raises
    ------
    InputError
        If rows differ in length, values are not real numbers or not finite in float32, or the
        shape is wrong.
    """
    array = _real(vectors, what)
    if array.ndim != 2 or array.shape[1] == 0 or (dims is not None and array.shape[1] != dims):
        wanted = f"(n, {dims})" if dims is not None else "(n, dims) with dims at least 1"
        raise InputError(f"{what} must have shape {wanted}; got {array.shape}.")
    with np.errstate(over="ignore"):
        rows = np.ascontiguousarray(array, np.float32)
    _check_finite(rows, what)
    return rows


def _real(values: ArrayLike, what: str) -> NDArray[Any]:
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise InputError(f"{what} must all have the same length; {error}.") from error
    if array.dtype.kind not in _REAL:
        raise InputError(
            f"{what} must be real numbers; got dtype {array.dtype}. Pass a float32 array."
        )
    return array


def _check_finite(rows: NDArray[np.float32], what: str) -> None:
    # one pass without a temporary as large as the rows: a sum is finite only if all are
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(rows.sum(dtype=np.float64)):
            return
    wrong = np.flatnonzero(~np.isfinite(rows).all(axis=1))
    if wrong.size:
        raise InputError(
            f"{what} must be finite; {wrong.size} rows hold NaN or infinity, the first is row "
            f"{wrong[0]}. Drop those rows, or find out what made them."
        )


def as_row(vector: ArrayLike, dims: int, what: str = "vector") -> NDArray[np.float32]:
    """Return one vector as a float32 row; see `as_rows`.

    Parameters
    ----------
    vector : array-like (dims,) or (1, dims)
    dims : int
    what : str

    Returns
    -------
    ndarray (dims,), float32

    Raises
    ------
    InputError
        If it is not one finite vector of that width.
    """
    array = _real(vector, what)
    if array.ndim == 1:
        array = array[None]
    if array.ndim != 2 or len(array) != 1:
        raise InputError(f"{what} must be one vector of shape ({dims},); got {array.shape}.")
    row: NDArray[np.float32] = as_rows(array, dims, what)[0]
    return row


def as_queries(
    vectors: ArrayLike, dims: int, what: str = "vector"
) -> tuple[NDArray[np.float32], bool]:
    """Return one vector or several as float32 rows; see `as_rows`.

    Parameters
    ----------
    vectors : array-like (dims,) or (q, dims)
    dims : int
    what : str

    Returns
    -------
    rows : ndarray (q, dims), float32
    single : bool
        Whether one vector came, of shape (dims,); it is then the only row.

    Raises
    ------
    InputError
        If the shape is another, or a number is not real and finite.
    """
    array = _real(vectors, what)
    single = array.ndim == 1
    return (as_row(array, dims, what)[None] if single else as_rows(array, dims, what)), single


def check_k(k: object) -> int:
    """Return ``k`` as an int of at least 1.

    Parameters
    ----------
    k : int

    Returns
    -------
    int

    Raises
    ------
    InputError
        If it is not an int of at least 1.

    Examples
    --------
    >>> check_k(10)
    10
    """
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or k < 1:
        raise InputError(f"k must be an int of at least 1; got {k!r}. Pass k=10 for ten.")
    return int(k)
