"""Skip-gram in several threads: each with copies of the rows that all of them want.

What it is: `embedry.kernels.sampling.sgns.train` on tables that threads share, with the copies of
`kernels.sampling.hot_rows` put in place of the hottest rows, and merged as training goes on.
What it is not: a pool of threads; the learner runs one of these in each of its own. One thread
alone needs none of it.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from embedry.errors import InputError
from embedry.kernels.sampling import sgns
from embedry.kernels.sampling.hot_rows import HotRows, OwnRows, hot_rows, steps_of
from embedry.kernels.sampling.plan import SkipGram, Trained, check_sentences

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Kernel = Callable[..., Trained]

__all__ = ["OwnTables", "hot_words"]


def hot_words(counts: NDArray[np.int64], plan: SkipGram, dims: int, threads: int) -> HotRows:
    """Choose the words whose rows each thread gets copies of.

    Parameters
    ----------
    counts : ndarray (vocabulary,), int64
        How often each word occurs.
    plan : SkipGram
        Says how often it is kept, and how often it is drawn as a negative.
    dims : int
    threads : int

    Returns
    -------
    HotRows
        None for one thread, and where copies do not pay; see `hot_rows`.

    Raises
    ------
    InputError
        If ``counts`` is not as long as the vocabulary, or ``threads`` below 1.

    Notes
    -----
    A word is touched where it is kept, and where it is drawn. Each touch of its context is a
    step along ``window + 1`` words, on average, at the learning rate; in CBOW along one bag, so
    that rows are called hot a little early, which is the safe side.
    """
    if threads < 1 or np.shape(counts) != plan.keep.shape:
        raise InputError(
            f"counts must have {plan.keep.size} entries, as plan.keep has, and threads be at "
            f"least 1; got {np.shape(counts)} and {threads}."
        )
    kept = counts * (plan.keep / 2**32)
    drawn = np.bincount(plan.negatives, minlength=len(kept)) / plan.negatives.size
    touches = (kept + kept.sum() * plan.negative * drawn) / max(counts.sum(), 1)
    strength = plan.learning_rate * (plan.window + 1)
    return hot_rows(touches, dims, strength=strength, tokens=int(counts.sum()), threads=threads)


class OwnTables:
    """The two tables of skip-gram, or of CBOW over words, as one thread of several trains them.

    Parameters
    ----------
    words, contexts : ndarray (rows + spare + 1 or more, width), float32
        Shared rows, then room for copies; see `kernels.sampling.hot_rows.spare_rows`. Rows of
        contexts behind the shared ones must be zero.
    rows : int
        The vocabulary.
    hot : HotRows
        From `hot_words`; the same for all threads.
    thread : int
        The number of this one, from 0 on.
    kernel : callable, default `embedry.kernels.sampling.sgns.train`
        What trains; it takes the same arguments and finds a word in the row of its id.

    Raises
    ------
    InputError
        If a table has no room for the copies of so many threads.

    Notes
    -----
    Memory beside the room in the tables, for each thread: 2 MiB at most, 16 bytes a word, and
    the table of negatives once more, in its own row numbers.
    """

    def __init__(
        self,
        words: NDArray[np.float32],
        contexts: NDArray[np.float32],
        rows: int,
        hot: HotRows,
        thread: int,
        kernel: Kernel = sgns.train,
    ) -> None:
        self._words = OwnRows(words, rows, hot, thread)
        self._contexts = OwnRows(contexts, rows, hot, thread)
        self._hot, self._kernel = hot, kernel
        self._shared_plan: SkipGram | None = None

    def train(
        self,
        tokens: NDArray[np.int32],
        offsets: NDArray[np.int64],
        first: int,
        last: int,
        plan: SkipGram,
        state: NDArray[np.uint64],
    ) -> Trained:
        """Train on the sentences from ``first`` to before ``last``, merging as it goes.

        Parameters
        ----------
        tokens, offsets, first, last, state
            As `embedry.kernels.sampling.sgns.train` takes them.
        plan : SkipGram
            Of the vocabulary. Kept from call to call; pass the same object.

        Returns
        -------
        Trained

        Raises
        ------
        InputError
            As `embedry.kernels.sampling.sgns.train` raises it.

        Notes
        -----
        Sentences longer than 4 steps (some ten thousand tokens) are learned in pieces.
        """
        check_sentences(tokens, offsets, first, last, state)
        if plan is not self._shared_plan:
            self._plan, self._shared_plan = self._planned(plan), plan
        begin = offsets[first]
        mine = self._words.of[tokens[begin : offsets[last]]]
        pieces, stops = steps_of(offsets[first : last + 1] - begin, self._hot.step)
        words, contexts = self._words.table, self._contexts.with_nothing
        kept = pairs = 0
        for one, other in pairwise(stops.tolist()):
            done = self._kernel(words, contexts, mine, pieces, one, other, self._plan, state)
            kept, pairs = kept + done.kept, pairs + done.pairs
            self._words.merge()
            self._contexts.merge()
        return Trained(kept, pairs)

    def settle(self) -> None:
        """Bring all that this thread has learned into the shared rows.

        The rows behind these keep its copies; only the shared ones mean anything afterwards.
        """
        self._words.settle()
        self._contexts.settle()

    def _planned(self, plan: SkipGram) -> SkipGram:
        """Return the plan in the row numbers of this thread; the negatives once more if it must."""
        keep = np.zeros(len(self._words.table), np.uint32)
        keep[self._words.of] = plan.keep
        negatives = self._words.of[plan.negatives] if len(self._hot) else plan.negatives
        return replace(plan, keep=keep, negatives=negatives)
