"""The laws of the comparison of recommenders: paired draws, verdicts, the same users for all."""

import numpy as np
import pytest

from embedry.data.interactions import Interactions
from embedry.errors import InputError
from embedry.trust.evaluate import (
    Difference,
    Interval,
    Sampled,
    Spread,
    compare_recommenders,
    recommend,
)


def better(model, test, by=1.0):
    """Return a model that scores what is in the test higher."""
    table, training = model.table.copy(), model.interactions_
    for row, user in enumerate(training.user_ids):
        if user in test.user_ids:
            own = set(test.history(user))
            table[row] += [by * (item in own) for item in training.item_ids]
    return type(model)(training, table)


def test_compare_recommenders_is_the_plain_paired_bootstrap(drawn):
    """Users are drawn, and both models are scored on each draw."""
    model, test = drawn(1)
    other = better(model, test, 0.3)
    found = compare_recommenders(other, model, test, k=5, resamples=60, seed=3)
    each = [recommend(one, test, k=5).per_user["ndcg@5"] for one in (other, model)]
    generator, means = np.random.default_rng(3), []
    for _ in range(60):
        users = generator.integers(0, len(each[0]), len(each[0]))
        means.append(each[0][users].mean() - each[1][users].mean())
    measure = found.measures["ndcg@5"]
    expected = tuple(np.quantile(means, [0.025, 0.975]))
    assert (measure.interval.low, measure.interval.high) == pytest.approx(expected)
    assert measure.first.mean == pytest.approx(each[0].mean())
    assert found.per_user["ndcg@5"] == pytest.approx(each[0] - each[1])


def test_compare_recommenders_gives_a_verdict(drawn):
    """Better, worse the other way round, and cannot tell of a model and itself."""
    model, test = drawn(2)
    other = better(model, test)
    assert compare_recommenders(other, model, test).measures["ndcg@10"].verdict == "better"
    turned = compare_recommenders(model, other, test)
    assert turned.measures["ndcg@10"].verdict == "worse"
    same = compare_recommenders(model, model, test)
    assert same.measures["ndcg@10"].verdict == "cannot tell"
    assert same.measures["ndcg@10"].difference == 0
    assert "NDCG" in str(turned)
    assert " worse" in str(turned)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.1, 0.3, "better"),
        (-0.3, -0.1, "worse"),
        (-0.1, 0.3, "cannot tell"),
        (0, 0, "cannot tell"),
    ],
)
def test_difference_tells_by_where_its_interval_lies(low, high, verdict):
    """Above 0, below it, or around it."""
    difference = Difference(Spread((0.5,)), Spread((0.4,)), Interval(low, high))
    assert difference.verdict == verdict
    assert str(difference).endswith(verdict)


def test_compare_recommenders_turned_round_is_the_same(drawn):
    """The difference changes its sign, the interval its ends."""
    model, test = drawn(3)
    other = better(model, test, 0.3)
    one, two = (
        compare_recommenders(*pair, test, seed=1).measures["map@10"]
        for pair in ((model, other), (other, model))
    )
    assert one.difference == pytest.approx(-two.difference)
    assert one.interval.low == pytest.approx(-two.interval.high)


def test_compare_recommenders_takes_several_seeds(drawn):
    """The mean of the models of a side counts; each has its own score."""
    model, test = drawn(4)
    others = [better(model, test, by) for by in (0.2, 0.8)]
    found = compare_recommenders(others, model, test, k=5).measures["recall@5"]
    singles = [recommend(one, test, k=5).measures["recall@5"].value for one in others]
    assert found.first.values == pytest.approx(singles)
    assert found.first.deviation > 0


def test_compare_recommenders_asks_only_users_that_all_know(drawn, planted):
    """The rest is counted; each user's items are the same for both."""
    used = {"ann": "ab", "bob": "bc", "eve": "cd"}
    first = planted(used, {"ann": {"c": 2}, "eve": {"a": 2}})
    second = planted({**used, "joe": "ad", "bob": "b", "eve": ""} | {"kim": "c"}, {})
    test = Interactions.from_triples(["joe", "eve", "bob", "ann"], ["b", "a", "d", "c"])
    found = compare_recommenders(first, second, test, k=1)
    assert found.users == ("bob", "ann")
    assert found.unshared == 2
    assert [each.unknown_users for each in found.left_out] == [("joe",), ("eve",)]
    assert "2 users known to some models only, not asked" in str(found)
    with pytest.raises(InputError, match="known to all models"):
        compare_recommenders(first, planted({"joe": "ad"}, {}), test)


def test_compare_recommenders_draws_negatives_once(drawn):
    """A model and itself differ for no user, and the first is scored as if alone."""
    model, test = drawn(5)
    found = compare_recommenders(model, model, test, sampled=Sampled(5, seed=8), k=3)
    assert not found.per_user["ndcg@3"].any()
    alone = recommend(model, test, sampled=Sampled(5, seed=8), k=3).measures["ndcg@3"].value
    assert found.measures["ndcg@3"].first.mean == pytest.approx(alone)
    assert str(found).startswith("SAMPLED METRIC")


def test_compare_recommenders_asks_both_for_the_same_negatives(planted):
    """Also where one knows more items: it is not asked for those."""
    used = {"ann": "a", "bob": "bcd"}
    small = planted(used, {"ann": {"b": 1}})
    large = planted({**used, "eve": "efghijklmnopq"}, {"ann": {"b": 1, "c": 2, "d": 2}})
    test = Interactions.from_triples(["ann"], ["b"])
    found = compare_recommenders(small, large, test, sampled=Sampled(2), k=3)
    assert found.measures["mrr@3"].second.mean == pytest.approx(1 / 3)
    assert found.dropped_negatives == ({}, {})


def test_compare_recommenders_refuses_what_is_no_model(drawn):
    """None at all, something else, or one that was taught the test."""
    model, test = drawn(6)
    with pytest.raises(InputError, match="second must be a fitted model"):
        compare_recommenders(model, [], test)
    with pytest.raises(InputError, match="model must be a fitted"):
        compare_recommenders("ALS", model, test)
    with pytest.raises(InputError, match="must hold no pair of the test"):
        compare_recommenders(model, model, model.interactions_)
