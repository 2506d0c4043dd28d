"""The laws of parts together: any learner, several of them, several fields, new items, likeness."""

import numpy as np
import pytest
from tests.learn.taste.counted import Counted
from tests.use.recommend.board import (
    DIMS,
    GROUPS,
    ITEMS_OF_GROUP,
    checkerboard,
    item,
    looks,
    user,
)

from embedry.data.interactions import Interactions
from embedry.embeddings import Embeddings
from embedry.errors import InputError, UnknownIdError
from embedry.learn.taste.als import ALS
from embedry.learn.taste.itemknn import ItemKNN
from embedry.use.recommend import Recency, Recommender


@pytest.fixture(scope="module")
def counts():
    return Counted().fit(checkerboard())


@pytest.fixture
def full(things, taste, counts):
    """A recommender of every part there is."""
    things.add_field("far", dims=3, metric="dot")
    rows = np.random.default_rng(0).standard_normal((5, 3))
    things.upsert([item(2, i) for i in range(5)], vectors={"far": rows})
    return Recommender(
        things,
        taste={"als": taste, "counts": counts},
        content=["looks", "far"],
        popularity=True,
        recency=Recency("number", 2.0),
    )


def test_default_weights_sum_to_one(full, things, taste):
    """Parts of a kind share what is usual for it."""
    usual = {"als": 0.35, "counts": 0.35, "looks": 0.15, "far": 0.15, "popularity": 0.05}
    usual["recency"] = 0.05
    assert dict(full.weights) == pytest.approx({name: one / 1.1 for name, one in usual.items()})
    assert dict(Recommender(things, taste=taste, content="looks").weights) == {
        "taste": 0.7,
        "content": 0.3,
    }


@pytest.mark.parametrize("asked", [{"user": user(2, 1)}, {"history": {item(2, 0): 2.0, "x": 1}}])
@pytest.mark.parametrize("diversity", [0.0, 0.4])
def test_all_parts_sum_to_the_score(full, asked, diversity):
    """Whoever asks, the six parts sum to the score of each hit."""
    found = full.recommend(**asked, k=100, diversity=diversity)
    assert len(found) > 10
    for hit in found:
        assert list(hit.parts) == list(full.weights)
        assert sum(hit.parts.values()) == pytest.approx(hit.score, abs=1e-6)


def test_lacking_counts_what_each_part_does_not_know(full, things):
    """Of the candidates: those without a vector, a user, or the key."""
    things.upsert(["new"])
    lacking = dict(full.recommend(user(2, 1), k=1, exclude_seen=False).plan.lacking)
    everything = len(things)
    assert lacking == {
        "als": 1,
        "counts": 1,
        "looks": 1,
        "far": everything - 5,
        "popularity": 1,
        "recency": 1,
    }


def test_learner_without_vectors_equals_plain_oracle(things, counts):
    """Its scores, between the 0.1th and 99.9th percentile of those of its users, are the part."""
    recommender = Recommender(things, taste=counts)
    someone = user(1, 3)
    scores = dict(zip(counts.interactions_.item_ids, counts.scores(someone).tolist(), strict=True))
    everybody = counts.user_scores(counts.interactions_.user_ids)
    low, high = np.quantile(everybody.astype(float), [0.001, 0.999])
    for hit in recommender.recommend(someone, k=100, exclude_seen=False):
        assert hit.score == pytest.approx((scores[hit.id] - low) / (high - low))


def test_learner_without_shares_claims_none(things, counts):
    """What is no sum over past items names no cause; content still does."""
    alone = Recommender(things, taste=counts).recommend(user(0, 0), k=3)
    assert all(hit.because == () and hit.reason == "" for hit in alone)
    both = Recommender(things, taste=counts, content="looks").recommend(user(0, 0), k=3)
    assert all(hit.because and hit.reason.startswith("looks ") for hit in both)


def test_several_learners_recommend_the_own_group(things, taste, counts):
    """Added up, learners find the rest of a group; users that one does not know, by the other."""
    few = Counted().fit(Interactions.from_triples(["late", "late"], [item(1, 0), item(1, 1)]))
    recommender = Recommender(things, taste={"als": taste, "few": few, "counts": counts})
    for group in range(GROUPS):
        left = {item(group, i) for i in range(ITEMS_OF_GROUP)} - set(taste.history(user(group, 0)))
        assert set(recommender.recommend(user(group, 0), k=2).ids) == left
    late = recommender.recommend("late", k=4)
    assert {id[:6] for id in late.ids} == {"item-1"}
    assert item(1, 0) not in late.ids


