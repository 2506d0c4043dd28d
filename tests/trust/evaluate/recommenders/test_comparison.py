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
from embedry.trust.evaluate.recommenders.sampled import draw_negatives
from embedry.trust.evaluate.recommenders.task import set_task


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


USED = {"ann": "a", "bob": "bcdefgh"}


def test_compare_recommenders_does_not_favour_a_model_that_knows_fewer_items(planted):
    """Given negatives that one does not know are asked of nobody, whichever comes first.

    Both rank b below c and d. The small one lacks d: asked for c alone it would be second, the
    large one third.
    """
    scores = {"ann": {"b": 1, "c": 2, "d": 2}}
    small, large = planted({"ann": "a", "bob": "bc"}, scores), planted(USED, scores)
    test = Interactions.from_triples(["ann"], ["b"])
    given = Sampled({"ann": ["d", "c", "b"]})
    for pair in ((small, large), (large, small), ([large, small], large)):
        found = compare_recommenders(*pair, test, sampled=given, k=3)
        assert found.measures["mrr@3"].first.mean == pytest.approx(1 / 2)
        assert found.measures["mrr@3"].second.mean == pytest.approx(1 / 2)
        dropped = {"unknown to one of the models": 1, "taken in the test": 1}
        assert found.dropped_negatives == dropped
        assert "negatives left out: 1 unknown to one of the models, 1 taken" in str(found)
        assert "given negatives of 3 items" in found.protocol


def test_compare_recommenders_draws_among_what_all_know(planted):
    """A model that knows fewer items is asked no less, and what it does not know of nobody.

    Each has items of its own and its own order; c, d, g are left, the large one puts them last.
    """
    small = planted({"bob": "gdcb", "ann": "a"}, {})
    large = planted({**USED, "eve": "ijk"}, {"ann": {"b": 1, **dict.fromkeys("efhijk", 9)}})
    test = Interactions.from_triples(["ann"], ["b"])
    found = compare_recommenders(small, large, test, sampled=Sampled(3), k=4)
    assert found.measures["mrr@4"].first.mean == pytest.approx(1 / 4)  # all tied
    assert found.measures["mrr@4"].second.mean == 1
    with pytest.raises(InputError, match="'ann' has 3 left, and 4"):
        compare_recommenders(large, small, test, sampled=Sampled(4))


def test_compare_recommenders_draws_nothing_that_a_user_used_in_any_training(planted):
    """What one model was taught of the user is no negative of the other; given, it is refused."""
    first = planted({"ann": "ab", "bob": "cdefg"}, {"ann": dict.fromkeys("cd", 9)})
    second = planted({"ann": "acd", "bob": "befg"}, {"ann": dict.fromkeys("b", 9)})
    test = Interactions.from_triples(["ann"], ["e"])
    found = compare_recommenders(first, second, test, sampled=Sampled(2), k=3)
    assert found.measures["mrr@3"].first.values == found.measures["mrr@3"].second.values == (1 / 3,)
    with pytest.raises(InputError, match="'ann' has 2 left"):
        compare_recommenders(first, second, test, sampled=Sampled(3))
    for pair in ((first, second), (second, first)):
        with pytest.raises(InputError, match="such as 'c' by 'ann'"):
            compare_recommenders(*pair, test, sampled=Sampled({"ann": ["g", "c"]}))


@pytest.mark.parametrize("given", [False, True], ids=["drawn", "given"])
def test_compare_recommenders_asks_the_same_in_any_order(drawn, given):
    """Turned round, and with items in another order, users differ by the same."""
    model, test = drawn(7)
    rows, columns, _ = model.interactions_.triples()
    fewer = [(user, item) for user, item in zip(rows, columns, strict=True) if item[-1] != "3"]
    names = list(zip(*reversed(fewer), strict=True))
    order = Interactions.from_triples(*names)
    places = [model.interactions_.item_ids.index(item) for item in order.item_ids]
    people = [model.interactions_.user_ids.index(user) for user in order.user_ids]
    other = type(model)(order, -model.table[np.ix_(people, places)])
    sampled = Sampled(6, seed=2)
    if given:
        task = set_task(model, test, None)
        sampled = Sampled(draw_negatives(task, sampled).named(task))
    one = compare_recommenders(model, other, test, sampled=sampled, k=4)
    two = compare_recommenders(other, model, test, sampled=sampled, k=4)
    assert one.users == two.users
    assert one.per_user["ndcg@4"].any()
    for name, values in one.per_user.items():
        np.testing.assert_array_equal(values, -two.per_user[name])
    assert one.dropped_negatives == two.dropped_negatives
    assert bool(one.dropped_negatives) == given
    assert one.protocol == two.protocol


def test_compare_recommenders_says_among_how_many_items_each_ranks(planted):
    """Of models that know more items and fewer, both numbers."""
    small, large = planted({"ann": "a", "bob": "bc"}, {}), planted(USED, {})
    test = Interactions.from_triples(["ann"], ["b"])
    for pair in ((small, large), (large, small)):
        found = compare_recommenders(*pair, test, k=1)
        assert found.protocol == "Full ranking of 3 to 8 items, less those seen in training"


def test_compare_recommenders_refuses_what_is_no_model(drawn):
    """None at all, something else, or one that was taught the test."""
    model, test = drawn(6)
    with pytest.raises(InputError, match="second must be a fitted model"):
        compare_recommenders(model, [], test)
    with pytest.raises(InputError, match="model must be a fitted"):
        compare_recommenders("ALS", model, test)
    with pytest.raises(InputError, match="must hold no pair of the test"):
        compare_recommenders(model, model, model.interactions_)
