"""ItemKNN: an item is wanted by those who have used the items nearest to it.

Two items are near when the same people use them. An item's score is the sum of its similarities
to those of its nearest neighbours that somebody has used: simple, quick to learn, easy to
explain, and often hard to beat by much.

What it is not: a space; items that share no user have nothing to do with each other, and those
that no past item leads to are not recommended.

References
----------
Deshpande, Karypis 2004, Item-Based Top-N Recommendation Algorithms (cosine: section 4.2.1).
Bell, Koren 2007, Scalable Collaborative Filtering with Jointly Derived Neighborhood
Interpolation Weights, section 4.1 (shrinkage of similarities of few users).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from embedry.card import Card, fingerprint
from embedry.errors import InputError
from embedry.learn.learner import real_number, whole_number
from embedry.learn.taste.learner import TasteLearner

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from embedry.data.interactions import Interactions
    from embedry.learn.taste.past import Past

__all__ = ["ItemKNN"]

_AT_ONCE = 1 << 23  # similarities looked at together


class ItemKNN(TasteLearner):
    """Learn the nearest neighbours of each item by who uses both.

    Parameters
    ----------
    neighbours : int
        How many an item has at most. Few are exact, many reach further from a short history.
    shrinkage : float
        At least 0: a similarity resting on c shared users counts ``c / (c + shrinkage)``.

    Attributes
    ----------
    neighbours_ : tuple of ndarray
        The similarities that were kept, in compressed rows: ``indptr`` (items + 1,) int64,
        ``indices`` int32 and ``values`` float32. Row i holds the items that have item i among
        their neighbours, so that having used i adds the row to the scores.
    interactions_ : Interactions
        What was learned from; seen items are left out of recommendations.

    Notes
    -----
    The similarity is the cosine of two items' columns, in which a pair counts once, whatever its
    value. `similar` knows the neighbours of an item and no others. Time: for each user the square
    of their items. Memory: 12 bytes a neighbour, beside a block of 100 MB while learning.

    Examples
    --------
    >>> from embedry import Interactions, ItemKNN
    >>> used = Interactions.from_triples(
    ...     ["ann", "ann", "bob", "bob", "eve", "eve"],
    ...     ["json", "csv", "json", "csv", "math", "cmath"],
    ... )
    >>> ItemKNN(shrinkage=0.0).fit(used).causes("csv", history=["json", "math"])
    {'json': 1.0, 'math': 0.0}
    """

    KIND = "itemknn"
    ZERO_IS_UNKNOWN = True

    neighbours_: tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]

    def __init__(self, neighbours: int = 50, *, shrinkage: float = 10.0) -> None:
        self.neighbours = neighbours
        self.shrinkage = shrinkage

    def check_settings(self) -> None:
        """Refuse settings out of range; see `Learner.check_settings`."""
        whole_number("neighbours", self.neighbours, 1)
        real_number("shrinkage", self.shrinkage, 0, 1e9)

    def _learn(self, interactions: Interactions, known: Interactions | None) -> None:  # noqa: ARG002
        from embedry.kernels.recommend.cooccurrence import cooccurrences
        from embedry.learn.taste.counting import once

        sides, counts = once(interactions), interactions.item_counts
        items = len(counts)
        rows = max(1, min(items, _AT_ONCE // items))
        shared = np.empty((rows, items), np.float32)
        found = []
        for first in range(0, items, rows):
            block = shared[: min(rows, items - first)]
            cooccurrences(*sides, first, first + len(block), block)
            self._to_similarities(block, counts, first)
            found.append(_nearest(block, int(self.neighbours), first))
        targets, sources, values = (np.concatenate(parts) for parts in zip(*found, strict=True))
        order = np.argsort(sources, kind="stable")
        indptr = np.zeros(items + 1, np.int64)
        np.cumsum(np.bincount(sources, minlength=items), out=indptr[1:])
        self.neighbours_ = indptr, targets[order], values[order]

    def _to_similarities(
        self, shared: NDArray[np.float32], counts: NDArray[np.int64], first: int
    ) -> None:
        """Turn numbers of shared users into shrunk cosines, in place; an item has none to itself.

        ``shared`` is (rows, items), for items from ``first`` on.
        """
        lengths = np.sqrt(np.maximum(counts, 1)).astype(np.float32)
        own = np.arange(len(shared))
        shared[own, first + own] = 0
        if self.shrinkage:
            shared *= shared / (shared + np.float32(self.shrinkage))
        shared /= lengths
        shared /= lengths[first : first + len(shared), None]

    def _entries(self, past: Past) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return the entries of the rows of past items, and to which past item each belongs."""
        indptr = self.neighbours_[0]
        counts = np.diff(indptr)[past.places]
        owners = np.repeat(np.arange(len(counts)), counts)
        before = np.cumsum(counts) - counts
        entries = np.arange(len(owners)) + (indptr[past.places] - before)[owners]
        return entries, owners

    def _scores(self, past: Past) -> NDArray[np.float32]:
        (indptr, indices, values), (entries, _) = self.neighbours_, self._entries(past)
        scores = np.bincount(indices[entries], values[entries], minlength=len(indptr) - 1)
        return scores.astype(np.float32)

    def _shares(self, past: Past, items: NDArray[np.int64]) -> NDArray[np.float64]:
        (indptr, indices, values), (entries, owners) = self.neighbours_, self._entries(past)
        wanted, asked = np.unique(items, return_inverse=True)
        rows = np.full(len(indptr) - 1, -1, np.int64)
        rows[wanted] = np.arange(len(wanted))
        found = rows[indices[entries]]
        shares = np.zeros((len(wanted), len(past.places)))
        shares[found[found >= 0], owners[found >= 0]] = values[entries[found >= 0]]
        return shares[asked]

    def _similarities(self, place: int) -> NDArray[np.float32]:
        indptr, indices, values = self.neighbours_
        mine = np.flatnonzero(indices == place)
        similarities = np.full(len(indptr) - 1, np.nan, np.float32)
        similarities[np.searchsorted(indptr, mine, side="right") - 1] = values[mine]
        return similarities

    def _kept(self) -> tuple[Card, dict[str, NDArray[Any]]]:
        names = ("neighbour_indptr", "neighbour_indices", "neighbour_values")
        arrays: dict[str, NDArray[Any]] = dict(zip(names, self.neighbours_, strict=True))
        ids = list(self.interactions_.item_ids)
        content = fingerprint(self.KIND, ids, *self.neighbours_)
        settings = tuple(self._fitted_with.items())
        return Card(self.KIND, len(ids), "dot", content, settings=settings), arrays

    def _restore(self, card: Card, arrays: Mapping[str, NDArray[Any]]) -> None:
        items = len(self.interactions_.item_ids)
        if card.dims != items or len(arrays["neighbour_indptr"]) != items + 1:
            raise InputError(f"neighbours must be of {items} items")
        self.neighbours_ = (
            arrays["neighbour_indptr"],
            arrays["neighbour_indices"],
            arrays["neighbour_values"],
        )


def _nearest(
    similarities: NDArray[np.float32], neighbours: int, first: int
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]:
    """Return the largest entries above 0 of each row: rows, columns, values.

    Rows are numbered from ``first`` on. Of equal entries the first ones are taken.
    """
    kept = similarities > 0
    items = similarities.shape[1]
    if neighbours < items:
        last = items - neighbours
        border = np.partition(similarities, last, axis=1)[:, last, None]  # (rows, 1)
        above = similarities > border
        left = neighbours - above.sum(axis=1, keepdims=True)
        level = similarities == border
        kept &= above | (level & (np.cumsum(level, axis=1) <= left))
    rows, columns = np.nonzero(kept)
    values = similarities[rows, columns]
    return (rows + first).astype(np.int32), columns.astype(np.int32), values
