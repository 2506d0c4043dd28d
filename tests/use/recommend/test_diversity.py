"""The laws of diversity: maximal marginal relevance, by a plain oracle."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.use.recommend.board import GROUPS, ITEMS_OF_GROUP, item, looks, user

from embedry.errors import InputError
from embedry.use.recommend import Recommender
from embedry.use.recommend.diversity import diverse, pool_size


def plain_margins(scores, rows, chosen, diversity):
    """Carbonell and Goldstein 1998, section 2, word for word."""

    def margin(one):
        if not chosen:
            return scores[one]
        nearest = max(float(rows[one] @ rows[other]) for other in chosen)
        return (1 - diversity) * scores[one] - diversity * nearest

    return {one: margin(one) for one in range(len(scores)) if one not in chosen}


def plainly_diverse(scores, rows, k, diversity):
    chosen = []
    for _ in range(k):
        margins = plain_margins(scores, rows, chosen, diversity)
        chosen.append(max(margins, key=margins.get))
    return chosen


@given(seed=st.integers(0, 10**6), diversity=st.floats(0, 1), k=st.integers(1, 30))
@settings(max_examples=60, deadline=None)
def test_diverse_takes_the_best_margin_each_time(seed, diversity, k):
    """Each place holds a candidate that no other left has a larger margin than."""
    generator = np.random.default_rng(seed)
    scores = -np.sort(-generator.random(25))
    rows = generator.standard_normal((25, 4)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    rows[3] = 0  # lies nowhere
    found = diverse(scores, rows, k, diversity).tolist()
    assert len(found) == len(set(found)) == min(k, 25)
    for step, best in enumerate(found):
        margins = plain_margins(scores, rows, found[:step], diversity)
        assert margins[best] >= max(margins.values()) - 1e-5


def test_diverse_of_zero_is_the_order_of_scores():
    """Without diversity nothing moves; ties stay in their order."""
    rows = np.eye(4, dtype=np.float32)
    assert diverse(np.array([3.0, 2.0, 2.0, 1.0]), rows, 9, 0.0).tolist() == [0, 1, 2, 3]


def test_recommend_diversity_equals_plain_oracle(recommender, things):
    """The list is the oracle's over the best candidates, scores as they were; the plan says so."""
    everything = recommender.recommend(user(0, 0), k=100)
    cosines = {(g, i): looks(g, i) for g in range(GROUPS) for i in range(ITEMS_OF_GROUP)}
    rows = np.array([cosines[tuple(map(int, id.split("-")[1:]))] for id in everything.ids])
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    expected = plainly_diverse(everything.scores, rows, 8, 0.5)
    found = recommender.recommend(user(0, 0), k=8, diversity=0.5)
    assert list(found.ids) == [everything.ids[place] for place in expected]
    assert list(found.ids) != list(everything.ids[:8])
    assert list(found.scores) == [everything.scores[place] for place in expected]
    assert found.plan.method == "exact scan + mmr"
    assert found.plan.diversity == 0.5
    assert found.plan.effort == len(everything)
    assert everything.plan.method == "exact scan"


def test_recommend_diversity_mixes_groups(recommender):
    """Where a user of one group is recommended three items, diversity brings in other groups."""
    history = [item(0, 0), item(0, 1), item(0, 2)]
    alike = recommender.recommend(history=history, k=3)
    mixed = recommender.recommend(history=history, k=3, diversity=0.8)
    assert {id[:6] for id in alike.ids} == {"item-0"}
    assert len({id[:6] for id in mixed.ids}) == GROUPS
    assert mixed.ids[0] == alike.ids[0]


def test_pool_grows_with_k():
    """MMR chooses from at least 100, and from five times as many as are wanted."""
    assert (pool_size(1), pool_size(20), pool_size(50)) == (100, 100, 250)


@pytest.mark.parametrize("diversity", [-0.1, 1.1, float("nan"), "much", None, True])
def test_recommend_diversity_out_of_range_is_refused(recommender, diversity):
    """Diversity is a number in [0, 1]."""
    with pytest.raises(InputError, match="diversity"):
        recommender.recommend(user(0, 0), diversity=diversity)


def test_recommend_diversity_needs_content(things, taste):
    """Without a field nobody can say what is alike."""
    with pytest.raises(InputError, match="content="):
        Recommender(things, taste=taste).recommend(user(0, 0), diversity=0.2)
