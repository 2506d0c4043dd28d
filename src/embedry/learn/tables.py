"""The two tables that negative sampling trains: the vectors wanted, and those they are told by.

What it is: rows that kernels like (aligned, padded), and the choice of the kernel that fits:
skip-gram over whole words, or bags of rows (CBOW, subwords). What it is not: named vectors; see
`embedry.Embeddings`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from embedry.kernels import sgns
from embedry.kernels.simd import aligned

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embedry.learn.trainer import Sentences

__all__ = ["Tables", "random_rows", "sampling_plan", "started"]

_MOST_DRAWS = 1 << 22  # entries of the table of negatives
_DRAWS_A_ROW = 1000  # shuffling more takes longer than learning a small text


@dataclass(frozen=True, eq=False)
class Tables:
    """Vectors and contexts in training.

    Attributes
    ----------
    vectors : ndarray (rows, padded dims), float32
        The inputs; a word or node a row.
    contexts : ndarray (rows + 1, padded dims), float32
        The outputs; the last row stays zero.
    """

    vectors: NDArray[np.float32]
    contexts: NDArray[np.float32]

    def learn(
        self, sentences: Sentences, plan: sgns.SkipGram, state: NDArray[np.uint64]
    ) -> sgns.Trained:
        """Train skip-gram on some sentences; see `embedry.kernels.sgns.train`."""
        last = len(sentences.offsets) - 1
        return sgns.train(
            self.vectors,
            self.contexts,
            sentences.tokens,
            sentences.offsets,
            0,
            last,
            plan,
            state,
        )

    def in_thread(self, number: int, threads: int) -> Tables:  # noqa: ARG002
        """Return the tables themselves: all threads share every row."""
        return self

    def settle(self) -> None:
        """Do nothing: every row is shared."""


def started(count: int, dims: int, generator: np.random.Generator) -> Tables:
    """Make tables as word2vec.c starts them: small random vectors, contexts of zeros.

    Parameters
    ----------
    count, dims : int
    generator : Generator

    Returns
    -------
    Tables
    """
    vectors = aligned(count, dims)
    vectors[:, :dims] = random_rows(count, dims, generator)
    return Tables(vectors, aligned(count + 1, dims))


def random_rows(count: int, dims: int, generator: np.random.Generator) -> NDArray[np.float32]:
    """Return rows (count, dims) drawn evenly from -1/2 to 1/2, divided by ``dims``."""
    rows = generator.random((count, dims), np.float32)
    rows -= np.float32(0.5)
    rows /= np.float32(dims)
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
) -> sgns.SkipGram:
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
    return sgns.SkipGram(
        keep=sgns.keep_thresholds(counts, sample),
        negatives=sgns.negative_table(counts, exponent, generator, size=size),
        total_tokens=1,
        window=window,
        negative=negative,
        learning_rate=rates[0],
        min_learning_rate=rates[1],
    )
