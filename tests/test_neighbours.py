"""Exact neighbours, examples, analogies and the odd one out, against formulas in float64."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedry.errors import InputError
from embedry.metrics import COSINE, DOT, EUCLIDEAN
from embedry.neighbours import (
    best_first,
    fit_with_the_others,
    mean_of_examples,
    nearest_of_each,
    nearest_rows,
    products_of_cosines,
)


def units(n=12, dims=5, seed=0):
    """Make rows of length 1, two of them equal."""
    rows = np.random.default_rng(seed).standard_normal((n, dims)).astype(np.float32)
    rows[n // 2] = rows[1]
    return COSINE.prepare(rows)


@pytest.mark.parametrize("metric", [COSINE, DOT, EUCLIDEAN])
@given(k=st.integers(1, 20), without=st.sets(st.integers(0, 11)), seed=st.integers(0, 20))
def test_nearest_rows_are_those_of_a_full_sort(metric, k, without, seed):
    """The k best of all rows that may answer, ties by place."""
    rows = units(seed=seed)
    scores = metric.exact_scores(rows[0], rows)
    order = [i for i in np.argsort(-scores, kind="stable").tolist() if i not in without][:k]
    assert nearest_rows(rows[0], rows, metric, k, without) == [(i, scores[i]) for i in order]


@pytest.mark.parametrize("metric", [COSINE, DOT, EUCLIDEAN])
@pytest.mark.parametrize("blocks", [(2**24, 4096), (100, 7), (1, 1)])
@given(k=st.integers(1, 50), seed=st.integers(0, 20))
def test_nearest_of_each_is_nearest_rows_one_by_one(metric, blocks, k, seed):
    """Places and scores are the same to the bit, ties too, however many are looked at at once."""
    rows = np.random.default_rng(seed).integers(-2, 3, (40, 3)).astype(np.float32)  # many ties
    rows[~rows.any(axis=1), 0] = 1
    asked, prepared = np.array([39, 0, 7, 7]), metric.prepare(rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("embedry.neighbours._NUMBERS_AT_ONCE", blocks[0])
        patch.setattr("embedry.neighbours._ROWS_AT_ONCE", blocks[1])
        near, scores = nearest_of_each(rows, asked, metric, k)
    for place, *found in zip(asked.tolist(), near.tolist(), scores.tolist(), strict=True):
        expected = nearest_rows(prepared[place], prepared, metric, k, without={place})
        assert list(zip(*found, strict=True)) == expected


def test_nearest_of_each_names_rows_without_direction():
    """A zero row is told by its place among all rows, whatever the block."""
    rows = np.ones((9000, 2), np.float32)
    rows[[5000, 8999]] = 0
    with pytest.raises(InputError, match=r"2 came, the first in row 5000"):
        nearest_of_each(rows, np.arange(3), COSINE, 2)


@given(
    scores=st.lists(st.sampled_from([0.0, 1.0, 2.0, -5.0, np.inf]), max_size=9),
    k=st.integers(1, 12),
    without=st.sets(st.integers(0, 8)),
)
def test_best_first_is_a_stable_sort(scores, k, without):
    """The largest scores first, ties by place, all there are where k is larger."""
    without = {place for place in without if place < len(scores)}
    order = sorted(range(len(scores)), key=lambda i: -scores[i])
    expected = [i for i in order if i not in without][:k]
    assert best_first(np.array(scores, np.float32), k, without) == expected


@given(likes=st.integers(0, 4), seed=st.integers(0, 20))
def test_mean_of_examples_adds_units_and_subtracts(likes, seed):
    """Lengths do not count; what is against is negated; a zero vector adds nothing."""
    rows = np.random.default_rng(seed).standard_normal((4, 6)).astype(np.float32)
    rows[2] = 0
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    signs = np.where(np.arange(4) < likes, 1, -1)
    expected = signs @ (rows / np.where(lengths > 0, lengths, 1)) / 4
    np.testing.assert_allclose(mean_of_examples(rows, likes), expected, atol=1e-6)
    np.testing.assert_allclose(mean_of_examples(rows * 7, likes), expected, atol=1e-6)


def test_mean_of_examples_that_cancel_out_is_refused():
    """No direction is left to look in."""
    with pytest.raises(InputError, match="cancel out"):
        mean_of_examples(np.float32([[1, 2], [2, 4]]), likes=1)


@given(
    likes=st.lists(st.integers(0, 11), max_size=3),
    unlikes=st.lists(st.integers(0, 11), max_size=3),
    seed=st.integers(0, 20),
)
def test_products_of_cosines_are_equation_5(likes, unlikes, seed):
    """Levy and Goldberg's formula in float64; equal rows score the same to the bit."""
    rows = units(seed=seed)
    moved = (1 + np.float64(rows) @ np.float64(rows).T) / 2
    expected = moved[:, likes].prod(axis=1) / (moved[:, unlikes].prod(axis=1) + 0.001)
    found = products_of_cosines(rows, likes, unlikes)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)
    assert found[6] == found[1]


@given(n=st.integers(2, 12), seed=st.integers(0, 20))
def test_fit_with_the_others_is_a_cosine_to_their_mean(n, seed):
    """Each row against the mean of the rest, one by one."""
    rows = units(seed=seed)[:n]
    for place, score in enumerate(fit_with_the_others(rows)):
        rest = np.delete(np.float64(rows), place, axis=0).mean(axis=0)
        assert score == pytest.approx(rows[place] @ rest / np.linalg.norm(rest), abs=1e-5)


def test_fit_with_the_others_is_zero_where_they_cancel_out():
    """Two opposite rows leave the third nothing to be compared with."""
    row = COSINE.prepare(np.float32([[1, 2, 3]]))
    scores = fit_with_the_others(np.concatenate([row, -row, [[0, 0, 1]]]).astype(np.float32))
    assert scores[2] == 0
