"""Rows of columns in compressed form: found by names, picked, and put together.

What it is: the arithmetic of `embedry.trust.evaluate.recommenders.task`, where users are rows and
items are columns of one model. What it is not: interactions; rows here have no names and no
values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from embedry.ids import Id

__all__ = ["named", "parts_of", "picked", "places_of", "starts_of", "together", "within"]

_NUMBERS_AT_ONCE = 2**21

_Number = TypeVar("_Number", bound=np.generic)


def places_of(ids: Sequence[Id], among: Sequence[Id]) -> NDArray[np.int64]:
    """Return where each id is among others, (ids,), -1 where it is not.

    Parameters
    ----------
    ids, among : sequence of ids
    """
    if ids is among:
        return np.arange(len(ids))
    places = {id: place for place, id in enumerate(among)}
    return np.fromiter((places.get(id, -1) for id in ids), np.int64, len(ids))


def parts_of(rows: int, width: int) -> Iterator[slice]:
    """Yield parts of so many rows, in order, each of some two million numbers at most.

    Parameters
    ----------
    rows : int
    width : int
        How many numbers there are in a row.
    """
    step = max(1, _NUMBERS_AT_ONCE // max(width, 1))
    for first in range(0, rows, step):
        yield slice(first, min(first + step, rows))


def named(ids: tuple[Id, ...], places: NDArray[np.int64]) -> tuple[Id, ...]:
    """Return the ids at some places.

    Parameters
    ----------
    ids : tuple of ids
    places : ndarray (n,), int64
    """
    return tuple(ids[place] for place in places.tolist())


def within(keys: NDArray[np.int64], ascending: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which keys are in a sorted array.

    Parameters
    ----------
    keys : ndarray, int64
    ascending : ndarray (n,), int64
    """
    if not ascending.size:
        return np.zeros(keys.shape, np.bool_)
    places = np.minimum(np.searchsorted(ascending, keys), len(ascending) - 1)
    return np.asarray(ascending[places] == keys)


def starts_of(rows: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return where each row begins, (count + 1,), of entries sorted by row.

    Parameters
    ----------
    rows : ndarray (entries,), int64
    count : int
        How many rows there are.
    """
    starts = np.zeros(count + 1, np.int64)
    np.cumsum(np.bincount(rows, minlength=count), out=starts[1:])
    return starts


def picked(
    starts: NDArray[np.int64], entries: NDArray[_Number], rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[_Number]]:
    """Return some of compressed rows: where they begin, (n + 1,), and their entries.

    Parameters
    ----------
    starts, entries : ndarray (rows + 1,), int64, and (entries,)
    rows : ndarray (n,), int64
        -1 gives an empty row.
    """
    lengths = np.where(rows >= 0, starts[rows + 1] - starts[rows], 0)
    begins = np.zeros(len(rows) + 1, np.int64)
    np.cumsum(lengths, out=begins[1:])
    places = np.arange(begins[-1]) + np.repeat(starts[rows] - begins[:-1], lengths)
    return begins, entries[places]


def together(
    one: tuple[NDArray[np.int64], NDArray[np.int32]],
    other: tuple[NDArray[np.int64], NDArray[np.int32]],
    width: int,
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return the columns that are in either of two, row by row, each once and ascending.

    Parameters
    ----------
    one, other : tuple of ndarray (rows + 1,), int64, and (entries,), int32
        Of equally many rows.
    width : int
        How many columns there are.
    """
    rows = len(one[0]) - 1
    owners = [np.repeat(np.arange(rows), np.diff(starts)) for starts, _ in (one, other)]
    keys = [owner * width + side[1] for owner, side in zip(owners, (one, other), strict=True)]
    owner, column = np.divmod(np.unique(np.concatenate(keys)), max(width, 1))
    return starts_of(owner, rows), column.astype(np.int32)
