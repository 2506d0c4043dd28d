"""Frames of others: columns by name, none with a gap.

What it is: the little that pandas, polars, Arrow tables and mappings of columns have in common.
What it is not: a reader of ids, values or times; none of these packages is imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from embedry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["check_frame", "first_gap"]


def check_frame(frame: Any, wanted: Iterable[str], otherwise: str) -> None:
    """Refuse what is no frame, lacks a column, or has a gap in one.

    Parameters
    ----------
    frame : DataFrame, Arrow table, or mapping of str to column
    wanted : iterable of str
        The columns that are asked for.
    otherwise : str
        What to do with what is no frame, for the message: ``"Pass pairs to from_edges."``.

    Raises
    ------
    InputError
        If it is no frame or a LazyFrame, a column is missing, or has a gap: the message names the
        column and the row.
    """
    if type(frame).__name__ == "LazyFrame":
        raise InputError("frame must hold its rows; a LazyFrame does not. Pass frame.collect().")
    if isinstance(frame, str) or not hasattr(frame, "__getitem__"):
        raise InputError(
            f"frame must be a DataFrame, a table or a mapping of columns; got {frame!r:.60}. "
            f"{otherwise}"
        )
    names = _names(frame)
    for name in wanted:
        if name not in names:
            found = ", ".join(map(str, names))
            raise InputError(f"The frame must have a column {name!r}; it has {found}.")
        _check_whole(name, frame[name])


def _names(frame: Any) -> list[Any]:
    """Return what the columns are called: going through a polars frame yields columns."""
    # Arrow says column_names, pandas and polars columns; a mapping gives its keys
    return list(getattr(frame, "column_names", getattr(frame, "columns", frame)))


def _check_whole(name: str, column: Any) -> None:
    place = first_gap(column)
    if place is not None:
        raise InputError(
            f"The frame must be without gaps; column {name!r}, row {place} (from 0) is missing. "
            "Drop the row."
        )


def first_gap(column: Any) -> int | None:
    """Return the place of the first gap: None, NaN, NaT or the NA of pandas.

    Parameters
    ----------
    column : list, array or Series

    Returns
    -------
    int or None
        None where there is no gap.
    """
    values = column
    if not isinstance(column, (list, tuple)):
        array = np.asarray(column)
        values = array.tolist() if array.ndim == 1 and array.dtype.kind in "fOmM" else []
    return next((place for place, value in enumerate(values) if _is_gap(value)), None)


def _is_gap(value: object) -> bool:
    if type(value) in {str, int}:
        return False
    if value is None or type(value).__name__ in {"NAType", "NaTType"}:
        return True
    return isinstance(value, (float, np.floating)) and bool(np.isnan(value))
