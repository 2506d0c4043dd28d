"""The compiled kernel of skip-gram where words are made of subwords.

What it is: `train_subwords`, one pass over sentences of ids: words of a block of neighbouring
positions are gathered, learn as skip-gram learns whole words, and what each has learned goes to
all its rows. What it is not: a check of what it is given, which is `kernels.sampling.bags`.

References
----------
P. Bojanowski, E. Grave, A. Joulin, T. Mikolov, "Enriching word vectors with subword
information", 2017, section 3.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from embedry.kernels.compiler import compiled
from embedry.kernels.draws import below
from embedry.kernels.sampling.bag_steps import gather, scatter
from embedry.kernels.sampling.plan import CACHE_LINE, SLOTS
from embedry.kernels.sampling.steps import aim, look_around, set_rates, thin_out
from embedry.kernels.sampling.tiles import score, update
from embedry.kernels.simd import prefetch

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["train_subwords"]


@compiled
def train_subwords(
    words: NDArray[np.float32],
    contexts: NDArray[np.float32],
    tokens: NDArray[np.int32],
    offsets: NDArray[np.int64],
    first: int,
    last: int,
    keep: NDArray[np.uint32],
    negatives: NDArray[np.int32],
    total_tokens: int,
    window: int,
    negative: int,
    learning_rate: float,
    min_learning_rate: float,
    state: NDArray[np.uint64],
    subword_offsets: NDArray[np.int64],
    subword_rows: NDArray[np.int32],
    shares: NDArray[np.float32],
    positions: int,
    near: NDArray[np.float32],
    kept: NDArray[np.int64],
    places: NDArray[np.int64],
    members: NDArray[np.int64],
    place_of: NDArray[np.int64],
    entries: NDArray[np.int64],
    weights: NDArray[np.float32],
    targets: NDArray[np.int64],
    labels: NDArray[np.float32],
    rates: NDArray[np.float32],
    steps: NDArray[np.float32],
    around: NDArray[np.int64],
    batch: int,
) -> tuple[int, int]:
    """Train on sentences; see `kernels.sampling.bags.train_bags`.

    Rows are named by the flat offset of their start. ``near`` and the eleven arrays from there on
    are room to write to; ``place_of`` is -1 for every word that is not gathered.
    """
    width = contexts.shape[1]
    slots = labels.size
    following = slots  # where the targets of the next position start, in one half or the other
    all_kept = 0
    pairs = 0
    for sentence in range(first, last):
        begin = offsets[sentence]
        length = offsets[sentence + 1] - begin
        done = state[1]
        state[1] += np.uint64(length)
        count = thin_out(kept, tokens, begin, begin + length, keep, 1, state)
        all_kept += count
        if count < 2:
            continue
        cursor = below(state, negatives.size)
        cursor = aim(targets, following, kept[0] * width, negatives, cursor, negative, width)
        final = count - 1
        for start in range(0, count, positions):
            stop = start + positions if start + positions < count else count
            found = gather(
                words,
                kept,
                start - window if start > window else 0,
                stop + window if stop + window < count else count,
                subword_offsets,
                subword_rows,
                place_of,
                entries,
                weights,
                near,
                members,
                places,
            )
            for position in range(start, stop):
                now, following = following, slots - following
                upcoming = kept[position + 1 if position < final else final] * width
                cursor = aim(targets, following, upcoming, negatives, cursor, negative, width)
                further = position + positions + window
                coming = kept[further if further < final else final]
                for entry in range(subword_offsets[coming], subword_offsets[coming + 1]):
                    for line in range(0, width, CACHE_LINE):
                        prefetch(words, np.int64(subword_rows[entry]) * width + line)
                progress = (done + length * position / count) / total_tokens
                rate = learning_rate - (learning_rate - min_learning_rate) * progress
                rate = rate if rate > min_learning_rate else min_learning_rate
                set_rates(rates, targets, now, negative, np.float32(rate))
                reach = 1 + below(state, window)
                near_by = look_around(around, 0, places, count, position, reach, window)
                around[near_by] = around[near_by - 1]  # words are scored two by two
                pairs += near_by
                for begun in range(0, near_by, batch):
                    end = begun + batch if begun + batch < near_by else near_by
                    for slot in range(0, slots, SLOTS):
                        score(
                            near,
                            contexts,
                            width,
                            around,
                            begun,
                            end,
                            targets,
                            now + slot,
                            labels,
                            rates,
                            slot,
                            steps,
                        )
                        update(
                            near,
                            contexts,
                            width,
                            around,
                            begun,
                            end,
                            targets,
                            now + slot,
                            steps,
                            following + slot,
                            places[position],
                        )
            scatter(words, found, subword_offsets, subword_rows, shares, place_of, near, members)
    return all_kept, pairs
