"""Metrics against plain NumPy in float64."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedry.errors import InputError
from embedry.metrics import COSINE, DOT, EUCLIDEAN, as_metric, candidates

METRICS = [COSINE, DOT, EUCLIDEAN]


def oracle(metric, query, rows):
    """Score one query with all rows in float64."""
    query, rows = query.astype(np.float64), rows.astype(np.float64)
    if metric is EUCLIDEAN:
        return -np.linalg.norm(rows - query, axis=1)
    scores = rows @ query
    if metric is COSINE:
        scores /= np.linalg.norm(rows, axis=1) * np.linalg.norm(query)
    return scores


def random_rows(seed, n, dims):
    """Draw rows of mixed lengths."""
    generator = np.random.default_rng(seed)
    lengths = generator.uniform(0.1, 10, (n, 1))
    return (generator.standard_normal((n, dims)) * lengths).astype(np.float32)


sizes = st.tuples(st.integers(0, 99), st.integers(1, 40), st.sampled_from([1, 2, 3, 8, 33, 300]))


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
@settings(max_examples=30, deadline=None)
@given(size=sizes)
def test_metric_scores_equal_the_oracle(metric, size):
    """Fast and exact scores are those of the formula, larger for nearer, within the bounds."""
    rows = random_rows(*size)
    ready = metric.prepare(rows)
    expected = oracle(metric, rows[0], rows)
    scale = max(1.0, float(np.abs(rows).max()) ** 2 * rows.shape[1])
    exact = metric.exact_scores(ready[0], ready)
    np.testing.assert_allclose(metric.scores(ready[:1], ready)[0], expected, atol=2e-6 * scale)
    np.testing.assert_allclose(exact, expected, atol=2e-6 * scale)
    assert exact.dtype == np.float32
    assert np.all((exact >= metric.lowest) & (exact <= metric.highest))


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
@pytest.mark.parametrize("dims", [1, 3, 64, 301, 9_000])
def test_metric_exact_scores_do_not_depend_on_the_other_rows(metric, dims):
    """A row's score is the same to the bit alone, among others, and in another order."""
    rows = metric.prepare(random_rows(1, 30, dims))
    together = metric.exact_scores(rows[7], rows)
    alone = [metric.exact_scores(rows[7], rows[i : i + 1])[0] for i in range(30)]
    shuffled = np.random.default_rng(2).permutation(30)
    np.testing.assert_array_equal(together, alone)
    np.testing.assert_array_equal(metric.exact_scores(rows[7], rows[shuffled]), together[shuffled])


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
@settings(max_examples=30, deadline=None)
@given(size=sizes, k=st.integers(1, 50))
def test_metric_top_is_a_full_stable_sort(metric, size, k):
    """The k nearest are the first of all rows sorted by exact score, ties by place."""
    rows = random_rows(*size)
    ready = metric.prepare(np.concatenate([rows, rows[::-1], rows[:1]]))
    scores = metric.exact_scores(ready[0], ready)
    order = np.argsort(-scores, kind="stable")[:k]
    places, found = metric.top(ready[0], ready, k)
    np.testing.assert_array_equal(places, order)
    np.testing.assert_array_equal(found, scores[order])


@pytest.mark.parametrize("seed", range(6))
def test_metric_top_keeps_ties_where_products_cancel(seed):
    """Equal rows far apart tie in order of place also where large products cancel to nearly 0."""
    generator = np.random.default_rng(seed)
    query = (generator.standard_normal(33) * 1e4).astype(np.float32)
    rows = -np.abs(generator.standard_normal((5_001, 1))).astype(np.float32) * query
    across = generator.standard_normal(33) * 1e4
    across -= across @ query / (np.float64(query) @ query) * query
    twins = [0, 2_500, 5_000]
    rows[twins] = across
    for k in (1, 2, 3):
        places, scores = DOT.top(query, rows, k)
        assert places.tolist() == twins[:k]
        assert len(set(scores.tolist())) == 1


def test_metric_top_of_no_rows_is_empty():
    """Where nothing is, nothing is found."""
    places, scores = DOT.top(np.ones(3, np.float32), np.empty((0, 3), np.float32), 5)
    assert len(places) == len(scores) == 0


def test_euclidean_tells_near_neighbours_apart():
    """Far from the origin, small distances are not lost to cancellation."""
    rows = np.array([[1000, 1000], [1000, 1000.001], [1000, 1000.002]], np.float32)
    for scores in (EUCLIDEAN.scores(rows[:1], rows)[0], EUCLIDEAN.exact_scores(rows[0], rows)):
        np.testing.assert_allclose(scores, oracle(EUCLIDEAN, rows[0], rows), rtol=1e-6)


def test_cosine_prepare_makes_unit_rows():
    """Rows of any length come out with length 1; the others stay as they are."""
    rows = np.array([[3, 4], [1e-30, 0], [0, 3e38]], np.float32)
    np.testing.assert_allclose(COSINE.prepare(rows), [[0.6, 0.8], [1, 0], [0, 1]], rtol=1e-6)
    assert COSINE.prepare(rows).dtype == np.float32
    assert DOT.prepare(rows[:2]).base is rows
    assert EUCLIDEAN.prepare(rows[:2]).base is rows


@pytest.mark.parametrize("metric", [DOT, EUCLIDEAN], ids=["dot", "euclidean"])
def test_prepare_refuses_rows_whose_scores_would_overflow(metric):
    """A score that leaves float32 says nothing: too long a vector is named, whatever the call."""
    rows = np.array([[3, 4], [0, 3e38]], np.float32)
    with pytest.raises(InputError, match=r"at most 1e\+18 long.*first row 1"):
        metric.prepare(rows)
    with pytest.raises(InputError, match="at most 1e"):
        metric.prepare_row(rows[1])
    assert metric.prepare_row(rows[0]) is not None


def test_prepare_row_equals_prepare():
    """One vector is prepared as it would be among others, to rounding."""
    rows = np.array([[3, 4], [1e-30, 0], [0, 3e38], [1, 2]], np.float32)
    for row, expected in zip(rows, COSINE.prepare(rows), strict=True):
        np.testing.assert_allclose(COSINE.prepare_row(row), expected, rtol=1e-6)
    with pytest.raises(InputError, match="takes no zero vectors"):
        COSINE.prepare_row(np.zeros(2, np.float32))


def test_cosine_prepare_refuses_zero_rows():
    """A row without a direction is refused: how many, and the first."""
    rows = np.array([[1, 0], [0, 0], [0, 0]], np.float32)
    with pytest.raises(InputError, match="2 came, the first in row 1"):
        COSINE.prepare(rows)


def test_candidates_hold_the_largest():
    """At least the k largest, ascending; all where k is not below n."""
    rough = np.random.default_rng(0).standard_normal(100).astype(np.float32)
    for k in (1, 7, 99, 100, 200):
        found = candidates(rough, k)
        assert set(np.argsort(-rough)[:k]) <= set(found)
        assert np.all(np.diff(found) > 0)


@pytest.mark.parametrize("name", ["cosine", "dot", "euclidean"])
def test_as_metric_finds_each_by_name(name):
    """A name gives its metric, and a metric itself."""
    assert as_metric(name).name == name
    assert as_metric(as_metric(name)) is as_metric(name)


@pytest.mark.parametrize("name", ["ip", "", None, 3, ["cosine"]])
def test_as_metric_refuses_other_names(name):
    """The message lists what there is."""
    with pytest.raises(InputError, match="cosine, dot, euclidean"):
        as_metric(name)
