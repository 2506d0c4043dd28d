"""Ranking measures against hand counts and scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from embedry.errors import InputError
from embedry.ranking import average_precision, hit_rate, ndcg, precision, recall, reciprocal_rank

MEASURES = [hit_rate, recall, precision, reciprocal_rank, average_precision, ndcg]
RANKED = ["a", "b", "c", "d", "e"]
RIGHT = {"b", "d", "x"}

BY_HAND = [
    (hit_rate, 1, 0),
    (hit_rate, 2, 1),
    (recall, 1, 0),
    (recall, 3, 1 / 3),
    (recall, 5, 2 / 3),
    (precision, 2, 1 / 2),
    (precision, 5, 2 / 5),
    (precision, 10, 2 / 10),
    (reciprocal_rank, 1, 0),
    (reciprocal_rank, 5, 1 / 2),
    (average_precision, 1, 0),
    (average_precision, 2, (1 / 2) / 2),
    (average_precision, 5, (1 / 2 + 2 / 4) / 3),
    (ndcg, 1, 0),
    (ndcg, 2, (1 / math.log2(3)) / (1 + 1 / math.log2(3))),
    (ndcg, 5, (1 / math.log2(3) + 1 / math.log2(5)) / (1 + 1 / math.log2(3) + 1 / 2)),
]

permutations = st.permutations(list(range(12)))
relevant_sets = st.sets(st.integers(0, 15), min_size=1)


@pytest.mark.parametrize(("measure", "k", "expected"), BY_HAND)
def test_measures_equal_hand_counts(measure, k, expected):
    """Each measure gives what counting by hand gives."""
    assert measure(RANKED, RIGHT, k=k) == pytest.approx(expected)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=2, max_size=12), st.data())
def test_ndcg_equals_scikit_learn(gains, data):
    """With graded gains, nDCG is scikit-learn's for the same order and k."""
    if not any(gains):
        gains[0] = 1
    order = data.draw(st.permutations(range(len(gains))))
    k = data.draw(st.integers(1, len(gains) + 2))
    scores = np.empty(len(gains))
    scores[order] = -np.arange(len(gains))
    expected = ndcg_score([gains], [scores], k=k)
    assert ndcg(order, dict(enumerate(gains)), k=k) == pytest.approx(expected)


@settings(max_examples=50, deadline=None)
@given(permutations, relevant_sets, st.integers(1, 20))
def test_measures_stay_between_zero_and_one(ranked, right, k):
    """No measure leaves [0, 1], and all are above 0 exactly when there is a hit."""
    found = [measure(ranked, right, k=k) for measure in MEASURES]
    assert all(0 <= value <= 1 for value in found)
    assert all((value > 0) == bool(found[0]) for value in found)


@settings(max_examples=50, deadline=None)
@given(relevant_sets, st.integers(1, 20))
def test_measures_of_the_best_order_are_one(right, k):
    """A list that begins with all relevant ids is perfect, as far as k allows."""
    ranked = [*sorted(right), *range(100, 120)]
    for measure in (hit_rate, reciprocal_rank, average_precision, ndcg):
        assert measure(ranked, right, k=k) == pytest.approx(1)
    assert recall(ranked, right, k=k) == min(k, len(right)) / len(right)
    assert precision(ranked, right, k=k) == min(k, len(right)) / k


@settings(max_examples=50, deadline=None)
@given(permutations, relevant_sets, st.integers(1, 11))
def test_ndcg_of_a_set_is_that_of_gains_of_one(ranked, right, k):
    """Plain relevant ids count as gains of 1, and a gain of 0 as not relevant."""
    gains = dict.fromkeys(right, 1.0) | {99: 0.0}
    assert ndcg(ranked, right, k=k) == ndcg(ranked, gains, k=k)


@pytest.mark.parametrize("measure", MEASURES)
def test_measures_tell_one_from_its_text(measure):
    """1 and "1" are two ids; NumPy's 1 is 1; no answers score 0."""
    assert measure([1], ["1"], k=1) == 0
    assert measure(np.array([1]), [1], k=1) == 1
    assert measure([], [1], k=1) == 0


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize(
    ("ranked", "right", "k", "message"),
    [
        (["a", "a"], ["a"], 2, "must differ"),
        (["a"], [], 2, "At least one id"),
        (["a"], ["a"], 0, "k must be"),
        (["a"], ["a"], 1.5, "k must be"),
        ([None], ["a"], 1, "An id must be"),
        ("ab", ["a"], 1, "list of ids"),
    ],
)
def test_measures_refuse_bad_input(measure, ranked, right, k, message):
    """What cannot be measured is an error that says why."""
    with pytest.raises(InputError, match=message):
        measure(ranked, right, k=k)


@pytest.mark.parametrize("gain", [-1.0, math.nan, math.inf, "3", None])
def test_ndcg_refuses_bad_gains(gain):
    """Gains must be finite and not negative."""
    with pytest.raises(InputError, match="A gain must be"):
        ndcg(["a"], {"a": 1.0, "b": gain}, k=1)


def test_ndcg_refuses_gains_that_are_all_zero():
    """Without any gain there is no best order to compare with."""
    with pytest.raises(InputError, match="above 0"):
        ndcg(["a"], {"a": 0.0}, k=1)
