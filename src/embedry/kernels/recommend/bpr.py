"""Steps of Bayesian personalised ranking: what somebody used against what they did not.

What it is: one compiled pass over the pairs of some users, `train`; the same in plain NumPy lies
beside it, in ``plainbpr``. What it is not: a learner (see ``embedry.learn``), nor a check of the
pairs: the learner calls `check_csr` once before it trains.

Users are taken in groups of some thousand pairs, so that their vectors stay in the CPU's cache.
Within a group each pair comes once, in random order, with an item drawn evenly from all. Whether
the user has used that item too is not looked up: a bitmap of hashes, small enough for the
innermost cache, says no or perhaps, and where it says perhaps the pair is passed over. That
loses at most one in 32 of the pairs that could be learned, others in each pass. A binary search
for each pair takes longer than all the rest. Rows of the pairs to come are asked for while one
is learned.

References
----------
S. Rendle, C. Freudenthaler, Z. Gantner, L. Schmidt-Thieme, "BPR: Bayesian personalized ranking
from implicit feedback", 2009, figure 4 (the step). B. Bloom, "Space/time trade-offs in hash
coding with allowable errors", 1970 (the bitmap). B. Recht, C. Re, S. Wright, F. Niu, "Hogwild!",
2011 (threads that share the tables unlocked).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from embedry.errors import InputError
from embedry.kernels.arrays import check_array, read_only
from embedry.kernels.compiler import compiled
from embedry.kernels.draws import draw_long, share
from embedry.kernels.recommend.tiles import AHEAD, learn_pair

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["BLOCK", "GOLDEN", "GROUP", "bitmap_size", "check_training", "train"]

GROUP = 8192  # pairs of users that are learned together; a longer history is a group by itself
BLOCK = 256  # pairs whose other items are drawn before the first is learned
SPARSE = 32  # bits of the bitmap for each pair of a group, at least
GOLDEN = 0x9E3779B97F4A7C15  # Fibonacci hashing: the upper bits of the product are the hash

_GOLDEN, _WORD = np.uint64(GOLDEN), np.uint64(64)
_HALF, _LOW = 32, 0xFFFFFFFF


def train(
    users: NDArray[np.float32],
    items: NDArray[np.float32],
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    order: NDArray[np.int64],
    rate: float,
    regularization: float,
    state: NDArray[np.uint64],
) -> int:
    """Learn every pair of some users once, in place.

    Threads may train users of their own at the same time (Hogwild): each with its own state; the
    bytes then differ from run to run.

    Parameters
    ----------
    users : ndarray, shape (n, width), float32
    items : ndarray, shape (m, width), float32
        From `embedry.kernels.simd.aligned`. Columns that are zero in both stay exactly zero.
    indptr : ndarray, shape (n + 1,), int64
    indices : ndarray, shape (pairs,), int32
        What each user used, passed by `check_csr` with the shape (n, m).
    order : ndarray, shape (some,), int64
        The users, one after the other; at random, a user twice is trained twice.
    rate : float
        The step, above 0.
    regularization : float
        Lambda of the paper, one for users and items; ``rate * regularization`` is below 1.
    state : ndarray, shape (1 or more,), uint64
        The random numbers, such as from `start_state`; carried on in place.

    Returns
    -------
    int
        How many pairs were learned; the others were passed over.

    Raises
    ------
    InputError
        If an array has another shape, dtype or order, a user is none of ``users``, or a number
        is out of range.

    Notes
    -----
    Time is about ``12 * width`` floating-point operations a pair. Memory beside the tables is
    some 200 KB, or 16 bytes for each pair of the longest history where that is more. Numbers
    differ from `plainbpr.train_plain` in the last bits alone.
    """
    check_training(users, items, indptr, indices, order, rate, regularization, state)
    longest = int((indptr[order + 1] - indptr[order]).max(initial=0))
    room = max(GROUP, longest)
    learned = _train(
        users,
        items,
        read_only(indptr),
        read_only(indices),
        read_only(order),
        np.float32(rate),
        np.float32(1 - rate * regularization),
        state,
        np.empty(room, np.int64),
        np.empty(bitmap_size(room) // 64, np.uint64),
        np.empty(3 * (BLOCK + AHEAD), np.int64),
    )
    return int(learned)


def bitmap_size(pairs: int) -> int:
    """Return the bits of the bitmap for groups of so many pairs: a power of two."""
    return 1 << (SPARSE * pairs - 1).bit_length()


def check_training(
    users: NDArray[np.float32],
    items: NDArray[np.float32],
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    order: NDArray[np.int64],
    rate: float,
    regularization: float,
    state: NDArray[np.uint64],
) -> None:
    """Refuse what the kernel would read as something else.

    Parameters
    ----------
    users, items, indptr, indices, order, rate, regularization, state
        As `train` takes them.

    Raises
    ------
    InputError
        As `train`.
    """
    for name, array, kind, dimensions in (
        ("users", users, np.float32, 2),
        ("items", items, np.float32, 2),
        ("indptr", indptr, np.int64, 1),
        ("indices", indices, np.int32, 1),
        ("order", order, np.int64, 1),
        ("state", state, np.uint64, 1),
    ):
        check_array(name, array, kind, dimensions)
    width = users.shape[1]
    if not width or width % 16 or items.shape[1] != width or not len(items) or not len(state):
        raise InputError(
            "users and items must be as wide as each other, a multiple of 16, with an item at "
            f"least; got {users.shape} and {items.shape}. Make them with aligned()."
        )
    if len(indptr) != len(users) + 1 or indptr[-1] != len(indices):
        raise InputError(
            f"indptr must be one longer than the {len(users)} users and end with the "
            f"{len(indices)} pairs; got {len(indptr)} entries. Pass the arrays of one matrix."
        )
    if len(order) and not 0 <= order.min() <= order.max() < len(users):
        raise InputError(f"order must name rows of the {len(users)} users; got others.")
    if not (0 < rate < np.inf and 0 <= rate * regularization < 1):
        raise InputError(
            "rate must be above 0, and rate * regularization in [0, 1); got "
            f"{rate} and {regularization}. Try 0.1 and 0.01."
        )


@compiled
def _train(
    users: NDArray[np.float32],
    items: NDArray[np.float32],
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    order: NDArray[np.int64],
    rate: Any,
    keep: Any,
    state: NDArray[np.uint64],
    pairs: NDArray[np.int64],
    bitmap: NDArray[np.uint64],
    targets: NDArray[np.int64],
) -> int:
    width, count = users.shape[1], items.shape[0]
    learned, at = 0, 0
    shift = _WORD
    while np.int64(1) << np.int64(_WORD - shift) < 64 * bitmap.size:
        shift -= np.uint64(1)
    while at < order.size:
        salt = draw_long(state)
        at, size = _gather(indptr, indices, order, at, salt, shift, pairs, bitmap)
        for last in range(size - 1, 0, -1):
            other = np.int64(share(draw_long(state), np.uint64(last + 1)))
            pairs[last], pairs[other] = pairs[other], pairs[last]
        for start in range(0, size, BLOCK):
            stop = min(start + BLOCK, size)
            good = _aim(pairs, start, stop, count, width, salt, shift, bitmap, state, targets)
            for place in range(0, 3 * good, 3):
                learn_pair(users, items, width, targets, place, rate, keep)
            learned += good
    return learned


@compiled(inline=True)
def _hash(pair: Any, salt: Any, shift: Any) -> Any:
    return np.int64(((np.uint64(pair) ^ salt) * _GOLDEN) >> shift)


@compiled(inline=True)
def _gather(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    order: NDArray[np.int64],
    at: int,
    salt: Any,
    shift: Any,
    pairs: NDArray[np.int64],
    bitmap: NDArray[np.uint64],
) -> Any:
    """List the pairs of the next users, and set their bits; return the user behind, and a count."""
    for word in range(bitmap.size):
        bitmap[word] = np.uint64(0)
    size = 0
    while at < order.size:
        user = order[at]
        begin, end = indptr[user], indptr[user + 1]
        if size and size + end - begin > GROUP:
            break
        for entry in range(begin, end):
            pair = (user << _HALF) | np.int64(indices[entry])
            pairs[size] = pair
            size += 1
            place = _hash(pair, salt, shift)
            bitmap[place >> 6] |= np.uint64(1) << np.uint64(place & 63)
        at += 1
    return at, size


@compiled(inline=True)
def _aim(
    pairs: NDArray[np.int64],
    start: int,
    stop: int,
    count: int,
    width: int,
    salt: Any,
    shift: Any,
    bitmap: NDArray[np.uint64],
    state: NDArray[np.uint64],
    targets: NDArray[np.int64],
) -> int:
    """Write the rows of pairs with an item drawn for each, those passed over left out."""
    good = 0
    for entry in range(start, stop):
        user, item = pairs[entry] >> _HALF, pairs[entry] & _LOW
        other = np.int64(share(draw_long(state), np.uint64(count)))
        targets[3 * good] = user * width
        targets[3 * good + 1] = item * width
        targets[3 * good + 2] = other * width
        place = _hash((user << _HALF) | other, salt, shift)
        used = (bitmap[place >> 6] >> np.uint64(place & 63)) & np.uint64(1)
        good += 0 if used else 1  # where it may be used, the next pair overwrites this one
    for place in range(3 * AHEAD):  # rows that are asked for after the last pair
        targets[3 * good + place] = targets[place % 3]
    return good
