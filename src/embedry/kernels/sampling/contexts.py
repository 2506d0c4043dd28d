"""Sums of what stands around words: the features of a-la-carte placing.

What it is: one compiled pass, `add_contexts`, that adds up the weighted vectors within a window
of each word that is asked about; beside it the same in plain NumPy. What it is not: training.

References
----------
M. Khodak, N. Saunshi, Y. Liang, T. Ma, B. Stewart, S. Arora, "A la carte embedding: cheap but
effective induction of semantic feature vectors", 2018.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from embedry.kernels.compiler import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["add_contexts", "add_contexts_plain"]


def add_contexts(
    vectors: NDArray[np.float32],
    weights: NDArray[np.float32],
    tokens: NDArray[np.int32],
    offsets: NDArray[np.int64],
    window: int,
    slot_of: NDArray[np.int32],
    sums: NDArray[np.float64],
    around: NDArray[np.int64],
    seen: NDArray[np.int64],
) -> None:
    """Add the vectors around each word that has a slot to its sum, in place.

    Parameters
    ----------
    vectors : ndarray (words, dims), float32
    weights : ndarray (words,), float32
        What each vector is multiplied by.
    tokens, offsets : ndarray
        Sentences as `embedry.kernels.sampling.plan.check_ids` wants them, and checked by it.
    window : int
        How far to look to each side.
    slot_of : ndarray (words,), int32
        The row of ``sums`` of each word; -1 for words not asked about.
    sums : ndarray (slots, dims), float64
    around : ndarray (slots,), int64
        How many words stood around, added to.
    seen : ndarray (slots,), int64
        How often the word itself was seen with a neighbour, added to.

    Notes
    -----
    ``3 * dims`` additions a token, whatever the window: a running sum takes in the word that
    enters the window and lets go of the one that leaves it.
    """
    running = np.empty(vectors.shape[1])  # in float64, so that what leaves it leaves no trace
    _add_contexts(vectors, weights, tokens, offsets, window, slot_of, sums, around, seen, running)


@compiled(fastmath=True, inline=True)
def _add(running: Any, vectors: Any, word: int, weight: Any) -> None:
    for dim in range(running.size):
        running[dim] += weight * vectors[word, dim]


@compiled(fastmath=True)
def _add_contexts(
    vectors: Any,
    weights: Any,
    tokens: Any,
    offsets: Any,
    window: int,
    slot_of: Any,
    sums: Any,
    around: Any,
    seen: Any,
    running: Any,
) -> None:
    """See `add_contexts`. The first words of a sentence enter before its first place is reached."""
    for sentence in range(offsets.size - 1):
        first, last = offsets[sentence], offsets[sentence + 1]
        for dim in range(running.size):
            running[dim] = 0
        for place in range(first - window, last):
            enters, leaves = place + window, place - window - 1
            if enters < last:
                _add(running, vectors, tokens[enters], np.float64(weights[tokens[enters]]))
            if leaves >= first:
                _add(running, vectors, tokens[leaves], -np.float64(weights[tokens[leaves]]))
            if place < first:
                continue
            own = tokens[place]
            slot = slot_of[own]
            begin = leaves + 1 if leaves >= first else first
            end = enters if enters < last else last - 1
            if slot >= 0 and begin < end:
                weight = np.float64(weights[own])
                for dim in range(running.size):
                    sums[slot, dim] += running[dim] - weight * vectors[own, dim]
                around[slot] += end - begin
                seen[slot] += 1


def add_contexts_plain(
    vectors: NDArray[np.float32],
    weights: NDArray[np.float32],
    tokens: NDArray[np.int32],
    offsets: NDArray[np.int64],
    window: int,
    slot_of: NDArray[np.int32],
    sums: NDArray[np.float64],
    around: NDArray[np.int64],
    seen: NDArray[np.int64],
) -> None:
    """Do what `add_contexts` does, word by word, in plain NumPy: the oracle of the tests."""
    weighted = vectors.astype(np.float64) * weights[:, None]
    for first, last in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True):
        for place in range(first, last):
            slot = slot_of[tokens[place]]
            near = [*range(max(first, place - window), place)]
            near += range(place + 1, min(last, place + window + 1))
            if slot >= 0 and near:
                sums[slot] += weighted[tokens[near]].sum(axis=0)
                around[slot] += len(near)
                seen[slot] += 1
