"""Laws of new items in a recommender: content places them at once, and use takes over."""

import numpy as np
import pytest

from embedry import (
    ALS,
    BPR,
    EASE,
    Card,
    Collection,
    Embeddings,
    InputError,
    Interactions,
    Recommender,
    UnknownIdError,
    load,
)

GROUPS, ITEMS, USERS = 4, 120, 200
NEW = range(ITEMS, ITEMS + 4)
WEIGHTS = {"taste": 1.0, "content": 0.0}  # what taste alone says


def group(item):
    return item % GROUPS


def about(items):
    """Return content that says the group, with noise."""
    rows = [np.random.default_rng(item).normal(scale=0.05, size=GROUPS) for item in items]
    return np.eye(GROUPS)[[group(item) for item in items]] + rows


def pairs(seed=0):
    """Return pairs of users and items: users of a group use half of its items."""
    drawn = np.random.default_rng(seed).random((USERS, ITEMS)) < 0.5
    return [
        (u, i) for u in range(USERS) for i in range(ITEMS) if group(u) == group(i) and drawn[u, i]
    ]


def learned(kind=ALS, **settings):
    return kind(**settings).fit(Interactions.from_triples(*zip(*pairs(), strict=True)))


@pytest.fixture
def taste():
    return learned(dims=8, regularization=1.0, threads=1)


@pytest.fixture
def things(tmp_path):
    with Collection.open(tmp_path / "things") as collection:
        collection.add_field("looks", dims=GROUPS)
        collection.upsert(range(ITEMS), vectors={"looks": about(range(ITEMS))})
        yield collection


def asked(things, taste):
    return Recommender(things, taste=taste, content="looks", weights=WEIGHTS)


def score_of(recommender, item, user=0):
    hits = recommender.recommend(user, k=ITEMS + 10)
    return next(hit.score for hit in hits if hit.id == item)


def test_placed_wants_an_item_of_a_moment_ago_for_its_group(things, taste):
    """Before, taste knows nothing of it; after learning placement, its group wants it, at once."""
    recommender = asked(things, taste)
    things.upsert(list(NEW), vectors={"looks": about(NEW)})
    assert score_of(recommender, NEW[0]) == 0
    assert dict(recommender.recommend(0).plan.lacking)["taste"] == len(NEW)
    assert recommender.learn_placement() is recommender
    own, others = score_of(recommender, NEW[0]), [score_of(recommender, item) for item in NEW[1:]]
    assert own > max(others) + 0.3
    later = NEW[-1] + 1
    things.upsert([later], vectors={"looks": about([later])})
    assert score_of(recommender, later) == pytest.approx(own, abs=0.1)
    assert recommender.recommend(0).plan.lacking == ()


def test_placed_shares_sum_to_the_score(things, taste):
    """What past items give to a placed item sums to what taste says of it."""
    recommender = asked(things, taste).learn_placement()
    things.upsert(list(NEW), vectors={"looks": about(NEW)})
    hits = recommender.recommend(0, k=ITEMS)
    hit = next(hit for hit in hits if hit.id == NEW[0])
    part = recommender._taste[0]
    mirror = things.mirror
    with mirror.lock:
        found = part._placed.now(mirror)
        low = part.background()
    whole = sum(found.causes(NEW[0], 0).values())
    assert hit.score == pytest.approx((whole - low.low) / low.spread, abs=1e-4)
    assert hit.because
    assert {group(id) for id, _ in hit.because} == {0}
    assert hit.reason.startswith("because you used ")


def test_placed_leaves_the_learner_as_it_is(things, taste):
    """The learner itself neither learns of the new items nor moves."""
    before = taste.item_embeddings_.vectors.copy()
    recommender = asked(things, taste).learn_placement()
    things.upsert(list(NEW), vectors={"looks": about(NEW)})
    recommender.recommend(0)
    assert set(taste.item_embeddings_.ids) == set(range(ITEMS))
    np.testing.assert_array_equal(taste.item_embeddings_.vectors, before)


