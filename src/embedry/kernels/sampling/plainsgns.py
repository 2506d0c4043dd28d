"""Skip-gram with negative sampling in plain NumPy: the oracle of the compiled one.

What it is: what `kernels.sampling.sgns.train` does, with the same windows, negatives and order of
updates, some thousand times slower. What it is not: fast.

References
----------
As in ``embedry.kernels.sampling.sgns``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from embedry.kernels.draws import Dice
from embedry.kernels.sampling.plan import GROUP, SkipGram, Trained, check_sentences, check_tables

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["learn_batch", "train_plain"]


def train_plain(
    words: NDArray[np.float32],
    contexts: NDArray[np.float32],
    tokens: NDArray[np.int32],
    offsets: NDArray[np.int64],
    first: int,
    last: int,
    plan: SkipGram,
    state: NDArray[np.uint64],
) -> Trained:
    """Do what `embedry.kernels.sampling.sgns.train` does, in plain NumPy.

    Parameters
    ----------
    words, contexts, tokens, offsets, first, last, plan, state
        As `train` takes them.

    Returns
    -------
    Trained
        As `train` returns it.

    Raises
    ------
    InputError
        As `train` raises it.
    """
    check_tables(words, contexts, plan)
    check_sentences(tokens, offsets, first, last, state)
    dice = Dice(int(state[0]))
    done, all_kept, pairs = int(state[1]), 0, 0
    for sentence in range(first, last):
        said = tokens[offsets[sentence] : offsets[sentence + 1]]
        kept = [int(word) for word in said if dice.draw() <= plan.keep[word]]
        all_kept += len(kept)
        cursor = dice.below(plan.negatives.size) if len(kept) > 1 else 0
        for position, centre in enumerate(kept if len(kept) > 1 else []):
            drawn = np.arange(cursor, cursor + plan.negative) + position * plan.negative
            targets = np.array([centre, *plan.negatives[drawn % plan.negatives.size]])
            reach = 1 + dice.below(plan.window)
            around = kept[max(0, position - reach) : position]
            around += kept[position + 1 : position + reach + 1]
            pairs += len(around)
            progress = (done + len(said) * position / len(kept)) / plan.total_tokens
            rate = plan.learning_rate - (plan.learning_rate - plan.min_learning_rate) * progress
            rate = max(rate, plan.min_learning_rate)
            for begun in range(0, len(around), plan.batch):
                batch = around[begun : begun + plan.batch]
                learn_batch(words, contexts, batch, targets, rate)
        done += len(said)
    state[:] = dice.state, done
    return Trained(all_kept, pairs)


def learn_batch(
    words: NDArray[np.float32],
    contexts: NDArray[np.float32],
    around: list[int],
    targets: NDArray[np.intp],
    rate: float,
) -> None:
    """Learn from a batch of words around, in place, one group of targets after the other.

    Parameters
    ----------
    words, contexts : ndarray
        As `train_plain` takes them.
    around : list of int
        The rows of the words around, at most 20.
    targets : ndarray (1 + negative,), int
        The rows of the centre and of the negatives.
    rate : float
        The learning rate.
    """
    labels = np.arange(targets.size) == 0
    rates = np.where(labels | (targets != targets[0]), np.float32(rate), np.float32(0))
    for start in range(0, targets.size, GROUP):
        group = slice(start, start + GROUP)
        old = contexts[targets[group]]
        scores = words[around] @ old.T  # (batch, dims) @ (dims, group) -> (batch, group)
        guesses = 1 / (1 + np.exp(-np.clip(scores, -80, 80)))
        steps = rates[group] * (labels[group] - guesses)
        for word, step in zip(around, steps, strict=True):
            np.add.at(contexts, targets[group], np.outer(step, words[word]))
            words[word] += step @ old
