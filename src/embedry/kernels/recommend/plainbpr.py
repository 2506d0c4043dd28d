"""Steps of Bayesian personalised ranking in plain NumPy: the oracle of the compiled ones.

What it is: what `kernels.recommend.bpr.train` does, with the same groups, order, draws and steps,
some thousand times slower. What it is not: fast.

References
----------
As in ``embedry.kernels.recommend.bpr``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from embedry.kernels.draws import draw_many
from embedry.kernels.recommend.bpr import GOLDEN, GROUP, bitmap_size, check_training

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["train_plain"]


def train_plain(
    users: NDArray[np.float32],
    items: NDArray[np.float32],
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    order: NDArray[np.int64],
    rate: float,
    regularization: float,
    state: NDArray[np.uint64],
) -> int:
    """Do what `embedry.kernels.recommend.bpr.train` does, in plain NumPy.

    Parameters
    ----------
    users, items, indptr, indices, order, rate, regularization, state
        As `train` takes them.

    Returns
    -------
    int
        As `train` returns it.

    Raises
    ------
    InputError
        As `train` raises it.
    """
    check_training(users, items, indptr, indices, order, rate, regularization, state)
    longest = max((int(indptr[user + 1] - indptr[user]) for user in order), default=0)
    bits = bitmap_size(max(GROUP, longest))
    learned = 0
    for group in _groups(indptr, order):
        salt = _draw(state, 2**64)
        pairs = [(user, item) for user in group for item in _used(indptr, indices, user)]
        marked = {_hash(*pair, salt, bits) for pair in pairs}
        for last in range(len(pairs) - 1, 0, -1):
            other = _draw(state, last + 1)
            pairs[last], pairs[other] = pairs[other], pairs[last]
        for user, item in pairs:
            other = _draw(state, len(items))
            if _hash(user, other, salt, bits) not in marked:
                _step(users, items, (user, item, other), rate, 1 - rate * regularization)
                learned += 1
    return learned


def _groups(indptr: NDArray[np.int64], order: NDArray[np.int64]) -> Iterator[list[int]]:
    """Yield users whose pairs are learned together."""
    group: list[int] = []
    size = 0
    for user in order.tolist():
        more = int(indptr[user + 1] - indptr[user])
        if size and size + more > GROUP:
            yield group
            group, size = [], 0
        group.append(user)
        size += more
    if group:
        yield group


def _used(indptr: NDArray[np.int64], indices: NDArray[np.int32], user: int) -> list[int]:
    used: list[int] = indices[indptr[user] : indptr[user + 1]].tolist()
    return used


def _draw(state: NDArray[np.uint64], bound: int) -> int:
    """Return a number in [0, bound)."""
    return int(draw_many(state, 1)[0]) * bound >> 64


def _hash(user: int, item: int, salt: int, bits: int) -> int:
    """Return the bit of a pair."""
    mixed = ((user << 32 | item) ^ salt) * GOLDEN % 2**64
    return mixed * bits >> 64


def _step(
    users: NDArray[np.float32],
    items: NDArray[np.float32],
    rows: tuple[int, int, int],
    rate: float,
    keep: float,
) -> None:
    """Move a user, an item used and one that was not (figure 4)."""
    user, item, other = rows
    mine, used, unused = users[user].copy(), items[item].copy(), items[other].copy()
    gain = np.float32(rate / (1 + np.exp(float(mine @ (used - unused)))))
    users[user] = np.float32(keep) * mine + gain * (used - unused)
    items[item] = np.float32(keep) * used + gain * mine
    items[other] = np.float32(keep) * unused - gain * mine
