"""The inverse of a large symmetric positive definite matrix, in place, by halves.

What it is: the inverse of [[P, Q], [Q', S]] from those of P and of its Schur complement
S - Q' inv(P) Q, down to blocks that NumPy inverts: nearly all of it is matrix products, half the
work of a general inverse. What it is not: safe for matrices that are not positive definite.

References
----------
Golub, Van Loan 2013, Matrix Computations, section 3.2.11 and exercise 2.1.3 (block inversion).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["invert"]

_SMALLEST = 256  # below, NumPy's inverse is as fast


def invert(matrix: NDArray[np.float64], smallest: int = _SMALLEST) -> None:
    """Replace a symmetric positive definite matrix by its inverse.

    Parameters
    ----------
    matrix : ndarray (n, n), float64
        Written to.
    smallest : int
        Blocks up to this size go to NumPy, at least 1.

    Notes
    -----
    Some ``4/3 n**3`` floating-point operations; memory beside the matrix ``2 * n**2`` bytes.
    Accurate to the condition number times the rounding of float64.
    """
    half = len(matrix) // 2
    if len(matrix) <= smallest:
        matrix[:] = np.linalg.inv(matrix)
        return
    first, corner, second = matrix[:half, :half], matrix[:half, half:], matrix[half:, half:]
    invert(first, smallest)
    carried = first @ corner  # (half, half) @ (half, rest) -> (half, rest)
    second -= corner.T @ carried
    invert(second, smallest)
    np.matmul(carried, second, out=corner)
    first += corner @ carried.T
    np.negative(corner, out=corner)
    matrix[half:, :half] = corner.T
