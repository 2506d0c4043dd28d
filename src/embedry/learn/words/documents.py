"""Documents as the frequency-weighted mean of their words.

A word of share p of all tokens weighs a / (a + p), a = 0.001, so that "the" says little; then
the direction that all sentences have in common is taken away. What it is not: contextual, nor
an encoder by itself; see `embedry.Word2Vec`.

References
----------
Arora, Liang, Ma 2017, A Simple but Tough-to-Beat Baseline for Sentence Embeddings, algorithm 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from embedry.data.corpus import Corpus
    from embedry.learn.words.vocabulary import Vocabulary

__all__ = ["common_direction", "means", "smooth_weights", "without"]

SMOOTHING = 1e-3  # a of Arora et al.: how fast frequent words lose weight in a document
_SENTENCES = 10_000  # that the common direction is found from, at most
_AT_ONCE = 1_000


def smooth_weights(counts: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the weight of each word, (words,) float32 in (0, 1]."""
    share = counts / counts.sum()
    return np.asarray(SMOOTHING / (SMOOTHING + share), np.float32)


def means(
    vectors: NDArray[np.float32],
    weights: NDArray[np.float32],
    texts: Sequence[Sequence[int] | NDArray[np.int32]],
) -> NDArray[np.float32]:
    """Return the weighted mean of the words of each text.

    Parameters
    ----------
    vectors : ndarray (words, dims), float32
    weights : ndarray (words,), float32
    texts : sequence of n sequences of int
        The ids of the words of each.

    Returns
    -------
    ndarray (n, dims), float32
        Zeros for an empty text.
    """
    found = np.zeros((len(texts), vectors.shape[1]), np.float32)
    for place, ids in enumerate(texts):
        if len(ids):
            # (words,) @ (words, dims) -> (dims,)
            found[place] = weights[ids] @ vectors[ids] / np.float32(len(ids))
    return found


def without(rows: NDArray[np.float32], direction: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return rows (n, dims) less their share of a unit direction (dims,)."""
    # not by BLAS, whose sums of one row depend on how many there are
    along = np.einsum("nd,d->n", rows, direction)
    return rows - np.outer(along, direction)


def common_direction(
    vectors: NDArray[np.float32], vocabulary: Vocabulary, corpus: Corpus
) -> NDArray[np.float32]:
    """Find the first singular direction of the means of sentences.

    Parameters
    ----------
    vectors : ndarray (words, dims), float32
    vocabulary : Vocabulary
        Made for this corpus.
    corpus : Corpus
        Up to 10,000 sentences of it, evenly spread, are looked at.

    Returns
    -------
    ndarray (dims,), float32
        Of unit length; zero where taking it away would leave nothing: in one dimension, or of
        one sentence.
    """
    step = max(1, len(corpus) // _SENTENCES)
    bounds = zip(corpus.offsets[:-1:step], corpus.offsets[1::step], strict=False)
    ids = (vocabulary.id_of[corpus.tokens[first:last]] for first, last in bounds)
    texts = [known for known in (some[some >= 0] for some in ids) if len(known)]
    if len(texts) < 2 or vectors.shape[1] < 2:
        return np.zeros(vectors.shape[1], np.float32)
    weights = smooth_weights(vocabulary.counts)
    gram = np.zeros((vectors.shape[1], vectors.shape[1]))
    for first in range(0, len(texts), _AT_ONCE):
        found = means(vectors, weights, texts[first : first + _AT_ONCE]).astype(np.float64)
        gram += found.T @ found  # (dims, n) @ (n, dims)
    _, directions = np.linalg.eigh(gram)  # values ascending
    return np.asarray(directions[:, -1], np.float32)
