"""The laws of what every learner of taste tells others: shares, likeness, what it knows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.learn.taste.contract import checkerboard

from embedry.data.interactions import Interactions
from embedry.embeddings import Embeddings
from embedry.errors import InputError, NotFittedError, UnknownIdError
from embedry.learn.taste.als import ALS
from embedry.learn.taste.past import largest
from embedry.learn.taste.popularity import Popularity


def small(**changed):
    return ALS(**({"dims": 4, "regularization": 1.0, "threads": 1} | changed))


@pytest.fixture(scope="module")
def used():
    return checkerboard()


@pytest.fixture(scope="module")
def fitted(used):
    return small().fit(used)


def with_idle(used):
    """The same, and one item that nobody used."""
    return Interactions(
        used.user_ids, (*used.item_ids, "idle"), used.indptr, used.indices, used.values
    )


def test_shares_sum_to_scores_of_users_and_histories(fitted, used):
    """Over all past items, shares of each item sum to its score."""
    for asked in ({"user": "u3"}, {"history": fitted.history("u3")}):
        shares = fitted.shares(used.item_ids, **asked)
        assert shares.shape == (len(used.item_ids), len(fitted.history("u3")))
        np.testing.assert_allclose(shares.sum(axis=1), fitted.scores(**asked), atol=1e-5)


def test_shares_equal_causes_one_by_one(fitted, used):
    """A row is what `causes` says of its item, in the order of the history."""
    history = {"c1i5": 2.0, "c0i8": 1.0}
    items = used.item_ids[:5]
    for item, row in zip(items, fitted.shares(items, history=history), strict=True):
        told = fitted.causes(item, history=history)
        np.testing.assert_allclose(row, [told[past] for past in history])


def test_shares_of_unknown_items_are_refused(fitted):
    """An item that was not learned is named, as is a question without anybody."""
    with pytest.raises(UnknownIdError, match="nowhere"):
        fitted.shares(["nowhere"], "u3")
    with pytest.raises(InputError, match="exactly one"):
        fitted.shares(["c1i5"])
    with pytest.raises(NotFittedError):
        small().shares(["c1i5"], "u3")


def test_similarities_are_what_similar_ranks(fitted, used):
    """The best of all similarities, itself left out, are the hits of `similar`."""
    told = dict(zip(used.item_ids, fitted.similarities("c1i5").tolist(), strict=True))
    for hit in fitted.similar("c1i5", k=7):
        assert told[hit.id] == hit.score
    assert sorted(told.values(), reverse=True)[1:8] == list(fitted.similar("c1i5", k=7).scores)


def test_known_items_are_those_somebody_used_or_that_were_placed(used):
    """An item that nobody used is not known, until it is adopted."""
    taste = small().fit(with_idle(used))
    assert taste.known_items.tolist() == [True] * len(used.item_ids) + [False]
    with pytest.raises(InputError, match="Nobody used"):
        taste.similarities("idle")
    taste.adopt(Embeddings(["idle"], np.ones((1, 4)), taste.item_embeddings_.card))
    assert taste.known_items.all()
    assert np.isfinite(taste.similarities("idle")).any()
    with pytest.raises(NotFittedError):
        _ = small().known_items


def test_generation_changes_with_what_is_learned(used):
    """It stays while nothing is learned, and is another after fit, partial_fit and adopt."""
    taste = small().fit(used)
    seen = [taste.generation]
    assert taste.generation is seen[0]
    for change in (
        lambda: taste.fit(used),
        lambda: taste.partial_fit(used),
        lambda: taste.adopt(Embeddings(["new"], np.ones((1, 4)), taste.item_embeddings_.card)),
    ):
        change()
        assert all(taste.generation is not before for before in seen)
        seen.append(taste.generation)


@given(
    seed=st.integers(0, 99),
    count=st.integers(1, 3000),
    k=st.integers(1, 40),
    values=st.integers(1, 500),
    share=st.floats(0.1, 1),
)
@settings(max_examples=60, deadline=None)
def test_largest_are_those_of_a_full_sort(seed, count, k, values, share):
    """The best of some candidates in blocks are the best of all, ties in their order."""
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, values, count).astype(np.float32)
    candidates = np.flatnonzero(rng.random(count) <= share)
    expected = candidates[np.argsort(-scores[candidates], kind="stable")[:k]]
    np.testing.assert_array_equal(largest(scores, candidates, k), expected)


def test_unknown_ids_that_are_known_as_text_are_told():
    """Files give text: a number that is known as one says so, at each door; others say nothing."""
    taste = Popularity().fit(Interactions.from_triples(["1", "2"], ["3", "4"]))
    hint = "Ids must be str in both or int in both: '{}' is known."
    for known, ask in (
        ("1", lambda: taste.recommend(1)),
        ("2", lambda: taste.user_scores(["1", 7, 2])),
        ("3", lambda: taste.recommend(history=[3])),
        ("4", lambda: taste.similar(4)),
        ("1", lambda: taste.interactions_.history(1)),
        ("4", lambda: taste.interactions_.subset(items=[4])),
    ):
        with pytest.raises(UnknownIdError, match=hint.format(known)):
            ask()
    with pytest.raises(UnknownIdError) as caught:
        taste.recommend("7")
    assert str(caught.value) == "The user '7' was not learned."