def test_reason_is_what_can_be_computed(recommender, taste):
    """The two past items with the largest shares of taste; the nearest past item and its cosine."""
    history = {item(0, 0): 1.0, item(0, 1): 3.0, item(0, 2): 1.0}
    for hit in recommender.recommend(history=history, k=5):
        causes = [(share, id) for id, share in taste.causes(hit.id, history=history).items()]
        named = [id for share, id in sorted(causes, reverse=True)[:2] if share > 0]
        mine = looks(*map(int, hit.id.split("-")[1:]))
        cosines = {}
        for id in history:
            theirs = looks(*map(int, id.split("-")[1:]))
            cosines[id] = mine @ theirs / np.linalg.norm(mine) / np.linalg.norm(theirs)
        nearest = max(cosines, key=cosines.get)
        clauses = [f"because you used {' and '.join(named)}"] if named else []
        if cosines[nearest] >= 0.005:
            clauses.append(f"looks {cosines[nearest]:.2f} similar to {nearest}")
        assert hit.reason == "; ".join(clauses)


def test_reason_does_not_tell_of_parts_that_do_not_count(things, taste):
    """A part of weight 0 says nothing, and an item is no reason for itself."""
    recommender = Recommender(
        things, taste=taste, content="looks", weights={"taste": 0, "content": 1}
    )
    hits = recommender.recommend(history=[item(0, 0)], k=18, exclude_seen=False)
    assert all("because" not in hit.reason for hit in hits)
    assert next(hit for hit in hits if hit.id == item(0, 0)).reason == ""
    assert hits[1].reason.endswith(f"similar to {item(0, 0)}")
    recommender = Recommender(
        things, taste=taste, content="looks", weights={"taste": 1, "content": 0}
    )
    assert all("looks" not in hit.reason for hit in recommender.recommend(history=[item(0, 0)]))


def test_exclude_leaves_out_by_id(recommender):
    """Excluded ids do not answer; those nobody knows change nothing; others keep their scores."""
    everything = recommender.recommend(user(0, 0), k=100)
    gone = [everything.ids[0], everything.ids[3], "nowhere", 12]
    found = recommender.recommend(user(0, 0), k=100, exclude=gone)
    assert list(found.ids) == [id for id in everything.ids if id not in gone]
    with pytest.raises(InputError, match="list of ids"):
        recommender.recommend(user(0, 0), exclude=item(0, 0))


def test_live_item_counts_in_every_field_and_after_adoption_in_taste(things):
    """A new item answers at once by content; once placed, taste wants it at the next call."""
    mine = ALS(dims=4, regularization=0.5, iterations=8, seed=1, threads=1).fit(checkerboard())
    recommender = Recommender(things, taste=mine, content="looks")
    recommender.recommend(user(0, 0), k=1)
    things.upsert(["new"], vectors={"looks": [looks(0, 0)]})
    before = {hit.id: hit for hit in recommender.recommend(user(0, 0), k=100)}
    others = [
        hit.parts["content"] for id, hit in before.items() if id[:5] == "item-" and id[5] != "0"
    ]
    assert before["new"].parts["content"] > max(others)
    assert before["new"].parts["taste"] == 0
    assert before["new"].reason.startswith("looks ")
    place = mine.item_embeddings_[item(0, 0)]
    mine.adopt(Embeddings(["new"], place[None], mine.item_embeddings_.card))
    hits = {hit.id: hit for hit in recommender.recommend(user(0, 0), k=100, exclude_seen=False)}
    assert hits["new"].parts["taste"] == pytest.approx(hits[item(0, 0)].parts["taste"], abs=1e-6)
    assert hits["new"].score > before["new"].score
    assert "because you used" in hits["new"].reason
    assert "new" in recommender.recommend(user(0, 0), k=3).ids


def test_content_alone_recommends_by_a_history(things):
    """Without taste, somebody unknown is still recommended what is near; users are refused."""
    recommender = Recommender(things, content="looks")
    found = recommender.recommend(history=[item(1, 0)], k=5)
    assert {id[:6] for id in found.ids} == {"item-1"}
    with pytest.raises(InputError, match="history="):
        recommender.recommend(user(0, 0))
    with pytest.raises(InputError, match="taste="):
        _ = recommender.interactions_


def test_similar_adds_taste_and_content(recommender, taste, things):
    """Each part is its likeness between the quantiles of pairs, and they sum to the score."""
    found = recommender.similar(item(1, 0), k=100)
    assert len(found) == GROUPS * ITEMS_OF_GROUP - 1
    assert {id[:6] for id in found.ids[:5]} == {"item-1"}
    ids = taste.interactions_.item_ids
    alike = dict(zip(ids, taste.similarities(item(1, 0)).tolist(), strict=True))
    pairs = np.array([taste.similarities(id) for id in ids], float)
    low, high = np.quantile(pairs, [0.001, 0.999])
    nearness = {hit.id: hit.score for hit in things.search(id=item(1, 0), field="looks", k=99)}
    for hit in found:
        assert sum(hit.parts.values()) == pytest.approx(hit.score, abs=1e-6)
        taste_part = 0.7 * (alike[hit.id] - low) / (high - low)
        assert hit.parts["taste"] == pytest.approx(taste_part, abs=1e-5)
        told = []
        if alike[hit.id] > 0:
            told.append(f"taste {alike[hit.id]:.2f} similar")
        if nearness[hit.id] > 0:
            told.append(f"looks {nearness[hit.id]:.2f} similar")
        assert hit.reason == ", ".join(told)
    by_content = sorted(found, key=lambda hit: -hit.parts["content"])
    assert [hit.id for hit in by_content] == sorted(nearness, key=lambda id: -nearness[id])


