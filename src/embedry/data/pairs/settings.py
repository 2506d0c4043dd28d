"""Numbers that say how pairs are chosen or split: shares, and the least value.

What it is: Python's and NumPy's numbers alike, as floats. What it is not: a check of values of
pairs (see ``columns``).
"""

from __future__ import annotations

from math import isfinite

import numpy as np

from embedry.errors import InputError

__all__ = ["check_finite", "check_share"]


def check_finite(name: str, value: object, such_as: float) -> float:
    """Return a finite number as a float.

    Parameters
    ----------
    name : str
        What it is called, for the message.
    value : int, float, or one of NumPy's
    such_as : float
        An example, for the message.

    Returns
    -------
    float

    Raises
    ------
    InputError
        If it is anything else, a bool too.

    Examples
    --------
    >>> check_finite("least", np.int64(4), 4)
    4.0
    """
    if not _is_number(value) or not isfinite(value):  # type: ignore[arg-type]
        raise InputError(f"{name} must be a finite number, such as {such_as:g}; got {value!r}.")
    return float(value)  # type: ignore[arg-type]


def check_share(name: str, value: object, such_as: float = 0.2) -> float:
    """Return a share as a float.

    Parameters
    ----------
    name : str
        What it is called, for the message.
    value : float, or one of NumPy's
    such_as : float
        An example, for the message.

    Returns
    -------
    float
        In (0, 1).

    Raises
    ------
    InputError
        If it is anything else.
    """
    if not _is_number(value) or not 0 < value < 1:  # type: ignore[operator]
        raise InputError(f"{name} must be a share in (0, 1), such as {such_as:g}; got {value!r}.")
    return float(value)  # type: ignore[arg-type]


def _is_number(value: object) -> bool:
    right = isinstance(value, (int, float, np.integer, np.floating))
    return right and not isinstance(value, (bool, np.timedelta64))
