"""How good an encoder is at what it is tuned for: before, after, and how sure the difference is.

What it is: for pairs and triplets, retrieval in a pool (each held-out anchor asks, its positives
are right); for scored pairs, the rank correlation of likeness and score. What it is not: a
benchmark. The pool is small, so its figures are higher than those of a whole corpus; the difference
is what counts.

References
----------
Järvelin, Kekäläinen 2002 (nDCG). Voorhees 1999 (reciprocal rank). Efron, Tibshirani 1993, section
13.3 (percentile intervals). Reimers, Beyer, Gurevych 2016, Task-Oriented Intrinsic Evaluation of
Semantic Textual Similarity (Spearman).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from embedry.intervals import Interval, bootstrap, bootstrap_means
from embedry.learn.finetune.examples import ScoredPairs, text_key
from embedry.measures import spearman, weighted_spearman
from embedry.ranking import ndcg, reciprocal_rank

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from embedry.learn.finetune.examples import Examples
    from embedry.learn.finetune.parting import Parts
    from embedry.metrics import Metric

__all__ = ["Change", "Likeness", "Retrieval", "Task", "Vectors", "task_of"]

CUT = 10
POOL = 1_000
_RESAMPLES = 1_000


@dataclass(frozen=True)
class Change:
    """One measure, before and after.

    Attributes
    ----------
    measure : str
        ``"nDCG@10"``, ``"MRR@10"`` or ``"Spearman"``.
    dims : int
        The first so many dims of the vectors were used.
    before, after : float
    interval : Interval
        Of ``after - before``, 95 %, by the bootstrap over what was asked, paired: a draw takes both
        values of a question.
    """

    measure: str
    dims: int
    before: float
    after: float
    interval: Interval

    @property
    def difference(self) -> float:
        """``after - before``."""
        return self.after - self.before

    @property
    def verdict(self) -> str:
        """``"better"`` or ``"worse"`` where the interval leaves no doubt, else ``"unclear"``."""
        if self.interval.low > 0:
            return "better"
        return "worse" if self.interval.high < 0 else "unclear"

    def __str__(self) -> str:
        return (
            f"{self.measure}, {self.dims} dims: {self.before:.3f} -> {self.after:.3f} "
            f"({self.difference:+.3f}, {self.interval.low:+.3f} .. {self.interval.high:+.3f}): "
            f"{self.verdict}"
        )


class Task(Protocol):
    """What is asked of an encoder, before and after."""

    @property
    def queries(self) -> tuple[str, ...]:
        """The texts to encode as queries."""

    @property
    def documents(self) -> tuple[str, ...]:
        """The texts to encode as documents."""

    def changes(
        self, before: Vectors, after: Vectors, metric: Metric, seed: int
    ) -> tuple[Change, ...]:
        """Compare two encoders; the change that counts comes first.

        Parameters
        ----------
        before, after : Vectors
            Of `queries` and of `documents`.
        metric : Metric
        seed : int
            Of the bootstrap.

        Returns
        -------
        tuple of Change
        """


@dataclass(frozen=True, eq=False)
class Vectors:
    """What an encoder makes of a task.

    Attributes
    ----------
    queries : ndarray (q, dims), float32
    documents : ndarray (d, dims), float32
    """

    queries: NDArray[np.float32]
    documents: NDArray[np.float32]

    def cut(self, dims: int) -> Vectors:
        """Return the first dims of each."""
        return Vectors(self.queries[:, :dims], self.documents[:, :dims])

    @property
    def dims(self) -> int:
        """The width of a vector."""
        return int(self.documents.shape[1])

    @property
    def together(self) -> NDArray[np.float32]:
        """All of them, (q + d, dims)."""
        return np.concatenate([self.queries, self.documents])


def task_of(parts: Parts, seed: int) -> Task:
    """Return what is to be asked.

    Parameters
    ----------
    parts : Parts
    seed : int
        Of the texts that fill the pool of a retrieval.

    Returns
    -------
    Task
    """
    if isinstance(parts.asked, ScoredPairs):
        return Likeness(parts.asked)
    return Retrieval(parts.asked, parts.learned, seed)


class Likeness:
    """Whether the likeness of two texts goes with their score.

    Parameters
    ----------
    asked : ScoredPairs
    """

    def __init__(self, asked: ScoredPairs) -> None:
        self._asked = asked
        self.queries: tuple[str, ...] = ()
        self.documents, self._places = _numbered([asked.texts(row) for row in asked])

    def changes(
        self, before: Vectors, after: Vectors, metric: Metric, seed: int
    ) -> tuple[Change, ...]:
        """Return Spearman's correlation before and after; see `Task.changes`."""
        scores = self._asked.scores
        old, new = (self._likeness(vectors.documents, metric) for vectors in (before, after))

        def difference(counts: NDArray[np.int64]) -> NDArray[np.float64]:
            now, was = (weighted_spearman(side, scores, counts) for side in (new, old))
            return np.nan_to_num(now) - np.nan_to_num(was)

        interval = bootstrap(difference, len(scores), resamples=_RESAMPLES, seed=seed)
        was, now = (_correlation(side, scores) for side in (old, new))
        return (Change("Spearman", after.dims, was, now, interval),)

    def _likeness(self, vectors: NDArray[np.float32], metric: Metric) -> NDArray[np.float64]:
        rows = metric.prepare(vectors)
        pairs = [
            metric.exact_scores(rows[first], rows[second : second + 1])[0]
            for first, second in self._places
        ]
        return np.array(pairs, np.float64)


