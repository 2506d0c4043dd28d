"""What two bags that learn side by side learn from: their targets, and the rate of each.

What it is: the compiled inner functions of `kernels.sampling.cbow`, which become part of it.
Two bags, a *couple*, share the negatives that are drawn for them, so that each row of a negative
is fetched once for two. Rows are named by the flat offset of their first number. What it is not:
a check; what is passed must lie within the tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from embedry.kernels.compiler import compiled
from embedry.kernels.sampling.plan import COUPLE_GROUP, SLOTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["aim_couple", "set_couple_rates"]


@compiled(inline=True)
def aim_couple(
    targets: NDArray[np.int64],
    start: int,
    centre: int,
    partner: int,
    negatives: NDArray[np.int32],
    cursor: int,
    negative: int,
    width: int,
) -> Any:
    """Write the rows of both centres and of the next negatives; return the moved cursor."""
    targets[start] = centre
    targets[start + 1] = partner
    for group in range((negative + 1) // COUPLE_GROUP + 1):
        at = start + group * SLOTS
        rest = negative + 2 - group * COUPLE_GROUP
        for slot in range(0 if group else 2, rest if rest < COUPLE_GROUP else COUPLE_GROUP):
            targets[at + slot] = np.int64(negatives[cursor]) * width
            cursor += 1
            if cursor == negatives.size:
                cursor = 0
    return cursor


@compiled(inline=True)
def set_couple_rates(
    rates: NDArray[np.float32],
    labels: NDArray[np.float32],
    targets: NDArray[np.int64],
    start: int,
    negative: int,
    rate: Any,
    coupled: bool,
    nobody: int,
) -> None:
    """Give both bags the rate of each target; none where it must not learn.

    That is the centre of the other bag, and a negative that is its own centre. A target that is
    there twice in a group gets the sum of its rates where it is first; where it is again stands
    ``nobody``, the row of zeros. So each row of a group is read and written once. Without a
    second bag all its rates are none.
    """
    nothing = np.float32(0)
    beside = rate if coupled else nothing
    one, other = targets[start], targets[start + 1]
    alike = one == other
    if alike or not coupled:
        targets[start + 1] = nobody
    labels[SLOTS] = np.float32(1) if alike else nothing
    rates[0] = rate
    rates[1] = nothing
    rates[SLOTS] = beside if alike else nothing
    rates[SLOTS + 1] = nothing if alike else beside
    for group in range((negative + 1) // COUPLE_GROUP + 1):
        at = start + group * SLOTS
        to = 2 * group * SLOTS
        rest = negative + 2 - group * COUPLE_GROUP
        for slot in range(0 if group else 2, rest if rest < COUPLE_GROUP else COUPLE_GROUP):
            row = targets[at + slot]
            place = slot
            for earlier in range(slot):
                if targets[at + earlier] == row:
                    place = earlier
                    targets[at + slot] = nobody
                    break
            rates[to + slot] = nothing
            rates[to + slot + SLOTS] = nothing
            rates[to + place] += nothing if row == one else rate
            rates[to + place + SLOTS] += nothing if row == other else beside
