"""Where the words of questions stand in a space, and what it answers them.

What it is not: the questions (see ``questions``), nor the score over them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from unicodedata import normalize

import numpy as np

from embedry.embeddings import Embeddings
from embedry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from embedry.ids import Id

__all__ = ["Answers", "Lookup"]


@dataclass(frozen=True, eq=False)
class Answers:
    """What one space says to word pairs or analogies, a question a row.

    Attributes
    ----------
    known : ndarray (asked,), bool
        Whether the space has a vector for each word of the question.
    values : ndarray (asked,), float64
        The score of a pair, or 1 for an analogy that is right; 0 where not known.
    lookup : Lookup
        Which words were found, and how.
    """

    known: NDArray[np.bool_]
    values: NDArray[np.float64]
    lookup: Lookup


class Lookup:
    """Where the words of questions stand in a space.

    Parameters
    ----------
    embeddings : Embeddings
    words : iterable of str
        All words of the questions. One that is not there as it stands is looked for in NFC, as
        learners of words have theirs.
    lowercase : bool
        Look for a word in lower case where it is not there as it stands.
    """

    def __init__(self, embeddings: Embeddings, words: Iterable[str], *, lowercase: bool) -> None:
        if not isinstance(embeddings, Embeddings):
            raise InputError(
                f"embeddings must be Embeddings; got {type(embeddings).__name__}. "
                "Pass the embeddings_ of a fitted learner."
            )
        if not isinstance(lowercase, (bool, np.bool_)):
            raise InputError(f"lowercase must be True or False; got {lowercase!r}.")
        known = {id: place for place, id in enumerate(embeddings.ids)}
        # each word once, in order
        self.places = {word: _place(known, word) for word in words}
        as_they_stand = sum(place >= 0 for place in self.places.values())
        if lowercase:
            for word, place in self.places.items():
                self.places[word] = place if place >= 0 else _place(known, word.lower())
        self.lowered = sum(place >= 0 for place in self.places.values()) - as_they_stand

    @cached_property
    def unknown(self) -> tuple[str, ...]:
        """Words that have no vector."""
        return tuple(word for word, place in self.places.items() if place < 0)

    def beyond(self, most_frequent: int) -> tuple[str, ...]:
        """Return words that have a vector, but not among the first so many."""
        return tuple(word for word, place in self.places.items() if place >= most_frequent)

    def rows_of(self, questions: Iterable[tuple[str, ...]]) -> NDArray[np.int64]:
        """Return the place of each word of each question, (asked, words); -1 if unknown."""
        return np.array([[self.places[word] for word in words] for words in questions], np.int64)


def _place(known: Mapping[Id, int], word: str) -> int:
    return known.get(word, known.get(normalize("NFC", word), -1))
