"""The laws of recency and popularity: parts that a hand can count."""

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from tests.use.recommend.board import GROUPS, ITEMS_OF_GROUP, item, user

from embedry.errors import InputError
from embedry.use.recommend import Recency, Recommender

NOW = datetime(2024, 5, 1, tzinfo=UTC)


def parts_by_id(recommender, name):
    found = recommender.recommend(user(0, 0), k=100, exclude_seen=False)
    return {hit.id: hit.parts[name] for hit in found}, found


def test_recency_of_numbers_equals_a_hand_count(things, taste):
    """Halved each half-life before the largest number, times the weight; 0 without the key."""
    things.upsert([item(0, 0)], metadata=[{"number": None}])
    recommender = Recommender(
        things,
        taste=taste,
        recency=Recency("number", half_life=2),
        weights={"taste": 3, "recency": 1},
    )
    parts, found = parts_by_id(recommender, "recency")
    for group in range(GROUPS):
        for number in range(ITEMS_OF_GROUP):
            expected = 0.25 * 0.5 ** ((ITEMS_OF_GROUP - 1 - number) / 2)
            expected = 0 if (group, number) == (0, 0) else expected
            assert parts[item(group, number)] == pytest.approx(expected)
    assert ("recency", 1) in found.plan.lacking
    reasons = {hit.id: hit.reason for hit in found}
    assert "number 1.5 half-lives ago" in reasons[item(1, 2)]
    assert "half-lives" not in reasons[item(0, 0)]


def test_recency_of_times_equals_a_hand_count(things, taste):
    """Times count in seconds before now; what lies in the future is as new as can be."""
    ages = {item(0, 0): 0, item(0, 1): 10, item(0, 2): 35, item(0, 3): -7}
    rows = [{"made": NOW - timedelta(days=days)} for days in ages.values()]
    things.upsert(list(ages), metadata=rows)
    recency = Recency("made", half_life=timedelta(days=10), now=NOW)
    recommender = Recommender(
        things, taste=taste, recency=recency, weights={"taste": 0, "recency": 1}
    )
    parts, found = parts_by_id(recommender, "recency")
    for id, days in ages.items():
        assert parts[id] == pytest.approx(0.5 ** (max(days, 0) / 10))
    assert found.ids[:2] == (item(0, 0), item(0, 3))
    assert ("recency", len(things) - 4) in found.plan.lacking


def test_recency_counts_from_the_time_of_the_question(things, taste):
    """Without now, age is counted from when it is asked."""
    things.upsert([item(0, 0)], metadata=[{"made": datetime.now(UTC) - timedelta(days=1)}])
    recency = Recency("made", half_life=timedelta(days=1))
    recommender = Recommender(
        things, taste=taste, recency=recency, weights={"taste": 0, "recency": 1}
    )
    assert parts_by_id(recommender, "recency")[0][item(0, 0)] == pytest.approx(0.5, abs=1e-3)


def test_recency_sees_an_item_upserted_a_moment_ago(things, taste):
    """A new item with the key is the newest at the next question."""
    recommender = Recommender(
        things, taste=taste, content="looks", recency=Recency("number", half_life=1.0)
    )
    recommender.recommend(user(0, 0))
    things.upsert(["new"], metadata=[{"number": 50}])
    parts, _ = parts_by_id(recommender, "recency")
    assert max(parts, key=parts.get) == "new"


@pytest.mark.parametrize(
    "wrong",
    [
        {"half_life": 0},
        {"half_life": -1.0},
        {"half_life": math.inf},
        {"half_life": "a day"},
        {"half_life": True},
        {"half_life": timedelta(0)},
        {"half_life": timedelta(days=1), "now": 3},
        {"half_life": timedelta(days=1), "now": datetime(2024, 1, 1)},  # noqa: DTZ001
        {"half_life": 1.0, "now": NOW},
        {"half_life": 1.0, "key": ""},
        {"half_life": 1.0, "key": 7},
    ],
)
def test_recency_that_means_nothing_is_refused(wrong):
    """A key, a half-life above 0, and a now of the same kind."""
    with pytest.raises(InputError):
        Recency(**({"key": "number"} | wrong))


def test_recency_by_a_key_of_another_kind_is_refused(things, taste):
    """A timedelta for numbers, a number for times, and any for text, are refused with the kind."""
    things.upsert([item(0, 0)], metadata=[{"made": NOW, "name": "x"}])
    for key, half_life in (
        ("number", timedelta(days=1)),
        ("made", 1.0),
        ("name", 1.0),
    ):
        recommender = Recommender(things, taste=taste, recency=Recency(key, half_life))
        with pytest.raises(InputError, match=key):
            recommender.recommend(user(0, 0))
    for wrong in ("number", ("number", 1.0)):
        with pytest.raises(InputError, match="Recency"):
            Recommender(things, taste=taste, recency=wrong)


def test_recency_by_a_key_that_no_item_has_gives_nothing(things, taste):
    """The part is 0 for all, and the plan counts them."""
    recommender = Recommender(things, taste=taste, recency=Recency("nothing", 1.0))
    parts, found = parts_by_id(recommender, "recency")
    assert set(parts.values()) == {0.0}
    assert found.plan.lacking == (("recency", len(things)),)


def test_popularity_equals_a_hand_count(things, taste):
    """The logarithm of 1 and the users, over its 99.9th percentile; told in words."""
    things.upsert(["new"])
    recommender = Recommender(
        things, taste=taste, popularity=True, weights={"taste": 1, "popularity": 1}
    )
    parts, found = parts_by_id(recommender, "popularity")
    used = taste.interactions_
    counts = dict(zip(used.item_ids, used.item_counts.tolist(), strict=True))
    high = np.quantile(np.log1p(list(counts.values())), 0.999)
    for id, part in parts.items():
        assert part == pytest.approx(0.5 * math.log1p(counts.get(id, 0)) / high)
    assert dict(found.plan.lacking) == {"taste": 1, "popularity": 1}
    assert f"used by {counts[found[0].id]}" in found[0].reason


def test_popularity_needs_taste(things):
    """It counts the users of taste; and it is True, or nothing."""
    with pytest.raises(InputError, match="taste="):
        Recommender(things, content="looks", popularity=True)
    with pytest.raises(InputError, match="True or None"):
        Recommender(things, content="looks", popularity=0.5)
