"""A history: what somebody has used, and how strongly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from embedry.errors import InputError
from embedry.ids import Id, check_ids, check_unique

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["LARGEST_VALUE", "check_history"]

LARGEST_VALUE = 1e12  # beyond, a confidence has no meaning left, and squares leave float32


def check_history(
    history: Mapping[Id, float] | Iterable[Id], *, may_be_empty: bool = False
) -> dict[Id, float]:
    """Return a history as a value for each item.

    Parameters
    ----------
    history : iterable of str or int, or mapping of id to value
        Read once; a value of 1 each unless given.
    may_be_empty : bool
        Take one without an item, too.

    Returns
    -------
    dict of str or int to float
        In the order given.

    Raises
    ------
    InputError
        If it is empty and must not be, an item comes twice or is no id, or a value is not a number
        in (0, 1e12].

    Examples
    --------
    >>> check_history(["json", "csv"])
    {'json': 1.0, 'csv': 1.0}
    """
    ids = check_ids(history)
    if not ids and not may_be_empty:
        raise InputError("A history must hold at least one item; got none.")
    check_unique(ids, "the items of a history")
    given = list(history.values()) if isinstance(history, Mapping) else [1.0] * len(ids)
    return {id: _check_value(id, value) for id, value in zip(ids, given, strict=True)}


def _check_value(id: Id, value: object) -> float:
    number = isinstance(value, (int, float, np.integer, np.floating))
    if not number or isinstance(value, (bool, np.timedelta64)) or not 0 < value <= LARGEST_VALUE:  # type: ignore[operator]
        raise InputError(
            f"The values of a history must be above 0 and at most {LARGEST_VALUE:g}; got {value!r} "
            f"for {id!r}. Leave out what was not used."
        )
    return float(value)  # type: ignore[arg-type]