def _correlation(likeness: NDArray[np.float64], scores: NDArray[np.float64]) -> float:
    """Return Spearman's correlation; 0 where all texts are equally alike, as they say nothing."""
    return float(np.nan_to_num(spearman(likeness, scores)))


class Retrieval:
    """Whether an anchor finds its positives in a pool.

    Parameters
    ----------
    asked : Pairs or Triplets
        The pool holds their positives and negatives.
    learned : Pairs or Triplets
        Their positives and negatives, drawn, fill the pool up to 1,000 texts.
    seed : int
    """

    def __init__(self, asked: Examples, learned: Examples, seed: int) -> None:
        anchors, places = _numbered([row[:1] for row in map(asked.texts, asked)])
        others = _others(asked, learned, seed)
        pool, found = _numbered([*(asked.texts(row)[1:] for row in asked), *others])
        self.queries = anchors
        self.documents = pool
        right: list[set[int]] = [set() for _ in anchors]
        for (anchor,), answers in zip(places, found, strict=False):  # the others answer nothing
            right[anchor].add(answers[0])
        self.right = tuple(map(frozenset, right))

    def changes(
        self, before: Vectors, after: Vectors, metric: Metric, seed: int
    ) -> tuple[Change, ...]:
        """Return nDCG@10 and MRR@10 before and after; see `Task.changes`."""
        old, new = (self._measured(vectors, metric) for vectors in (before, after))  # (q, 2)
        intervals = bootstrap_means(new - old, resamples=_RESAMPLES, seed=seed)
        names = (f"nDCG@{CUT}", f"MRR@{CUT}")
        means = (old.mean(axis=0), new.mean(axis=0))
        return tuple(
            Change(name, after.dims, float(was), float(now), interval)
            for name, was, now, interval in zip(names, *means, intervals, strict=True)
        )

    def _measured(self, vectors: Vectors, metric: Metric) -> NDArray[np.float64]:
        """Return both measures of each query, (q, 2)."""
        rows, queries = metric.prepare(vectors.documents), metric.prepare(vectors.queries)
        measures = np.empty((len(queries), 2))
        for number, (query, right) in enumerate(zip(queries, self.right, strict=True)):
            best = metric.top(query, rows, CUT)[0].tolist()
            measures[number] = ndcg(best, right, k=CUT), reciprocal_rank(best, right, k=CUT)
        return measures


def _others(asked: Examples, learned: Examples, seed: int) -> Iterator[tuple[str, ...]]:
    """Yield texts of what is learned, drawn, until the pool is full."""
    pool = {text_key(text) for row in asked for text in asked.texts(row)[1:]}
    rows = np.random.default_rng(seed).permutation(len(learned)).tolist()
    for number in rows:
        for text in learned.texts(learned.rows[number])[1:]:
            if len(pool) >= POOL:
                return
            if text_key(text) not in pool:
                pool.add(text_key(text))
                yield (text,)


def _numbered(
    rows: Sequence[Sequence[str]],
) -> tuple[tuple[str, ...], list[tuple[int, ...]]]:
    """Return the different texts, and their numbers in each row."""
    texts: list[str] = []
    numbers: dict[str, int] = {}
    places = []
    for row in rows:
        for text in row:
            if (key := text_key(text)) not in numbers:
                numbers[key] = len(texts)
                texts.append(text)
        places.append(tuple(numbers[text_key(text)] for text in row))
    return tuple(texts), places
