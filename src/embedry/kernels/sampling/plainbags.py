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
from embedry.kernels.sampling.plan import COUPLE_GROUP, SkipGram, Trained, check_sentences

if TYPE_CHECKING:
    from collections.abc import Iterator

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
        for start, stop, centres in self._blocks():
            members = self._gather(max(0, start - plan.window), min(count, stop + plan.window))
            for turn, together in enumerate(centres):
                position = start + (stop - start) * turn / self._turns(start, stop)
                progress = (done + length * position / count) / plan.total_tokens
                rate = plan.learning_rate - (plan.learning_rate - plan.min_learning_rate) * progress
                pairs += self._positions(together, members, max(rate, plan.min_learning_rate))
            self._scatter(members)
        return pairs

    def _blocks(self) -> Iterator[tuple[int, int, list[list[int]]]]:
        """Yield where each block starts and stops, and the positions that learn together."""
        count, bags = len(self._kept), self._bags
        if bags.architecture == "skipgram":
            size = bags.positions if bags.of_subwords else count
            for start in range(0, count, size):
                stop = min(start + size, count)
                yield start, stop, [[position] for position in range(start, stop)]
            return
        half = self._half()
        for start in range(0, count, 2 * half):
            stop = min(start + 2 * half, count)
            firsts = range(start, min(start + half, count))
            yield start, stop, [[one, one + half][: 1 + (one + half < count)] for one in firsts]

    def _half(self) -> int:
        """Return how far the two bags that learn side by side lie apart."""
        half = (len(self._kept) + 1) // 2
        return min(half, (self._bags.positions + 1) // 2) if self._bags.of_subwords else half

    def _turns(self, start: int, stop: int) -> int:
        """Return how many turns would take up a block: its positions, or those of a half."""
        return stop - start if self._bags.architecture == "skipgram" else self._half()

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

    def _positions(self, positions: list[int], members: list[int], rate: float) -> int:
        """Learn from one window, or two bags side by side; return how many words were around."""
        plan, kept = self._plan, self._kept
        drawn = (self._cursor + np.arange(plan.negative)) % plan.negatives.size
        self._cursor += plan.negative
        negatives = plan.negatives[drawn]
        windows = [self._around(position) for position in positions]
        around = [[members.index(word) for word in near] for near in windows]
        if self._bags.architecture == "cbow":
            centres = [kept[position] for position in positions]
            self._learn_bags(around, windows, centres, negatives, rate)
        else:
            targets = np.array([kept[positions[0]], *negatives])
            for begun in range(0, len(around[0]), plan.batch):
                batch = around[0][begun : begun + plan.batch]
                learn_batch(self._near, self._contexts, batch, targets, rate)
        return sum(map(len, around))

    def _around(self, position: int) -> list[int]:
        """Return the words in a window drawn for a position."""
        reach = 1 + self._dice.below(self._plan.window)
        return (
            self._kept[max(0, position - reach) : position]
            + self._kept[position + 1 : position + reach + 1]
        )

    def _learn_bags(
        self,
        around: list[list[int]],
        windows: list[list[int]],
        centres: list[int],
        negatives: NDArray[np.int32],
        rate: float,
    ) -> None:
        """Learn from the means of all words around, one group of targets after the other."""
        bags = [self._bag(*bag) for bag in zip(around, windows, strict=True)]
        errors = np.zeros_like(bags)
        targets = np.array([*centres, *[-1] * (2 - len(centres)), *negatives])
        for start in range(0, targets.size, COUPLE_GROUP):
            group = targets[start : start + COUPLE_GROUP]
            old = self._contexts[group]
            for own, bag in enumerate(bags):
                labels = np.arange(start, start + group.size) == own
                others = np.arange(start, start + group.size) < 2
                taught = labels | (~others & (group != centres[own]))
                guesses = 1 / (1 + np.exp(-np.clip(old @ bag, -80, 80)))
                steps = np.where(taught, np.float32(rate) * (labels - guesses), 0)
                np.add.at(self._contexts, group, np.outer(steps, bag))
                errors[own] += steps @ old
        for words, error in zip(around, errors, strict=True):
            np.add.at(self._near, words, error * self._bags.damping)

    def _bag(self, around: list[int], near: list[int]) -> NDArray[np.float32]:
        """Return the mean of all words around, or of all their rows."""
        sizes = [len(self._rows(word)) if self._bags.of_subwords else 1 for word in near]
        return np.average(self._near[around], axis=0, weights=sizes).astype(np.float32)
