"""Laws of BPR: it ranks what was used first, and users are sums over what they used."""

import threading

import numpy as np
import pytest
from scipy import sparse
from tests.learn.taste.contract import TasteContract, checkerboard, colour

from embedry.data.interactions import Interactions
from embedry.errors import InputError
from embedry.kernels.recommend import bpr as kernel
from embedry.learn.taste import bpr
from embedry.learn.taste.bpr import BPR


class TestBPR(TasteContract):
    """BPR keeps the laws of all learners of taste."""

    learner = BPR
    small = {"dims": 8, "threads": 1}
    refused = {
        "dims": [0, 4097, 2.0, True],
        "learning_rate": [0, -1, 2, float("nan"), "1"],
        "regularization": [-1, 1, None],
        "epochs": [0, 1.0],
        "seed": [-1, None],
        "threads": [0, 2.0],
    }


@pytest.fixture(scope="module")
def used():
    return checkerboard()


@pytest.fixture(scope="module")
def fitted(used):
    return BPR(dims=8, threads=1).fit(used)


@pytest.mark.parametrize("size", [40, 400])
def test_untuned_settings_learn_a_checkerboard(size):
    """The defaults find planted groups in a toy, and where there are a hundred times the pairs."""
    used = checkerboard(users=size, items=size, seed=1)
    taste = BPR(threads=1).fit(used)
    for user in used.user_ids[:40]:
        unseen = {i for i in used.item_ids if i[:2] == colour(user)} - set(used.history(user))
        k = min(5, len(unseen))
        assert set(taste.recommend(user, k=k).ids) <= unseen


def test_bpr_lets_values_be(used):
    """Used is used: values change neither what is learned nor a history."""
    weighted = Interactions(
        used.user_ids, used.item_ids, used.indptr, used.indices, 1 + used.values * 4
    )
    plain, other = (BPR(dims=4, epochs=5, threads=1).fit(data) for data in (used, weighted))
    assert plain.item_embeddings_.vectors.tobytes() == other.item_embeddings_.vectors.tobytes()
    one, two = plain.user(history=["c0i0"]), plain.user(history={"c0i0": 7.0})
    assert one.vectors.tobytes() == two.vectors.tobytes()


def test_directions_sum_to_the_user(fitted):
    """Each past item gives an exact part of the vector, for anybody."""
    history = ["c2i2", "c0i0", "c0i8"]
    directions = fitted.directions(history)
    assert directions.shape == (8, 3)
    vector = fitted.user(history=history).vectors[0]
    np.testing.assert_allclose(directions.sum(axis=1), vector, atol=1e-6)


def test_users_are_the_map_nearest_to_those_learned(used, fitted):
    """Users are sums over items by one linear map, which no change of its entries improves."""
    sums = np.array(
        [
            fitted.item_embeddings_.vectors[used.indices[begin:end]].sum(axis=0)
            / np.sqrt(end - begin)
            for begin, end in zip(used.indptr[:-1], used.indptr[1:], strict=True)
        ]
    )
    vectors = fitted.user_embeddings_.vectors
    found, *_ = np.linalg.lstsq(sums, vectors, rcond=None)
    np.testing.assert_allclose(sums @ found, vectors, atol=1e-4)


def test_seed_says_what_is_learned(used, fitted):
    """Another seed, other vectors; the card tells them apart."""
    other = BPR(dims=8, threads=1, seed=1).fit(used)
    cards = [taste.item_embeddings_.card.fingerprint for taste in (other, fitted)]
    assert cards[0] != cards[1]


@pytest.mark.parametrize("dims", [1, 3, 17, 100])
def test_fit_takes_any_width(used, dims):
    """Widths that are no multiple of a vector register give finite vectors of that width."""
    taste = BPR(dims=dims, epochs=3, threads=1).fit(used)
    assert taste.item_embeddings_.vectors.shape == (48, dims)
    assert np.isfinite(taste.user_embeddings_.vectors).all()


