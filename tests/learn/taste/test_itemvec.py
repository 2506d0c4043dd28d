"""Laws of ItemVec: users are means, histories are shuffled whole, items of a group lie together."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.learn.taste.contract import TasteContract, checkerboard

from embedry.data.interactions import Interactions
from embedry.embeddings import Embeddings
from embedry.errors import InputError
from embedry.learn.taste import itemvec
from embedry.learn.taste.itemvec import ItemVec

SMALL = {"dims": 8, "epochs": 200, "learning_rate": 0.05, "threads": 1, "seed": 1}


class TestItemVec(TasteContract):
    learner = ItemVec
    small = SMALL
    refused = {
        "dims": [0, 4097, 2.0, True],
        "window": [0, 51, 1.5],
        "negative": [0, 51, None],
        "sample": [-0.1, 1.1, None],
        "epochs": [0, 1.5],
        "learning_rate": [0, 2, None, float("nan")],
        "ns_exponent": [-1.1, 1.1],
        "seed": [-1, None],
        "threads": [0, 2.0],
    }


@pytest.fixture(scope="module")
def fitted():
    return ItemVec(**SMALL).fit(checkerboard())


def test_user_is_a_mean_of_what_each_past_item_gives(fitted):
    """Directions of a history are those of its items alone, by weights; values do not count."""
    ids = ["c0i0", "c1i1", "c0i4"]
    used = fitted.interactions_
    counts = [int(used.item_counts[used.item_ids.index(id)]) for id in ids]
    weights = np.array(counts) ** -0.25
    weights /= weights.sum()
    alone = np.array([fitted.directions([id])[:, 0] for id in ids])
    together = fitted.directions(dict.fromkeys(ids, 3.0))
    np.testing.assert_allclose(together, (alone * weights[:, None]).T)
    vector = fitted.user(history=ids).vectors[0]
    np.testing.assert_allclose(vector, weights @ alone, atol=1e-6)


def test_untuned_settings_learn_a_small_checkerboard():
    """The defaults go through few pairs often enough to find planted groups."""
    used = checkerboard(users=100, items=48, seed=3)
    taste = ItemVec(threads=1).fit(used)
    for user in used.user_ids[:30]:
        own = f"c{int(user[1:]) % 4}"
        assert {id[:2] for id in taste.recommend(user, k=3).ids} <= {own}


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=12),
    st.integers(1, 5000),
    st.sampled_from([1, 7, 200_000]),
)
@settings(max_examples=60, deadline=None)
def test_shuffled_histories_hold_each_item_once(lengths, items, bite):
    """Bite after bite, each user's items come in some order, all of them, and no other's."""
    rng = np.random.default_rng(0)
    rows = [np.sort(rng.permutation(items)[:length]) for length in lengths]
    indptr = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    indices = np.concatenate(rows).astype(np.int32)
    ids = (tuple(range(len(rows))), tuple(range(items)))
    used = Interactions(*ids, indptr, indices, np.ones(len(indices), np.float32))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(itemvec, "_BITE", bite)
        parts = list(itemvec._shuffled(used, 0, len(rows), rng))
    found = [
        part.tokens[a:b].tolist()
        for part in parts
        for a, b in zip(part.offsets[:-1], part.offsets[1:], strict=True)
    ]
    assert [sorted(row) for row in found] == [row.tolist() for row in rows]
    assert sum(part.seen for part in parts) == len(indices)
    assert all(part.tokens.dtype == np.int32 for part in parts)


def test_histories_come_in_another_order_each_epoch():
    """Two epochs of one history differ, and each order is about as frequent as any other."""
    used = Interactions.from_triples(["u"] * 3, ["a", "b", "c"])
    rng = np.random.default_rng(0)
    orders = [
        tuple(part.tokens.tolist())
        for _ in range(600)
        for part in itemvec._shuffled(used, 0, 1, rng)
    ]
    counts = [orders.count(order) for order in set(orders)]
    assert len(counts) == 6
    assert min(counts) > 60


def test_fit_on_threads_learns_the_same_groups():
    """Two threads share the work; what is learned is as good."""
    used = checkerboard()
    taste = ItemVec(**(SMALL | {"threads": 2})).fit(used)
    for user in used.user_ids[:8]:
        own = f"c{int(user[1:]) % 4}"
        assert {id[:2] for id in taste.recommend(user, k=3).ids} == {own}


def test_partial_fit_goes_on_from_where_it_is(fitted):
    """A further fit at a tiny rate leaves known items where they were."""
    taste = ItemVec(**SMALL).fit(checkerboard())
    before = taste.item_embeddings_
    more = Interactions.from_triples(["new", "new"], ["c0i0", "c0i4"])
    taste.set_params(learning_rate=1e-6).partial_fit(more)
    np.testing.assert_allclose(taste.item_embeddings_.vectors, before.vectors, atol=1e-2)
    assert taste.item_embeddings_.card.fingerprint != before.card.fingerprint
    with pytest.raises(InputError, match="dims must stay 8"):
        taste.set_params(dims=5).partial_fit(more)


def test_epochs_make_up_for_few_pairs():
    """None takes as many epochs as make a million pairs, from 30 to 1000; a number is a number."""
    epochs = [ItemVec()._epochs(pairs, further=False) for pairs in (10, 10_000, 10**8)]
    assert epochs == [1000, 100, 30]
    assert ItemVec(epochs=6)._epochs(10, further=False) == 6
    assert ItemVec(epochs=6)._epochs(10, further=True) == 2
    assert ItemVec(epochs=1)._epochs(10, further=True) == 1


def test_fit_refuses_histories_of_one_item():
    """Where nobody used two items there is nothing to tell apart."""
    used = Interactions.from_triples(["a", "b", "c"], ["x", "y", "x"])
    with pytest.raises(InputError, match=r"must have used two items; .*use Popularity"):
        ItemVec(**SMALL).fit(used)


def test_a_placed_item_counts_as_past_like_those_it_lies_with(fitted, tmp_path):
    """A new item placed where one of colour 0 lies gives a history the taste of colour 0."""
    taste = ItemVec(**SMALL).fit(checkerboard())
    vector = taste.item_embeddings_["c0i0"]
    taste.adopt(Embeddings(["fresh"], vector[None], taste.item_embeddings_.card))
    assert "fresh" in taste.recommend("u0", k=99).ids
    assert {id[:2] for id in taste.recommend(history=["fresh"], k=4).ids} == {"c0"}
    taste.save(tmp_path / "m")
    back = ItemVec.load(tmp_path / "m")
    assert back.recommend(history=["fresh"], k=4) == taste.recommend(history=["fresh"], k=4)
    assert back.partial_fit(checkerboard(seed=1)).recommend("u0", k=1).ids[0][:2] == "c0"


@pytest.mark.parametrize("threads", [1, 2])
def test_fit_refuses_a_sample_that_leaves_nothing(threads):
    """Where every pair is skipped nothing is learned: that is told, and what was learned stays."""
    small = SMALL | {"threads": threads, "epochs": 3}
    with pytest.raises(InputError, match=r"sample must leave pairs to learn from; at 1e-09 none"):
        ItemVec(**small, sample=1e-9).fit(checkerboard())
    taste = ItemVec(**small).fit(checkerboard())
    before = taste.scores("u0").tobytes()
    more = Interactions.from_triples(["u0", "new", "new"], ["fresh", "c0i0", "fresh"])
    with pytest.raises(InputError, match="sample must leave"):
        taste.set_params(sample=1e-9).partial_fit(more)
    assert taste.scores("u0").tobytes() == before
    taste.set_params(sample=0.0).partial_fit(more)
    assert len(taste.scores("u0")) == 49
