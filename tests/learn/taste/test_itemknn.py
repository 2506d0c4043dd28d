"""Laws of ItemKNN: its neighbours are those of a full table of similarities."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.learn.taste.contract import TasteContract, checkerboard

from embedry.data.interactions import Interactions
from embedry.learn.taste import itemknn
from embedry.learn.taste.itemknn import ItemKNN


class TestItemKNN(TasteContract):
    learner = ItemKNN
    zero_is_unknown = True
    small = {}
    refused = {
        "neighbours": [0, 1.5, None, True],
        "shrinkage": [-1, float("nan"), "1", None],
    }


def dense(used):
    matrix = np.zeros(used.shape)
    rows = np.repeat(np.arange(len(used.user_ids)), np.diff(used.indptr))
    matrix[rows, used.indices] = 1
    return matrix


def kept(used, neighbours, shrinkage):
    """For each item its most similar ones, by full sorts: (items that have, items that are)."""
    matrix = dense(used)
    shared = matrix.T @ matrix
    np.fill_diagonal(shared, 0)
    counts = matrix.sum(axis=0)
    cosines = shared / np.sqrt(np.outer(counts, counts))
    scaled = cosines * np.where(shared > 0, shared / np.maximum(shared + shrinkage, 1e-9), 0)
    ranks = np.argsort(np.argsort(-scaled.astype(np.float32), axis=1, kind="stable"), axis=1)
    return np.where(ranks < neighbours, scaled, 0)


@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 20),
    st.sampled_from([0, 0.5, 10]),
    st.sampled_from([1, 40, 10**6]),
)
@settings(max_examples=40, deadline=None)
def test_scores_are_sums_over_the_nearest_items(seed, neighbours, shrinkage, at_once):
    """Scores, shares and similarities are those of a full sorted table, in blocks of any size."""
    rng = np.random.default_rng(seed)
    users, items = np.nonzero(rng.random((15, 12)) < 0.4)
    used = Interactions.from_triples([*users.tolist(), 99, 99], [*items.tolist(), 0, 1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(itemknn, "_AT_ONCE", at_once)
        taste = ItemKNN(neighbours, shrinkage=shrinkage).fit(used)
    table = kept(used, neighbours, shrinkage)
    expected = dense(used) @ table.T
    np.testing.assert_allclose(taste.user_scores(used.user_ids), expected, atol=1e-6)
    past, asked = used.item_ids[:3], [used.item_ids[4], used.item_ids[0], used.item_ids[4]]
    places = [used.item_ids.index(id) for id in asked]
    shares = taste.shares(asked, history=past)
    np.testing.assert_allclose(shares, table[places][:, :3], atol=1e-6)
    for hit in taste.similar(used.item_ids[2], k=99):
        assert hit.score == pytest.approx(table[2, used.item_ids.index(hit.id)], abs=1e-6)
    assert len(taste.similar(used.item_ids[2], k=99)) == np.count_nonzero(table[2])


def test_values_do_not_count():
    """A pair counts once: ratings change no neighbour."""
    used = checkerboard()
    users, items, _ = used.triples()
    valued = Interactions.from_triples(users, items, np.arange(len(users)) % 5 + 1)
    one, two = (ItemKNN().fit(data) for data in (used, valued))
    assert all((a == b).all() for a, b in zip(one.neighbours_, two.neighbours_, strict=True))


def test_shrinkage_puts_what_many_share_before_what_few_do():
    """Two items of one common user are less alike than two of ten, though both cosines are 1."""
    pairs = [("u", "rare"), ("u", "rarer")]
    pairs += [(f"v{i}", item) for i in range(10) for item in ("one", "two")]
    used = Interactions.from_triples(*zip(*pairs, strict=True))
    plain, shrunk = (ItemKNN(shrinkage=s).fit(used) for s in (0.0, 10.0))
    scores = [
        [float(taste.similar(id).scores[0]) for id in ("rare", "one")] for taste in (plain, shrunk)
    ]
    assert scores[0] == pytest.approx([1, 1])
    assert scores[1] == pytest.approx([1 / 11, 1 / 2])