def test_threads_learn_what_one_learns(monkeypatch):
    """Two threads share the vectors without locks, and find the groups as one does."""
    monkeypatch.setattr(bpr, "_SHARE", 100)
    used = checkerboard(users=120, items=80)
    names = set()
    real = kernel.train

    def watched(*arguments):
        names.add(threading.current_thread().name.rpartition("_")[2])
        return real(*arguments)

    monkeypatch.setattr(kernel, "train", watched)
    taste = BPR(dims=8, threads=2).fit(used)
    assert names == {"0", "1"}
    for user in used.user_ids:
        assert {item[:2] for item in taste.recommend(user, k=4).ids} == {colour(user)}


def test_fit_in_pieces_learns_every_pair(used, monkeypatch):
    """Where an epoch takes several calls, each user is still learned once in each."""
    monkeypatch.setattr(bpr, "_CALL", 50)
    real, orders = kernel.train, []

    def watched(*arguments):
        orders.append(arguments[4])
        return real(*arguments)

    monkeypatch.setattr(kernel, "train", watched)
    BPR(dims=4, epochs=1, threads=1).fit(used)
    assert len(orders) > 3
    assert sorted(np.concatenate(orders).tolist()) == list(range(len(used.user_ids)))


def test_fit_that_is_interrupted_leaves_what_was_learned(used, monkeypatch):
    """Ctrl-C in an epoch raises, and the learner answers as before."""
    taste = BPR(dims=4, epochs=5, threads=1).fit(used)
    before = taste.scores("u0").tobytes()

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(kernel, "train", interrupted)
    with pytest.raises(KeyboardInterrupt):
        taste.partial_fit(used)
    assert taste.interactions_ is used
    assert taste.scores("u0").tobytes() == before


def test_user_who_used_everything_is_learned_beside_others():
    """There is nothing to rank for them; everybody else is learned, and they get scores."""
    matrix = np.zeros((9, 8))
    matrix[0] = 1
    matrix[1:5, :4] = matrix[5:, 4:] = 1
    matrix[1, 0] = matrix[5, 4] = 0
    taste = BPR(dims=4, threads=1).fit(Interactions.from_scipy(sparse.csr_array(matrix)))
    assert np.isfinite(taste.scores(0)).all()
    assert taste.recommend(0).ids == ()
    assert taste.recommend(1, k=1).ids == (0,)
    assert taste.recommend(5, k=1).ids == (4,)


@pytest.mark.parametrize("users", [1, 5])
def test_fit_refuses_where_nobody_left_anything(users):
    """One item only, or everything used by all: there is nothing to rank, and it is said."""
    one = Interactions.from_triples(list(range(users)), ["x"] * users)
    with pytest.raises(InputError, match=r"must have left an item unused.*nobody has"):
        BPR(threads=1).fit(one)


def test_partial_fit_goes_on_from_where_it_is(used):
    """More epochs move what is learned a little; another width is refused."""
    taste = BPR(dims=8, threads=1).fit(used)
    before = taste.scores("u0")
    after = taste.partial_fit(used).scores("u0")
    assert np.corrcoef(before, after)[0, 1] > 0.9
    with pytest.raises(InputError, match="dims must stay 8"):
        taste.set_params(dims=4).partial_fit(used)


def test_fit_refuses_vectors_that_vanish(used):
    """Too much regularization would leave nothing: it is refused with a lower one."""
    with pytest.raises(InputError, match=r"regularization=0\.9 on .* Pass a lower one: 0\.09\."):
        BPR(dims=4, regularization=0.9, learning_rate=0.5, threads=1).fit(used)


def test_ids_may_be_huge():
    """The largest and the smallest int64 are ids like others."""
    low, high = -(2**63), 2**63 - 1
    used = Interactions.from_triples([low, low, high, high, 0], [high, low, high, 5, 5])
    taste = BPR(dims=2, threads=1).fit(used)
    assert taste.history(low) == {high: 1.0, low: 1.0}
    assert taste.recommend(high, k=9).ids == (low,)
