"""The steps of skip-gram's kernel: from one window to its scores and updates.

What it is: the inner functions that `sgns` and `bags` are compiled from, so that both thin out
words, draw negatives, score and move vectors in the same way. What it is not: callable from
Python, nor checked: rows are named by the flat offset of their first number.

References
----------
As ``embedry.kernels.sampling.sgns``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from embedry.kernels.compiler import compiled
from embedry.kernels.draws import draw
from embedry.kernels.sampling.plan import CACHE_LINE, GROUP, SLOTS
from embedry.kernels.simd import (
    LANES,
    add,
    fma,
    load,
    load_eight,
    logistic,
    multiply,
    prefetch,
    splat,
    store,
    subtract,
    sums_of_eight,
    zero,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["aim", "look_around", "score", "set_rates", "thin_out", "update"]


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
    around: NDArray[np.int64], kept: NDArray[np.int64], count: int, position: int, reach: int
) -> Any:
    """Write the rows of the words around the centre; return how many."""
    first = position - reach if position > reach else 0
    last = position + reach if position + reach < count else count - 1
    near = 0
    for place in range(first, position):
        around[near] = kept[place]
        near += 1
    for place in range(position + 1, last + 1):
        around[near] = kept[place]
        near += 1
    if near % 2:
        around[near] = around[near - 1]  # words are scored two by two
    return near


@compiled(inline=True)
def score(
    words: NDArray[np.float32],
    contexts: NDArray[np.float32],
    around: NDArray[np.int64],
    first: int,
    last: int,
    targets: NDArray[np.int64],
    start: int,
    labels: NDArray[np.float32],
    rates: NDArray[np.float32],
    slot: int,
    steps: NDArray[np.float32],
) -> None:
    """Write the step of every word around along each of six targets: rate * (label - guess).

    Two words at a time: their twelve sums keep both multipliers of the CPU busy, and each
    target row is loaded once for the two.
    """
    label = load_eight(labels, slot)
    rate = load_eight(rates, slot)
    nothing = zero()
    t0 = targets[start]
    t1 = targets[start + 1]
    t2 = targets[start + 2]
    t3 = targets[start + 3]
    t4 = targets[start + 4]
    t5 = targets[start + 5]
    for pair in range(first, last, 2):
        left = around[pair]
        right = around[pair + 1]
        a0 = a1 = a2 = a3 = a4 = a5 = zero()
        b0 = b1 = b2 = b3 = b4 = b5 = zero()
        for at in range(0, words.shape[1], LANES):
            a = load(words, left + at)
            b = load(words, right + at)
            target = load(contexts, t0 + at)
            a0 = fma(a, target, a0)
            b0 = fma(b, target, b0)
            target = load(contexts, t1 + at)
            a1 = fma(a, target, a1)
            b1 = fma(b, target, b1)
            target = load(contexts, t2 + at)
            a2 = fma(a, target, a2)
            b2 = fma(b, target, b2)
            target = load(contexts, t3 + at)
            a3 = fma(a, target, a3)
            b3 = fma(b, target, b3)
            target = load(contexts, t4 + at)
            a4 = fma(a, target, a4)
            b4 = fma(b, target, b4)
            target = load(contexts, t5 + at)
            a5 = fma(a, target, a5)
            b5 = fma(b, target, b5)
        scores = sums_of_eight(a0, a1, a2, a3, a4, a5, nothing, nothing)
        store(multiply(subtract(label, logistic(scores)), rate), steps, pair * SLOTS)
        scores = sums_of_eight(b0, b1, b2, b3, b4, b5, nothing, nothing)
        store(multiply(subtract(label, logistic(scores)), rate), steps, pair * SLOTS + SLOTS)


@compiled(inline=True)
def update(
    words: NDArray[np.float32],
    contexts: NDArray[np.float32],
    around: NDArray[np.int64],
    first: int,
    last: int,
    targets: NDArray[np.int64],
    start: int,
    steps: NDArray[np.float32],
    following: int,
    ahead: int,
) -> None:
    """Move the words around and six targets along each other, and ask for the next rows.

    A few columns at a time, so that the targets as they were and the sums of their moves stay
    in registers. The sums are added at the end: a target that is there twice gets both. Rows
    of the next window are asked for one cache line at a time; all at once they would fill the
    queue of outstanding loads and stall it.
    """
    t0 = targets[start]
    t1 = targets[start + 1]
    t2 = targets[start + 2]
    t3 = targets[start + 3]
    t4 = targets[start + 4]
    t5 = targets[start + 5]
    n0 = targets[following]
    n1 = targets[following + 1]
    n2 = targets[following + 2]
    n3 = targets[following + 3]
    n4 = targets[following + 4]
    n5 = targets[following + 5]
    for line in range(0, words.shape[1], CACHE_LINE):
        prefetch(words, ahead + line)
        prefetch(contexts, n0 + line)
        prefetch(contexts, n1 + line)
        prefetch(contexts, n2 + line)
        prefetch(contexts, n3 + line)
        prefetch(contexts, n4 + line)
        prefetch(contexts, n5 + line)
        for at in range(line, line + CACHE_LINE, LANES):
            c0 = load(contexts, t0 + at)
            c1 = load(contexts, t1 + at)
            c2 = load(contexts, t2 + at)
            c3 = load(contexts, t3 + at)
            c4 = load(contexts, t4 + at)
            c5 = load(contexts, t5 + at)
            s0 = s1 = s2 = s3 = s4 = s5 = zero()
            for word in range(first, last):
                row = around[word] + at
                step = word * SLOTS
                old = load(words, row)
                g = splat(steps[step])
                new = fma(g, c0, old)
                s0 = fma(g, old, s0)
                g = splat(steps[step + 1])
                new = fma(g, c1, new)
                s1 = fma(g, old, s1)
                g = splat(steps[step + 2])
                new = fma(g, c2, new)
                s2 = fma(g, old, s2)
                g = splat(steps[step + 3])
                more = multiply(g, c3)  # a second, shorter chain of sums
                s3 = fma(g, old, s3)
                g = splat(steps[step + 4])
                more = fma(g, c4, more)
                s4 = fma(g, old, s4)
                g = splat(steps[step + 5])
                more = fma(g, c5, more)
                s5 = fma(g, old, s5)
                store(add(new, more), words, row)
            store(add(load(contexts, t0 + at), s0), contexts, t0 + at)
            store(add(load(contexts, t1 + at), s1), contexts, t1 + at)
            store(add(load(contexts, t2 + at), s2), contexts, t2 + at)
            store(add(load(contexts, t3 + at), s3), contexts, t3 + at)
            store(add(load(contexts, t4 + at), s4), contexts, t4 + at)
            store(add(load(contexts, t5 + at), s5), contexts, t5 + at)
