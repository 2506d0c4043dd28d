"""Word pairs: how well the scores of a space rank pairs of words that people graded.

What it is not: a verdict. A few hundred pairs leave wide intervals, which every result carries.

References
----------
Finkelstein et al. 2002, Placing Search in Context: The Concept Revisited.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from embedry.errors import InputError
from embedry.intervals import Interval, bootstrap
from embedry.measures import spearman, weighted_spearman
from embedry.metrics import as_metric
from embedry.trust.evaluate.words.lookup import Answers, Lookup
from embedry.trust.evaluate.words.questions import as_word_pairs, skipped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from embedry.embeddings import Embeddings
    from embedry.trust.evaluate.words.questions import WordPair, WordPairs

__all__ = ["PairScore", "score_pairs", "word_pairs"]


@dataclass(frozen=True)
class PairScore:
    """How well a space ranks word pairs.

    Attributes
    ----------
    correlation : float
        Spearman's, between the scores of the space and the grades.
    interval : Interval
        95 %, by the bootstrap over the pairs.
    asked, known : int
        Pairs in all, and those whose two words have vectors; only these count.
    unknown : tuple of str
        Words without a vector, each once, in order of appearance.
    lowered : int
        Words found in lower case only.
    header_lines : int
        Lines of the file that named its columns and were left out.
    """

    correlation: float
    interval: Interval
    asked: int
    known: int
    unknown: tuple[str, ...]
    lowered: int
    header_lines: int = 0

    def __str__(self) -> str:
        return (
            f"Spearman {self.correlation:.3f} ({self.interval}) on {self.known:,} of "
            f"{self.asked:,} pairs, {len(self.unknown):,} words unknown"
            f"{skipped(self.header_lines)}"
        )


def word_pairs(
    embeddings: Embeddings,
    pairs: Iterable[WordPair],
    *,
    lowercase: bool = True,
    resamples: int = 1_000,
    seed: int = 0,
) -> PairScore:
    """Measure how well the scores of a space rank pairs of words that people graded.

    Parameters
    ----------
    embeddings : Embeddings
        Their metric scores the pairs.
    pairs : WordPairs, or iterable of (str, str, float)
        See `read_word_pairs`.
    lowercase : bool
        Look for a word in lower case where it is not there as it stands.
    resamples : int
        Of the bootstrap; at least 1.
    seed : int
        Of the bootstrap; the same seed gives the same interval.

    Returns
    -------
    PairScore
        Over the pairs whose two words have vectors; the others are counted.

    Raises
    ------
    InputError
        If an argument is not such, fewer than three pairs are known, all grades or scores of
        the known pairs are equal, or the metric is cosine and a vector is zero.

    References
    ----------
    Finkelstein et al. 2002. Efron, Tibshirani 1993, section 13.3.

    Examples
    --------
    >>> from embedry import Embeddings
    >>> space = Embeddings(["noon", "midday", "gem"], [[1, 0], [0.9, 0.2], [0, 1]])
    >>> graded = [("noon", "midday", 3.9), ("noon", "gem", 0.1), ("midday", "gem", 0.3)]
    >>> round(word_pairs(space, graded).correlation, 3)
    1.0
    """
    asked = as_word_pairs(pairs)
    answers = score_pairs(embeddings, asked, lowercase=lowercase)
    scores, grades = answers.values[answers.known], asked.grades[answers.known]
    check_correlated(grades, scores)
    interval = bootstrap(
        lambda counts: weighted_spearman(scores, grades, counts),
        len(grades),
        resamples=resamples,
        seed=seed,
    )
    found = answers.lookup
    return PairScore(
        spearman(scores, grades),
        interval,
        len(asked),
        len(grades),
        found.unknown,
        found.lowered,
        asked.header_lines,
    )


def score_pairs(embeddings: Embeddings, asked: WordPairs, *, lowercase: bool) -> Answers:
    """Score each pair whose words are known, by the metric of the space.

    Parameters
    ----------
    embeddings : Embeddings
    asked : WordPairs
    lowercase : bool

    Returns
    -------
    Answers

    Raises
    ------
    InputError
        As `word_pairs`.
    """
    pairs = [(first, second) for first, second, _ in asked]
    lookup = Lookup(embeddings, chain.from_iterable(pairs), lowercase=lowercase)
    places = lookup.rows_of(pairs)  # (asked, 2)
    known = np.asarray((places >= 0).all(axis=1))
    used, rows = np.unique(places[known], return_inverse=True)
    _check_directions(embeddings, used)
    metric = as_metric(embeddings.card.metric)
    prepared = metric.prepare(embeddings.vectors[used])
    values = np.zeros(len(places))
    values[known] = [
        metric.exact_scores(prepared[first], prepared[second : second + 1])[0]
        for first, second in rows.reshape(-1, 2)
    ]
    return Answers(known, values, lookup)


def _check_directions(embeddings: Embeddings, places: NDArray[np.int64]) -> None:
    """Refuse zero vectors by the names of their words, where only a direction can be scored."""
    zero = places[~embeddings.vectors[places].any(axis=1)]
    if embeddings.card.metric == "cosine" and zero.size:
        raise InputError(
            "Words of the questions must not have zero vectors, which have no cosine; "
            f"{embeddings.ids[zero[0]]!r} has one. Leave it out of the embeddings."
        )


def check_correlated(grades: NDArray[np.float64], scores: NDArray[np.float64]) -> None:
    """Refuse columns that no rank correlation can be computed of.

    Parameters
    ----------
    grades, scores : ndarray (known,), float64

    Raises
    ------
    InputError
        If they are fewer than three, or all of a column are equal.
    """
    if len(grades) < 3:
        raise InputError(
            f"At least three pairs must have vectors for both words; {len(grades)} do. Check that "
            "the words are spelled as in the space, and its language."
        )
    for name, column in (("grades", grades), ("scores", scores)):
        if (column == column[0]).all():
            raise InputError(
                f"The {name} of the known pairs must differ; all {len(grades)} are {column[0]:g}. "
                "Ask of other pairs."
            )
