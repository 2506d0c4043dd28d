"""Placing new items in a learned space: a linear map from what is known of them.

What it is: from features of items (the mean of the vectors around a word, or of the neighbours
of a node) to where training would put them, by a map that is fitted on the items that were
trained; and how far that can be trusted, measured on items kept out. What it is not: training;
nothing that is known moves.

References
----------
Khodak, Saunshi, Liang, Ma, Stewart, Arora 2018, A La Carte Embedding (the map). Hoerl, Kennard
1970, Ridge Regression. Barlow, Bartholomew, Bremner, Brunk 1972, Statistical Inference under
Order Restrictions (isotonic means).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embedry.embeddings import Embeddings

__all__ = ["Placed", "PlacingEvidence", "PlacingItems", "PlacingMap", "fit_placing_map"]

_RIDGE = 1e-3  # of the mean square of the features
FOLDS = 5
LEAST = 100  # items that a map can be fitted on
_BINS, _LEAST_IN_BIN = 64, 20  # of support, two for each doubling


@dataclass(frozen=True, eq=False)
class Placed:
    """Items placed without training.

    Attributes
    ----------
    embeddings : Embeddings
        In the learned space.
    confidence : ndarray (n,), float32, or None
        The cosine to expect between each vector and the one that training would give, as
        measured on trained items that the map was not fitted on; None where fewer than 20 could
        be. What that leaves out, the learner's ``place`` says.
    """

    embeddings: Embeddings
    confidence: NDArray[np.float32] | None

    def __len__(self) -> int:
        return len(self.embeddings)


@dataclass(frozen=True, eq=False)
class PlacingMap:
    """A linear map from features to vectors, and what it is worth.

    Attributes
    ----------
    matrix : ndarray (features, dims), float32
    supports : ndarray (bins,), float64
        Ascending: how much was known of the items kept out, bin by bin.
    cosines : ndarray (bins,), float64
        The mean cosine reached in each bin, not falling; empty where nothing could be measured.
    """

    matrix: NDArray[np.float32]
    supports: NDArray[np.float64]
    cosines: NDArray[np.float64]

    def vectors(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return where items go: (n, features) @ (features, dims) -> (n, dims) float32."""
        return np.asarray(features @ self.matrix, np.float32)

    def confidence(self, support: NDArray[np.float64]) -> NDArray[np.float32] | None:
        """Return the cosine to expect by how much is known of each item, (n,); None if unknown.

        Between bins it is interpolated on the logarithm of the support; beyond them it stays.
        """
        if not self.cosines.size:
            return None
        known = np.log(np.maximum(support, 1e-9))
        expected = np.interp(known, np.log(self.supports), self.cosines)
        return np.asarray(expected, np.float32)


@dataclass(frozen=True, eq=False)
class PlacingItems:
    """Items of which both features and vectors are known.

    Attributes
    ----------
    features : ndarray (n, features), float64
    targets : ndarray (n, dims), float32
        The trained vectors; their directions are what is learned, so that what is placed is of
        about unit length.
    support : ndarray (n,), int64, at least 1
        How much is known of each: occurrences of a word, neighbours of a node.
    fold : ndarray (n,), int64, in [0, 5)
        Items of a fold are predicted by the map of the others. An item that comes again must
        come in the same.
    """

    features: NDArray[np.float64]
    targets: NDArray[np.float32]
    support: NDArray[np.int64]
    fold: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class PlacingEvidence:
    """Sums over known items, from which the map is found; those of more items can be added.

    Attributes
    ----------
    items : int
        How many there were.
    grams : ndarray (5, features, features), float32
        A fold each: F' W F of features F and weights W.
    crosses : ndarray (5, features, dims), float32
        F' W T, of the directions T of the vectors.
    reached : ndarray (64, 3), float64
        By support, two rows for each doubling: how many items were predicted by a map of others,
        the sum of the logarithms of their support, and the sum of the cosines reached.
    """

    items: int
    grams: NDArray[np.float32]
    crosses: NDArray[np.float32]
    reached: NDArray[np.float64]

    @classmethod
    def none(cls, features: int, dims: int) -> PlacingEvidence:
        """Return sums over no item."""
        gram = np.zeros((FOLDS, features, features), np.float32)
        cross = np.zeros((FOLDS, features, dims), np.float32)
        return cls(0, gram, cross, np.zeros((_BINS, 3)))

    def joined(self, known: PlacingItems, judged: PlacingItems | None = None) -> PlacingEvidence:
        """Return the sums with more items.

        Parameters
        ----------
        known : PlacingItems
            What the map is fitted on.
        judged : PlacingItems or None
            What the cosines are measured on, each by the map of the other folds; None takes
            ``known``. None is measured before there are a hundred items.

        Returns
        -------
        PlacingEvidence
        """
        units, weights = _units(known.targets), np.log(known.support + 1.0)
        grams, crosses = self.grams.copy(), self.crosses.copy()
        for fold in range(FOLDS):
            own = known.fold == fold
            gram, cross = _products(known.features[own], units[own], weights[own])
            grams[fold] += gram
            crosses[fold] += cross
        items, reached = self.items + len(known.features), self.reached
        if items >= LEAST:
            reached = reached + _judged(grams, crosses, known if judged is None else judged)
        return PlacingEvidence(items, grams, crosses, reached)

    def fitted(self) -> PlacingMap | None:
        """Return the map of all items; None for fewer than 100."""
        if self.items < LEAST:
            return None
        gram, cross = (part.sum(axis=0, dtype=np.float64) for part in (self.grams, self.crosses))
        return PlacingMap(_ridge(gram, cross).astype(np.float32), *_rising_means(self.reached))


