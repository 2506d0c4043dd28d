"""Link prediction: how well vectors tell edges that were held out from pairs that are none.

Two vectors become one by an operator, and logistic regression learns what edges look like; or
the cosine of the two is taken as it is. What it is not: a recommender of edges.

References
----------
Grover, Leskovec 2016, node2vec: Scalable Feature Learning for Networks, section 4.4, table 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar, get_args

import numpy as np

from embedry.embeddings import Embeddings
from embedry.errors import InputError
from embedry.intervals import Spread
from embedry.learn.learner import whole_number
from embedry.measures import auc, average_precision
from embedry.metrics import COSINE
from embedry.progress import progress
from embedry.trust.evaluate.graphs.edges import EdgeSplit
from embedry.trust.evaluate.graphs.logistic import check_extra, logistic_weights, with_constant

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

__all__ = ["LinkPrediction", "Operator", "check_operator", "link_prediction"]

Operator = Literal["hadamard", "average", "l1", "l2", "cosine"]

_Kind = TypeVar("_Kind")

_PAIRS_AT_ONCE = 2**16
_OPERATORS: dict[str, Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]] = {
    "hadamard": lambda one, two: one * two,
    "average": lambda one, two: (one + two) / 2,
    "l1": lambda one, two: np.abs(one - two),
    "l2": lambda one, two: np.square(one - two),
}


@dataclass(frozen=True)
class LinkPrediction:
    """How well held-out edges are told from pairs that are none.

    Attributes
    ----------
    operator : str
    auc : Spread
        For each split, the area under the ROC curve: how often an edge scores above a non-edge;
        0.5 is chance.
    average_precision : Spread
        For each split; ``chance`` is what scores that say nothing reach.
    tested, trained : tuple of int
        For each split, pairs of both kinds that were scored, and learned from.
    chance : tuple of float
        For each split, the share of edges among the pairs that were scored: 0.5, but where pairs
        were left out.
    without_vector : tuple of int
        For each split, test pairs left out because a node has no vector, or a zero vector where
        the operator is cosine.
    """

    operator: str
    auc: Spread
    average_precision: Spread
    tested: tuple[int, ...]
    trained: tuple[int, ...]
    chance: tuple[float, ...]
    without_vector: tuple[int, ...]

    def __str__(self) -> str:
        splits = f", {len(self.tested)} splits" if len(self.tested) > 1 else ""
        level = float(np.mean(self.chance))
        chance = "" if abs(level - 0.5) < 0.005 else f" (chance {level:.3f})"
        return (
            f"{self.operator}: AUC {self.auc}, average precision "
            f"{self.average_precision}{chance}{splits}; {sum(self.tested):,} pairs, "
            f"{sum(self.without_vector):,} left out without a vector"
        )


def link_prediction(
    embeddings: Embeddings | Sequence[Embeddings],
    split: EdgeSplit | Sequence[EdgeSplit],
    *,
    operator: Operator = "hadamard",
    train_pairs: int = 50_000,
    seed: int = 0,
) -> LinkPrediction:
    """Measure how well vectors tell held-out edges from pairs that are no edges.

    Parameters
    ----------
    embeddings : Embeddings, or sequence of Embeddings
        Learned from ``split.graph``, and from nothing else: vectors that have seen the test edges
        score too high, and nothing here can tell. One for each split.
    split : EdgeSplit, or sequence of EdgeSplit
        See `split_edges`. Several give the spread.
    operator : {"hadamard", "average", "l1", "l2", "cosine"}
        What makes one row of two vectors u and v: u * v, (u + v) / 2, abs(u - v), (u - v)^2, all
        by column, on which logistic regression learns (L2, C = 1, not scaled); or the cosine
        of u and v, which is the score itself.
    train_pairs : int
        Learn from so many training edges and as many non-edges at most, drawn at random.
    seed : int
        Of that draw.

    Returns
    -------
    LinkPrediction

    Raises
    ------
    InputError
        If an argument is not such, there is not one embedding a split, or no pair of a kind has
        vectors.
    MissingExtraError
        If scikit-learn is not installed and the operator learns:
        ``pip install 'embedry[evaluate]'``.

    Notes
    -----
    Training non-edges are those of the split: never test pairs. Memory for ``2 * train_pairs``
    rows in float64; test pairs are scored in blocks.

    References
    ----------
    Grover, Leskovec 2016, table 1 (the operators) and section 4.4.
    """
    check_operator(operator)
    most = whole_number("train_pairs", train_pairs, 1)
    generator = np.random.default_rng(whole_number("seed", seed, 0))
    runs = _runs(embeddings, split)
    each = [
        _Run(space, held, operator).scored(most, generator)
        for space, held in progress(runs, "Predicting links")
    ]
    areas, precisions, *counts = zip(*each, strict=True)
    return LinkPrediction(operator, Spread(areas), Spread(precisions), *counts)


def check_operator(operator: str) -> None:
    """Refuse what is no operator, or learns where the extra is not installed.

    Parameters
    ----------
    operator : str

    Raises
    ------
    InputError
        If `link_prediction` knows no such operator.
    MissingExtraError
        If scikit-learn is not installed and the operator learns.
    """
    if operator not in get_args(Operator):
        raise InputError(
            f"operator must be one of {', '.join(get_args(Operator))}; got {operator!r}."
        )
    if operator != "cosine":
        check_extra("link_prediction")


def _runs(
    embeddings: Embeddings | Sequence[Embeddings], split: EdgeSplit | Sequence[EdgeSplit]
) -> list[tuple[Embeddings, EdgeSplit]]:
    spaces = _listed(embeddings, Embeddings)
    splits = _listed(split, EdgeSplit)
    if spaces is None or splits is None:
        raise InputError(
            "embeddings must be Embeddings and split an EdgeSplit, or sequences of them; got "
            f"{type(embeddings).__name__} and {type(split).__name__}."
        )
    if len(spaces) != len(splits) or not spaces:
        raise InputError(
            f"There must be one embedding a split; got {len(spaces)} and {len(splits)}. Learn from "
            "the graph of each split."
        )
    return list(zip(spaces, splits, strict=True))


def _listed(given: object, kind: type[_Kind]) -> list[_Kind] | None:
    """Return one or several of a kind as a list, or None where they are something else."""
    if isinstance(given, kind):
        return [given]
    items = list(given) if isinstance(given, Iterable) else [given]
    fitting = [item for item in items if isinstance(item, kind)]
    return fitting if len(fitting) == len(items) else None


class _Run:
    """One space and one split."""

    def __init__(self, space: Embeddings, split: EdgeSplit, operator: str) -> None:
        places = {id: place for place, id in enumerate(space.ids)}
        self._row_of = np.array([places.get(id, -1) for id in split.graph.ids], np.int64)
        self._split = split
        self._join = _OPERATORS.get(operator)
        self._rows = space.vectors
        if self._join is None:
            pointing = np.asarray(space.vectors.any(axis=1))
            self._rows = np.zeros_like(space.vectors)
            self._rows[pointing] = COSINE.prepare(space.vectors[pointing])
            self._row_of[~pointing[self._row_of]] = -1  # a zero vector has no cosine

    def scored(
        self, most: int, generator: np.random.Generator
    ) -> tuple[float, float, int, int, float, int]:
        """Return AUC, precision, pairs tested, learned from, the chance, and pairs left out."""
        weights, trained = self._weights(most, generator)
        edges, non_edges = self._split.test_edges, self._split.test_non_edges
        true, false = self._known(edges), self._known(non_edges)
        if not (len(true) and len(false)):
            raise InputError(
                "Test edges and non-edges must have vectors for both nodes; none of "
                f"{len(edges) if not len(true) else len(non_edges)} has. Check that ids are str in "
                "both or int in both: 1 and '1' differ."
            )
        scores = self._scores(np.concatenate([true, false]), weights)
        truth = np.arange(len(scores)) < len(true)
        left_out = len(edges) + len(non_edges) - len(scores)
        precision = average_precision(scores, truth)
        chance = len(true) / len(scores)
        return auc(scores, truth), precision, len(scores), trained, chance, left_out

    def _known(self, pairs: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the rows of the pairs whose nodes have vectors, (m, 2)."""
        rows = self._row_of[pairs]
        return np.asarray(rows[(rows >= 0).all(axis=1)])

    def _weights(
        self, most: int, generator: np.random.Generator
    ) -> tuple[NDArray[np.float64] | None, int]:
        """Learn what edges look like; return the weights, and from how many pairs."""
        if self._join is None:
            return None, 0
        kinds = [self._known(self._split.train_edges), self._known(self._split.train_non_edges)]
        count = min(most, *(len(pairs) for pairs in kinds))
        if not count:
            raise InputError(
                "Training edges and non-edges must have vectors for both nodes; none has. Learn "
                "from split.graph, or pass operator='cosine'."
            )
        true, false = (generator.choice(pairs, count, replace=False) for pairs in kinds)
        rows = self._joined(np.concatenate([true, false]))
        return logistic_weights(rows, np.arange(2 * count) < count), 2 * count

    def _joined(self, pairs: NDArray[np.int64]) -> NDArray[np.float64]:
        """Make one row of two: (m, 2) places -> (m, dims + 1)."""
        if self._join is None:
            raise TypeError("cosine joins no rows")
        one, two = (self._rows[side].astype(np.float64) for side in pairs.T)
        return with_constant(self._join(one, two))

    def _scores(
        self, pairs: NDArray[np.int64], weights: NDArray[np.float64] | None
    ) -> NDArray[np.float64]:
        """Score pairs in blocks, (m, 2) -> (m,)."""
        scores = np.empty(len(pairs))
        for first in range(0, len(pairs), _PAIRS_AT_ONCE):
            block = pairs[first : first + _PAIRS_AT_ONCE]
            if weights is None:
                one, two = self._rows[block[:, 0]], self._rows[block[:, 1]]
                scores[first : first + len(block)] = np.vecdot(one, two)
            else:
                scores[first : first + len(block)] = self._joined(block) @ weights
        return scores
