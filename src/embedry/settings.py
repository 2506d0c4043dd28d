"""Settings that are numbers: checked in one way, with one message."""

from __future__ import annotations

from typing import Any

import numpy as np

from embedry.errors import InputError

__all__ = ["real_number", "whole_number"]


def whole_number(name: str, value: Any, lowest: int, highest: int = 2**31) -> int:
    """Return a setting that must be an int in a range.

    Parameters
    ----------
    name : str
    value : int
    lowest, highest : int

    Returns
    -------
    int

    Raises
    ------
    InputError
        If it is not.
    """
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, (bool, np.timedelta64))
    if not whole or not lowest <= value <= highest:
        raise InputError(f"{name} must be an int in [{lowest}, {highest}]; got {value!r}.")
    return int(value)


def real_number(name: str, value: Any, lowest: float, highest: float) -> float:
    """Return a setting that must be a finite number in a range.

    Parameters
    ----------
    name : str
    value : float
    lowest, highest : float

    Returns
    -------
    float

    Raises
    ------
    InputError
        If it is not.
    """
    real = isinstance(value, (int, float, np.integer, np.floating))
    if not real or isinstance(value, (bool, np.timedelta64)) or not lowest <= value <= highest:
        raise InputError(f"{name} must be a number in [{lowest:g}, {highest:g}]; got {value!r}.")
    return float(value)