def fit_placing_map(
    features: NDArray[np.float64],
    targets: NDArray[np.float32],
    support: NDArray[np.int64],
) -> PlacingMap | None:
    """Fit the map from features to vectors on items whose vectors are known.

    Parameters
    ----------
    features, targets, support : ndarray
        As those of `PlacingItems`.

    Returns
    -------
    PlacingMap or None
        None for fewer than 100 items.

    Notes
    -----
    Ridge regression weighted by the logarithm of the support, as Khodak et al. do. The cosines
    come from five folds, each predicted by the map of the others; they are averaged in bins of
    support and made not to fall with it.
    """
    fold = np.random.default_rng(0).permutation(len(features)) % FOLDS
    known = PlacingItems(features, targets, support, fold)
    return PlacingEvidence.none(features.shape[1], targets.shape[1]).joined(known).fitted()


def _units(targets: NDArray[np.float32]) -> NDArray[np.float64]:
    lengths = np.linalg.norm(targets, axis=1, keepdims=True)
    return np.asarray(targets / np.where(lengths > 0, lengths, 1), np.float64)


def _judged(
    grams: NDArray[np.float32], crosses: NDArray[np.float32], items: PlacingItems
) -> NDArray[np.float64]:
    """Predict items by the map of the other folds; return sums by support, (64, 3)."""
    cosines = np.empty(len(items.features))
    gram, cross = (part.sum(axis=0, dtype=np.float64) for part in (grams, crosses))
    for fold in range(FOLDS):
        own = np.flatnonzero(items.fold == fold)
        matrix = _ridge(gram - grams[fold], cross - crosses[fold])
        cosines[own] = _cosines(items.features[own] @ matrix, _units(items.targets[own]))
    logs = np.log(items.support)
    bins = np.minimum(2 * logs / np.log(2) + 1e-9, _BINS - 1).astype(np.int64)
    sums = [np.bincount(bins, parts, _BINS) for parts in (np.ones(len(bins)), logs, cosines)]
    return np.stack(sums, axis=1)


def _products(
    features: NDArray[np.float64], targets: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return F' W F, (features, features), and F' W T, (features, dims)."""
    weighted = (features * weights[:, None]).T  # (features, n)
    return weighted @ features, weighted @ targets


def _ridge(gram: NDArray[np.float64], cross: NDArray[np.float64]) -> NDArray[np.float64]:
    """Solve (F' W F + r I) A = F' W T for A, (features, dims)."""
    strength = _RIDGE * max(np.trace(gram) / len(gram), 1e-12)
    return np.asarray(np.linalg.solve(gram + strength * np.eye(len(gram)), cross))


def _cosines(found: NDArray[np.float64], units: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths = np.linalg.norm(found, axis=1)
    return np.asarray(np.einsum("nd,nd->n", found, units) / np.where(lengths > 0, lengths, 1))


def _rising_means(
    reached: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean supports and mean cosines, pooled until none falls or is of fewer than 20."""
    pools: list[list[float]] = []  # items, sum of log supports, sum of cosines
    for row in reached[reached[:, 0] > 0].tolist():
        pools.append(row)
        while len(pools) > 1 and not _stands(pools[-2], pools[-1]):
            _pool_last(pools)
    if len(pools) > 1 and pools[-1][0] < _LEAST_IN_BIN:
        _pool_last(pools)
    table = np.array([pool for pool in pools if pool[0] >= _LEAST_IN_BIN]).reshape(-1, 3)
    return np.exp(table[:, 1] / table[:, 0]), table[:, 2] / table[:, 0]


def _stands(pool: list[float], following: list[float]) -> bool:
    rises = pool[2] / pool[0] < following[2] / following[0]
    return rises and pool[0] >= _LEAST_IN_BIN


def _pool_last(pools: list[list[float]]) -> None:
    last = pools.pop()
    pools[-1] = [one + two for one, two in zip(pools[-1], last, strict=True)]
