"""The laws of recommendation by taste and content."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.use.recommend.board import (
    DIMS,
    GROUPS,
    ITEMS_OF_GROUP,
    checkerboard,
    filled,
    item,
    looks,
    user,
)

from embedry.data.interactions import Interactions
from embedry.embeddings import Embeddings
from embedry.errors import FilterError, InputError, UnknownIdError
from embedry.learn.taste.als import ALS
from embedry.metrics import COSINE, DOT
from embedry.store.collection import Collection
from embedry.store.memory.calibration import Background
from embedry.use.recommend import Recommender
from embedry.use.recommend.parts.part import Answer
from embedry.use.recommend.questions import asker_of, question_of


def asked(recommender, history):
    """Return the question of a history, and what all parts weighed say of it."""
    asker = asker_of(None, history, recommender._parts, recommender.collection)
    question = question_of(asker, recommender.collection.mirror, recommender._parts)
    return question, recommender._weighed(question)


def weigh(share):
    return {"taste": share, "content": 1 - share}


def shares_of(recommender, history, positions):
    """Return the weighed shares of each part, and what the common scale takes off."""
    question, weighed = asked(recommender, history)
    found = {}
    for part, answer in weighed.answers.items():
        scale = weighed.weights[part.name] / answer.background.spread
        found[part.name] = (scale * part.shares(question, positions), scale * answer.background.low)
    return found


# what is recommended ----------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 1.0])
@pytest.mark.parametrize("group", range(GROUPS))
def test_recommend_checkerboard_own_group_first(things, taste, group, share):
    """Whatever the shares, a user of a group is recommended the rest of that group first."""
    recommender = Recommender(things, taste=taste, content="looks", weights=weigh(share))
    someone = user(group, 0)
    left = {item(group, i) for i in range(ITEMS_OF_GROUP)} - set(taste.history(someone))
    found = recommender.recommend(someone, k=len(left))
    assert set(found.ids) == left


def test_recommend_history_is_like_the_user_with_it(recommender, taste):
    """A user and somebody unknown with the same past are recommended the same."""
    someone = user(1, 2)
    known = recommender.recommend(someone, k=50)
    unknown = recommender.recommend(history=taste.history(someone), k=50)
    assert known.ids == unknown.ids
    np.testing.assert_allclose(known.scores, unknown.scores, atol=1e-6)
    assert known.asked == f"user {someone!r}"
    assert unknown.asked == "a history"


def test_recommend_exclude_seen_leaves_out_only_the_past(recommender, taste):
    """With exclude_seen no past item answers; without it, all items do."""
    past = set(taste.history(user(0, 1)))
    fresh = recommender.recommend(user(0, 1), k=100)
    everything = recommender.recommend(user(0, 1), k=100, exclude_seen=False)
    assert len(everything) == GROUPS * ITEMS_OF_GROUP
    assert set(fresh.ids) == set(everything.ids) - past
    assert [id for id in everything.ids if id not in past] == list(fresh.ids)


def test_recommend_where_equals_filtering_afterwards(recommender):
    """A filter takes items away and changes neither score nor order; the plan counts it."""
    where = {"number": {"$gte": 3}}
    found = recommender.recommend(user(2, 0), k=100, where=where)
    everything = recommender.recommend(user(2, 0), k=100)
    kept = [(hit.id, hit.score) for hit in everything if hit.metadata["number"] >= 3]
    assert [(hit.id, hit.score) for hit in found] == kept
    assert found.plan.passed == GROUPS * 3
    assert found.plan.unknown_keys == ()


def test_recommend_where_names_keys_that_no_item_has(recommender):
    """A misspelled key empties the answer, and the plan says which."""
    found = recommender.recommend(user(0, 0), where={"grup": 1})
    assert len(found) == 0
    assert found.plan.unknown_keys == ("grup",)


@pytest.mark.parametrize("where", [{"number": {"$near": 1}}, 7, [], "number"])
def test_recommend_where_unreadable_is_refused(recommender, where):
    """A where that is no filter is refused, an empty one of the wrong type too."""
    with pytest.raises(FilterError):
        recommender.recommend(user(0, 0), where=where)


@given(k=st.integers(1, 40))
@settings(max_examples=15, deadline=None)
def test_recommend_k_is_a_prefix(taste, tmp_path_factory, k):
    """The k best are the first k of all, and there are no more than there are."""
    with filled(tmp_path_factory.mktemp("k") / "things") as things:
        recommender = Recommender(things, taste=taste, content="looks")
        everything = recommender.recommend(user(1, 1), k=1000)
        assert recommender.recommend(user(1, 1), k=k).ids == everything.ids[:k]
    assert list(everything.scores) == sorted(everything.scores, reverse=True)


def test_recommend_ties_by_insertion_order(things, taste):
    """Items with equal scores come in the order in which they were inserted."""
    twins = ["twin-c", "twin-a", "twin-b"]
    things.upsert(twins, vectors={"looks": [looks(0, 0)] * 3})
    recommender = Recommender(things, taste=taste, content="looks", weights=weigh(0))
    found = recommender.recommend(history=[item(0, 0)], k=3)
    assert list(found.ids) == twins
    assert len(set(found.scores)) == 1


def test_recommend_live_item_at_once(recommender, things):
    """An item upserted with content is recommended by the next call; a deleted one is not."""
    before = recommender.recommend(user(0, 0), k=100)
    things.upsert(["new"], vectors={"looks": [looks(0, 0)]}, metadata=[{"group": 0}])
    after = recommender.recommend(user(0, 0), k=100)
    hit = next(hit for hit in after if hit.id == "new")
    assert hit.parts["taste"] == 0
    assert hit.parts["content"] > 0
    assert hit.parts["content"] >= max(h.parts["content"] for h in after if h.id != "new") - 0.1
    things.delete(["new"])
    assert recommender.recommend(user(0, 0), k=100).ids == before.ids


def test_recommend_live_item_first_where_only_content_counts(things, taste):
    """By content alone, a copy of what was used is recommended first."""
    recommender = Recommender(things, taste=taste, content="looks", weights=weigh(0))
    things.upsert(["new"], vectors={"looks": [looks(2, 3)]})
    assert recommender.recommend(history=[item(2, 3)], k=1).ids == ("new",)


# parts and shares -------------------------------------------------------------------------------


HISTORIES = st.dictionaries(
    st.builds(item, st.integers(0, GROUPS - 1), st.integers(0, ITEMS_OF_GROUP - 1)),
    st.floats(0.5, 5),
    min_size=1,
    max_size=8,
)


@given(history=HISTORIES, share=st.floats(0, 1))
@settings(max_examples=30, deadline=None)
def test_recommend_parts_sum_to_score_and_shares_to_parts(taste, shared_things, history, share):
    """Parts sum to the score; shares of all past items to the part, less a constant."""
    recommender = Recommender(shared_things, taste=taste, content="looks", weights=weigh(share))
    found = recommender.recommend(history=history, k=100, exclude_seen=False)
    for hit in found:
        assert sum(hit.parts.values()) == pytest.approx(hit.score, abs=1e-6)
    everywhere = np.arange(len(shared_things))
    _question, weighed = asked(recommender, history)
    told = shares_of(recommender, history, everywhere)
    for part, answer in weighed.answers.items():
        has = ~np.isnan(answer.raw)
        shares, offset = told[part.name]
        given = weighed.given[part.name]
        np.testing.assert_allclose(shares.sum(axis=1)[has], given[has] + offset, atol=1e-5)
        assert not shares[~has].any()
        assert not given[~has].any()


@given(history=HISTORIES)
@settings(max_examples=30, deadline=None)
def test_recommend_parts_equal_plain_oracle(taste, shared_things, history):
    """Taste is the calibrated dot of the exact fold-in, content the calibrated mean cosine."""
    recommender = Recommender(shared_things, taste=taste, content="looks", weights=weigh(0.6))
    found = recommender.recommend(history=history, k=100, exclude_seen=False)
    values = np.array(list(history.values()))
    place = {id: row for row, id in enumerate(taste.item_embeddings_.ids)}
    items = taste.item_embeddings_.vectors.astype(float)
    past = items[[place[id] for id in history]]
    confidence = 1 + taste.alpha * values
    system = items.T @ items + (past.T * (confidence - 1)) @ past
    pairs, columns = np.diff(taste.interactions_.indptr), len(items) / taste.alpha
    scaled = (len(history) + columns) / (pairs + columns).mean()
    system += taste.regularization * scaled * np.eye(taste.dims)
    wanted = np.linalg.solve(system, past.T @ confidence)
    users = taste.user_embeddings_.vectors
    dots = users @ taste.item_embeddings_.vectors.T
    low, high = np.quantile(dots, [0.001, 0.999])

    def unit(rows):
        return rows / np.linalg.norm(rows, axis=-1, keepdims=True)

    def content_of(id):
        return unit(looks(*map(int, id.split("-")[1:])))

    profile = unit(values @ np.array([content_of(id) for id in history]))
    profiles = []
    for someone in taste.user_embeddings_.ids:
        used = taste.history(someone)
        weights = np.array(list(used.values()))
        profiles.append(unit(weights @ np.array([content_of(id) for id in used])))
    everything = np.array([content_of(id) for id in taste.item_embeddings_.ids])
    nearest = np.quantile(np.array(profiles) @ everything.T, 0.999)
    for hit in found:
        dot = items[place[hit.id]] @ wanted
        assert hit.parts["taste"] == pytest.approx(0.6 * (dot - low) / (high - low), abs=1e-4)
        cosine = content_of(hit.id) @ profile
        assert hit.parts["content"] == pytest.approx(0.4 * (cosine + 1) / (nearest + 1), abs=1e-4)


def test_recommend_because_names_the_largest_shares(recommender):
    """Because of: the three past items with the largest shares of both parts, largest first."""
    history = {item(0, i): 1.0 + i for i in range(5)}
    found = recommender.recommend(history=history, k=3)
    ids = list(history)
    for hit in found:
        position = np.array([recommender.collection.mirror.items.position(hit.id)])
        shares = sum(part[0] for part, _ in shares_of(recommender, history, position).values())
        best = [place for place in np.argsort(-shares, kind="stable")[:3] if shares[place] > 0]
        assert [id for id, _ in hit.because] == [ids[place] for place in best]
        np.testing.assert_allclose([share for _, share in hit.because], shares[best])


@pytest.mark.parametrize(("share", "silent"), [(0, "taste"), (1, "content")])
def test_recommend_share_of_zero_silences_a_part(things, taste, share, silent):
    """With a share of 0 or 1 one part gives 0 to every item, and the other is the score."""
    recommender = Recommender(things, taste=taste, content="looks", weights=weigh(share))
    for hit in recommender.recommend(user(0, 0), k=100):
        assert hit.parts[silent] == 0
        assert hit.score == sum(hit.parts.values())


def test_part_without_past_gives_nothing(recommender, things):
    """A part that no past item speaks in gives 0 to all, not the offset of the scale."""
    things.upsert(["bare"])
    question, weighed = asked(recommender, ["bare"])
    assert not weighed.total.any()
    assert all(not part.shares(question, np.arange(3)).any() for part in weighed.answers)
    assert not Answer(np.full(3, np.nan), Background(-1, 1, 2)).calibrated().any()


# what is missing --------------------------------------------------------------------------------


def test_recommend_unknown_items_are_named(recommender, things):
    """Items nobody knows are named; those only the collection knows count for content alone."""
    things.upsert(["only-here"], vectors={"looks": [looks(1, 0)]})
    found = recommender.recommend(history=["only-here", "nowhere", 12], k=3)
    assert found.unknown == ("nowhere", "12")
    assert all(id.startswith("item-1-") for id in found.ids)
    assert all(hit.parts["taste"] == 0 for hit in found)
    assert all(hit.because == (("only-here", hit.because[0][1]),) for hit in found)


def test_recommend_items_only_taste_knows(tmp_path, taste):
    """Items of taste that the collection lacks speak in a history, and are not recommended."""
    with filled(tmp_path / "things") as things:
        gone = [item(0, 4), item(0, 5), item(2, 0)]
        things.delete(gone)
        recommender = Recommender(things, taste=taste, content="looks")
        found = recommender.recommend(history=[item(0, 4), item(0, 5)], k=100)
        assert found.unknown == ()
        assert not set(found.ids) & set(gone)
        assert {hit.parts["content"] for hit in found} == {0.0}
        assert all(id.startswith("item-0-") for id in found.ids[:4])
        assert len(recommender.recommend(user(0, 0), k=100, exclude_seen=False)) == len(things)


def test_recommend_items_without_a_vector_get_no_content(tmp_path, taste):
    """An item without a vector has a content part of 0 and is still recommended by taste."""
    bare = [item(0, 0), item(1, 3)]
    with filled(tmp_path / "things", without=bare) as things:
        recommender = Recommender(things, taste=taste, content="looks")
        found = recommender.recommend(user(0, 1), k=100, exclude_seen=False)
        contents = {hit.id: hit.parts["content"] for hit in found}
        assert [id for id in contents if contents[id] == 0] == [id for id in contents if id in bare]
        assert set(bare) <= set(contents)
        assert all(hit.parts["taste"] for hit in found if hit.id in bare)


def test_recommend_field_without_any_vector(tmp_path, taste):
    """A field that is still empty gives nothing, and counts as soon as it is filled."""
    names = [item(g, i) for g in range(GROUPS) for i in range(ITEMS_OF_GROUP)]
    with filled(tmp_path / "things", without=names[1:]) as things:
        things.delete(names[:1])
        recommender = Recommender(things, taste=taste, content="looks")
        found = recommender.recommend(user(0, 1), k=5)
        assert {hit.parts["content"] for hit in found} == {0.0}
        vectors = [looks(*map(int, id.split("-")[1:])) for id in names[1:]]
        things.upsert(names[1:], vectors={"looks": vectors})
        filled_late = recommender.recommend(user(0, 1), k=5)
    with filled(tmp_path / "others") as others:
        others.delete(names[:1])
        at_once = Recommender(others, taste=taste, content="looks").recommend(user(0, 1), k=5)
    np.testing.assert_allclose(filled_late.scores, at_once.scores, atol=1e-6)


def test_recommend_dot_field_scores_by_dot(tmp_path, taste):
    """In a field of metric dot, content is the dot product with the unit profile."""
    with Collection.open(tmp_path / "things") as things:
        things.add_field("looks", dims=DIMS, metric="dot")
        ids = list(taste.item_embeddings_.ids)
        vectors = [3 * looks(*map(int, id.split("-")[1:])) for id in ids]
        things.upsert(ids, vectors={"looks": vectors})
        recommender = Recommender(things, taste=taste, content="looks", weights=weigh(0))
        found = recommender.recommend(history=[ids[0]], k=100)
        query = np.float32(vectors[0] / np.linalg.norm(vectors[0]))
        dots = DOT.scores(query[None], np.float32(vectors))[0]
        expected = [ids[place] for place in np.argsort(-dots, kind="stable") if place]
        assert list(found.ids) == expected


# bad input --------------------------------------------------------------------------------------


def test_recommend_user_without_history_is_told_so(things, tmp_path):
    """A learned user who has used nothing is an InputError that says so."""
    used = checkerboard()
    indptr = np.append(used.indptr, used.indptr[-1])
    with_idle = Interactions(
        (*used.user_ids, "idle"), used.item_ids, indptr, used.indices, used.values
    )
    taste = ALS(dims=4, regularization=0.5, threads=1).fit(with_idle)
    recommender = Recommender(things, taste=taste, content="looks")
    with pytest.raises(InputError, match="'idle' has not"):
        recommender.recommend("idle")


def test_recommend_unknown_user_is_named(recommender):
    """A user that taste does not know is an UnknownIdError that names them."""
    with pytest.raises(UnknownIdError, match="nobody") as caught:
        recommender.recommend("nobody")
    assert caught.value.ids == ("nobody",)


def test_recommend_history_of_strangers_is_refused(recommender):
    """A history of which nothing is known is an UnknownIdError with all its ids."""
    with pytest.raises(UnknownIdError) as caught:
        recommender.recommend(history=["x", 3])
    assert caught.value.ids == ("x", 3)


@pytest.mark.parametrize(
    ("asked", "match"),
    [
        ({}, "exactly one"),
        ({"user": user(0, 0), "history": [item(0, 0)]}, "exactly one"),
        ({"history": []}, "at least one item"),
        ({"history": {}}, "at least one item"),
        ({"history": "item-0-0"}, "must be a list"),
        ({"history": 7}, "must be a list"),
        ({"history": [item(0, 0)] * 2}, "must differ"),
        ({"history": {item(0, 0): 0}}, "above 0 and at most"),
        ({"history": {item(0, 0): -1}}, "above 0 and at most"),
        ({"history": {item(0, 0): float("nan")}}, "above 0 and at most"),
        ({"history": {item(0, 0): "much"}}, "above 0 and at most"),
        ({"history": {"nowhere": float("inf"), item(0, 0): 1}}, "above 0 and at most"),
        ({"history": [True]}, "id must be"),
        ({"user": user(0, 0), "k": 0}, "k must"),
        ({"user": user(0, 0), "k": True}, "k must"),
    ],
)
def test_recommend_bad_question_is_refused(recommender, asked, match):
    """What cannot be answered is refused with the reason."""
    with pytest.raises(InputError, match=match):
        recommender.recommend(**asked)


@pytest.mark.parametrize("share", [-0.1, 1e9, float("nan"), "half", None, True])
def test_recommender_weight_out_of_range_is_refused(things, taste, share):
    """A weight is a number that is not negative."""
    with pytest.raises(InputError, match="weights\\['taste'\\]"):
        Recommender(things, taste=taste, content="looks", weights={"taste": share, "content": 0.3})


@pytest.mark.parametrize(
    ("weights", "match"),
    [
        ({"taste": 1, "content": 1, "luck": 1}, "luck"),
        ({"taste": 1}, "every part"),
        ({}, "got none"),
        ({"taste": 0, "content": 0}, "above 0"),
    ],
)
def test_recommender_weights_name_every_part(things, taste, weights, match):
    """Weights name every part and no other, and one is above 0."""
    with pytest.raises(InputError, match=match):
        Recommender(things, taste=taste, content="looks", weights=weights)


def test_recommender_refuses_what_does_not_fit(things, taste, tmp_path):
    """An unfitted taste, a missing field, a euclidean one, and a stranger's taste are refused."""
    for stranger in (ALS(), taste.item_embeddings_, 7, {"taste": ALS()}, {1: taste}):
        with pytest.raises(InputError, match="fitted learner"):
            Recommender(things, taste=stranger, content="looks")
    with pytest.raises(InputError, match="field"):
        Recommender(things, taste=taste, content="look")
    things.add_field("far", dims=2, metric="euclidean")
    with pytest.raises(InputError, match="euclidean"):
        Recommender(things, taste=taste, content="far")
    with Collection.open(tmp_path / "empty") as empty:
        empty.add_field("looks", dims=DIMS)
        with pytest.raises(InputError, match="no id"):
            Recommender(empty, taste=taste, content="looks")


