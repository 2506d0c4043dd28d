"""Two spaces, or two ways to learn one, compared on the same questions.

The difference of two scores is known far better than each of them, since both answer the same
questions: the bootstrap draws questions, and both are scored on each draw. What it is not: a
comparison of vectors, which do not share a space.

References
----------
Efron, Tibshirani 1993, An Introduction to the Bootstrap, section 8.6 (several samples drawn as
one). Koehn 2004, Statistical Significance Tests for Machine Translation Evaluation (paired).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from embedry.embeddings import Embeddings
from embedry.errors import InputError
from embedry.intervals import Interval, Spread, bootstrap
from embedry.measures import weighted_spearman
from embedry.trust.evaluate.words.analogies import answer_analogies
from embedry.trust.evaluate.words.pairs import check_correlated, score_pairs
from embedry.trust.evaluate.words.questions import Analogies, WordPairs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from embedry.trust.evaluate.words.lookup import Answers

__all__ = ["Comparison", "compare"]


@dataclass(frozen=True)
class Comparison:
    """How two spaces do on the same questions.

    Attributes
    ----------
    measure : str
        ``"Spearman"`` or ``"accuracy"``.
    first, second : Spread
        The scores, one for each space that was passed.
    interval : Interval
        95 %, of the difference of the two means, by the bootstrap over the questions.
    asked, known : int
        Questions in all, and those that every space knows; only these count.
    """

    measure: str
    first: Spread
    second: Spread
    interval: Interval
    asked: int
    known: int

    @property
    def difference(self) -> float:
        """The mean of the first less that of the second."""
        return self.first.mean - self.second.mean

    def __str__(self) -> str:
        low, high = self.interval.low, self.interval.high
        return (
            f"{self.measure} {self.first} against {self.second}: {self.difference:+.3f} "
            f"({low:+.3f} .. {high:+.3f}) on {self.known:,} of {self.asked:,} questions"
        )


def compare(
    first: Embeddings | Sequence[Embeddings],
    second: Embeddings | Sequence[Embeddings],
    questions: WordPairs | Analogies,
    *,
    most_frequent: int | None = 30_000,
    lowercase: bool = True,
    resamples: int = 1_000,
    seed: int = 0,
) -> Comparison:
    """Compare two spaces on the same questions, by a paired bootstrap.

    Use it to tell whether one way to learn is better than another: pass the spaces of several
    seeds on both sides.

    Parameters
    ----------
    first, second : Embeddings, or sequence of Embeddings
        Several are one way to learn with several seeds: the mean of their scores counts.
    questions : WordPairs or Analogies
    most_frequent : int or None
        For analogies; as in `analogies`.
    lowercase : bool
        As in `word_pairs`.
    resamples : int
        Of the bootstrap; at least 1.
    seed : int
        Of the bootstrap.

    Returns
    -------
    Comparison
        On the questions that all spaces know. Say "not below" where ``interval.low`` is above
        the margin that you stated before.

    Raises
    ------
    InputError
        If an argument is not such, or too few questions are known to all, as in `word_pairs`
        and `analogies`.

    Notes
    -----
    The interval says what other questions could change, not what other seeds could; for that look
    at the deviation of ``first`` and ``second``.

    Examples
    --------
    >>> ids = ["noon", "midday", "gem"]
    >>> good = Embeddings(ids, [[1, 0], [0.9, 0.2], [0, 1]])
    >>> bad = Embeddings(ids, [[1, 0], [0, 1], [0.9, 0.2]])
    >>> graded = [("noon", "midday", 3.9), ("noon", "gem", 0.1), ("midday", "gem", 0.3)]
    >>> compare(good, bad, WordPairs(graded)).difference
    2.0
    """
    if not isinstance(questions, (WordPairs, Analogies)):
        raise InputError(
            f"questions must be WordPairs or Analogies; got {type(questions).__name__}. Wrap the "
            "tuples, or read a file with read_word_pairs or read_analogies."
        )
    sides = [_spaces("first", first), _spaces("second", second)]
    answers = [
        _answers(space, questions, most_frequent, lowercase) for side in sides for space in side
    ]
    known = np.logical_and.reduce([each.known for each in answers])
    scored = _Scored(questions, known, [each.values[known] for each in answers])
    scores = scored(np.ones((1, int(known.sum())), np.int64))[:, 0].tolist()
    cut = len(sides[0])

    def difference(counts: NDArray[np.int64]) -> NDArray[np.float64]:
        each = scored(counts)  # (spaces, b)
        return np.asarray(each[:cut].mean(axis=0) - each[cut:].mean(axis=0))

    interval = bootstrap(difference, int(known.sum()), resamples=resamples, seed=seed)
    return Comparison(
        scored.measure,
        Spread(tuple(scores[:cut])),
        Spread(tuple(scores[cut:])),
        interval,
        len(known),
        int(known.sum()),
    )


def _spaces(name: str, given: Embeddings | Sequence[Embeddings]) -> list[Embeddings]:
    if isinstance(given, Embeddings):
        return [given]
    spaces = list(given) if hasattr(given, "__iter__") else []
    if not spaces or not all(isinstance(space, Embeddings) for space in spaces):
        raise InputError(
            f"{name} must be Embeddings or a sequence of them, not empty; got {given!r}. "
            "Pass the embeddings_ of fitted learners."
        )
    return spaces


def _answers(
    space: Embeddings, questions: WordPairs | Analogies, most_frequent: int | None, lowercase: bool
) -> Answers:
    if isinstance(questions, WordPairs):
        return score_pairs(space, questions, lowercase=lowercase)
    return answer_analogies(space, questions, most_frequent, lowercase=lowercase)


class _Scored:
    """The scores of several spaces on any draw of the questions that all know."""

    def __init__(
        self,
        questions: WordPairs | Analogies,
        known: NDArray[np.bool_],
        columns: list[NDArray[np.float64]],
    ) -> None:
        self._columns = columns
        self._grades = questions.grades[known] if isinstance(questions, WordPairs) else None
        self.measure = "accuracy" if self._grades is None else "Spearman"
        if self._grades is not None:
            for scores in columns:
                check_correlated(self._grades, scores)
        elif not known.any():
            raise InputError(
                f"At least one question must be known to all spaces; none of {len(known)} is."
            )

    def __call__(self, counts: NDArray[np.int64]) -> NDArray[np.float64]:
        """Score each space on each draw, (spaces, b)."""
        if self._grades is None:
            shares: NDArray[np.float64] = np.array(self._columns) @ counts.T / counts.sum(axis=1)
            return shares  # (spaces, known) @ (known, b) -> (spaces, b)
        grades = self._grades
        return np.array([weighted_spearman(each, grades, counts) for each in self._columns])
