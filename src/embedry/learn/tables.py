"""The two tables that negative sampling trains: the vectors wanted, and those they are told by.

What it is: rows that kernels like (aligned, padded), seen by one thread or by several. What it
is not: named vectors; see `embedry.Embeddings`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from embedry.errors import InputError
from embedry.kernels.draws import keep_thresholds, negative_table
from embedry.kernels.sampling import sgns
from embedry.kernels.sampling.hot_rows import spare_rows
from embedry.kernels.sampling.plan import SkipGram, Trained, steady_batch
from embedry.kernels.sampling.sgns_threads import OwnTables, hot_words
from embedry.kernels.simd import aligned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from embedry.kernels.sampling.sgns_threads import Kernel
    from embedry.learn.trainer import Sentences, TableTrainer

__all__ = ["Tables", "check_steady", "random_rows", "sampling_plan"]

_LENGTH = 0.2  # of a vector at the start, about
_MOST_DRAWS = 1 << 22  # entries of the table of negatives
_DIVERGED = 1000.0  # entries of vectors are a few units
_DRAWS_A_ROW = 1000  # shuffling more takes longer than learning a small text


@dataclass(frozen=True, eq=False)
class Tables:
    """Vectors and contexts in training.

    Make them with `empty` or `started`.

    Attributes
    ----------
    inputs : ndarray (rows and spare ones, padded dims), float32
        The vectors wanted, a word or node a row; then room for copies of each thread.
    outputs : ndarray (targets and spare ones, padded dims), float32
        What they are told by; after the targets a row of zeros, and room for copies.
    rows, targets : int
        How many are shared.
    kernel : callable
        What trains them; `kernels.sampling.sgns.train`, or one that takes the same arguments.
    """

    inputs: NDArray[np.float32]
    outputs: NDArray[np.float32]
    rows: int
    targets: int
    kernel: Kernel = sgns.train

    @classmethod
    def empty(cls, rows: int, targets: int, dims: int, threads: int) -> Tables:
        """Make tables of zeros, with room for the copies of each thread."""
        spare = spare_rows(targets, dims, threads)
        inputs = aligned(rows + spare + 1, dims)
        return cls(inputs, aligned(targets + spare + 1, dims), rows, targets)

    @classmethod
    def started(cls, rows: int, dims: int, generator: np.random.Generator, threads: int) -> Tables:
        """Make tables that nothing is known in yet: random vectors, contexts of zeros."""
        tables = cls.empty(rows, rows, dims, threads)
        tables.vectors[:, :dims] = random_rows(rows, dims, generator)
        return tables

    @property
    def vectors(self) -> NDArray[np.float32]:
        """The vectors wanted, (rows, padded dims) float32, to be written to."""
        return self.inputs[: self.rows]

    @property
    def contexts(self) -> NDArray[np.float32]:
        """What they are told by, (targets, padded dims) float32, to be written to."""
        return self.outputs[: self.targets]

    @property
    def with_nothing(self) -> NDArray[np.float32]:
        """The contexts and a row of zeros, which stands for no target, as kernels want them."""
        return self.outputs[: self.targets + 1]

    def learn(self, sentences: Sentences, plan: SkipGram, state: NDArray[np.uint64]) -> Trained:
        """Train on some sentences, in place."""
        tokens, offsets = sentences.tokens, sentences.offsets
        tables = self.vectors, self.with_nothing
        return self.kernel(*tables, tokens, offsets, 0, len(offsets) - 1, plan, state)

    def settle(self) -> None:
        """Do nothing: one thread alone has no copies."""

    def in_threads(
        self, plan: SkipGram, counts: NDArray[np.int64], threads: int
    ) -> Sequence[TableTrainer]:
        """Return what each of some threads trains.

        Parameters
        ----------
        plan : SkipGram
        counts : ndarray (rows,), int64
            How often each word or node occurs: the most frequent get copies.
        threads : int
            At most as many as there is room for.

        Returns
        -------
        sequence of TableTrainer
            These tables themselves for one thread.
        """
        if threads == 1:
            return [self]
        hot = hot_words(counts, plan, self.inputs.shape[1], threads)
        tables = self.inputs, self.outputs, self.rows, hot
        numbers = range(threads)
        return [_OwnTables(OwnTables(*tables, number, self.kernel)) for number in numbers]


@dataclass(frozen=True, eq=False)
class _OwnTables:
    """The tables as one thread of several sees them."""

    own: OwnTables

    def learn(self, sentences: Sentences, plan: SkipGram, state: NDArray[np.uint64]) -> Trained:
        tokens, offsets = sentences.tokens, sentences.offsets
        return self.own.train(tokens, offsets, 0, len(offsets) - 1, plan, state)

    def settle(self) -> None:
        self.own.settle()


def random_rows(count: int, dims: int, generator: np.random.Generator) -> NDArray[np.float32]:
    """Return rows (count, dims) that training starts with: small, random, about 0.2 long.

    Word2vec.c starts eight times shorter, and longer is better for what is trained well; half as
    long again, and rare words still point where they started. See
    ``docs/decisions/0008-how-training-starts.md``.
    """
    rows = generator.random((count, dims), np.float32)
    rows -= np.float32(0.5)
    rows *= np.float32(2 * _LENGTH * (3 / dims) ** 0.5)  # of numbers in [-s, s]: s * sqrt(dims / 3)
    return rows


def sampling_plan(
    counts: NDArray[np.int64],
    generator: np.random.Generator,
    *,
    window: int,
    negative: int,
    sample: float,
    exponent: float,
    rates: tuple[float, float],
) -> SkipGram:
    """Make the plan of a training: which tokens are kept, and which negatives are drawn.

    Parameters
    ----------
    counts : ndarray (rows,), int64
        How often each word or node occurs.
    generator : Generator
        Shuffles the table of negatives.
    window, negative : int
    sample : float
        0 keeps every token.
    exponent : float
        Of the counts that negatives are drawn by.
    rates : pair of float
        The learning rate at the start and at the end.

    Returns
    -------
    SkipGram
        Its ``total_tokens`` is for the trainer to set.
    """
    size = min(_MOST_DRAWS, _DRAWS_A_ROW * len(counts))
    keep = keep_thresholds(counts, sample)
    return SkipGram(
        keep=keep,
        negatives=negative_table(counts, exponent, generator, size=size),
        total_tokens=1,
        window=window,
        negative=negative,
        learning_rate=rates[0],
        min_learning_rate=rates[1],
        batch=steady_batch(counts, keep, rates[0]),
    )


def check_steady(vectors: NDArray[np.float32], learning_rate: object) -> None:
    """Refuse vectors that training has thrown out of all bounds.

    Parameters
    ----------
    vectors : ndarray (rows, dims), float32
    learning_rate : float, or whatever the learner was told
        Named in the message.

    Raises
    ------
    InputError
        If a number is not finite, or far larger than training that settles gives.
    """
    longest = max(float(vectors.max()), -float(vectors.min()))  # without a copy of the table
    if not longest < _DIVERGED:
        raise InputError(
            f"learning_rate must be low enough for training to settle; at {learning_rate} entries "
            f"of vectors reached {longest:.3g}. Pass a lower one."
        )
