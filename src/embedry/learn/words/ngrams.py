"""Subwords: vectors of character n-grams, so that words never seen get vectors too.

A word is the mean of its own row and the rows of its n-grams; a word that was not learned is
the mean of its n-grams alone. What it is not: the hashing; see `embedry.subwords`.

References
----------
Bojanowski, Grave, Joulin, Mikolov 2017, Enriching Word Vectors with Subword Information.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from embedry.errors import InputError
from embedry.learn.learner import whole_number
from embedry.subwords import ngrams_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["NGramRows", "Subwords", "composed", "rows_of_words"]

_WORDS_AT_ONCE = 10_000


@dataclass(frozen=True)
class Subwords:
    """Which n-grams of characters make up a word.

    Parameters
    ----------
    shortest, longest : int
        Characters of an n-gram; ``<`` and ``>``, which mark the ends of a word, count too.
    buckets : int
        N-grams are hashed into so many rows. Only those that words of the vocabulary use take
        memory.

    Raises
    ------
    InputError
        If a length is below 1, ``longest`` is below ``shortest``, or a number is no int.

    Examples
    --------
    >>> Subwords(3, 6)
    Subwords(shortest=3, longest=6, buckets=200000)
    """

    shortest: int = 3
    longest: int = 6
    buckets: int = 200_000

    def __post_init__(self) -> None:
        for name, most in (("shortest", 1000), ("longest", 1000), ("buckets", 2**31 - 1)):
            plain = whole_number(name, getattr(self, name), 1, most)
            object.__setattr__(self, name, plain)  # of NumPy's too, which no file can hold
        if self.longest < self.shortest:
            raise InputError(
                f"longest must be at least shortest; got {self.longest} and {self.shortest}. "
                "Pass Subwords(3, 6)."
            )


@dataclass(frozen=True, eq=False)
class NGramRows:
    """The n-grams that were learned.

    Attributes
    ----------
    subwords : Subwords
    buckets : ndarray (n,), int32
        The buckets that some word of the vocabulary uses, ascending.
    vectors : ndarray (n, dims), float32
        A row each.
    """

    subwords: Subwords
    buckets: NDArray[np.int32]
    vectors: NDArray[np.float32]

    @classmethod
    def by_bucket(
        cls, subwords: Subwords, buckets: NDArray[np.int32], vectors: NDArray[np.float32]
    ) -> NGramRows:
        """Sort rows, of one bucket each, by their bucket."""
        order = np.argsort(buckets, kind="stable")
        return cls(subwords, buckets[order], vectors[order])

    def compose(self, words: Sequence[str]) -> NDArray[np.float32]:
        """Return vectors for words that were not learned.

        Parameters
        ----------
        words : sequence of n str

        Returns
        -------
        ndarray (n, dims), float32
            The mean of the n-grams that were learned; zeros where none was.

        Raises
        ------
        InputError
            If a word is no valid Unicode text.
        """
        found = np.zeros((len(words), self.vectors.shape[1]), np.float32)
        for place, word in enumerate(words):
            rows = _places(self.buckets, ngrams_of([word], *_sizes(self.subwords)).buckets)
            known = rows[rows >= 0]
            if known.size:
                found[place] = self.vectors[known].mean(axis=0)
        return found


def rows_of_words(
    words: Sequence[str], subwords: Subwords, known: NDArray[np.int32] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]:
    """Lay out which rows of a table make up each word: its own, then those of its n-grams.

    Parameters
    ----------
    words : sequence of n str
        Word i has row i.
    subwords : Subwords
    known : ndarray (m,), int32, optional
        Buckets that have rows already, in the order of their rows.

    Returns
    -------
    offsets : ndarray (n + 1,), int64
        Word i is made of ``rows[offsets[i]:offsets[i + 1]]``.
    rows : ndarray, int32
        Rows of n-grams follow those of the words.
    buckets : ndarray, int32
        The bucket of each row from n on: those known, then those new, ascending.
    """
    pieces = range(0, len(words), _WORDS_AT_ONCE)
    found = [ngrams_of(words[at : at + _WORDS_AT_ONCE], *_sizes(subwords)) for at in pieces]
    counts = np.concatenate([np.diff(piece.starts) for piece in found])
    before = np.empty(0, np.int32) if known is None else known
    some = np.unique(np.concatenate([np.unique(piece.buckets) for piece in found]))
    buckets = np.concatenate([before, np.setdiff1d(some, before, assume_unique=True)])
    order = np.argsort(buckets, kind="stable")
    offsets = np.zeros(len(words) + 1, np.int64)
    np.cumsum(counts + 1, out=offsets[1:])
    rows = np.empty(offsets[-1], np.int32)
    for first, piece in zip(pieces, found, strict=True):
        places = order[np.searchsorted(buckets, piece.buckets, sorter=order)]
        part = offsets[first : first + _WORDS_AT_ONCE + 1]
        mine = rows[part[0] : part[-1]]
        own = np.zeros(len(mine), bool)
        own[part[:-1] - part[0]] = True
        mine[own] = np.arange(first, first + len(part) - 1)
        mine[~own] = len(words) + places
    return offsets, rows, buckets


def composed(
    table: NDArray[np.float32], offsets: NDArray[np.int64], rows: NDArray[np.int32]
) -> NDArray[np.float32]:
    """Return the mean of the rows of each word, (words, dims) float32."""
    words = len(offsets) - 1
    found = np.empty((words, table.shape[1]), np.float32)
    for first in range(0, words, _WORDS_AT_ONCE):
        last = min(first + _WORDS_AT_ONCE, words)
        begin, end = offsets[first], offsets[last]
        starts = offsets[first:last] - begin
        sums = np.add.reduceat(table[rows[begin:end]], starts, axis=0, dtype=np.float64)
        found[first:last] = sums / np.diff(offsets[first : last + 1])[:, None]
    return found


def _sizes(subwords: Subwords) -> tuple[int, int, int]:
    return int(subwords.shortest), int(subwords.longest), int(subwords.buckets)


def _places(sorted_buckets: NDArray[np.int32], wanted: NDArray[np.int32]) -> NDArray[np.intp]:
    """Return where each bucket lies; -1 where it is not."""
    if not sorted_buckets.size:
        return np.full(len(wanted), -1)
    places = np.searchsorted(sorted_buckets, wanted)
    places[places == len(sorted_buckets)] = 0
    return np.where(sorted_buckets[places] == wanted, places, -1)