def test_similar_knows_new_items_by_content_and_refuses_strangers(full, things):
    """An item upserted a moment ago is compared by its vectors alone; nobody knows the others."""
    things.upsert(["new"], vectors={"looks": [looks(2, 2)]})
    found = full.similar("new", k=2, where={"group": 2}, exclude=[item(2, 1)])
    assert found[0].id == item(2, 2)
    assert list(found[0].parts) == ["looks"]
    assert found.plan.passed == ITEMS_OF_GROUP
    assert item(2, 1) not in full.similar("new", k=50, exclude=[item(2, 1)]).ids
    things.upsert(["bare"])
    for stranger in ("nowhere", "bare"):
        with pytest.raises(UnknownIdError, match=stranger):
            full.similar(stranger)
    with pytest.raises(InputError, match="k must"):
        full.similar("new", k=0)


def test_similar_needs_a_likeness(things, taste):
    """Popularity is none."""
    recommender = Recommender(
        things, taste=taste, popularity=True, weights={"taste": 0, "popularity": 1}
    )
    with pytest.raises(InputError, match="Likeness"):
        recommender.similar(item(0, 0))


def test_user_scores_are_the_scores_of_hits(full, things):
    """Columns are items of taste and of the collection; those it has score as they are ranked."""
    things.delete([item(0, 3)])
    things.upsert(["new"], vectors={"looks": [looks(0, 3)]})
    users = [user(0, 0), user(2, 4)]
    scores, ids = full.user_scores(users), full.interactions_.item_ids
    assert scores.shape == (2, len(ids)) == (2, GROUPS * ITEMS_OF_GROUP + 1)
    assert [id for id, known in zip(ids, full.known_items, strict=True) if not known] == [
        item(0, 3)
    ]
    for row, someone in zip(scores, users, strict=True):
        told = dict(zip(ids, row.tolist(), strict=True))
        assert told.pop(item(0, 3)) == -np.inf
        hits = full.recommend(someone, k=100, exclude_seen=False)
        assert set(told) == set(hits.ids)
        for hit in hits:
            assert told[hit.id] == pytest.approx(hit.score, abs=1e-6)


def test_recommender_refuses_names_that_meet_and_nothing_at_all(things, taste):
    """Parts need different names, and there must be one."""
    things.add_field("taste", dims=DIMS)
    with pytest.raises(InputError, match="must differ"):
        Recommender(things, taste=taste, content=["looks", "taste"])
    with pytest.raises(InputError, match="something to recommend by"):
        Recommender(things)
    with pytest.raises(InputError, match="fitted learner"):
        Recommender(things, taste={"als": Counted()})


def test_history_scores_are_the_scores_of_hits(recommender):
    """Scores of many histories are those that each is recommended by, in the items' order."""
    histories = [[item(0, 0), item(0, 1)], {item(2, 3): 2.0}]
    found = recommender.history_scores(histories)
    ids = recommender.interactions_.item_ids
    for row, history in zip(found, histories, strict=True):
        hits = recommender.recommend(history=history, k=len(ids), exclude_seen=False)
        told = dict(zip(ids, row.tolist(), strict=True))
        assert [told[hit.id] for hit in hits] == pytest.approx([hit.score for hit in hits])


def test_visitor_gets_what_is_popular(things, taste):
    """Somebody without a history gets what most use; taste and content say nothing of them."""
    recommender = Recommender(things, taste=taste, content="looks", popularity=True)
    hits = recommender.recommend(history=[], k=3)
    counts = dict(
        zip(taste.interactions_.item_ids, taste.interactions_.item_counts.tolist(), strict=True)
    )
    assert counts[hits[0].id] == max(counts.values())
    assert set(hits[0].parts) == {"taste", "content", "popularity"}
    assert hits[0].parts["taste"] == hits[0].parts["content"] == 0
    assert dict(hits.plan.lacking)["taste"] == things.count()
    assert hits[0].because == ()
    with pytest.raises(InputError, match="must hold at least one item"):
        Recommender(things, taste=taste, content="looks").recommend(history=[])


def test_recommender_shows_what_it_weighs(recommender):
    """Its repr names the collection and the weights."""
    assert repr(recommender).endswith(", taste 0.70, content 0.30)")
    assert repr(recommender).startswith("Recommender(Collection(")


def test_items_that_nothing_leads_to_are_counted_as_lacking(things):
    """Of items that share no user with a past, ItemKNN says nothing: the plan counts them."""
    taste = ItemKNN().fit(checkerboard())
    plan = Recommender(things, taste=taste).recommend(user(0, 0)).plan
    assert dict(plan.lacking)["taste"] == (GROUPS - 1) * ITEMS_OF_GROUP
