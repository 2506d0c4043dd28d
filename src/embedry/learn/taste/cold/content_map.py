"""Cold start: from what an item is about to where its users would put it.

What it is: a map from content to the vectors of taste, by kernel ridge regression on the items
that were learned; the bend of the kernel and the ridge are chosen by leaving items out. Vectors
keep their length, which is how popular an item is: content foretells that, too. What it is not:
training; no learned vector moves.

References
----------
Gantner, Drumond, Freudenthaler, Rendle, Schmidt-Thieme 2010, Learning Attribute-to-Feature
Mappings for Cold-Start Recommendations. Saunders, Gammerman, Vovk 1998, Ridge Regression Learning
Algorithm in Dual Variables. Allen 1974, The Relationship between Variable Selection and Data
Augmentation (what is left out, from the inverse).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from embedry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from embedry.card import Card
    from embedry.ids import Id
    from embedry.learn.taste.cold.content import Content, ContentRows

__all__ = ["ContentMap", "fit_content_map"]

LEAST = 30  # items that a map can be fitted on
MOST = 3000  # items it is fitted on; of more, those with the most users, who are known best
CHOSEN_ON = 800  # items that bend and ridge are chosen on
BENDS = (0.0, 0.2, 0.4, 0.8)  # of the kernel; 0 is the linear map
RIDGES = (0.03, 0.1, 0.3, 1.0)
_BINS = 8  # of confidence


@dataclass(frozen=True, eq=False)
class ContentMap:
    """A map from content to taste, and what it is worth.

    Attributes
    ----------
    ids : tuple of str or int
        The anchors: the items it was fitted on.
    anchors : ContentRows
        Their content.
    answers : ndarray (anchors, dims), float64
    middle : ndarray (dims,), float64
        Where an item goes that is like none of them.
    bend : float
        How fast likeness falls with distance; 0 for the linear map.
    ridge : float
        How much the map is smoothed.
    scale : float
        The mean squared distance of the anchors from their mean.
    means : tuple of (ndarray (anchors,), float)
        Of the products of the anchors, which centre the linear map.
    weights : mapping of str to float
        What each space of content counts.
    cards : mapping of str to Card
        The spaces of content.
    likenesses, cosines : ndarray (bins,), float64
        How near the nearest anchor was, and the mean cosine that items left out reached there.
    items : int
        How many items it was fitted on.
    """

    ids: tuple[Id, ...]
    anchors: ContentRows
    answers: NDArray[np.float64]
    middle: NDArray[np.float64]
    bend: float
    ridge: float
    scale: float
    means: tuple[NDArray[np.float64], float]
    weights: Mapping[str, float]
    cards: Mapping[str, Card]
    likenesses: NDArray[np.float64]
    cosines: NDArray[np.float64]

    @property
    def items(self) -> int:
        """How many items it was fitted on."""
        return len(self.answers)

    def vectors(self, rows: ContentRows) -> NDArray[np.float64]:
        """Return where items go, (n, dims)."""
        products, squares = rows.products(self.anchors), rows.squares()
        if self.bend:
            distances = squares[:, None] + self.anchors.squares() - 2 * products
            kernel = _bent(distances, self.bend, self.scale)
        else:
            along, all_of_them = self.means
            own = products.mean(axis=1, keepdims=True)
            kernel = (products - own - along + all_of_them) / self.scale
        return self.middle + kernel @ self.answers  # (n, anchors) @ (anchors, dims)

    def fitted_to(self, targets: NDArray[np.float32], counts: NDArray[np.int64]) -> ContentMap:
        """Return the map to where the anchors lie now, of the same bend and ridge.

        Parameters
        ----------
        targets : ndarray (anchors, dims), float32
        counts : ndarray (anchors,), int64
            How many users each has now.

        Notes
        -----
        Time: O(anchors^3). The confidence stays as it was measured.
        """
        whole = _System.of(self.anchors, targets.astype(np.float64), np.log1p(counts))
        answers = whole.answers(self.bend, self.ridge)
        return replace(self, answers=answers, middle=whole.middle)

    def confidence(self, rows: ContentRows) -> NDArray[np.float32]:
        """Return the cosine to expect of each item, by how near the nearest anchor is, (n,)."""
        expected = np.interp(_nearest(rows, self.anchors), self.likenesses, self.cosines)
        return np.asarray(expected, np.float32)


def fit_content_map(
    rows: ContentRows,
    targets: NDArray[np.float32],
    counts: NDArray[np.int64],
    users: NDArray[np.float64],
    content: Content,
    ids: Sequence[Id],
) -> ContentMap:
    """Fit the map on items that were learned.

    Parameters
    ----------
    rows : ContentRows
        Of n items.
    targets : ndarray (n, dims), float32
        Their vectors.
    counts : ndarray (n,), int64
        How many users each has; what many say counts more, by its logarithm.
    users : ndarray (dims, dims), float64
        The products of all users' vectors: an error is measured in scores of users.
    content : Content
        What the rows are of; its weights and cards are kept beside the map.
    ids : sequence of n ids
        Of the items; those of the anchors are kept.

    Returns
    -------
    ContentMap

    Raises
    ------
    InputError
        If fewer than 30 items have both users and content.

    Notes
    -----
    Time: O(m^3) for m items, at most 3,000; for the choice 16 times that of 800.
    """
    usable = np.flatnonzero(rows.known & (counts > 0))
    if len(usable) < LEAST:
        raise InputError(
            f"To learn how items are placed, {LEAST} items must have both users and content; "
            f"{len(usable)} have. Check that the ids of the content are those of the items."
        )
    best = np.sort(usable[np.argsort(-counts[usable], kind="stable")[:MOST]])
    anchors, found = rows.subset(best), targets[best].astype(np.float64)
    strength = np.log1p(counts[best])
    every = np.linspace(0, len(best) - 1, min(CHOSEN_ON, len(best))).astype(np.int64)
    few = _System.of(anchors.subset(every), found[every], strength[every])
    bend, ridge = min(
        ((bend, ridge) for bend in BENDS for ridge in RIDGES),
        key=lambda setting: few.error(setting[0], setting[1], users),
    )
    whole = _System.of(anchors, found, strength)
    reached = _cosines(found[every], few.left_out(bend, ridge) + few.middle)
    near = _nearest_others(few.products, few.squares)
    return ContentMap(
        tuple(ids[place] for place in best.tolist()),
        anchors,
        whole.answers(bend, ridge),
        whole.middle,
        bend,
        ridge,
        whole.scale,
        (whole.products.mean(axis=0), float(whole.products.mean())),
        content.weights,
        content.cards,
        *_rising(near, reached),
    )


@dataclass(frozen=True, eq=False)
class _System:
    """The equations of kernel ridge regression on some items."""

    products: NDArray[np.float64]  # (m, m)
    squares: NDArray[np.float64]
    targets: NDArray[np.float64]  # less the middle
    middle: NDArray[np.float64]
    strength: NDArray[np.float64]
    scale: float

    @classmethod
    def of(
        cls, anchors: ContentRows, targets: NDArray[np.float64], strength: NDArray[np.float64]
    ) -> _System:
        products, squares = anchors.products(anchors), anchors.squares()
        middle = np.asarray(strength @ targets / strength.sum())
        scale = max(float(squares.mean() - products.mean()), 1e-12)
        return cls(products, squares, targets - middle, middle, strength, scale)

    def matrix(self, bend: float, ridge: float) -> NDArray[np.float64]:
        """Return the kernel of the items with the ridge, higher where few users are known."""
        if bend:
            distances = self.squares[:, None] + self.squares - 2 * self.products
            kernel = _bent(distances, bend, self.scale)
        else:
            along = self.products.mean(axis=0)
            centred = self.products - along[:, None] - along + along.mean()
            kernel = centred / self.scale
        kernel[np.diag_indices_from(kernel)] += ridge * self.strength.mean() / self.strength
        return kernel

    def answers(self, bend: float, ridge: float) -> NDArray[np.float64]:
        """Return what the map gives each anchor, (m, dims)."""
        return np.asarray(np.linalg.solve(self.matrix(bend, ridge), self.targets), np.float64)

    def left_out(self, bend: float, ridge: float) -> NDArray[np.float64]:
        """Return each item as the map of all others places it, less the middle (Allen 1974)."""
        inverse = np.linalg.inv(self.matrix(bend, ridge))
        return np.asarray(self.targets - inverse @ self.targets / np.diag(inverse)[:, None])

    def error(self, bend: float, ridge: float, users: NDArray[np.float64]) -> float:
        """Return the squared error of the users' scores of items left out."""
        wrong = self.targets - self.left_out(bend, ridge)
        each = np.einsum("nd,de,ne->n", wrong, users, wrong, optimize=True)
        return float(self.strength @ each)


