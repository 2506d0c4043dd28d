"""Analogies: how often the word nearest to b - a + c is the right one.

What it is not: a test of meaning alone; how the answer is found, by addition, is part of it.

References
----------
Mikolov, Yih, Zweig 2013, Linguistic Regularities in Continuous Space Word Representations.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from embedry.errors import InputError
from embedry.intervals import Interval, wilson
from embedry.learn.learner import whole_number
from embedry.metrics import COSINE
from embedry.trust.evaluate.words.lookup import Answers, Lookup
from embedry.trust.evaluate.words.questions import as_analogies

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from embedry.embeddings import Embeddings
    from embedry.trust.evaluate.words.questions import Analogies, Question

__all__ = ["AnalogyScore", "Category", "analogies", "answer_analogies"]

_NUMBERS_AT_ONCE = 2**24  # scores of one block of questions: 64 MB


@dataclass(frozen=True)
class Category:
    """How many analogies of one kind were answered right.

    Attributes
    ----------
    name : str
    right, known, asked : int
        Of ``asked`` questions, ``known`` have vectors for all four words; ``right`` of these are
        answered with the right word.
    """

    name: str
    right: int
    known: int
    asked: int

    @property
    def accuracy(self) -> float:
        """The share of the known questions that is right; NaN where none is known."""
        return self.right / self.known if self.known else float("nan")

    @property
    def skipped(self) -> int:
        """Questions with a word that has no vector, or is not frequent enough."""
        return self.asked - self.known

    @property
    def interval(self) -> Interval | None:
        """The 95 % interval of the accuracy, by Wilson; None where no question is known."""
        return wilson(self.right, self.known) if self.known else None

    def __str__(self) -> str:
        if not self.known:
            return f"{self.name}: none of {self.asked:,} known"
        return (
            f"{self.name}: {self.accuracy:.3f} ({self.interval}), {self.right:,} of "
            f"{self.known:,} known, {self.asked:,} asked"
        )


@dataclass(frozen=True)
class AnalogyScore:
    """How many analogies a space answers right.

    Attributes
    ----------
    overall : Category
        All questions together; its numbers are also ours.
    categories : tuple of Category
        As the questions have them.
    unknown : tuple of str
        Words without a vector, each once, in order of appearance.
    too_rare : tuple of str
        Words with a vector that are not among the most frequent asked for.
    lowered : int
        Words found in lower case only.
    most_frequent : int or None
        Questions and answers were kept to so many first words of the space.
    """

    overall: Category
    categories: tuple[Category, ...]
    unknown: tuple[str, ...]
    too_rare: tuple[str, ...]
    lowered: int
    most_frequent: int | None

    @property
    def accuracy(self) -> float:
        """The share of the known questions that is answered right."""
        return self.overall.accuracy

    @property
    def interval(self) -> Interval:
        """The 95 % interval of the accuracy, by Wilson."""
        return wilson(self.overall.right, self.overall.known)

    def __str__(self) -> str:
        parts = self.categories if len(self.categories) > 1 else ()
        return "\n".join([str(self.overall), *(f"  {category}" for category in parts)])


def analogies(
    embeddings: Embeddings,
    questions: Iterable[Question],
    *,
    most_frequent: int | None = 30_000,
    lowercase: bool = True,
) -> AnalogyScore:
    """Measure how often the word nearest to b - a + c is the right one.

    Parameters
    ----------
    embeddings : Embeddings
        Most frequent words first, as learners of words give them; words that `partial_fit` added
        stand behind, so that ``most_frequent`` leaves them out first. Vectors are brought to length
        1, whatever the metric.
    questions : Analogies, or iterable of (str, str, str, str)
        See `read_analogies`.
    most_frequent : int or None
        Keep questions and answers to so many first words of the space, as is usual; None takes
        all.
    lowercase : bool
        Look for a word in lower case where it is not there as it stands.

    Returns
    -------
    AnalogyScore
        Overall and by category. The three words of a question cannot be its answer; ties go to
        the more frequent word.

    Raises
    ------
    InputError
        If an argument is not such, no question is known, or a vector is zero.

    Notes
    -----
    A product of matrices for each block of questions: O(questions * words * dims), about 64 MB.

    References
    ----------
    Mikolov, Yih, Zweig 2013, section 4. Levy, Goldberg 2014, Linguistic Regularities in Sparse
    and Explicit Word Representations, equation 3 (3CosAdd).

    Examples
    --------
    >>> from embedry import Embeddings
    >>> space = Embeddings(["man", "woman", "king", "queen"], [[1, 0], [1, 1], [3, 0], [3, 2.9]])
    >>> analogies(space, [("man", "woman", "king", "queen")]).accuracy
    1.0
    """
    asked = as_analogies(questions)
    answers = answer_analogies(embeddings, asked, most_frequent, lowercase=lowercase)
    check_some_known(answers)
    lookup = answers.lookup
    return AnalogyScore(
        _category("analogies", answers, slice(None)),
        tuple(_category(name, answers, part) for name, part in asked.spans()),
        lookup.unknown,
        () if most_frequent is None else lookup.beyond(most_frequent),
        lookup.lowered,
        most_frequent,
    )


def _category(name: str, answers: Answers, part: slice) -> Category:
    known = answers.known[part]
    return Category(name, int(answers.values[part].sum()), int(known.sum()), len(known))


def check_some_known(answers: Answers) -> None:
    """Refuse questions of which no share can be right.

    Parameters
    ----------
    answers : Answers

    Raises
    ------
    InputError
        If none is known.
    """
    if not answers.known.any():
        raise InputError(
            "At least one question must have vectors for its four words; none of "
            f"{len(answers.known)} has. Check how words are spelled, and most_frequent."
        )


def answer_analogies(
    embeddings: Embeddings, asked: Analogies, most_frequent: int | None, *, lowercase: bool
) -> Answers:
    """Answer each question whose words are known and frequent enough.

    Parameters
    ----------
    embeddings : Embeddings
    asked : Analogies
    most_frequent : int or None
    lowercase : bool

    Returns
    -------
    Answers
        1 where right, 0 where wrong.

    Raises
    ------
    InputError
        As `analogies`.
    """
    lookup = Lookup(embeddings, chain.from_iterable(asked), lowercase=lowercase)
    places = lookup.rows_of(asked)  # (asked, 4)
    count = len(embeddings)
    if most_frequent is not None:
        count = min(count, whole_number("most_frequent", most_frequent, 1))
    known = np.asarray(((places >= 0) & (places < count)).all(axis=1))
    right = np.zeros(len(places))
    right[known] = _right(COSINE.prepare(embeddings.vectors[:count]), places[known])
    return Answers(known, right, lookup)


def _right(units: NDArray[np.float32], places: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Say of each question (a, b, c, d) whether d is nearest to b - a + c."""
    right = np.zeros(len(places), bool)
    step = max(1, _NUMBERS_AT_ONCE // len(units))
    for first in range(0, len(places), step):
        a, b, c, d = places[first : first + step].T
        scores = (units[b] - units[a] + units[c]) @ units.T  # (q, dims) @ (dims, n) -> (q, n)
        for given in (a, b, c):
            scores[np.arange(len(a)), given] = -np.inf
        right[first : first + step] = scores.argmax(axis=1) == d
    return right
