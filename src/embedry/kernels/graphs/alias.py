"""Alias tables: neighbours drawn in proportion to their weights, in constant time.

A row of d weights becomes d slots of equal share. Each slot holds its own neighbour and the rest
of another's: a draw picks a slot, then one of the two. What it is not: a check of the weights;
see ``embedry.kernels.graphs.walks``.

References
----------
M. D. Vose, "A linear algorithm for generating random numbers with a given distribution", 1991.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from embedry.kernels.compiler import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["alias_shares", "alias_table"]

_FULL = 0xFFFFFFFF


def alias_table(indptr: NDArray[np.int64], weights: NDArray[np.float32]) -> NDArray[np.uint32]:
    """Lay out the alias slots of every row.

    Parameters
    ----------
    indptr : ndarray (rows + 1,), int64
    weights : ndarray (arcs,), float32
        Above 0.

    Returns
    -------
    ndarray (arcs, 2), uint32
        Slot j of a row stands for its own arc where 32 random bits are at most ``[j, 0]``, else
        for the arc at place ``[j, 1]`` of the row.

    Notes
    -----
    8 bytes an arc, read in one cache line; O(arcs) time. With random weights on BlogCatalog,
    walks take a seventh of the time of binary search in cumulated weights; on a million nodes
    and ten million edges, a quarter.
    """
    table = np.empty((len(weights), 2), np.uint32)
    longest = int(np.diff(indptr).max(initial=0))
    room = np.empty(longest), np.empty(longest, np.int64), np.empty(longest, np.int64)
    _fill(indptr, weights, table, *room)
    return table


@compiled
def _fill(
    indptr: NDArray[np.int64],
    weights: NDArray[np.float32],
    table: NDArray[np.uint32],
    left: NDArray[np.float64],
    small: NDArray[np.int64],
    large: NDArray[np.int64],
) -> None:
    """Fill each slot below the mean with the rest of one above it (Vose 1991)."""
    for row in range(indptr.size - 1):
        begin = indptr[row]
        degree = indptr[row + 1] - begin
        total = 0.0
        for slot in range(degree):
            total += weights[begin + slot]
        smalls = larges = 0
        for slot in range(degree):
            left[slot] = weights[begin + slot] / total * degree
            table[begin + slot, 0] = _FULL
            table[begin + slot, 1] = slot
            if left[slot] < 1:
                small[smalls] = slot
                smalls += 1
            else:
                large[larges] = slot
                larges += 1
        while smalls and larges:  # what is left over at the end is 1 but for rounding
            smalls -= 1
            less, more = small[smalls], large[larges - 1]
            table[begin + less, 0] = min(max(round(left[less] * 2.0**32) - 1, 0), _FULL)
            table[begin + less, 1] = more
            left[more] -= 1 - left[less]
            if left[more] < 1:
                larges -= 1
                small[smalls] = more
                smalls += 1


def alias_shares(table: NDArray[np.uint32]) -> NDArray[np.float64]:
    """Return the probability of each arc of one row of alias slots, (d,) float64: the oracle."""
    own = (table[:, 0].astype(np.float64) + 1) / 2.0**32
    shares = own + np.bincount(table[:, 1], 1 - own, minlength=len(table))
    return shares / len(table)
