"""A word space: words, how often they occur, and how documents are placed among them.

What `Word2Vec` learns, as a value. It places words (also unseen ones, where n-grams were
learned) and documents. What it is not: a learner.

References
----------
Arora, Liang, Ma 2017, A Simple but Tough-to-Beat Baseline for Sentence Embeddings.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from embedry.data.corpus import tokenize
from embedry.encode.encoder import Encoded
from embedry.errors import InputError
from embedry.learn.words.documents import smooth_weights, weighted_sum, without
from embedry.vectors import as_row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
            means[place] = self._mean(words, guessed)
        empty = sum(not words for words in texts)
        left = tuple(word for word in unknown if word not in guessed.ids)
        if role != "word":
            means = without(means, self.common)
        return Encoded(means, self.embeddings.card, empty=empty, unknown=left)

    def _learned(self) -> _Table:
        return _Table(self.ids, self.embeddings.vectors, self.weights)

    def _guessed(self, words: Sequence[str]) -> _Table:
        """Return vectors of words that were not learned, of those that have any."""
        rows = np.zeros((0, self.embeddings.dims), np.float32)
        if self.ngrams is not None and words:
            rows = self.ngrams.compose(words)
        ids = {word: id for id, word in enumerate(words[: len(rows)]) if rows[id].any()}
        return _Table(ids, rows, np.ones(len(rows), np.float32))  # as rare as can be

    def _mean(self, words: Sequence[str], guessed: _Table) -> NDArray[np.float32]:
        """Return the weighted mean of those words that have a vector, (dims,)."""
        total, count = np.zeros(self.embeddings.dims, np.float32), 0
        for table in (self._learned(), guessed) if guessed.ids else (self._learned(),):
            _, ids, times = table.counted(words)
            total += weighted_sum(table.vectors, table.weights, ids, times)
            count += int(times.sum())
        return total / np.float32(max(count, 1))

    def word_shares(self, text: str, query: NDArray[np.float32]) -> dict[str, float]:
        """Return what each word gives to a text's score; see `embedry.Word2Vec.word_shares`."""
        vector = self.encode([text], "document").vectors[0]
        query = as_row(query, self.embeddings.dims, "query")
        length = float(np.linalg.norm(vector))
        if length == 0:
            return {}
        words = tokenize(text, self.tokenizer)
        guessed = self._guessed(list(dict.fromkeys(w for w in words if w not in self.ids)))
        shares: dict[str, float] = {}
        placed = 0
        for table in (self._learned(), guessed):
            named, ids, times = table.counted(words)
            along = without(table.vectors[ids], self.common) @ query
            given = (table.weights[ids] * times * along).tolist()
            shares.update(zip(named, given, strict=True))
            placed += int(times.sum())
        whole = placed * length
        return {word: shares[word] / whole for word in dict.fromkeys(words) if word in shares}


@dataclass(frozen=True, eq=False)
class _Table:
    """Words that have vectors, and what each weighs."""

    ids: Mapping[Any, int]
    vectors: NDArray[np.float32]
    weights: NDArray[np.float32]

    def counted(
        self, words: Sequence[str]
    ) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64]]:
        """Return those words of a text that have a vector, once each: names, ids, how often."""
        counts = Counter(word for word in words if word in self.ids)
        ids = np.array([self.ids[word] for word in counts], np.int64)
        return list(counts), ids, np.array(list(counts.values()), np.int64)


def checked_texts(items: Sequence[str], what: str = "items") -> list[str]:
    """Return items as a list of str.

    Parameters
    ----------
    items : iterable of str
    what : str
        How the message calls them.

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
            f"{what} must be a list of str; got a single {type(items).__name__}. Pass [text]."
        )
    texts = list(items)  # a generator is read once
    for place, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputError(
                f"{what} must all be str; got {text!r} at {place}. Leave it out, or pass its text."
            )
    return texts
