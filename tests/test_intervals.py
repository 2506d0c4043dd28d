"""The laws of intervals: formulas a hand can check, coverage, and the same seed the same."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from embedry.errors import InputError
from embedry.intervals import Spread, bootstrap, bootstrap_means, wilson


@settings(deadline=None)
@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_that_of_scipy(counts):
    """The same bounds, also where none or all are right."""
    right, asked = counts
    expected = stats.binomtest(right, asked).proportion_ci(0.95, method="wilson")
    found = wilson(right, asked)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-9)
    assert 0 <= found.low <= right / asked <= found.high <= 1


@pytest.mark.parametrize(("right", "asked"), [(1, 0), (3, 2), (-1, 2)])
def test_wilson_refuses_what_is_no_share(right, asked):
    """More right than asked, or nothing asked."""
    with pytest.raises(InputError, match="asked"):
        wilson(right, asked)


def mean_of(values):
    return lambda counts: counts @ values / counts.sum(axis=1)


def test_bootstrap_is_that_of_drawing_one_by_one():
    """Counts say the same as copies: the plain loop with the same draws gives the same bounds."""
    values = np.random.default_rng(1).normal(size=30)
    generator = np.random.default_rng(5)
    means = [values[generator.integers(0, 30, 30)].mean() for _ in range(200)]
    found = bootstrap(mean_of(values), 30, resamples=200, seed=5)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(means, [0.025, 0.975])))


def test_bootstrap_does_not_depend_on_blocks(monkeypatch):
    """However few draws are made at once, they are the same draws."""
    values = np.random.default_rng(1).normal(size=30)
    whole = bootstrap(mean_of(values), 30, resamples=50, seed=0)
    monkeypatch.setattr("embedry.intervals._DRAWS_AT_ONCE", 7)
    found = bootstrap(mean_of(values), 30, resamples=50, seed=0)
    assert (found.low, found.high) == pytest.approx((whole.low, whole.high))


def test_bootstrap_interval_holds_the_true_mean_about_95_times_in_100():
    """Coverage, with a wide margin: 200 samples of a known mean."""
    generator = np.random.default_rng(0)
    held = 0
    for seed in range(200):
        found = bootstrap(mean_of(generator.normal(size=60)), 60, resamples=300, seed=seed)
        held += found.low <= 0 <= found.high
    assert 180 <= held <= 199


def test_bootstrap_counts_resamples_without_a_value():
    """A number that does not exist on a resample is left out and counted."""
    found = bootstrap(
        lambda counts: np.where(counts[:, 0] > 0, 1.0, np.nan), 3, resamples=100, seed=0
    )
    assert 0 < found.undefined < 100
    assert (found.low, found.high) == (1, 1)
    nowhere = bootstrap(lambda counts: np.full(len(counts), np.nan), 3, resamples=4, seed=0)
    assert math.isnan(nowhere.low)
    assert nowhere.undefined == 4


@pytest.mark.parametrize("wrong", [{"resamples": 0}, {"seed": -1}, {"resamples": 2.5}])
def test_bootstrap_refuses_settings_out_of_range(wrong):
    """No resamples, a negative seed, or a number that is no int."""
    with pytest.raises(InputError, match=next(iter(wrong))):
        bootstrap(mean_of(np.ones(3)), 3, **{"resamples": 10, "seed": 0, **wrong})


def test_spread_of_one_has_no_deviation():
    """One repetition says nothing about the next."""
    assert math.isnan(Spread((0.5,)).deviation)
    assert str(Spread((0.5,))) == "0.500"


def test_bootstrap_means_are_the_bootstrap_of_each_column():
    """The same draws as `bootstrap`, and NaN left out of the mean that it is not part of."""
    columns = np.random.default_rng(2).normal(size=(40, 3))
    columns[:25, 2] = np.nan
    found = bootstrap_means(columns, resamples=70, seed=5)
    for interval, values in zip(found[:2], columns.T[:2], strict=True):
        expected = bootstrap(mean_of(values), 40, resamples=70, seed=5)
        assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high))
    known = ~np.isnan(columns[:, 2])

    def mean_of_known(counts):
        return counts[:, known] @ columns[known, 2] / counts[:, known].sum(axis=1)

    expected = bootstrap(mean_of_known, 40, resamples=70, seed=5)
    assert (found[2].low, found[2].high) == pytest.approx((expected.low, expected.high))


def test_bootstrap_means_count_draws_without_a_value():
    """A draw of questions none of which has the number gives no mean."""
    columns = np.array([[1.0], [np.nan], [np.nan]])
    found = bootstrap_means(columns, resamples=100, seed=0)[0]
    assert 0 < found.undefined < 100
    assert (found.low, found.high) == (1, 1)
