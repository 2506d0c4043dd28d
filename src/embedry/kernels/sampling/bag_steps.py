"""The steps of training on bags: gather rows, score, move targets, give the error back.

What it is: the compiled inner functions of `kernels.sampling.bags`, which become part of the
kernel that calls them. Rows are named by the flat offset of their first number. What it is not:
a check; what is passed must lie within the tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from embedry.kernels.compiler import compiled
from embedry.kernels.sampling.plan import CACHE_LINE
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

__all__ = ["ROWS", "gather", "mean", "scatter", "score_bag", "spread", "update_bag"]

ROWS = 4  # rows are added up so many at a time, in registers


@compiled(inline=True)
def mean(
    source: NDArray[np.float32],
    entries: NDArray[np.int64],
    weights: NDArray[np.float32],
    count: int,
    vectors: NDArray[np.float32],
    to: int,
    width: int,
) -> None:
    """Write the weighted sum of rows to the flat offset ``to``, four rows at a time.

    Entries and weights are filled up to the next four here, by the last row with weight zero.
    """
    for place in range(count, (count + ROWS - 1) // ROWS * ROWS):
        entries[place] = entries[count - 1]
        weights[place] = 0
    for at in range(0, width, LANES):
        store(zero(), vectors, to + at)
    for four in range(0, count, ROWS):
        r0 = entries[four]
        r1 = entries[four + 1]
        r2 = entries[four + 2]
        r3 = entries[four + 3]
        w0 = splat(weights[four])
        w1 = splat(weights[four + 1])
        w2 = splat(weights[four + 2])
        w3 = splat(weights[four + 3])
        for at in range(0, width, LANES):
            left = fma(load(source, r0 + at), w0, load(vectors, to + at))
            right = multiply(load(source, r1 + at), w1)
            left = fma(load(source, r2 + at), w2, left)
            right = fma(load(source, r3 + at), w3, right)
            store(add(left, right), vectors, to + at)


@compiled(inline=True)
def spread(
    source: NDArray[np.float32],
    entries: NDArray[np.int64],
    count: int,
    error: NDArray[np.float32],
    part: Any,
    width: int,
) -> None:
    """Add a part of the error to every row of a bag; a row that is there twice gets it twice."""
    factor = splat(part)
    for entry in range(count):
        row = entries[entry]
        for at in range(0, width, LANES):
            store(fma(factor, load(error, at), load(source, row + at)), source, row + at)


@compiled(inline=True)
def score_bag(
    bag: NDArray[np.float32],
    contexts: NDArray[np.float32],
    targets: NDArray[np.int64],
    start: int,
    labels: NDArray[np.float32],
    rates: NDArray[np.float32],
    slot: int,
    steps: NDArray[np.float32],
) -> None:
    """Write the step of the bag along each of six targets: rate * (label - guess)."""
    nothing = zero()
    t0 = targets[start]
    t1 = targets[start + 1]
    t2 = targets[start + 2]
    t3 = targets[start + 3]
    t4 = targets[start + 4]
    t5 = targets[start + 5]
    a0 = a1 = a2 = a3 = a4 = a5 = zero()
    for at in range(0, contexts.shape[1], LANES):
        a = load(bag, at)
        a0 = fma(a, load(contexts, t0 + at), a0)
        a1 = fma(a, load(contexts, t1 + at), a1)
        a2 = fma(a, load(contexts, t2 + at), a2)
        a3 = fma(a, load(contexts, t3 + at), a3)
        a4 = fma(a, load(contexts, t4 + at), a4)
        a5 = fma(a, load(contexts, t5 + at), a5)
    scores = sums_of_eight(a0, a1, a2, a3, a4, a5, nothing, nothing)
    wrong = subtract(load_eight(labels, slot), logistic(scores))
    store(multiply(wrong, load_eight(rates, slot)), steps, 0)


@compiled(inline=True)
def update_bag(
    bag: NDArray[np.float32],
    error: NDArray[np.float32],
    contexts: NDArray[np.float32],
    targets: NDArray[np.int64],
    start: int,
    steps: NDArray[np.float32],
    following: int,
    source: NDArray[np.float32],
    ahead: int,
) -> None:
    """Move six targets along the bag, add up the error, and ask for the next rows.

    Targets are read again where they are written: one that is there twice gets both moves.
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
    g0 = splat(steps[0])
    g1 = splat(steps[1])
    g2 = splat(steps[2])
    g3 = splat(steps[3])
    g4 = splat(steps[4])
    g5 = splat(steps[5])
    for line in range(0, contexts.shape[1], CACHE_LINE):
        prefetch(source, ahead + line)
        prefetch(contexts, n0 + line)
        prefetch(contexts, n1 + line)
        prefetch(contexts, n2 + line)
        prefetch(contexts, n3 + line)
        prefetch(contexts, n4 + line)
        prefetch(contexts, n5 + line)
        for at in range(line, line + CACHE_LINE, LANES):
            a = load(bag, at)
            left = fma(g0, load(contexts, t0 + at), load(error, at))
            right = multiply(g1, load(contexts, t1 + at))
            left = fma(g2, load(contexts, t2 + at), left)
            right = fma(g3, load(contexts, t3 + at), right)
            left = fma(g4, load(contexts, t4 + at), left)
            right = fma(g5, load(contexts, t5 + at), right)
            store(add(left, right), error, at)
            store(fma(g0, a, load(contexts, t0 + at)), contexts, t0 + at)
            store(fma(g1, a, load(contexts, t1 + at)), contexts, t1 + at)
            store(fma(g2, a, load(contexts, t2 + at)), contexts, t2 + at)
            store(fma(g3, a, load(contexts, t3 + at)), contexts, t3 + at)
            store(fma(g4, a, load(contexts, t4 + at)), contexts, t4 + at)
            store(fma(g5, a, load(contexts, t5 + at)), contexts, t5 + at)


