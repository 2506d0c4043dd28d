"""Training on streams of sentences: threads, the falling rate, the bar.

What it is: the one loop that words and walks on graphs share. A learner says where sentences
come from, bite by bite, so that neither a corpus nor all walks need be in memory; the trainer
carries them to the kernel. What it is not: the kernel (``embedry.kernels``), nor a learner.

References
----------
B. Recht, C. Re, S. Wright, F. Niu, "Hogwild!", 2011 (threads that share the tables unlocked).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Protocol

from embedry.progress import bar
from embedry.threads import run_in_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from threading import Event

    import numpy as np
    from numpy.typing import NDArray

    from embedry.kernels.sampling.plan import SkipGram, Trained

__all__ = ["Part", "Sentences", "SharedTables", "TableTrainer", "train"]


@dataclass(frozen=True, eq=False)
class Sentences:
    """Some sentences, in the ids of the tables.

    Attributes
    ----------
    tokens : ndarray (tokens,), int32
        Ids, sentence after sentence.
    offsets : ndarray (sentences + 1,), int64
        Sentence i is ``tokens[offsets[i]:offsets[i + 1]]``.
    seen : int
        The tokens of the source that these stand for, those left out included: the rate falls,
        and the bar moves, with them.
    """

    tokens: NDArray[np.int32]
    offsets: NDArray[np.int64]
    seen: int


@dataclass(frozen=True, eq=False)
class Part:
    """What one thread trains on.

    Attributes
    ----------
    seen : int
        Tokens of the source in one epoch.
    sentences : callable
        Gives the sentences of an epoch, numbered from 0, bite by bite.
    generator : Generator
        The thread's own random numbers.
    """

    seen: int
    sentences: Callable[[int], Iterator[Sentences]]
    generator: np.random.Generator


class TableTrainer(Protocol):
    """Tables of vectors that learn from sentences, in place."""

    def learn(self, sentences: Sentences, plan: SkipGram, state: NDArray[np.uint64]) -> Trained:
        """Train on some sentences, carrying ``state`` on."""

    def settle(self) -> None:
        """Bring what this thread alone knows into the shared tables."""


class SharedTables(Protocol):
    """Tables that some threads can train at the same time."""

    def in_threads(
        self, plan: SkipGram, counts: NDArray[np.int64], threads: int
    ) -> Sequence[TableTrainer]:
        """Return what each of the threads trains."""


def train(
    tables: SharedTables,
    plan: SkipGram,
    counts: NDArray[np.int64],
    parts: Sequence[Part],
    epochs: int,
    title: str,
) -> None:
    """Train tables on all parts, a thread each, for some epochs.

    Parameters
    ----------
    tables : SharedTables
    plan : SkipGram
        Its ``total_tokens`` is set anew for each part.
    counts : ndarray (rows,), int64
        How often each word or node occurs, about.
    parts : sequence of Part
        One is trained in the calling thread, and gives the same bytes each time.
    epochs : int
    title : str
        What the bar says.

    Raises
    ------
    InputError
        If sentences hold ids that the tables lack.
    KeyboardInterrupt
        At Ctrl-C, once all threads have ended.
    """
    from embedry.kernels.draws import start_state
    from embedry.kernels.sampling.plan import check_ids

    vocabulary_size = plan.keep.size

    def learn(mine: TableTrainer, part: Part, stop: Event) -> None:
        own = replace(plan, total_tokens=max(1, part.seen * epochs))
        state = start_state(part.generator)
        done = 0
        for epoch in range(epochs):
            for sentences in part.sentences(epoch):
                if stop.is_set():
                    return
                check_ids(sentences.tokens, sentences.offsets, vocabulary_size)
                state[1] = done  # tokens of the source, not only those that were kept
                mine.learn(sentences, own, state)
                done += sentences.seen
                advance(sentences.seen)
        mine.settle()

    with bar(title, sum(part.seen for part in parts) * epochs) as advance:
        trainers = tables.in_threads(plan, counts, len(parts))
        run_in_threads([partial(learn, *pair) for pair in zip(trainers, parts, strict=True)])
