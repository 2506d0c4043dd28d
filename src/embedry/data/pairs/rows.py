"""Compressed rows (CSR) of pairs: sorted by user and item, each pair once.

What it is: the arithmetic beneath `embedry.data.interactions.Interactions`; a pair is the number
``row * items + column``, and rows are those numbers in order. What it is not: a check of what
came (see ``columns``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import numpy as np

from embedry.data.history import LARGEST_VALUE
from embedry.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Pairs", "Repeated", "Rows", "check_rows", "compress"]

Repeated: TypeAlias = Literal["add", "latest"]


class Pairs(NamedTuple):
    """Columns of pairs, in any order, with repeats."""

    rows: NDArray[np.int32]
    columns: NDArray[np.int32]
    values: NDArray[np.float32]
    times: NDArray[np.int64] | None

    def chosen(self, places: NDArray[Any]) -> Pairs:
        """Return the pairs at some places, or where a mask is true."""
        times = None if self.times is None else self.times[places]
        return Pairs(self.rows[places], self.columns[places], self.values[places], times)


@dataclass(frozen=True, eq=False)
class Rows:
    """Compressed rows, as in `embedry.data.interactions.Interactions`.

    Attributes
    ----------
    indptr : ndarray (users + 1,), int64
    indices : ndarray (pairs,), int32
    values : ndarray (pairs,), float32
    times : ndarray (pairs,), int64, or None
    merged : int
        Pairs that came again.
    zeros : int
        Pairs that were left out, for their value is 0 after merging.
    """

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    values: NDArray[np.float32]
    times: NDArray[np.int64] | None
    merged: int
    zeros: int


def compress(pairs: Pairs, shape: tuple[int, int], repeated: Repeated = "add") -> Rows:
    """Sort pairs into rows, each once.

    Parameters
    ----------
    pairs : Pairs
    shape : pair of int
        How many users and items.
    repeated : {"add", "latest"}
        The value of a pair that came again: the sum, or the one of the latest time; of equal
        times, or without times, the one that came last. Its time is the latest in both cases.
        A pair whose value is 0 then is left out.

    Returns
    -------
    Rows

    Raises
    ------
    InputError
        If a sum is beyond what a value may be.

    Notes
    -----
    One sort; some 32 bytes a pair beside the pairs, 40 with times.
    """
    keys = pairs.rows.astype(np.int64)
    keys *= max(shape[1], 1)
    keys += pairs.columns
    by_time = repeated == "latest" and pairs.times is not None
    order = np.lexsort((pairs.times, keys)) if by_time else _order(keys)  # type: ignore[arg-type]
    keys = keys[order]
    begins = np.ones(len(keys), bool)
    np.not_equal(keys[1:], keys[:-1], out=begins[1:])
    first = np.flatnonzero(begins)
    values, times = _merged(pairs, order, first, repeated)
    merged, found = len(keys) - len(first), len(first)
    if not values.all():
        used = values > 0
        first, values, times = first[used], values[used], None if times is None else times[used]
    indices = pairs.columns[order[first]]
    counts = np.bincount(pairs.rows[order[first]], minlength=shape[0])
    indptr = np.zeros(shape[0] + 1, np.int64)
    np.cumsum(counts, out=indptr[1:])
    return Rows(indptr, indices, values, times, merged, found - len(first))


def _order(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return what sorts the keys, equal ones as they came.

    Sorting keys with their places in the low bits is several times faster than a stable argsort.
    """
    bits = len(keys).bit_length()
    if int(keys.max(initial=0)).bit_length() + bits > 63:
        return np.argsort(keys, kind="stable")
    packed = keys << bits
    packed |= np.arange(len(keys))
    packed.sort()
    packed &= (1 << bits) - 1
    return packed


def _merged(
    pairs: Pairs, order: NDArray[np.int64], first: NDArray[np.int64], repeated: Repeated
) -> tuple[NDArray[np.float32], NDArray[np.int64] | None]:
    """Return one value and time for each pair; ``first`` are its places in ``order``."""
    values = pairs.values[order]
    times = None if pairs.times is None else pairs.times[order]
    if len(first) == len(order):
        return values, times
    if times is not None:
        times = np.maximum.reduceat(times, first)
    if repeated == "latest":
        return values[np.append(first[1:], len(order)) - 1], times
    return _summed(values, first), times


def _summed(values: NDArray[np.float32], first: NDArray[np.int64]) -> NDArray[np.float32]:
    sums = np.add.reduceat(values.astype(np.float64), first)
    if sums.max(initial=0) > LARGEST_VALUE:
        raise InputError(
            f"Values of a repeated pair are added up and must stay below {LARGEST_VALUE:.0e}; got "
            f"{sums.max():g}. Scale the values down."
        )
    return sums.astype(np.float32)


def check_rows(
    shape: tuple[int, int],
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    values: NDArray[np.float32],
    times: NDArray[np.int64] | None,
) -> None:
    """Refuse arrays that are not the rows of users by items.

    Parameters
    ----------
    shape : pair of int
    indptr, indices, values, times
        As in `Rows`.

    Raises
    ------
    InputError
        If a dtype or length is another, rows do not follow each other, or an item is out of
        range, comes twice in a row or out of order, or a value is not finite and above 0.
    """
    kinds = {"indptr": np.int64, "indices": np.int32, "values": np.float32, "times": np.int64}
    parts = {"indptr": indptr, "indices": indices, "values": values, "times": times}
    for name, part in parts.items():
        wanted = (shape[0] + 1,) if name == "indptr" else (int(np.size(indices)),)
        _check_part(name, part, kinds[name], wanted)
    steps = np.diff(indptr)
    if indptr[0] != 0 or indptr[-1] != len(indices) or (steps < 0).any():
        raise InputError(
            f"indptr must lead from 0 to {len(indices)}, the number of pairs, and never back. "
            "Make Interactions with from_triples or from_scipy."
        )
    owners = np.repeat(np.arange(shape[0]), steps)
    rising = (np.diff(indices) > 0) | (np.diff(owners) > 0)
    inside = (indices >= 0) & (indices < shape[1])
    if not (rising.all() and inside.all()):
        raise InputError(
            f"The items of a user must be in [0, {shape[1]}), ascending, each once. Make "
            "Interactions with from_triples or from_scipy, which sort them."
        )
    if not ((values > 0) & (values <= LARGEST_VALUE)).all():
        raise InputError(f"Values must be above 0 and at most {LARGEST_VALUE:g}. Leave out zeros.")


def _check_part(name: str, part: object, kind: type, wanted: tuple[int, ...]) -> None:
    if part is None and name == "times":
        return
    if not isinstance(part, np.ndarray) or part.dtype != kind or part.shape != wanted:
        raise InputError(
            f"{name} must be an array of {np.dtype(kind)}, shape {wanted}; got "
            f"{getattr(part, 'dtype', type(part).__name__)} {getattr(part, 'shape', '')}."
        )
