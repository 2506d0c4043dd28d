"""Columns of users, items, values and times, checked as they come.

What it is: what turns lists, arrays, Series and Arrow columns into numbers, and refuses by row
what is none. What it is not: a reader of files.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from embedry.data.graphs.numbering import as_column, number_column
from embedry.data.history import LARGEST_VALUE
from embedry.data.pairs.rows import Pairs, Repeated
from embedry.data.tables.frames import first_gap
from embedry.errors import InputError
from embedry.ids import Id, check_id, check_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import ArrayLike, NDArray

__all__ = ["ZERO", "as_pairs", "as_times", "as_values", "check_repeated", "number_ids"]

ZERO = "value of zero"


def number_ids(ids: Iterable[Id], side: str) -> tuple[tuple[Id, ...], NDArray[np.int32]]:
    """Give each distinct id a number, in order of first appearance.

    Parameters
    ----------
    ids : iterable of str or int, n of them
        An array of integers never becomes Python objects.
    side : str
        What they are, for the message: ``"users"``.

    Returns
    -------
    ids : tuple of str or int
    codes : ndarray (n,), int32

    Raises
    ------
    InputError
        If one is no id, or missing: the message names the row.
    """
    if isinstance(ids, (str, bytes)) or not hasattr(ids, "__iter__"):
        check_ids(ids)  # says why not
    column = as_column(ids)
    try:
        return number_column(column)
    except InputError as error:
        raise _refused(column, side) or error from error


def _refused(column: Iterable[object], side: str) -> InputError | None:
    """Say which row of a column is no id, and why; a gap first, for it makes floats of ints."""
    values = list(column)
    gap = first_gap(values)
    if gap is not None:
        return InputError(
            f"{side} must be without gaps; row {gap} (from 0) is missing. Drop the row."
        )
    for row, value in enumerate(values):
        try:
            check_id(value)
        except InputError as error:
            return InputError(f"{side}, row {row} (from 0): {error}")
    return None


def as_pairs(
    rows: NDArray[np.int32],
    columns: NDArray[np.int32],
    values: ArrayLike | None,
    times: ArrayLike | None,
    named: Callable[[int], str] = "row {}".format,
    repeated: Repeated = "add",
) -> tuple[Pairs, dict[str, int]]:
    """Check values and times, and leave out what was not used.

    Parameters
    ----------
    rows, columns : ndarray (n,), int32
    values : array-like (n,) or None
        Finite, not negative; 1 each for None.
    times : array-like (n,) or None
        As in `as_times`.
    named : callable
        How messages call the pair at a place.
    repeated : {"add", "latest"}
        With ``"latest"``, zeros stay: one that came later takes a pair back, which `compress`
        does.

    Returns
    -------
    pairs : Pairs
        Those of value above 0; with ``"latest"``, all.
    dropped : dict of str to int
        How many of value 0 were left out, if any.

    Raises
    ------
    InputError
        If a length is another, a value or time is none (the message names the row), or
        ``repeated`` is none of these.
    """
    check_repeated(repeated)
    strengths = as_values(values, len(rows), named)
    seconds = None if times is None else as_times(times, len(rows), named)
    pairs = Pairs(rows, columns, strengths, seconds)
    keep = strengths > 0
    if repeated == "latest" or keep.all():
        return pairs, {}
    return pairs.chosen(keep), {ZERO: int(np.count_nonzero(~keep))}


def as_values(
    values: ArrayLike | None, count: int, named: Callable[[int], str] = "row {}".format
) -> NDArray[np.float32]:
    """Return values as float32.

    Parameters
    ----------
    values : array-like (n,) or None
        1 each for None.
    count : int
        How many there must be.
    named : callable
        How messages call the pair at a place.

    Returns
    -------
    ndarray (n,), float32
        At least 0 and at most 1e12.

    Raises
    ------
    InputError
        If there are more or fewer, or one is no such number.
    """
    if values is None:
        return np.ones(count, np.float32)
    array = _as_floats(np.asarray(values), named)
    if array.shape != (count,):
        raise InputError(f"values must have shape ({count},), one a pair; got {array.shape}.")
    _check_values(array, named)
    return array


def _as_floats(given: NDArray[Any], named: Callable[[int], str]) -> NDArray[np.float32]:
    if given.dtype.kind not in "biufO":
        raise InputError(f"values must be numbers; got dtype {given.dtype}. Convert them.")
    if given.dtype.kind == "O" and given.ndim == 1:
        for place, value in enumerate(given):
            _check_number(value, named(place))
    try:
        with np.errstate(over="ignore"):  # what is too large for float32 is refused as infinite
            return given.astype(np.float32)
    except (TypeError, ValueError) as error:
        raise InputError(f"values must be numbers; {error}. Convert them.") from error


def _check_number(value: object, where: str) -> None:
    """Refuse what float() fails at, and text, which it would read."""
    try:
        if isinstance(value, (str, bytes)):
            raise TypeError("text is no number")
        if value is not None:  # which is refused as NaN
            float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(
            f"values must be numbers, at most {LARGEST_VALUE:g}; got {value!r:.40} in {where}: "
            f"{error}. Convert them."
        ) from error


def _check_values(values: NDArray[np.float32], named: Callable[[int], str]) -> None:
    wrong = np.flatnonzero(~((values >= 0) & (values <= LARGEST_VALUE)))
    if wrong.size:
        first = int(wrong[0])
        raise InputError(
            f"values must be finite, not negative and at most {LARGEST_VALUE:g}; {wrong.size} are "
            f"not, the first in {named(first)}: {values[first]}. Drop those rows, or shift and "
            "scale them."
        )


def as_times(
    times: ArrayLike, count: int, named: Callable[[int], str] = "row {}".format
) -> NDArray[np.int64]:
    """Return times as seconds since 1970, UTC.

    Parameters
    ----------
    times : array-like (n,)
        Whole numbers; NumPy's datetime64, taken for UTC; or datetimes that know their zone. What
        is finer than a second is cut to the second before.
    count : int
        How many there must be.
    named : callable
        How messages call the pair at a place.

    Returns
    -------
    ndarray (n,), int64

    Raises
    ------
    InputError
        If there are more or fewer, or one is missing or no time.
    """
    given = np.asarray(times)
    if given.shape != (count,):
        raise InputError(f"times must have shape ({count},), one a pair; got {given.shape}.")
    if given.dtype.kind == "O":
        return np.array([_second(value, named(i)) for i, value in enumerate(given)], np.int64)
    if given.dtype.kind == "M":
        _check_times(~np.isnat(given), given, named)
        return given.astype("datetime64[s]").astype(np.int64)
    if given.dtype.kind not in "iuf":
        raise InputError(
            f"times must be whole seconds or datetimes; got dtype {given.dtype}. Read text with "
            "pandas.to_datetime(..., utc=True)."
        )
    whole = (np.abs(given.astype(np.float64)) < 2.0**63) & (given == np.floor(given))
    _check_times(whole, given, named)
    return given.astype(np.int64)


def _check_times(
    right: NDArray[np.bool_], times: NDArray[Any], named: Callable[[int], str]
) -> None:
    wrong = np.flatnonzero(~right)
    if wrong.size:
        first = int(wrong[0])
        raise InputError(
            f"times must be whole seconds, none missing; {wrong.size} are not, the first in "
            f"{named(first)}: {times[first]}. Drop those rows, or round them."
        )


def _second(value: object, where: str) -> int:
    """Return the second of a datetime or a whole number."""
    if isinstance(value, (int, np.integer)) and not isinstance(value, (bool, np.timedelta64)):
        if -(2**63) <= value < 2**63:
            return int(value)
        raise InputError(
            f"times must be whole seconds that fit 64 bits; got {value} in {where}. Drop the row, "
            "or divide what is finer."
        )
    is_missing = value != value  # noqa: PLR0124  (NaN and NaT alone)
    if isinstance(value, datetime) and not is_missing and value.tzinfo is not None:
        return int(value.timestamp() // 1)
    raise InputError(
        "times must be whole seconds, or datetimes that know their zone; got "
        f"{value!r} in {where}. Pass .replace(tzinfo=datetime.UTC) if it is UTC."
    )


def check_repeated(repeated: Repeated) -> None:
    """Refuse what is no way to make one pair of several.

    Parameters
    ----------
    repeated : {"add", "latest"}

    Raises
    ------
    InputError
        If it is anything else.
    """
    if repeated not in get_args(Repeated):
        raise InputError(f"repeated must be 'add' or 'latest'; got {repeated!r}.")
