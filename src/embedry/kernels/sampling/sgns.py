"""Skip-gram with negative sampling: the training loop of word2vec and of walks on graphs.

What it is: one compiled pass over sentences of ids, `train`; the same in plain NumPy lies beside
it, in ``plainsgns``. What it is not: a learner (see ``embedry.learn``), nor a check of every id:
the learner calls `check_ids` once before it trains.

Around each word, the centre, lies a window of words. The vector of each word around learns to
tell the centre from ``negative`` words drawn at random. The negatives are drawn once for the
whole window, so that its dot products and its updates are small matrix products, and the
updates wait until the window is scored. That, rows that start at cache lines, and asking for
the rows of the next window while this one is updated, make the speed.

Threads that share the tables do better with copies of the hottest rows; see
``embedry.kernels.sampling.sgns_threads``.

References
----------
T. Mikolov, I. Sutskever, K. Chen, G. Corrado, J. Dean, "Distributed representations of words
and phrases and their compositionality", 2013, sections 2.2 (negative sampling), 2.3 (keeping).
S. Ji, N. Satish, S. Li, P. Dubey, "Parallelizing word2vec in shared and distributed memory",
2016, section III (negatives shared in a window).
B. Recht, C. Re, S. Wright, F. Niu, "Hogwild!", 2011 (threads that share the tables unlocked).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from embedry.kernels.arrays import read_only
from embedry.kernels.compiler import compiled
from embedry.kernels.draws import below
from embedry.kernels.sampling.plan import (
    GROUP,
    SLOTS,
    Trained,
    check_sentences,
    check_tables,
)
from embedry.kernels.sampling.steps import aim, look_around, set_rates, thin_out
from embedry.kernels.sampling.tiles import score, update
from embedry.kernels.simd import aligned

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embedry.kernels.sampling.plan import SkipGram

__all__ = ["longest_sentence", "room_for_targets", "train"]


def train(
    words: NDArray[np.float32],
    contexts: NDArray[np.float32],
    tokens: NDArray[np.int32],
    offsets: NDArray[np.int64],
    first: int,
    last: int,
    plan: SkipGram,
    state: NDArray[np.uint64],
) -> Trained:
    """Train on the sentences from ``first`` to before ``last``, in place.

    Call `check_ids` once before. Training a corpus in parts, one call after the other with one
    state, gives the same bytes as one call. Threads may train parts of their own at the same
    time (Hogwild): each with its own state; the bytes then differ from run to run.

    Parameters
    ----------
    words : ndarray, shape (vocabulary, width), float32
        The vectors that are wanted; from `embedry.kernels.simd.aligned`, columns from
        ``dims`` on zero.
    contexts : ndarray, shape (vocabulary + 1, width), float32
        The vectors the words are told apart by; zeros at first. The last row stays zero.
    tokens, offsets : ndarray
        As `check_ids` wants them.
    first, last : int
        Sentences, ``0 <= first <= last < len(offsets)``.
    plan : SkipGram
        The settings.
    state : ndarray, shape (2,), uint64
        From `start_state`; carried on in place.

    Returns
    -------
    Trained
        How many tokens were kept, and how many pairs learnt.

    Raises
    ------
    InputError
        If an array has another shape, dtype or order, or ``first`` and ``last`` are outside.

    Notes
    -----
    Time is ``6 * width * (negative + 1)`` floating-point operations a pair; a token makes about
    ``window + 1`` pairs. Memory beside the tables is 8 bytes for each token of the longest
    sentence. A negative that happens to be the centre teaches nothing, as in word2vec.c.
    Numbers differ from `plainsgns.train_plain` in the last bits alone.
    """
    check_tables(words, contexts, plan)
    check_sentences(tokens, offsets, first, last, state)
    kept, pairs = _train(
        words,
        contexts,
        read_only(tokens),
        read_only(offsets),
        int(first),
        int(last),
        read_only(plan.keep),
        read_only(plan.negatives),
        int(plan.total_tokens),
        int(plan.window),
        int(plan.negative),
        float(plan.learning_rate),
        float(plan.min_learning_rate),
        int(plan.batch),
        state,
        np.empty(longest_sentence(offsets, first, last) + plan.window, np.int64),
        np.empty(2 * plan.window + 1, np.int64),
        *room_for_targets(plan, contexts),
    )
    return Trained(int(kept), int(pairs))


def longest_sentence(offsets: NDArray[np.int64], first: int, last: int) -> int:
    """Return the most tokens of one of the sentences; 0 where there are none."""
    return int(np.diff(offsets[first : last + 1]).max(initial=0))


def room_for_targets(
    plan: SkipGram, contexts: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Make the arrays that kernels write targets and their steps to.

    Made here, as Numba would compile ``np.empty`` and its like for a third of a second.

    Returns
    -------
    targets : ndarray (2 * slots,), int64
        Flat offsets of this window's targets and of the next one's, in turns. What is not used
        stays at the last row, which stands for no word.
    labels : ndarray (slots,), float32
        1 for the centre.
    rates : ndarray (slots,), float32
        Zeros at first.
    steps : ndarray (2 * window * 8,), float32
        These three start at cache lines: vectors across two of them are slow to store.
    """
    slots = (plan.negative // GROUP + 1) * SLOTS
    targets = np.full(2 * slots, contexts[:-1].size, np.int64)
    labels, rates = aligned(2, slots)[:, :slots]
    labels[0] = 1
    return targets, labels, rates, aligned(1, 2 * plan.window * SLOTS)[0]


@compiled
def _train(
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
    batch: int,
    state: NDArray[np.uint64],
    kept: NDArray[np.int64],
    around: NDArray[np.int64],
    targets: NDArray[np.int64],
    labels: NDArray[np.float32],
    rates: NDArray[np.float32],
    steps: NDArray[np.float32],
) -> tuple[int, int]:
    """Train on sentences; see `train`. Rows are named by the flat offset of their first number.

    The last six arrays are room to write to; see `room_for_targets`.
    """
    width = words.shape[1]
    slots = labels.size
    following = slots  # where the targets of the next window start, in one half or the other
    all_kept = 0
    pairs = 0
    for sentence in range(first, last):
        begin = offsets[sentence]
        length = offsets[sentence + 1] - begin
        done = state[1]
        state[1] += np.uint64(length)
        count = thin_out(kept, tokens, begin, begin + length, keep, width, state)
        all_kept += count
        if count < 2:
            continue
        cursor = below(state, negatives.size)
        cursor = aim(targets, following, kept[0], negatives, cursor, negative, width)
        final = count - 1
        for position in range(count):
            now, following = following, slots - following
            upcoming = kept[position + 1 if position < final else final]
            cursor = aim(targets, following, upcoming, negatives, cursor, negative, width)
            further = position + 1 + window
            ahead = kept[further if further < final else final]
            progress = (done + length * position / count) / total_tokens
            rate = learning_rate - (learning_rate - min_learning_rate) * progress
            rate = rate if rate > min_learning_rate else min_learning_rate
            set_rates(rates, targets, now, negative, np.float32(rate))
            reach = 1 + below(state, window)
            near = look_around(around, 0, kept, count, position, reach, window)
            around[near] = around[near - 1]  # words are scored two by two
            pairs += near
            for begun in range(0, near, batch):
                end = begun + batch if begun + batch < near else near
                for slot in range(0, slots, SLOTS):
                    score(
                        words,
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
                        words,
                        contexts,
                        width,
                        around,
                        begun,
                        end,
                        targets,
                        now + slot,
                        steps,
                        following + slot,
                        ahead,
                    )
    return all_kept, pairs
