"""Rows of frequent words, for each thread a copy: what lets threads share tables at full speed.

What it is: the choice of the rows that threads would take from each other all the time, copies
of them that one thread has to itself, and the merges that bring what it learned to the others.
What it is not: a lock, nor a kernel. Copies lie behind the shared rows in the same array, so a
kernel finds them by their row numbers and knows nothing of them.

A cache line that two cores write travels between them at each turn, and a text writes some
hundred rows over and over. A thread that has copies of these learns on them in peace. Every few
thousand tokens it adds to the shared row what its copy has gained since the last time, and goes
on from the sum: all that was learned counts, a little later. Until then other threads may have
gained the same once more, and such sums can overshoot; so the hotter a row is, the sooner it is
merged, and where many threads share a row the sum is damped.

Merges take no lock. Two that meet in one row may lose a part of one gain, as threads that share
rows unlocked always may.

References
----------
B. Recht, C. Re, S. Wright, F. Niu, "Hogwild!", 2011 (threads that share tables unlocked).
S. Ji, N. Satish, S. Li, P. Dubey, "Parallelizing word2vec in shared and distributed memory",
2016, section III.E (copies of tables that are merged now and then).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from embedry.errors import InputError
from embedry.kernels.compiler import compiled
from embedry.kernels.simd import LANES, aligned, fma, load, padded, prefetch, splat, store, subtract

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["HotRows", "OwnRows", "hot_rows", "merge_plain", "spare_rows", "steps_of"]

MOST_BYTES = 1 << 20  # of the copies of one table: more would not stay in the cache of a core
LINE = 16  # float32 numbers of a cache line
LEVELS = 5  # the coldest copies are merged every 2**4 steps
LONGEST_STEP = 16_384
SHORTEST_STEP = 256  # tokens; the merges themselves would take too long
FEWEST_STEPS = 50  # in one thread; what is learned from fewer is too late for the others
FEWEST_TOUCHES = 32  # between two merges of the hottest row; below, rows may as well be shared
# Strength of all touches of a row between two merges, for two threads. More threads merge sooner,
# by the square of their number: 4 threads learn worse with half of this, and 8 with a quarter.
STEADY = 40.0
STEEPNESS = 0.1  # of the loss along a row: what a step of length one brings of the way
PIECE = 4  # steps in the longest piece of a sentence


@dataclass(frozen=True, eq=False)
class HotRows:
    """Which rows of a table threads have copies of, and how often these are merged.

    Attributes
    ----------
    rows : ndarray (hot,), int64
        Row numbers, the most touched first. None: all rows are shared.
    tiers : ndarray (tiers + 1,), int64
        The copies of ``rows[tiers[i]:tiers[i + 1]]`` are merged every ``2**i`` steps.
    shares : ndarray (hot,), float32
        The share of what a copy has gained that its shared row gains: 1, or less where the sum
        over all threads would overshoot.
    step : int
        Tokens from one step to the next, at least 1.
    """

    rows: NDArray[np.int64]
    tiers: NDArray[np.int64]
    shares: NDArray[np.float32]
    step: int

    def __len__(self) -> int:
        return len(self.rows)


def hot_rows(
    touches: NDArray[np.float64], dims: int, *, strength: float, tokens: int, threads: int
) -> HotRows:
    """Choose the rows that each thread gets a copy of.

    Parameters
    ----------
    touches : ndarray (rows,), float64
        How often a token touches each row, on average.
    dims : int
    strength : float
        The steps of gradient descent that a touch is, times the learning rate.
    tokens : int
        The length of the text.
    threads : int

    Returns
    -------
    HotRows
        The rows touched most, at most 1 MiB of them. None for one thread; none where a row is
        touched so often that it must be merged all the time, as in a vocabulary of a few words;
        none where no row is touched often enough for copies to be worth their merges; and none
        in a text so short that a thread would merge fewer than 50 times.

    Raises
    ------
    InputError
        If ``touches`` has another shape, or a number in it is negative or not finite.

    Notes
    -----
    Let a thread bring a row a share g of the way to where it belongs until it is merged. Then
    the sum of what n threads gained leads n * g of the way, and overshoots by more than what was
    missing where n * g > 2. So all of it counts with two threads, whatever g is, and with more a
    share of at most ``2 / (n * g)``, where ``g = 1 - exp(-strength * touches * STEEPNESS)``.

    Examples
    --------
    >>> touches = np.array([0.001, 0.1, 0.04])
    >>> hot = hot_rows(touches, dims=100, strength=0.15, tokens=1_000_000, threads=2)
    >>> hot.rows.tolist(), hot.tiers.tolist(), hot.step
    ([1, 2, 0], [0, 1, 2, 2, 2, 3], 2666)
    """
    touches = np.asarray(touches, np.float64)
    if touches.ndim != 1 or not (touches >= 0).all() or not np.isfinite(touches).all():
        raise InputError("touches must be a row of finite numbers, none negative.")
    order = np.argsort(-touches, kind="stable")[: MOST_BYTES // (4 * padded(dims))]
    rows = order[touches[order] > 0].astype(np.int64)
    hottest = float(touches[rows[0]]) if rows.size else 0.0
    most = STEADY * (2 / max(threads, 1)) ** 2
    step = int(min(most / max(strength * hottest, 1e-12), LONGEST_STEP))
    pays = step >= SHORTEST_STEP and step * hottest >= FEWEST_TOUCHES
    if threads < 2 or not pays or tokens < threads * step * FEWEST_STEPS:
        rows, step = rows[:0], LONGEST_STEP
    halves = hottest / 2.0 ** np.arange(1, LEVELS)
    ends = np.searchsorted(-touches[rows], -halves, side="left")
    tiers = np.array([0, *ends, len(rows)], np.int64)
    between = touches[rows] * step * np.repeat(2 ** np.arange(LEVELS), np.diff(tiers))
    gone = -np.expm1(-strength * STEEPNESS * between)  # the share of the way, of one thread
    shares = np.minimum(2 / np.maximum(threads * gone, 2), 1)
    return HotRows(rows, tiers, shares.astype(np.float32), step)


def spare_rows(rows: int, dims: int, threads: int) -> int:
    """Return how many rows a table needs behind its own for the copies of all threads.

    Parameters
    ----------
    rows, dims : int
        The shape of the table.
    threads : int
        One needs no copies, so the answer is 0.

    Returns
    -------
    int
        As many as `hot_rows` can choose, and one more, for each thread. Rows of zeros from
        `embedry.kernels.simd.aligned` that are never touched take no memory.

    Examples
    --------
    >>> spare_rows(50_000, 100, threads=2), spare_rows(50_000, 100, threads=1)
    (4682, 0)
    """
    return threads * (min(rows, MOST_BYTES // (4 * padded(dims))) + 1) if threads > 1 else 0


class OwnRows:
    """The copies that one thread has of the hot rows of one table.

    Parameters
    ----------
    table : ndarray (rows + spare + 1 or more, width), float32
        Shared rows, then those that `spare_rows` asks for, then at least one more where the
        kernel wants a last row of zeros.
    rows : int
        How many of them are shared.
    hot : HotRows
    thread : int
        Its number, from 0 on.

    Attributes
    ----------
    table : ndarray (end, width), float32
        The table as far as this thread may see: shared rows, copies of other threads that it
        never touches, and at the end its own.
    of : ndarray (rows,), int32
        The row to use for each shared row: its copy, or itself.

    Raises
    ------
    InputError
        If the table has no room for the copies, or is not an array that kernels take.

    Notes
    -----
    Memory is twice 1 MiB at most, with what `merge` remembers, and 4 bytes a shared row.
    """

    def __init__(self, table: NDArray[np.float32], rows: int, hot: HotRows, thread: int) -> None:
        first = rows + thread * (len(hot) + 1)
        end = first + len(hot)
        good = table.ndim == 2 and table.dtype == np.float32 and table.flags.c_contiguous
        if not good or table.shape[1] % LINE or len(table) <= end or thread < 0:
            raise InputError(
                f"table must be C-contiguous float32 with more than {end} rows, as wide as "
                f"aligned() makes them, for thread {thread} from 0 on; got {table.dtype} "
                f"{table.shape}. Add spare_rows()."
            )
        self._hot, self._first, self._turn = hot, first, 0
        self._arrays = hot.rows, hot.shares
        self.table = table[:end]
        self.with_nothing = table[: end + 1]
        self.of = np.arange(rows, dtype=np.int32)
        self.of[hot.rows] = np.arange(first, end, dtype=np.int32)
        table[first:end] = table[hot.rows]
        table[end] = 0
        self._before = aligned(len(hot), table.shape[1])
        self._before[:] = table[first:end]

    def merge(self) -> None:
        """Take one step: merge the copies whose turn it is.

        The shared row gains what the copy has gained since its last merge, or a share of it,
        and the copy becomes the shared row.
        """
        if len(self._hot):
            _merge(
                self.table, self._before, *self._arrays, self._hot.tiers, self._first, self._turn
            )
        self._turn += 1

    def settle(self) -> None:
        """Merge all copies, so that the shared rows hold all that was learned."""
        if len(self._hot):
            all_rows = np.array([0, len(self._hot)], np.int64)
            _merge(self.table, self._before, *self._arrays, all_rows, self._first, 0)


def steps_of(offsets: NDArray[np.int64], step: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Say where to stop for a merge in some sentences.

    Parameters
    ----------
    offsets : ndarray (sentences + 1,), int64
        Sentence i is the tokens from ``offsets[i]`` to before ``offsets[i + 1]``.
    step : int
        Tokens from one stop to the next.

    Returns
    -------
    offsets : ndarray, int64
        The same, but with sentences of more than 4 steps cut into pieces of 4.
    stops : ndarray, int64
        Sentences or pieces, rising from 0 to their number: train from one to the next, then
        merge. They lie a step apart, or where the sentence under way ends after that.
    """
    length = PIECE * step
    pieces = [
        np.arange(offsets[place] + length, offsets[place + 1], length)
        for place in np.flatnonzero(np.diff(offsets) > length)
    ]
    if pieces:
        offsets = np.sort(np.concatenate([offsets, *pieces]))
    wanted = np.arange(offsets[0], offsets[-1], step)
    stops = np.searchsorted(offsets, wanted)
    return offsets, np.unique(np.concatenate([[0], stops, [len(offsets) - 1]]))


