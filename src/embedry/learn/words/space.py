"""A word space: words, how often they occur, and how documents are placed among them.

What `Word2Vec` learns, as a value. It places words (also unseen ones, where n-grams were
learned) and documents. What it is not: a learner.

References
----------
Arora, Liang, Ma 2017, A Simple but Tough-to-Beat Baseline for Sentence Embeddings.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from embedry.data.corpus import tokenize
from embedry.encode.encoder import Encoded
from embedry.errors import InputError
from embedry.learn.words.documents import smooth_weights, without
from embedry.vectors import as_row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from embedry.data.corpus import Tokenizer
    from embedry.embeddings import Embeddings
    from embedry.learn.words.ngrams import NGramRows

__all__ = ["ROLES", "WordSpace", "checked_texts"]

ROLES = ("word", "document", "query")


@dataclass(frozen=True, eq=False)
class WordSpace:
    """Words in a space, and how texts are placed there.

    Attributes
    ----------
    embeddings : Embeddings
        The words.
    counts : ndarray (words,), int64
        How often each occurs.
    common : ndarray (dims,), float32
        The direction that documents have in common, of unit length, or zeros.
    tokenizer : str
        How texts are split.
    ngrams : NGramRows or None
        Places words that are not among those learned.
    """

    embeddings: Embeddings
    counts: NDArray[np.int64]
    common: NDArray[np.float32]
    tokenizer: Tokenizer
    ngrams: NGramRows | None = None

    @cached_property
    def weights(self) -> NDArray[np.float32]:
        """What each word weighs in a document, (words,) float32."""
        return smooth_weights(self.counts)

    @cached_property
    def ids(self) -> dict[Any, int]:
        """The place of each word."""
        return {word: place for place, word in enumerate(self.embeddings.ids)}

    def encode(self, items: Sequence[str], role: str) -> Encoded:
        """Place texts; see `embedry.Word2Vec.encode`."""
        if role not in ROLES:
            raise InputError(f"role must be one of {', '.join(ROLES)}; got {role!r}.")
        texts = [tokenize(item, self.tokenizer) for item in checked_texts(items)]
        unknown = list(dict.fromkeys(w for words in texts for w in words if w not in self.ids))
        guessed = self._guessed(unknown)
        means = np.zeros((len(texts), self.embeddings.dims), np.float32)
        for place, words in enumerate(texts):
            weights, rows = self._rows(words, guessed)
            if len(rows):
                # (words,) @ (words, dims) -> (dims,)
                means[place] = weights @ rows / np.float32(len(rows))
        empty = sum(not words for words in texts)
        left = tuple(word for word in unknown if word not in guessed)
        if role != "word":
            means = without(means, self.common)
        return Encoded(means, self.embeddings.card, empty=empty, unknown=left)

    def _guessed(self, words: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Return vectors of words that were not learned, of those that have any."""
        if self.ngrams is None or not words:
            return {}
        rows = self.ngrams.compose(words)
        return {word: row for word, row in zip(words, rows, strict=True) if row.any()}

    def _rows(
        self, words: Sequence[str], guessed: dict[str, NDArray[np.float32]]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return weights and vectors of the words that have one: the learned, then the others."""
        known = [self.ids[word] for word in words if word in self.ids]
        weights, rows = self.weights[known], self.embeddings.vectors[known]
        if guessed:
            others = [guessed[word] for word in words if word in guessed]
            weights = np.append(weights, np.ones(len(others), np.float32))  # as rare as can be
            rows = np.concatenate([rows, np.reshape(others, (-1, rows.shape[1]))])
        return weights, rows

    def word_shares(self, text: str, query: NDArray[np.float32]) -> dict[str, float]:
        """Return what each word gives to a text's score; see `embedry.Word2Vec.word_shares`."""
        vector = self.encode([text], "document").vectors[0]
        query = as_row(query, self.embeddings.dims, "query")
        length = float(np.linalg.norm(vector))
        if length == 0:
            return {}
        words = tokenize(text, self.tokenizer)
        guessed = self._guessed(list(dict.fromkeys(w for w in words if w not in self.ids)))
        named = [word for word in words if word in self.ids]
        named += [word for word in words if word in guessed]
        weights, rows = self._rows(words, guessed)
        weights = weights / np.float32(len(rows) * length)
        shares: dict[str, float] = {}
        given = (weights * (without(rows, self.common) @ query)).tolist()
        for word, share in zip(named, given, strict=True):
            shares[word] = shares.get(word, 0.0) + share
        return {word: shares[word] for word in dict.fromkeys(words) if word in shares}


def checked_texts(items: Sequence[str]) -> list[str]:
    """Return items as a list of str.

    Parameters
    ----------
    items : iterable of str

    Returns
    -------
    list of str

    Raises
    ------
    InputError
        If it is a single str, no iterable, or holds what is no str.
    """
    if isinstance(items, str) or not hasattr(items, "__iter__"):
        raise InputError(
            f"items must be a list of str; got a single {type(items).__name__}. Pass [text]."
        )
    texts = list(items)  # a generator is read once
    for place, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputError(
                f"items must all be str; got {text!r} at {place}. Leave it out, or pass its text."
            )
    return texts
