"""Popularity: everybody is recommended what most people use.

What it is: the baseline that a learner of taste must beat, and a fallback where nothing is known
of anybody. What it is not: personal; of a history it only leaves out what is in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from embedry.card import Card, fingerprint
from embedry.errors import InputError
from embedry.learn.taste.learner import TasteLearner

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from embedry.data.interactions import Interactions
    from embedry.learn.taste.past import Past

__all__ = ["Popularity"]


class Popularity(TasteLearner):
    """Count the users of each item.

    Attributes
    ----------
    counts_ : ndarray (items,), int64
        How many users each item has; also its score, for everybody.
    interactions_ : Interactions
        What was learned from; seen items are left out of recommendations.

    Notes
    -----
    Somebody who has used nothing, also ``history=[]``, is recommended the same as everybody. Scores
    are no sums over past items, so `causes` and ``because`` are empty, and no item is `similar` to
    another. Counts beyond 2**24 are rounded as scores.

    Examples
    --------
    >>> from embedry import Interactions, Popularity
    >>> used = Interactions.from_triples(["ann", "bob", "bob"], ["json", "json", "csv"])
    >>> Popularity().fit(used).recommend("ann").ids
    ('csv',)
    >>> Popularity().fit(used).recommend(history=[]).ids
    ('json', 'csv')
    """

    KIND = "popularity"
    _NEEDS_PAST = False

    counts_: NDArray[np.int64]

    def check_settings(self) -> None:
        """Do nothing: there are none."""

    def _learn(self, interactions: Interactions, known: Interactions | None) -> None:  # noqa: ARG002
        self.counts_ = interactions.item_counts

    def _scores(self, past: Past) -> NDArray[np.float32]:  # noqa: ARG002
        return self.counts_.astype(np.float32)

    def _shares(self, past: Past, items: NDArray[np.int64]) -> None:  # noqa: ARG002
        return None

    def _similarities(self, place: int) -> NDArray[np.float32]:  # noqa: ARG002
        return np.full(len(self.counts_), np.nan, np.float32)

    def _kept(self) -> tuple[Card, dict[str, NDArray[Any]]]:
        content = fingerprint(self.KIND, list(self.interactions_.item_ids), self.counts_)
        return Card(self.KIND, len(self.counts_), "dot", content), {"counts": self.counts_}

    def _restore(self, card: Card, arrays: Mapping[str, NDArray[Any]]) -> None:
        self.counts_ = arrays["counts"]
        if not len(self.counts_) == card.dims == len(self.interactions_.item_ids):
            raise InputError(f"counts must be of {len(self.interactions_.item_ids)} items")
