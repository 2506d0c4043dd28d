"""The steps that kernels of training share: words kept, windows, targets and their rates.

What it is: inner functions of `sgns`, `subword_sgns` and, the first and the last, of `cbow`, so
that all thin out words and look around in the same way. What it is not: callable from Python,
nor checked: rows are named by the flat offset of their first number.

References
----------
As ``embedry.kernels.sampling.sgns``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from embedry.kernels.compiler import compiled
from embedry.kernels.draws import draw
from embedry.kernels.sampling.plan import GROUP, SLOTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["aim", "look_around", "set_rates", "thin_out"]


@compiled(inline=True)
def thin_out(
    kept: NDArray[np.int64],
    tokens: NDArray[np.int32],
    begin: int,
    end: int,
    keep: NDArray[np.uint32],
    width: int,
    state: NDArray[np.uint64],
) -> Any:
    """Write the flat offsets of the rows of the words that are kept; return how many."""
    count = 0
    for place in range(begin, end):
        word = tokens[place]
        kept[count] = np.int64(word) * width
        count += draw(state) <= np.uint64(keep[word])  # no branch to guess wrongly
    return count


@compiled(inline=True)
def aim(
    targets: NDArray[np.int64],
    start: int,
    centre: int,
    negatives: NDArray[np.int32],
    cursor: int,
    negative: int,
    width: int,
) -> Any:
    """Write the flat offsets of the centre and the next negatives; return the moved cursor."""
    targets[start] = centre
    for target in range(1, negative + 1):
        slot = start + target // GROUP * SLOTS + target % GROUP
        targets[slot] = np.int64(negatives[cursor]) * width
        cursor += 1
        if cursor == negatives.size:
            cursor = 0
    return cursor


@compiled(inline=True)
def set_rates(
    rates: NDArray[np.float32],
    targets: NDArray[np.int64],
    start: int,
    negative: int,
    rate: Any,
) -> None:
    """Give every target the learning rate, and a negative that is the centre none."""
    rates[0] = rate
    for target in range(1, negative + 1):
        slot = target // GROUP * SLOTS + target % GROUP
        rates[slot] = np.float32(0) if targets[start + slot] == targets[start] else rate


@compiled(inline=True)
def look_around(
    around: NDArray[np.int64],
    begin: int,
    kept: NDArray[np.int64],
    count: int,
    position: int,
    reach: int,
    window: int,
) -> Any:
    """Write the rows of the words around the centre from ``begin`` on; return how many.

    Both sides are copied as wide as the window, and what is too much is written over or left
    out of the count: loops of one length are guessed rightly. So ``kept`` and ``around`` must
    have room for a window behind their last word.
    """
    first = position - reach if position > reach else 0
    last = position + reach if position + reach < count else count - 1
    left = position - first
    for place in range(window):
        around[begin + place] = kept[first + place]
    for place in range(window):
        around[begin + left + place] = kept[position + 1 + place]
    return left + last - position