def test_recommend_item_removed_meanwhile_is_left_out(recommender, things, monkeypatch):
    """An item that another process removes while the answer is made is left out of it."""
    found = recommender.recommend(user(0, 0), k=3)
    get = things.get
    monkeypatch.setattr(things, "get", lambda ids: [i for i in get(ids) if i.id != found[0].id])
    assert recommender.recommend(user(0, 0), k=3).ids == found.ids[1:]


def test_recommend_numpy_ids_and_int_ids(tmp_path):
    """Ids that are ints, NumPy's too, are the items they name."""
    taste = ALS(dims=2, regularization=0.1, threads=1).fit(
        Interactions.from_triples([1, 1, 2, 2, 3], [10, 11, 10, 11, 12])
    )
    with Collection.open(tmp_path / "things") as things:
        things.upsert([10, 11, 12])
        looks_of = Embeddings([10, 11, 12], np.float32([[1, 0], [1, 0.1], [0, 1]]))
        things.add_field("looks", embeddings=looks_of)
        assert looks_of.card.metric == COSINE.name
        recommender = Recommender(things, taste=taste, content="looks")
        assert recommender.recommend(history=np.array([10]), k=1).ids == (11,)
        assert recommender.recommend(history={np.int64(10): np.float32(2)}, k=1).ids == (11,)
        assert recommender.recommend(3, k=1)[0].because[0][0] == 12


def test_recommend_notices_that_taste_was_fitted_anew(things, taste):
    """After a refit, also with fewer items, the answer is that of a new recommender."""
    mine = ALS(**taste.get_params()).fit(checkerboard())
    one = Recommender(things, taste=mine, content="looks")
    one.recommend(user(0, 0), k=3)
    triples = list(zip(*mine.interactions_.triples(), strict=True))[::2][::-1]
    fewer = Interactions.from_triples(*zip(*triples, strict=True))
    for used, dims in ((fewer, 4), (fewer, 3)):  # the same interactions, learned otherwise
        mine.set_params(dims=dims).fit(used)
        fresh = Recommender(things, taste=mine, content="looks")
        name = used.user_ids[0]
        assert one.recommend(name, k=5) == fresh.recommend(name, k=5)
