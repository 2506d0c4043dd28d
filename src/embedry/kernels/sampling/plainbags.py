"""Training on bags of rows in plain NumPy: the oracle of the compiled one.

What it is: what `kernels.sampling.bags.train_bags` does, with the same draws and the same order of
updates, some thousand times slower. What it is not: fast.

References
----------
As in ``embedry.kernels.sampling.bags``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from embedry.kernels.draws import Dice
from embedry.kernels.sampling.bags import check_tables
from embedry.kernels.sampling.plainsgns import learn_batch
from embedry.kernels.sampling.plan import GROUP, SkipGram, Trained, check_sentences

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embedry.kernels.sampling.bags import Bags

__all__ = ["train_bags_plain"]


def train_bags_plain(
    words: NDArray[np.float32],
    contexts: NDArray[np.float32],
    tokens: NDArray[np.int32],
    offsets: NDArray[np.int64],
    first: int,
    last: int,
    plan: SkipGram,
    state: NDArray[np.uint64],
    bags: Bags,
) -> Trained:
    """Do what `embedry.kernels.sampling.bags.train_bags` does, in plain NumPy.

    Parameters
    ----------
    words, contexts, tokens, offsets, first, last, plan, state, bags
        As `embedry.kernels.sampling.bags.train_bags` takes them.

    Returns
    -------
    Trained
        As `embedry.kernels.sampling.bags.train_bags` returns it.

    Raises
    ------
    InputError
        As `embedry.kernels.sampling.bags.train_bags` raises it.
    """
    check_tables(words, contexts, plan, bags)
    check_sentences(tokens, offsets, first, last, state)
    dice = Dice(int(state[0]))
    done, all_kept, pairs = int(state[1]), 0, 0
    for sentence in range(first, last):
        said = tokens[offsets[sentence] : offsets[sentence + 1]]
        kept = [int(word) for word in said if dice.draw() <= plan.keep[word]]
        all_kept += len(kept)
        if len(kept) > 1:
            part = _Sentence(words, contexts, plan, bags, dice, kept)
            pairs += part.learn(done, len(said))
        done += len(said)
    state[:] = dice.state, done
    return Trained(all_kept, pairs)


class _Sentence:
    """One sentence, learned block by block."""

    def __init__(
        self,
        words: NDArray[np.float32],
        contexts: NDArray[np.float32],
        plan: SkipGram,
        bags: Bags,
        dice: Dice,
        kept: list[int],
    ) -> None:
        self._words, self._contexts = words, contexts
        self._plan, self._bags, self._dice, self._kept = plan, bags, dice, kept
        self._cursor = dice.below(plan.negatives.size)

    def learn(self, done: int, length: int) -> int:
        """Learn from all positions; return how many pairs there were."""
        pairs, plan, count = 0, self._plan, len(self._kept)
        block = self._bags.positions if self._bags.of_subwords else count
        for start in range(0, count, block):
            stop = min(start + block, count)
            members = self._gather(max(0, start - plan.window), min(count, stop + plan.window))
            for position in range(start, stop):
                progress = (done + length * position / count) / plan.total_tokens
                rate = plan.learning_rate - (plan.learning_rate - plan.min_learning_rate) * progress
                pairs += self._position(position, members, max(rate, plan.min_learning_rate))
            self._scatter(members)
        return pairs

    def _rows(self, word: int) -> NDArray[np.int32]:
        offsets, rows = self._bags.lists
        return rows[offsets[word] : offsets[word + 1]]

    def _gather(self, begin: int, end: int) -> list[int]:
        """Set up the vectors that positions learn on; return whose they are."""
        if not self._bags.of_subwords:
            self._near = self._words
            return list(range(len(self._words)))
        members = list(dict.fromkeys(self._kept[begin:end]))
        means = [self._words[self._rows(word)].mean(axis=0) for word in members]
        self._near = np.array(means, np.float32)  # (members, width)
        self._before = self._near.copy()
        return members

    def _scatter(self, members: list[int]) -> None:
        """Add what each word has learned to its rows."""
        if self._bags.of_subwords:
            for word, moved in zip(members, self._near - self._before, strict=True):
                np.add.at(self._words, self._rows(word), moved * self._bags.shares[word])

    def _position(self, position: int, members: list[int], rate: float) -> int:
        """Learn from one window; return how many words were around."""
        plan, kept = self._plan, self._kept
        drawn = np.arange(self._cursor, self._cursor + plan.negative) + position * plan.negative
        targets = np.array([kept[position], *plan.negatives[drawn % plan.negatives.size]])
        reach = 1 + self._dice.below(plan.window)
        near = kept[max(0, position - reach) : position]
        near += kept[position + 1 : position + reach + 1]
        around = [members.index(word) for word in near]
        if self._bags.architecture == "cbow":
            self._learn_bag(around, near, targets, rate)
        else:
            for begun in range(0, len(around), plan.batch):
                batch = around[begun : begun + plan.batch]
                learn_batch(self._near, self._contexts, batch, targets, rate)
        return len(around)

    def _learn_bag(
        self, around: list[int], near: list[int], targets: NDArray[np.intp], rate: float
    ) -> None:
        """Learn from the mean of all words around, one group of targets after the other."""
        sizes = [len(self._rows(word)) if self._bags.of_subwords else 1 for word in near]
        bag = np.average(self._near[around], axis=0, weights=sizes).astype(np.float32)
        labels = np.arange(targets.size) == 0
        rates = np.where(labels | (targets != targets[0]), np.float32(rate), np.float32(0))
        error = np.zeros_like(bag)
        for start in range(0, targets.size, GROUP):
            group = slice(start, start + GROUP)
            old = self._contexts[targets[group]]
            guesses = 1 / (1 + np.exp(-np.clip(old @ bag, -80, 80)))
            steps = rates[group] * (labels[group] - guesses)
            np.add.at(self._contexts, targets[group], np.outer(steps, bag))
            error += steps @ old
        np.add.at(self._near, around, error * self._bags.damping)
