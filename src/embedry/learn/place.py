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

__all__ = ["Placed", "PlacingMap", "fit_placing_map"]

_RIDGE = 1e-3  # of the mean square of the features
_FOLDS = 5
_LEAST = 100  # items that a map can be fitted on
_BINS, _LEAST_IN_BIN = 30, 20  # of support, evenly spread by its logarithm


@dataclass(frozen=True, eq=False)
class Placed:
    """Items placed without training.

    Attributes
    ----------
    embeddings : Embeddings
        In the learned space.
    confidence : ndarray (n,), float32, or None
        The cosine to expect between each vector and the one that training would give, as
        measured on trained items that were kept out; None where too few could be.
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


def fit_placing_map(
    features: NDArray[np.float64],
    targets: NDArray[np.float32],
    support: NDArray[np.int64],
) -> PlacingMap | None:
    """Fit the map from features to vectors on items whose vectors are known.

    Parameters
    ----------
    features : ndarray (n, features), float64
    targets : ndarray (n, dims), float32
        The trained vectors; their directions are what is learned, so that what is placed is of
        about unit length.
    support : ndarray (n,), int64, at least 1
        How much is known of each: occurrences of a word, neighbours of a node.

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
    if len(features) < _LEAST:
        return None
    lengths = np.linalg.norm(targets, axis=1, keepdims=True)
    units = (targets / np.where(lengths > 0, lengths, 1)).astype(np.float64)
    weights = np.log(support + 1.0)
    fold = np.random.default_rng(0).permutation(len(features)) % _FOLDS
    folds = [np.flatnonzero(fold == number) for number in range(_FOLDS)]
    # sums of products, a fold each: a map without a fold is found from the others' sums
    sums = [_products(features[own], units[own], weights[own]) for own in folds]
    gram, cross = (np.sum(parts, axis=0) for parts in zip(*sums, strict=True))
    cosines = np.empty(len(features))
    for own, (gram_of_fold, cross_of_fold) in zip(folds, sums, strict=True):
        matrix = _ridge(gram - gram_of_fold, cross - cross_of_fold)
        cosines[own] = _cosines(features[own] @ matrix, units[own])
    supports, means = _rising_means(support.astype(np.float64), cosines)
    return PlacingMap(_ridge(gram, cross).astype(np.float32), supports, means)


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
    support: NDArray[np.float64], cosines: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean supports and mean cosines of bins of support, pooled until none falls."""
    order = np.argsort(support, kind="stable")
    edges = np.unique(np.rint(np.geomspace(1, support.max() + 1, _BINS)))
    borders = [0]
    for border in np.searchsorted(support[order], edges).tolist():
        if border - borders[-1] >= _LEAST_IN_BIN and len(order) - border >= _LEAST_IN_BIN:
            borders.append(border)
    pools: list[list[float]] = []  # items, sum of log supports, sum of cosines
    for part in np.split(order, borders[1:]):
        pools.append([len(part), np.log(support[part]).sum(), cosines[part].sum()])
        while len(pools) > 1 and pools[-2][2] / pools[-2][0] >= pools[-1][2] / pools[-1][0]:
            last = pools.pop()
            pools[-1] = [one + two for one, two in zip(pools[-1], last, strict=True)]
    table = np.array(pools)
    return np.exp(table[:, 1] / table[:, 0]), table[:, 2] / table[:, 0]
