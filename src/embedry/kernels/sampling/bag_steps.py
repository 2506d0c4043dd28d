"""The steps of rows in training on bags: gather them, add them up, give back what was learned.

What it is: the compiled inner functions of `kernels.sampling.cbow` and `subword_sgns`, which become
part of the kernel that calls them. Rows are named by the flat offset of their first number. What
it is not: a check; what is passed must lie within the tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from embedry.kernels.compiler import compiled
from embedry.kernels.sampling.tiles import add_row, add_up, keep_move
from embedry.kernels.simd import LANES, load, store

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["gather", "scatter", "weigh"]


@compiled(inline=True)
def weigh(
    weights: NDArray[np.float32],
    begin: int,
    count: int,
    entries: NDArray[np.int64],
    members: NDArray[np.int64],
    subword_offsets: NDArray[np.int64],
    width: int,
) -> Any:
    """Weigh each gathered word of a bag by how many rows it is made of; return their sum."""
    total = 0
    for entry in range(begin, begin + count):
        word = members[entries[entry] // width]
        rows = subword_offsets[word + 1] - subword_offsets[word]
        weights[entry] = rows
        total += rows
    return total


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
                weights[entry] = 1
            part = np.float32(1) / np.float32(count)
            add_up(words, entries, weights, 0, count, part, near, found * width, width)
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
        keep_move(near, place * width, half + place * width, shares[word], width)
        for entry in range(subword_offsets[word], subword_offsets[word + 1]):
            add_row(words, np.int64(subword_rows[entry]) * width, near, place * width, width)
