"""What every kernel asks of the arrays it is given.

What it is: the refusal of arrays that raw addresses or compiled types would read as something
else, and views that cannot be written to, so that one compiled kernel serves both kinds. What it
is not: a look at the numbers in them, which each kernel checks for itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from embedry.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["check_array", "read_only"]


def check_array(
    name: str, array: NDArray[Any], dtype: type[np.generic], dimensions: int = 1
) -> None:
    """Refuse what a kernel would read as something else.

    Parameters
    ----------
    name : str
        For the message.
    array : ndarray
    dtype : type
        A NumPy type, such as ``np.float32``.
    dimensions : int

    Raises
    ------
    InputError
        If it is no array, of another dtype or number of dimensions, not C-contiguous or not
        aligned.
    """
    good = (
        isinstance(array, np.ndarray)
        and array.dtype == dtype
        and array.ndim == dimensions
        and array.flags.c_contiguous
        and array.flags.aligned
    )
    if not good:
        came = f"{getattr(array, 'dtype', type(array).__name__)} {getattr(array, 'shape', '')}"
        raise InputError(
            f"{name} must be C-contiguous {dtype.__name__} of {dimensions} dimension(s); got "
            f"{came.strip()}. Use np.ascontiguousarray."
        )


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """Return a view that cannot be written to: one kernel serves arrays that may be, and may not.

    Parameters
    ----------
    array : ndarray

    Returns
    -------
    ndarray
        The same memory; ``array`` itself stays as it is.
    """
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view
