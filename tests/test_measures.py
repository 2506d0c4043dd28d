"""The laws of the measures: scikit-learn and SciPy say the same, whatever the ties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics

from embedry.errors import InputError
from embedry.measures import (
    auc,
    average_precision,
    average_ranks,
    f1_scores,
    spearman,
    weighted_spearman,
)

FEW = st.integers(-3, 3)  # so that ties are common
COLUMNS = st.lists(st.tuples(FEW, FEW), min_size=3, max_size=40)
JUDGED = st.lists(st.tuples(FEW, st.booleans()), min_size=2, max_size=40).filter(
    lambda rows: len({truth for _, truth in rows}) == 2
)


@settings(deadline=None)
@given(st.lists(FEW, max_size=30))
def test_average_ranks_are_those_of_scipy(values):
    """Equal values share the mean of their ranks."""
    np.testing.assert_array_equal(
        average_ranks(np.array(values, float)), stats.rankdata(np.array(values, float))
    )


@settings(deadline=None)
@given(COLUMNS)
def test_spearman_is_that_of_scipy(rows):
    """The same correlation; NaN where a column is constant."""
    one, two = np.array(rows).T
    if np.ptp(one) == 0 or np.ptp(two) == 0:
        assert np.isnan(spearman(one, two))
        return
    assert spearman(one, two) == pytest.approx(stats.spearmanr(one, two).statistic, abs=1e-12)


@settings(deadline=None)
@given(COLUMNS, st.integers(0, 2**32 - 1))
def test_weighted_spearman_is_that_of_the_pairs_written_out(rows, seed):
    """A pair that counts three times is a pair that stands there three times."""
    one, two = np.array(rows, float).T
    drawn = np.random.default_rng(seed).integers(0, len(rows), (5, len(rows)))
    counts = np.array([np.bincount(sample, minlength=len(rows)) for sample in drawn])
    plain = [spearman(one[sample], two[sample]) for sample in drawn]
    np.testing.assert_allclose(weighted_spearman(one, two, counts), plain, atol=1e-12)


@settings(deadline=None)
@given(JUDGED)
def test_auc_and_average_precision_are_those_of_scikit_learn(rows):
    """Both, with ties among true and false cases."""
    scores, truth = (np.array(column) for column in zip(*rows, strict=True))
    assert auc(scores, truth) == pytest.approx(metrics.roc_auc_score(truth, scores))
    assert average_precision(scores, truth) == pytest.approx(
        metrics.average_precision_score(truth, scores)
    )


@settings(deadline=None)
@given(st.integers(1, 12), st.integers(1, 6), st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_f1_scores_are_those_of_scikit_learn(cases, labels, seed, share):
    """Micro and macro, also where a label is never true or never guessed."""
    truth, guessed = np.random.default_rng(seed).random((2, cases, labels)) < share
    expected = (
        [
            metrics.f1_score(truth.astype(int), guessed.astype(int), average=kind, zero_division=0)
            for kind in ("micro", "macro")
        ]
        if labels > 1
        else [metrics.f1_score(truth[:, 0], guessed[:, 0], zero_division=0)] * 2
    )
    assert f1_scores(truth, guessed) == pytest.approx(tuple(expected))


def test_measures_of_nothing_are_not_a_number():
    """No pair has no correlation; one neither."""
    assert np.isnan(spearman([], []))
    assert np.isnan(spearman([1], [2]))


@pytest.mark.parametrize(
    ("measure", "arguments", "message"),
    [
        (average_ranks, ([1, np.nan],), "finite"),
        (average_ranks, (["a"],), "real numbers"),
        (average_ranks, ([[1, 2]],), "flat"),
        (spearman, ([1, 2], [1, 2, 3]), "equally long"),
        (auc, ([1, 2], [True, True]), "both true and false"),
        (average_precision, ([1, 2], [1, 0]), "bool"),
        (f1_scores, (np.ones((2, 1), bool), np.ones((1, 2), bool)), "labels"),
    ],
)
def test_measures_refuse_what_is_no_column(measure, arguments, message):
    """NaN, text, tables, lengths that differ, and truth of one kind."""
    with pytest.raises(InputError, match=message):
        measure(*arguments)