@compiled(inline=True)
def gather(
    words: NDArray[np.float32],
    kept: NDArray[np.int64],
    begin: int,
    end: int,
    subword_offsets: NDArray[np.int64],
    subword_rows: NDArray[np.int32],
    place_of: NDArray[np.int64],
    entries: NDArray[np.int64],
    weights: NDArray[np.float32],
    near: NDArray[np.float32],
    members: NDArray[np.int64],
    places: NDArray[np.int64],
) -> Any:
    """Give each word from ``begin`` to ``end`` a place, once, and write the mean of its rows there.

    The first half of ``near`` is for learning, the second keeps what was. Returns how many words.
    """
    width = words.shape[1]
    half = near.shape[0] // 2 * width
    found = 0
    for position in range(begin, end):
        word = kept[position]
        if place_of[word] < 0:
            place_of[word] = found * width
            members[found] = word
            first = subword_offsets[word]
            count = subword_offsets[word + 1] - first
            for entry in range(count):
                entries[entry] = np.int64(subword_rows[first + entry]) * width
                weights[entry] = np.float32(1) / np.float32(count)
            mean(words, entries, weights, count, near, found * width, width)
            for at in range(found * width, found * width + width, LANES):
                store(load(near, at), near, half + at)
            found += 1
        places[position] = place_of[word]
    return found


@compiled(inline=True)
def scatter(
    words: NDArray[np.float32],
    found: int,
    subword_offsets: NDArray[np.int64],
    subword_rows: NDArray[np.int32],
    shares: NDArray[np.float32],
    place_of: NDArray[np.int64],
    near: NDArray[np.float32],
    members: NDArray[np.int64],
) -> None:
    """Add its share of what each word has learned in its place to each of its rows.

    The move is written over the place. A row that is there twice gets two shares.
    """
    width = words.shape[1]
    half = near.shape[0] // 2 * width
    for place in range(found):
        word = members[place]
        place_of[word] = -1
        share = splat(shares[word])
        for at in range(place * width, place * width + width, LANES):
            moved = subtract(load(near, at), load(near, half + at))
            store(multiply(share, moved), near, at)
        for entry in range(subword_offsets[word], subword_offsets[word + 1]):
            row = np.int64(subword_rows[entry]) * width
            for at in range(0, width, LANES):
                more = load(near, place * width + at)
                store(add(load(words, row + at), more), words, row + at)