@compiled
def _merge(
    table: NDArray[np.float32],
    before: NDArray[np.float32],
    rows: NDArray[np.int64],
    shares: NDArray[np.float32],
    tiers: NDArray[np.int64],
    first: int,
    turn: int,
) -> None:
    """Merge the copies whose turn it is: of tier i, one part in ``2**i``."""
    width = table.shape[1]
    for tier in range(tiers.size - 1):
        period = 1 << tier
        begin = tiers[tier]
        many = tiers[tier + 1] - begin
        part = turn % period
        end = begin + many * (part + 1) // period
        begin += many * part // period
        for place in range(begin, end):
            shared = rows[place] * width
            own = (first + place) * width
            old = place * width
            share = splat(shares[place])
            upcoming = rows[min(place + 2, end - 1)] * width
            for line in range(0, width, LINE):
                prefetch(table, upcoming + line)
                for at in range(line, line + LINE, LANES):
                    gained = subtract(load(table, own + at), load(before, old + at))
                    merged = fma(share, gained, load(table, shared + at))
                    store(merged, table, shared + at)
                    store(merged, table, own + at)
                    store(merged, before, old + at)


def merge_plain(
    table: NDArray[np.float32],
    before: NDArray[np.float32],
    hot: HotRows,
    first: int,
    turn: int,
) -> None:
    """Do one step of `OwnRows.merge` in plain NumPy, the oracle of the tests.

    Parameters
    ----------
    table : ndarray (rows, width), float32
        Copies lie from row ``first`` on.
    before : ndarray (hot, width), float32
        The copies as they were after their last merges.
    hot : HotRows
    first, turn : int
        Where the copies lie, and the steps taken so far.
    """
    for tier, (begin, end) in enumerate(zip(hot.tiers[:-1], hot.tiers[1:], strict=True)):
        parts = [begin + (end - begin) * part // 2**tier for part in range(2**tier + 1)]
        now = np.arange(parts[turn % 2**tier], parts[turn % 2**tier + 1])
        gained = hot.shares[now, None] * (table[first + now] - before[now])
        merged = table[hot.rows[now]] + gained
        table[hot.rows[now]] = table[first + now] = before[now] = merged
