"""The laws of what lists are like: counted by hand, and pair by pair."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedry.embeddings import Embeddings
from embedry.trust.evaluate.recommenders import lists, rows

LISTS = np.array([[0, 1, 2], [0, 3, -1], [-1, -1, -1]], np.int32)


def test_coverage_counted_by_hand():
    """Items in any list, of those that may be recommended."""
    allowed = np.array([True] * 4 + [False] * 2)
    assert lists.coverage(LISTS, allowed, (1, 2, 3)) == {
        "coverage@1": 1 / 4,
        "coverage@2": 3 / 4,
        "coverage@3": 1,
    }


def test_novelty_counted_by_hand():
    """Bits: of 8 users, items used by 8, 4, 1 and nobody; a list of none has no novelty."""
    found = lists.novelty(LISTS, np.array([8, 4, 1, 0]), 8, (1, 3))
    assert found["novelty@1"] == pytest.approx([0, 0, np.nan], nan_ok=True)
    assert found["novelty@3"] == pytest.approx([(0 + 1 + 3) / 3, (0 + 3) / 2, np.nan], nan_ok=True)


@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 5))
@settings(max_examples=50, deadline=None)
def test_similarity_is_the_mean_over_all_pairs(seed, places, dims):
    """Cosine by cosine; items without a vector, zero ones and empty places make no pair."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(9, dims))
    vectors[4] = 0
    space = Embeddings(list(range(9)), vectors.astype(np.float32))
    ids = (*range(9), "bare")
    units = lists.unit_rows(space, ids)
    mine = np.array([rng.permutation(10)[:places] for _ in range(4)], np.int32)
    mine[0, places // 2 :] = -1
    found = lists.similarity(mine, units, [places])[f"similarity@{places}"]
    for value, row in zip(found, mine.tolist(), strict=True):
        chosen = [item for item in row if item not in {-1, 4, 9}]
        pairs = [(one, two) for one in chosen for two in chosen if one < two]
        cosines = [
            np.dot(vectors[one], vectors[two])
            / (np.linalg.norm(vectors[one]) * np.linalg.norm(vectors[two]))
            for one, two in pairs
        ]
        expected = np.mean(cosines) if cosines else np.nan
        assert value == pytest.approx(expected, abs=1e-5, nan_ok=True)


def test_lists_do_not_depend_on_the_blocks(monkeypatch):
    """Lists one by one give the same as all at once."""
    rng = np.random.default_rng(1)
    units = lists.unit_rows(Embeddings(list(range(9)), rng.normal(size=(9, 3))), range(9))
    mine = np.array([rng.permutation(9)[:4] for _ in range(7)], np.int32)
    found = []
    for at_once in (2**21, 1):
        monkeypatch.setattr(rows, "_NUMBERS_AT_ONCE", at_once)
        each = lists.similarity(mine, units, [2, 4])
        found.append(each | lists.novelty(mine, np.arange(1, 10), 12, [1, 3]))
    assert found[0].keys() == found[1].keys()
    for name, values in found[1].items():
        np.testing.assert_array_equal(values, found[0][name])


def test_lists_end_where_they_end():
    """A cutoff beyond the places asks for no more than there are."""
    units = np.eye(4, dtype=np.float32)
    for measure in (
        lambda k: lists.coverage(LISTS, np.ones(4, bool), [k]),
        lambda k: lists.novelty(LISTS, np.array([8, 4, 1, 0]), 8, [k]),
        lambda k: lists.similarity(LISTS, units, [k]),
    ):
        (whole,), (beyond,) = measure(3).values(), measure(10**12).values()
        np.testing.assert_array_equal(beyond, whole)
