"""The laws of learned weights: never worse on their split, and right where truth is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.learn.taste.counted import Counted
from tests.use.recommend.board import (
    DIMS,
    GROUPS,
    ITEMS_OF_GROUP,
    USERS_OF_GROUP,
    checkerboard,
    item,
    looks,
    user,
)

from embedry.data.interactions import Interactions
from embedry.errors import InputError
from embedry.ranking import ndcg
from embedry.store.collection import Collection
from embedry.use.recommend import Recommender
from embedry.use.recommend.learning import Pools, searched


def held_out():
    """What the checkerboard leaves out: the other third of each user's group."""
    pairs = [
        (user(group, u), item(group, i))
        for group in range(GROUPS)
        for u in range(USERS_OF_GROUP)
        for i in range(ITEMS_OF_GROUP)
        if not (u + i) % 3
    ]
    return Interactions.from_triples(*zip(*pairs, strict=True))


def random_pools(seed):
    generator = np.random.default_rng(seed)
    widths = generator.integers(3, 9, 6)
    parts = [np.round(8 * generator.random((3, width))) / 8 for width in widths]  # sums are exact
    took = [generator.random(width) < 0.4 for width in widths]
    for one in took:
        one[generator.integers(len(one))] = True
    return parts, took


@given(seed=st.integers(0, 10**6), k=st.integers(1, 10))
@settings(max_examples=40, deadline=None)
def test_pools_ndcg_equals_the_plain_one(seed, k):
    """The mean over users is that of `embedry.ranking.ndcg`, one by one, ties by place."""
    parts, took = random_pools(seed)
    weights = np.array([0.5, 0.25, 0.25])
    plain = []
    for scores, mine in zip(parts, took, strict=True):
        order = np.argsort(-np.tensordot(weights, scores, 1), kind="stable").tolist()
        plain.append(ndcg(order, np.flatnonzero(mine).tolist(), k=k))
    assert Pools.of(parts, took).ndcg(weights, k) == pytest.approx(np.mean(plain))


@given(seed=st.integers(0, 10**6), start=st.lists(st.floats(0.01, 1), min_size=3, max_size=3))
@settings(max_examples=30, deadline=None)
def test_searched_is_never_worse(seed, start):
    """Whatever the start, the weights found are not worse on the same pools, and sum to 1."""
    pools = Pools.of(*random_pools(seed))
    shares = dict(zip("abc", (np.array(start) / sum(start)).tolist(), strict=True))
    weights, before, after = searched(pools, shares, 3)
    assert before == pools.ndcg(np.array(list(shares.values())), 3)
    assert after >= before
    assert pools.ndcg(np.array(list(weights.values())), 3) == pytest.approx(after)
    assert sum(weights.values()) == pytest.approx(1)


def misled(folder):
    """Return a collection whose content says nothing of groups."""
    things = Collection.open(folder)
    things.add_field("noise", dims=DIMS)
    things.add_field("looks", dims=DIMS)
    names = [(g, i) for g in range(GROUPS) for i in range(ITEMS_OF_GROUP)]
    noise = np.random.default_rng(1).standard_normal((len(names), DIMS))
    good = np.array([looks(*name) for name in names])
    things.upsert([item(*name) for name in names], vectors={"noise": noise, "looks": good})
    return things


def test_learn_weights_leave_what_misleads(tmp_path, taste):
    """Noise that weighed most weighs less after learning; what was learned is used from now on."""
    with misled(tmp_path / "things") as things:
        start = {"taste": 0.05, "noise": 0.9, "looks": 0.05}
        recommender = Recommender(things, taste=taste, content=["noise", "looks"], weights=start)
        before = recommender.recommend(user(0, 0), k=2)
        found = recommender.learn_weights(held_out(), k=2)
        after = recommender.recommend(user(0, 0), k=2)
    assert found.after > found.before
    assert found.weights["noise"] < 0.5
    assert recommender.weights == found.weights
    assert (found.users, found.left_out, found.k) == (GROUPS * USERS_OF_GROUP, 0, 2)
    assert set(after.ids) == {item(0, 0), item(0, 3)} != set(before.ids)
    assert f"NDCG@2 {found.after:.4f}" in str(found)


def test_learn_weights_equal_full_rankings(tmp_path, taste):
    """Before and after are the NDCG of what is recommended, as the pool holds every item here."""
    with misled(tmp_path / "things") as things:
        recommender = Recommender(things, taste=taste, content=["noise", "looks"])

        def full():
            wanted = held_out()
            return np.mean(
                [
                    ndcg(recommender.recommend(u, k=3).ids, wanted.history(u), k=3)
                    for u in wanted.user_ids
                ]
            )

        then = full()
        found = recommender.learn_weights(held_out(), k=3)
        assert found.before == pytest.approx(then)
        assert found.after == pytest.approx(full())


def test_learn_weights_asks_as_many_users_as_told(recommender):
    """At most so many, drawn by the seed; the same seed learns the same."""
    one = recommender.learn_weights(held_out(), users=4, seed=3)
    assert one.users == 4
    again = Recommender(
        recommender.collection, taste=recommender._taste[0].learner, content="looks"
    )
    assert again.learn_weights(held_out(), users=4, seed=3) == one


def test_learn_weights_counts_who_cannot_be_asked(recommender):
    """Strangers, and users who took nothing that is here, are left out and counted."""
    pairs = [("stranger", item(0, 0)), (user(0, 0), item(0, 0)), (user(1, 0), "elsewhere")]
    found = recommender.learn_weights(Interactions.from_triples(*zip(*pairs, strict=True)))
    assert (found.users, found.left_out) == (1, 2)
    with pytest.raises(InputError, match="of 1 none"):
        recommender.learn_weights(Interactions.from_triples(["stranger"], [item(0, 0)]))


def test_learn_weights_refuse_what_taste_was_trained_on(things, taste):
    """A validation that shares a pair with any learner is refused, and the weights stay."""
    other = Counted().fit(Interactions.from_triples([user(0, 0)], [item(0, 0)]))
    recommender = Recommender(things, taste={"als": taste, "counts": other}, content="looks")
    before = dict(recommender.weights)
    with pytest.raises(InputError, match=r"counts .* 1 of 30, such as \('user-0-0', 'item-0-0'\)"):
        recommender.learn_weights(held_out())
    with pytest.raises(InputError, match="als"):
        recommender.learn_weights(checkerboard())
    assert recommender.weights == before


@pytest.mark.parametrize("wrong", [{"k": 0}, {"users": 0}, {"seed": -1}, {"validation": None}])
def test_learn_weights_bad_input_is_refused(recommender, wrong):
    """Numbers out of range, and what is no validation."""
    with pytest.raises(InputError, match=next(iter(wrong))):
        recommender.learn_weights(**({"validation": held_out()} | wrong))


def test_learn_weights_needs_taste(things):
    """Users are known by taste alone."""
    with pytest.raises(InputError, match="taste="):
        Recommender(things, content="looks").learn_weights(held_out())
