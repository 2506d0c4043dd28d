"""A model whose scores are known: what it has learned from, and a score for each user and item."""

from dataclasses import dataclass

import numpy as np
import pytest

from embedry.data.interactions import Interactions


@dataclass
class Planted:
    """A model of given scores, (users, items), in the order of its interactions."""

    interactions_: Interactions
    table: np.ndarray

    def user_scores(self, users):
        """Return the rows of the users."""
        rows = [self.interactions_.user_ids.index(user) for user in users]
        return self.table[rows]


@pytest.fixture(scope="session")
def planted():
    """Return a way to make a model: ``planted({"ann": "ab"}, {"ann": {"c": 2.0}})``.

    The first says what each user has used, the second the scores; an item without one has 0.
    """

    def make(used, scores):
        pairs = [(user, item) for user, items_ in used.items() for item in items_]
        training = Interactions.from_triples(*zip(*pairs, strict=True))
        table = [
            [scores.get(user, {}).get(item, 0.0) for item in training.item_ids]
            for user in training.user_ids
        ]
        return Planted(training, np.array(table, np.float32))

    return make


@pytest.fixture(scope="session")
def drawn():
    """Return a way to draw a problem: a model, and a test that it was not taught."""

    def make(seed, users=30, items=40, levels=None):
        rng = np.random.default_rng(seed)
        kind = rng.random((users, items))
        kind[:, :2] = 0.5  # two items that nobody has used
        kind[np.arange(users), rng.integers(2, items, users)] = 0.0
        kind[:, -1] = 0.0  # one that everybody has
        rows, columns = np.nonzero(kind < 0.3)
        named = [f"u{row}" for row in rows], [f"i{column}" for column in columns]
        training = Interactions.from_triples(*named)
        scores = rng.normal(size=training.shape)
        if levels is not None:
            scores = rng.integers(0, levels, training.shape)
        rows, columns = np.nonzero((kind >= 0.3) & (kind < 0.55))
        named = [f"u{row}" for row in rows], [f"i{column}" for column in columns]
        test = Interactions.from_triples(*named)
        return Planted(training, scores.astype(np.float32)), test

    return make
