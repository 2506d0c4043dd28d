"""Documents as the frequency-weighted mean of their words.

A word of share p of all tokens weighs a / (a + p), a = 0.001, so that "the" says little; then
the direction that all sentences have in common is taken away. What it is not: contextual, nor
an encoder by itself; see `embedry.Word2Vec`.

References
----------
Arora, Liang, Ma 2017, A Simple but Tough-to-Beat Baseline for Sentence Embeddings, algorithm 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embedry.data.corpus import Corpus
    from embedry.learn.words.vocabulary import Vocabulary

__all__ = ["SentenceMoments", "smooth_weights", "weighted_sum", "without"]

SMOOTHING = 1e-3  # a of Arora et al.: how fast frequent words lose weight in a document
_SENTENCES = 10_000  # that the common direction is found from, at most
_AT_ONCE = 1_000  # sentences
_BITE = 200_000  # tokens of a sentence that are looked at at once
_ROWS = 4_000  # vectors that are added up at once


def smooth_weights(counts: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the weight of each word, (words,) float32 in (0, 1]."""
    share = counts / counts.sum()
    return np.asarray(SMOOTHING / (SMOOTHING + share), np.float32)


def weighted_sum(
    vectors: NDArray[np.float32],
    weights: NDArray[np.float32],
    ids: NDArray[np.int32] | NDArray[np.int64],
    times: NDArray[np.int64],
) -> NDArray[np.float32]:
    """Add up the vectors of words, each by its weight as often as it occurs.

    Parameters
    ----------
    vectors : ndarray (words, dims), float32
    weights : ndarray (words,), float32
    ids : ndarray (n,), int32 or int64
        The words, each once.
    times : ndarray (n,), int64
        How often each occurs.

    Returns
    -------
    ndarray (dims,), float32

    Notes
    -----
    Beside the vectors it takes a copy of 4,000 of them at most, however long the text.
    """
    total = np.zeros(vectors.shape[1], np.float32)
    for first in range(0, len(ids), _ROWS):
        some = ids[first : first + _ROWS]
        # (words,) @ (words, dims) -> (dims,)
        total += (weights[some] * times[first : first + _ROWS]).astype(np.float32) @ vectors[some]
    return total


def without(rows: NDArray[np.float32], direction: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return rows (n, dims) less their share of a unit direction (dims,)."""
    # not by BLAS, whose sums of one row depend on how many there are
    along = np.einsum("nd,d->n", rows, direction)
    return rows - np.outer(along, direction)


@dataclass(frozen=True, eq=False)
class SentenceMoments:
    """Sums over sentences, from which their common direction is found; more can be added.

    Attributes
    ----------
    gram : ndarray (dims, dims), float64
        The sum of the outer products of the means of sentences with themselves.
    sentences : int
        How many have a known word.
    """

    gram: NDArray[np.float64]
    sentences: int

    @classmethod
    def of(
        cls, vectors: NDArray[np.float32], vocabulary: Vocabulary, corpus: Corpus
    ) -> SentenceMoments:
        """Sum over the sentences of a corpus.

        Parameters
        ----------
        vectors : ndarray (words, dims), float32
        vocabulary : Vocabulary
            Made for this corpus.
        corpus : Corpus
            At most 10,000 sentences of it, evenly spread, are looked at; they count for all.

        Returns
        -------
        SentenceMoments
        """
        weights = smooth_weights(vocabulary.counts)
        gram, found = np.zeros((vectors.shape[1],) * 2), 0
        looked_at = range(0, len(corpus), max(1, -(-len(corpus) // _SENTENCES)))
        for first in range(0, len(looked_at), _AT_ONCE):
            sentences = looked_at[first : first + _AT_ONCE]
            means = np.zeros((len(sentences), vectors.shape[1]))
            for row, sentence in enumerate(sentences):
                means[row], known = _mean(vectors, weights, vocabulary, corpus, sentence)
                found += known > 0
            gram += means.T @ means  # (dims, n) @ (n, dims)
        times = len(corpus) / len(looked_at)
        return cls(gram * times, round(found * times))

    def __add__(self, other: SentenceMoments) -> SentenceMoments:
        return SentenceMoments(self.gram + other.gram, self.sentences + other.sentences)

    def common_direction(self) -> NDArray[np.float32]:
        """Return the first singular direction of the means of the sentences.

        Returns
        -------
        ndarray (dims,), float32
            Of unit length; zero where taking it away would leave nothing: in one dimension, or
            of one sentence.
        """
        if self.sentences < 2 or len(self.gram) < 2:
            return np.zeros(len(self.gram), np.float32)
        _, directions = np.linalg.eigh(self.gram)  # values ascending
        return np.asarray(directions[:, -1], np.float32)


def _mean(
    vectors: NDArray[np.float32],
    weights: NDArray[np.float32],
    vocabulary: Vocabulary,
    corpus: Corpus,
    sentence: int,
) -> tuple[NDArray[np.float32], int]:
    """Return the weighted mean of the words of a sentence, (dims,), and how many are known."""
    first, last = corpus.offsets[sentence : sentence + 2].tolist()
    total, known = np.zeros(vectors.shape[1], np.float32), 0
    for begin in range(first, last, _BITE):
        ids = vocabulary.id_of[corpus.tokens[begin : min(begin + _BITE, last)]]
        words, times = np.unique(ids[ids >= 0], return_counts=True)
        total += weighted_sum(vectors, weights, words, times)
        known += int(times.sum())
    return total / np.float32(max(known, 1)), known
