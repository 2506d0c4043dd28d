"""A learner of taste for tests: no vectors, no shares, only who used what together."""

import numpy as np

from embedry.card import Card, fingerprint
from embedry.learn.taste.learner import TasteLearner

__all__ = ["Counted"]


class Counted(TasteLearner):
    """Scores an item by how many used it together with each past item; tells no shares."""

    KIND = "counted"

    def check_settings(self):
        pass

    def _learn(self, interactions, known):
        used = np.zeros(interactions.shape)
        rows = np.repeat(np.arange(len(used)), np.diff(interactions.indptr))
        used[rows, interactions.indices] = 1
        self._together = used.T @ used
        self._used = used

    def _scores(self, past):
        return np.float32(past.values @ self._together[past.places])

    def _row_scores(self, rows):
        return np.float32(self._used[rows] @ self._together)

    def _shares(self, past, items):
        return None

    def _similarities(self, place):
        return np.float32(self._together[place])

    def _kept(self):
        return Card("counted", content=fingerprint([self._together])), {}

    def _restore(self, card, arrays):
        raise NotImplementedError
