"""The laws of sampled ranking: the draw, given negatives, ties, and that it says what it is."""

import numpy as np
import pytest

from embedry.data.interactions import Interactions
from embedry.errors import InputError
from embedry.trust.evaluate import Sampled, recommend
from embedry.trust.evaluate.recommenders.sampled import draw_negatives
from embedry.trust.evaluate.recommenders.task import set_task

USED = {"ann": "ab", "bob": "cdefg"}


def test_sampled_counted_by_hand(planted):
    """ann's c among d, e: second. A tie counts against it: among d, e, f it is third."""
    model = planted(USED, {"ann": {"c": 2, "d": 3, "e": 1, "f": 2}})
    test = Interactions.from_triples(["ann"], ["c"])
    second = recommend(model, test, k=3, sampled=Sampled({"ann": ["d", "e"]}))
    third = recommend(model, test, k=3, sampled=Sampled({"ann": ["d", "e", "f"]}))
    assert second.measures["mrr@3"].value == pytest.approx(1 / 2)
    assert third.measures["mrr@3"].value == pytest.approx(1 / 3)
    assert (second.tied, third.tied) == (0, 1)
    assert (second.short, third.short) == (0, 0)


def test_sampled_is_a_plain_sort(drawn):
    """Each user's items and negatives sorted by score, own items after negatives of the same."""
    model, test = drawn(1, levels=6)
    sampled = Sampled(4, seed=3)
    task = set_task(model, test, None)
    negatives = draw_negatives(task, sampled).named(task)
    score = recommend(model, test, k=5, sampled=sampled)
    names = model.interactions_.item_ids
    for place, user in enumerate(score.users):
        row = dict(zip(names, model.user_scores([user])[0].tolist(), strict=True))
        own = [item for item in test.history(user) if item in row]
        ranked = sorted([*negatives[user], *own], key=lambda item: (-row[item], item in own))
        hits = sum(item in own for item in ranked[:5])
        assert score.per_user["precision@5"][place] == pytest.approx(hits / 5)


def test_sampled_draws_what_the_user_has_not_taken(drawn):
    """As many as asked, all different, and used neither in training nor in the test."""
    model, test = drawn(2)
    task = set_task(model, test, None)
    drawn_ = draw_negatives(task, Sampled(6, seed=1)).named(task)
    for user, items in drawn_.items():
        assert len(set(items)) == 6
        assert not set(items) & {*model.interactions_.history(user), *test.history(user)}
    assert drawn_ == draw_negatives(task, Sampled(6, seed=1)).named(task)
    assert drawn_ != draw_negatives(task, Sampled(6, seed=2)).named(task)


def test_sampled_draws_do_not_depend_on_the_order_of_the_items(planted):
    """A model of the same items in another order is asked the same; ids are ints and strings."""
    test = Interactions.from_triples(["ann"], ["b"])
    found = []
    for items in ([*range(20), *"bcdefgh"], [*"hgfedcb", *range(19, -1, -1)]):
        task = set_task(planted({"ann": "a", "bob": items}, {}), test, None)
        found.append(draw_negatives(task, Sampled(8, seed=2)).named(task)["ann"])
    assert found[0] == found[1]
    assert {type(item) for item in found[0]} == {int, str}


def test_sampled_draws_all_alike(planted):
    """Each item that is left comes about as often as any other."""
    users = {f"u{number}": "a" for number in range(2_000)}
    model = planted({**users, "all": "abcdefghij"}, {})
    test = Interactions.from_triples(list(users), ["b"] * len(users))
    task = set_task(model, test, None)
    counts = np.bincount(draw_negatives(task, Sampled(2)).columns, minlength=10)
    assert counts[:2].tolist() == [0, 0]
    assert counts.sum() == 4_000
    assert abs(counts[2:] - 500).max() < 100


def test_sampled_given_negatives_are_matched_and_counted(planted):
    """Those the model cannot recommend, or the user took in the test, are left out."""
    model = planted(USED, {"ann": {"c": 2, "d": 3, "e": 1}})
    test = Interactions.from_triples(["ann"], ["c"])
    given = Sampled({"ann": ["d", "c", "z", "e"], "bob": ["a"]})
    score = recommend(model, test, k=3, sampled=given)
    assert score.measures["mrr@3"].value == pytest.approx(1 / 2)
    assert score.dropped_negatives == {"unknown to the model": 1, "taken in the test": 1}
    assert "negatives left out: 1 unknown to the model, 1 taken in the test" in str(score)


def test_sampled_items_it_cannot_reach_are_misses(planted):
    """As in the full ranking."""
    model = planted(USED, {})
    test = Interactions.from_triples(["ann", "ann"], ["c", "z"])
    score = recommend(model, test, k=3, sampled=Sampled({"ann": ["d"]}))
    assert score.measures["recall@3"].value == 0.5
    assert score.left_out.missed == 1


def test_sampled_says_loudly_what_it_is(drawn):
    """In the first line; and measures of lists are not there, since the sample would make them."""
    model, test = drawn(3)
    score = recommend(model, test, sampled=Sampled(5))
    assert str(score).startswith("SAMPLED METRIC: not to be compared with a full ranking")
    assert "5 drawn negatives of 38 items, ties counted against the model" in score.protocol
    assert {name.partition("@")[0] for name in score.measures} == {
        "hit_rate", "recall", "precision", "ndcg", "mrr", "map",
    }  # fmt: skip
    assert score.sampled == Sampled(5)


@pytest.mark.parametrize(
    ("negatives", "message"),
    [
        ({"bob": ["a"]}, "'ann' has none"),
        ({"ann": ["d", "d"]}, "negatives of 'ann'"),
        ({"ann": ["d", "b"]}, "such as 'b' by 'ann'"),
        (5, "'ann' has 4 left, and 5"),
    ],
)
def test_sampled_refuses_negatives_that_are_none(planted, negatives, message):
    """A user without any, one that comes twice, one used in training, or too few to draw."""
    model = planted(USED, {})
    test = Interactions.from_triples(["ann"], ["c"])
    with pytest.raises(InputError, match=message):
        recommend(model, test, sampled=Sampled(negatives))


@pytest.mark.parametrize("wrong", [{"negatives": 0}, {"negatives": "9"}, {"seed": -1}])
def test_sampled_refuses_settings_out_of_range(wrong):
    """Before anything is drawn."""
    with pytest.raises(InputError, match=next(iter(wrong))):
        Sampled(**wrong)
