"""The compiled kernel of CBOW, of whole words and of words made of subwords.

What it is: `train_cbow`, one pass over sentences of ids. Two bags learn side by side, one from
each half of a block: halves of a sentence, or of a block of positions where words are made of
subwords. The two share the negatives drawn for them, so that their rows are fetched once for
two; being apart, they seldom hold the same words, so that no word sees fewer negatives. What it
is not: a check of what it is given, which is `kernels.sampling.bags`.

References
----------
T. Mikolov, K. Chen, G. Corrado, J. Dean, "Efficient estimation of word representations in vector
space", 2013, section 3.1 (CBOW).
S. Ji, N. Satish, S. Li, P. Dubey, "Parallelizing word2vec in shared and distributed memory",
2016 (negatives shared by the inputs of a batch).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from embedry.kernels.compiler import compiled
from embedry.kernels.draws import below
from embedry.kernels.sampling.bag_steps import gather, scatter, weigh
from embedry.kernels.sampling.couples import aim_couple, set_couple_rates
from embedry.kernels.sampling.plan import CACHE_LINE, COUPLE_GROUP, SLOTS
from embedry.kernels.sampling.steps import look_around, thin_out
from embedry.kernels.sampling.tiles import add_up, move_couple, score_couple, spread
from embedry.kernels.simd import LANES, aligned, prefetch, store, zero

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["room_for_couples", "train_cbow"]


def room_for_couples(
    negative: int, contexts: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Make the arrays that `train_cbow` writes targets and their steps to.

    Returns
    -------
    targets : ndarray (2 * slots,), int64
        Flat offsets of this couple's targets and of the next one's, in turns. What is not used
        stays at the last row, which stands for no word.
    labels, rates : ndarray (2 * slots,), float32
        For each group of targets eight of the first bag, then eight of the second.
    steps : ndarray (16,), float32
        These three start at cache lines: vectors across two of them are slow to store.
    """
    slots = ((negative + 1) // COUPLE_GROUP + 1) * SLOTS
    targets = np.full(2 * slots, contexts[:-1].size, np.int64)
    labels, rates, steps = aligned(3, 2 * slots)
    labels[[0, SLOTS + 1]] = 1
    return targets, labels, rates, steps


@compiled
def train_cbow(
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
    subword_offsets: NDArray[np.int64] | None,
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
    vectors: NDArray[np.float32],
    damping: Any,
) -> tuple[int, int]:
    """Train on sentences; see `kernels.sampling.bags.train_bags`.

    Rows are named by the flat offset of their start. Numba leaves out what `None` switches off,
    so that whole words and subwords each compile their own part alone. ``near`` and the eleven
    arrays from there on are room to write to; ``place_of`` is -1 for every word that is not
    gathered. ``vectors`` has four rows: two bags and their errors.
    """
    width = contexts.shape[1]
    source = words if subword_offsets is None else near
    slots = targets.size // 2
    following = slots  # where the targets of the next couple start, in one half or the other
    nobody = contexts.size - width
    room = entries.size // 2
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
        final = count - 1
        half = (count + 1) // 2
        if subword_offsets is None:
            for position in range(count):
                places[position] = kept[position] * width
        elif half > (positions + 1) // 2:
            half = (positions + 1) // 2
        cursor = below(state, negatives.size)
        one, other = kept[0] * width, kept[half] * width
        cursor = aim_couple(targets, following, one, other, negatives, cursor, negative, width)
        for start in range(0, count, 2 * half):
            stop = start + 2 * half if start + 2 * half < count else count
            if subword_offsets is not None:
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
            for centre in range(start, start + half if start + half < count else count):
                now, following = following, slots - following
                upcoming = centre + 1 if centre + 1 - start < half else start + 2 * half
                one = kept[upcoming if upcoming < final else final] * width
                other = kept[upcoming + half if upcoming + half < final else final] * width
                cursor = aim_couple(
                    targets, following, one, other, negatives, cursor, negative, width
                )
                # a turn takes up two positions of the block, one of each half
                share = (stop - start) * (centre - start) / half
                progress = (done + length * (start + share) / count) / total_tokens
                rate = learning_rate - (learning_rate - min_learning_rate) * progress
                rate = rate if rate > min_learning_rate else min_learning_rate
                set_couple_rates(
                    rates,
                    labels,
                    targets,
                    now,
                    negative,
                    np.float32(rate),
                    centre + half < count,
                    nobody,
                )
                around = around_first = 0
                for bag in range(2):
                    around_first, around = around, 0
                    position = centre + bag * half
                    front = bag * room
                    if position < count:
                        reach = 1 + below(state, window)
                        around = look_around(entries, front, places, count, position, reach, window)
                    pairs += around
                    size = around
                    if subword_offsets is not None:
                        size = weigh(
                            weights, front, around, entries, members, subword_offsets, width
                        )
                        further = position + 2 * half + window
                        coming = kept[further if further < final else final]
                        for entry in range(subword_offsets[coming], subword_offsets[coming + 1]):
                            for line in range(0, width, CACHE_LINE):
                                prefetch(words, np.int64(subword_rows[entry]) * width + line)
                    part = np.float32(1) / np.float32(size or 1)
                    add_up(
                        source, entries, weights, front, around, part, vectors, bag * width, width
                    )
                ahead = centre if subword_offsets is not None else centre + 1 + window
                for at in range(2 * width, 4 * width, LANES):
                    store(zero(), vectors, at)
                for slot in range(0, slots, SLOTS):
                    score_couple(
                        vectors,
                        contexts,
                        width,
                        targets,
                        now + slot,
                        labels,
                        rates,
                        2 * slot,
                        steps,
                    )
                    move_couple(
                        vectors,
                        contexts,
                        width,
                        targets,
                        now + slot,
                        steps,
                        following + slot,
                        source,
                        places[ahead if ahead < final else final],
                        places[ahead + half if ahead + half < final else final],
                    )
                for bag in range(2):
                    size = around if bag else around_first
                    spread(
                        source,
                        entries,
                        bag * room,
                        size,
                        vectors,
                        (2 + bag) * width,
                        damping,
                        width,
                    )
            if subword_offsets is not None:
                scatter(
                    words,
                    found,
                    subword_offsets,
                    subword_rows,
                    shares,
                    place_of,
                    near,
                    members,
                )
    return all_kept, pairs
