"""The micro-kernel of a BPR step: score two items for a user, and move all three.

What it is: an intrinsic that becomes part of the kernel that calls it. Rows are named by the flat
offset of their first number. What it is not: callable from Python, nor checked; what is passed
must lie within the tables.

References
----------
Rendle et al. 2009, figure 4.
"""

from __future__ import annotations

from typing import Any

from numba import extending

from embedry.kernels.emit import LANES, Writer, constant, written

__all__ = ["AHEAD", "learn_pair"]

# An intrinsic is called without the typing context, which Numba's annotation does not say.
intrinsic: Any = extending.intrinsic

AHEAD = 3  # the rows of a pair are asked for while the third before it is learned
BLOCK = 4  # vectors of columns that are scored at once, each with a sum of its own
CACHE_LINE = 16  # float32 numbers


@intrinsic
def learn_pair(
    _typing: Any,
    users: Any,
    items: Any,
    width: Any,
    targets: Any,
    place: Any,
    rate: Any,
    keep: Any,
) -> Any:
    """Step a user, an item used and one not used along the gradient of their order.

    ``targets`` holds their three rows from ``place`` on, and those of the pairs to come. All
    three are shrunk to the part ``keep``.
    """
    return written(_learn_pair, users, items, width, targets, place, rate, keep)


def _learn_pair(
    pen: Writer,
    users: Any,
    items: Any,
    width: Any,
    targets: Any,
    place: Any,
    rate: Any,
    keep: Any,
) -> None:
    rows = pen.wholes(targets, place, 3)
    coming = pen.wholes(targets, pen.sum_of(place, 3 * AHEAD), 3)
    score = _difference(pen, users, items, width, rows)
    gain = pen.steps(score, constant(1.0, LANES), pen.lanes_of(rate))
    kept = pen.lanes_of(keep)
    with pen.loop(0, width, CACHE_LINE) as line:
        for table, row in zip((users, items, items), coming, strict=True):
            pen.prefetch(table, row, line)
        for column in range(0, CACHE_LINE, LANES):
            _move(pen, users, items, rows, pen.sum_of(line, column), gain, kept)


def _difference(pen: Writer, users: Any, items: Any, width: Any, rows: list[Any]) -> Any:
    """Return in all lanes how much higher the user scores the first item than the second."""
    user, item, other = rows
    sums = pen.running_sums(BLOCK)
    for columns, at in pen.blocks(width, BLOCK):
        for own, column in zip(sums[: len(columns)], columns, strict=True):
            here = pen.sum_of(at, column)
            gap = pen.subtract(pen.load(items, item, here), pen.load(items, other, here))
            own.add_product(pen.load(users, user, here), gap)
    return pen.total([own.value for own in sums])


def _move(
    pen: Writer, users: Any, items: Any, rows: list[Any], here: Any, gain: Any, kept: Any
) -> None:
    user, item, other = rows
    mine = pen.load(users, user, here)
    used, unused = pen.load(items, item, here), pen.load(items, other, here)
    along = pen.multiply(gain, mine)
    gap = pen.subtract(used, unused)
    pen.store(pen.fma(gain, gap, pen.multiply(kept, mine)), users, user, here)
    pen.store(pen.fma(kept, used, along), items, item, here)
    pen.store(pen.subtract(pen.multiply(kept, unused), along), items, other, here)