def test_placed_follows_content_that_changes(things, taste):
    """An item of another content moves; one that loses its content, or is gone, is unknown."""
    recommender = asked(things, taste).learn_placement()
    things.upsert([NEW[0]], vectors={"looks": about([NEW[0]])})
    before = score_of(recommender, NEW[0])
    things.upsert([NEW[0]], vectors={"looks": about([NEW[1]])})
    assert score_of(recommender, NEW[0]) < before - 0.3
    things.delete([NEW[0]])
    assert NEW[0] not in recommender.recommend(0, k=ITEMS + 10).ids
    things.upsert([NEW[0]])
    assert score_of(recommender, NEW[0]) == 0


def test_placed_counts_in_a_history(things, taste):
    """Somebody who has used new items alone gets the items of their group."""
    recommender = asked(things, taste).learn_placement()
    things.upsert(list(NEW), vectors={"looks": about(NEW)})
    hits = recommender.recommend(history=[NEW[2]], k=5)
    assert {group(id) for id in hits.ids} == {2}
    assert recommender.similar(NEW[1], k=5).ids
    assert {group(id) for id in recommender.similar(NEW[1], k=5).ids} == {1}


def test_placed_hands_over_to_evidence(things, taste):
    """What users do moves an item away from what content says, the more the more there are."""
    item, strangers = NEW[0], [user for user in range(USERS) if group(user) == 1]
    things.upsert([item], vectors={"looks": about([item])})
    scores = []
    for count in (0, 2, 10):
        learner = learned(dims=8, regularization=1.0, threads=1)
        if count:
            learner.partial_fit(Interactions.from_triples(strangers[:count], [item] * count))
        recommender = asked(things, learner).learn_placement()
        scores.append((score_of(recommender, item, 0), score_of(recommender, item, strangers[-1])))
    own, other = np.array(scores).T
    assert own[0] > other[0] + 0.3
    assert (np.diff(other) > 0.02).all()
    assert own[1] > 0.3  # two users of another group do not undo what content says


def test_placed_is_kept_in_the_file(things, taste, tmp_path):
    """A learner that is saved and loaded places items as before, without learning it again."""
    recommender = asked(things, taste).learn_placement()
    things.upsert(list(NEW), vectors={"looks": about(NEW)})
    taste.save(tmp_path / "taste")
    loaded = asked(things, load(tmp_path / "taste"))
    assert loaded.recommend(0, k=ITEMS) == recommender.recommend(0, k=ITEMS)


def test_placed_is_over_when_taste_learns_again(things, taste):
    """Another fit forgets how content foretells taste; the plan counts what taste lacks."""
    recommender = asked(things, taste).learn_placement()
    things.upsert(list(NEW), vectors={"looks": about(NEW)})
    assert recommender.recommend(0).plan.lacking == ()
    taste.fit(taste.interactions_)
    assert dict(recommender.recommend(0).plan.lacking)["taste"] == len(NEW)


def test_placed_works_for_learners_that_count_no_use(things):
    """BPR places items that nobody has used."""
    recommender = asked(things, learned(BPR, dims=8, threads=1)).learn_placement()
    things.upsert(list(NEW), vectors={"looks": about(NEW)})
    assert score_of(recommender, NEW[0]) > score_of(recommender, NEW[1]) + 0.1


def test_placed_needs_content_and_vectors(things, taste):
    """Without content, or with taste that is no vectors, there is nothing to learn from."""
    for recommender in (
        Recommender(things, taste=taste),
        Recommender(things, taste=learned(EASE), content="looks"),
        Recommender(things, content="looks"),
    ):
        with pytest.raises(InputError, match="To place new items there must be content, and taste"):
            recommender.learn_placement()
    with pytest.raises(InputError, match="weights must be of spaces of the content"):
        asked(things, taste).learn_placement(weights={"sound": 1.0})


def test_placed_needs_all_the_spaces_it_was_learned_from(things, taste, tmp_path):
    """In a collection that lacks the field, taste knows what it has learned, and no more."""
    asked(things, taste).learn_placement()
    with Collection.open(tmp_path / "others") as others:
        others.add_field("looks", dims=GROUPS)  # of the same name, and another space
        others.upsert(list(NEW), vectors={"looks": about(NEW)})
        others.upsert([0, 4])
        recommender = asked(others, taste)
        assert dict(recommender.recommend(1).plan.lacking)["taste"] == len(NEW)


