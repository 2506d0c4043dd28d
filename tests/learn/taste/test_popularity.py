"""Laws of popularity: counts of users, for everybody."""

import numpy as np
from tests.learn.taste.contract import TasteContract

from embedry.data.interactions import Interactions
from embedry.learn.taste.popularity import Popularity


class TestPopularity(TasteContract):
    learner = Popularity
    small = {}
    refused = {}
    personal = False
    additive = False


def test_scores_are_counts_of_users():
    """A user counts once, however strongly or often they used an item; ties by order."""
    used = Interactions.from_triples(list("aaabbccc"), list("xxyzyzwy"), [9, 9, *[1] * 6])
    taste = Popularity().fit(used)
    assert taste.counts_.tolist() == [1, 3, 2, 1]
    np.testing.assert_array_equal(taste.scores("a"), [1, 3, 2, 1])
    assert taste.recommend("a", exclude_seen=False).ids == ("y", "z", "x", "w")
    assert taste.recommend(history=["y"]).ids == ("z", "x", "w")