def _bent(distances: NDArray[np.float64], bend: float, scale: float) -> NDArray[np.float64]:
    return np.asarray(np.exp(-0.5 * bend / scale * np.maximum(distances, 0)))


def _nearest(rows: ContentRows, anchors: ContentRows) -> NDArray[np.float64]:
    """Return the cosine of each item with the anchor that is most alike, (n,)."""
    lengths = np.sqrt(np.outer(rows.squares(), anchors.squares()))
    return np.asarray((rows.products(anchors) / np.where(lengths > 0, lengths, 1)).max(axis=1))


def _nearest_others(
    products: NDArray[np.float64], squares: NDArray[np.float64]
) -> NDArray[np.float64]:
    cosines = products / np.sqrt(np.outer(squares, squares))
    np.fill_diagonal(cosines, -1)
    return np.asarray(cosines.max(axis=1))


def _cosines(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    return np.asarray(np.einsum("nd,nd->n", left, right) / np.where(lengths > 0, lengths, 1))


def _rising(
    near: NDArray[np.float64], reached: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return means of both in bins of equal size, the second made not to fall."""
    parts = np.array_split(np.argsort(near, kind="stable"), _BINS)
    places = np.array([near[part].mean() for part in parts])
    return places, np.maximum.accumulate([reached[part].mean() for part in parts])