def fresh_scores(things, taste, user=0, history=None):
    """Return what a recommender that has seen nothing yet says."""
    recommender = asked(things, taste)
    hits = recommender.recommend(None if history else user, history=history, k=2 * ITEMS)
    return dict(zip(hits.ids, hits.scores, strict=True))


@pytest.mark.parametrize("seed", range(3))
def test_placed_in_step_is_placed_anew(things, taste, seed):
    """Whatever is written, removed, put back or changed: as one that begins now would say."""
    rng = np.random.default_rng(seed)
    recommender = asked(things, taste).learn_placement()
    names = [*NEW, 1, 2]  # 1 and 2 were learned
    for _ in range(25):
        name, other = rng.choice(names, 2).tolist()
        step = rng.integers(5)
        if step == 0:
            things.delete([name])
        elif step == 1:
            things.upsert([name])
        elif step == 2:
            users = rng.integers(0, USERS, 3).tolist()
            taste.partial_fit(Interactions.from_triples(users, [5] * 3))
        else:
            things.upsert([name], vectors={"looks": about([other])})
        hits = recommender.recommend(0, k=2 * ITEMS)
        told, wanted = dict(zip(hits.ids, hits.scores, strict=True)), fresh_scores(things, taste)
        assert told.keys() == wanted.keys()
        assert list(told.values()) == pytest.approx([wanted[id] for id in told], abs=1e-4)
        here = [name for name in names if name in things]
        if here:
            hits = recommender.recommend(history=here, k=2 * ITEMS)
            wanted = fresh_scores(things, taste, history=here)
            assert hits.scores == pytest.approx([wanted[id] for id in hits.ids], abs=1e-4)


def test_placed_leaves_out_vectors_of_zeros(things, taste, tmp_path):
    """A vector of zeros says nothing of an item: taste lacks it, and the others are answered."""
    with Collection.open(tmp_path / "dots") as dots:
        dots.add_field("looks", dims=GROUPS, metric="dot")
        dots.upsert(range(ITEMS), vectors={"looks": about(range(ITEMS))})
        recommender = asked(dots, taste).learn_placement()
        dots.upsert(["nothing"], vectors={"looks": np.zeros((1, GROUPS))})
        assert dict(recommender.recommend(0).plan.lacking)["taste"] == 1


def test_placed_tells_two_fields_of_one_space_apart(tmp_path, taste):
    """Fields of the same space are taken by their names, not one of them twice."""
    card = Card.declared(GROUPS)
    with Collection.open(tmp_path / "two") as two:
        two.upsert([*range(ITEMS), *NEW])
        items = [*range(ITEMS), *NEW]
        titles = Embeddings(items, about(items), card)
        bodies = Embeddings(items, about(items)[::-1], card)
        two.add_field("title", embeddings=titles)
        two.add_field("body", embeddings=bodies)
        weights = {"taste": 1.0, "title": 0.0, "body": 0.0}
        recommender = Recommender(two, taste=taste, content=["title", "body"], weights=weights)
        recommender.learn_placement()
        taste_now = recommender._taste[0]
        with two.mirror.lock:
            found = taste_now._placed.now(two.mirror).item_embeddings_.subset(NEW).vectors
        wanted = taste.place(NEW, content={"title": titles, "body": bodies}).embeddings.vectors
        np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_placed_lets_a_removed_item_be_unknown(things, taste):
    """A history of an item that was removed is of nobody's."""
    recommender = asked(things, taste).learn_placement()
    things.upsert([NEW[0]], vectors={"looks": about([NEW[0]])})
    recommender.recommend(history=[NEW[0]])
    things.delete([NEW[0]])
    with pytest.raises(UnknownIdError):
        recommender.recommend(history=[NEW[0]])


def test_learn_placement_learns_all_or_nothing(things, taste):
    """Where one learner cannot, none is changed."""
    poor = ALS(2, regularization=0.1).fit(Interactions.from_triples([0, 1], [0, 1]))
    recommender = Recommender(things, taste={"good": taste, "poor": poor}, content="looks")
    with pytest.raises(InputError, match="30 items must have both"):
        recommender.learn_placement()
    assert taste.placement_ is None
