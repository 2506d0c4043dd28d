"""Laws of cold start: content says where an item belongs, and who uses it takes over."""

import numpy as np
import pytest

from embedry import (
    ALS,
    BPR,
    Embeddings,
    ForeignSpaceError,
    InputError,
    Interactions,
    ItemVec,
    NotFittedError,
)
from embedry.learn.taste.cold.content import as_content
from embedry.learn.taste.cold.content_map import _System
from embedry.trust.evaluate import recommend

GROUPS, ITEMS, HELD = 4, 120, 8


def world(seed=0, users=200):
    """Users of a group use half of its items; content says the group, with noise."""
    rng = np.random.default_rng(seed)
    groups = np.arange(ITEMS) % GROUPS
    pairs = [
        (user, f"i{item}")
        for user in range(users)
        for item in range(ITEMS)
        if groups[item] == user % GROUPS and rng.random() < 0.5
    ]
    about = np.eye(GROUPS)[groups] + rng.normal(scale=0.1, size=(ITEMS, GROUPS))
    content = Embeddings([f"i{item}" for item in range(ITEMS)], about)
    return pairs, content


@pytest.fixture(scope="module")
def cold():
    """Taste learned without the last items, the content of all, and their pairs."""
    pairs, content = world()
    held = {f"i{item}" for item in range(ITEMS - HELD, ITEMS)}
    known = Interactions.from_triples(*zip(*(p for p in pairs if p[1] not in held), strict=True))
    taste = ALS(8, regularization=1.0, threads=1).fit(known)
    return taste.learn_placement(content), content, sorted(held), pairs


def group(item):
    return int(item[1:]) % GROUPS


def test_place_puts_new_items_where_their_users_are(cold):
    """Of users of all groups, those of an item's own group want it, and no others."""
    taste, content, held, _ = cold
    placed = taste.place(held, content=content)
    scores = taste.user_embeddings_.vectors @ placed.embeddings.vectors.T  # (users, items)
    own = np.array([[user % GROUPS == group(item) for item in held] for user in taste._user_rows])
    assert scores[own].min() > scores[~own].max() + 0.2
    assert placed.embeddings.card == taste.item_embeddings_.card
    assert placed.confidence.min() > 0.8


def test_place_foretells_popularity():
    """Items of a group that many use are placed further out than those of one few use."""
    rng = np.random.default_rng(1)
    groups = np.arange(ITEMS) % GROUPS
    liking = np.array([0.6, 0.1, 0.6, 0.1])
    pairs = [
        (user, item)
        for user in range(200)
        for item in range(ITEMS - HELD)
        if rng.random() < liking[groups[item]]
    ]
    content = Embeddings(range(ITEMS), np.eye(GROUPS)[groups])
    taste = ALS(8, regularization=1.0, threads=1)
    taste.fit(Interactions.from_triples(*zip(*pairs, strict=True))).learn_placement(content)
    placed = taste.place(range(ITEMS - HELD, ITEMS), content=content).embeddings.vectors
    lengths = np.linalg.norm(placed, axis=1)
    popular = liking[groups[-HELD:]] > 0.5
    assert lengths[popular].min() > 1.5 * lengths[~popular].max()


def test_place_moves_with_the_users_who_come(cold):
    """Each user of an item who content does not foretell is scored higher, ever more."""
    taste, content, held, _ = cold
    item = held[0]
    others = [user for user in taste._user_rows if user % GROUPS == (group(item) + 1) % GROUPS]
    rows = taste.user_embeddings_.subset(others).vectors
    before = (rows @ taste.place([item], content=content).embeddings.vectors[0]).mean()
    for count in (1, 5, 20):
        came = Interactions.from_triples(others[:count], [item] * count)
        placed = taste.place([item], content=content, interactions=came)
        after = (rows @ placed.embeddings.vectors[0]).mean()
        assert after > before + 0.01
        before = after


def test_place_counts_what_was_learned_from(cold):
    """A learned item is placed by content and by its users, without these being given again."""
    taste, content, _, pairs = cold
    known = "i0"
    used = [user for user, item in pairs if item == known]
    again = Interactions.from_triples(used, ["new"] * len(used))
    about = Embeddings([known, "new"], content.vectors[[0, 0]], content.card)
    alone = taste.place([known], content=about)
    other = taste.place(["new"], content=about, interactions=again)
    np.testing.assert_allclose(alone.embeddings.vectors, other.embeddings.vectors, atol=1e-6)
    strangers = Interactions.from_triples(["nobody"], ["new"])
    plain = taste.place(["new"], content=about)
    same = taste.place(["new"], content=about, interactions=strangers)
    np.testing.assert_array_equal(plain.embeddings.vectors, same.embeddings.vectors)


def test_adopt_recommends_placed_items_until_the_next_fit(cold, tmp_path):
    """New items are among the hits, with causes, also when saved; another fit forgets them."""
    taste, content, held, _ = cold
    known = taste.interactions_
    taste = ALS(8, regularization=1.0, threads=1).fit(known).learn_placement(content)
    assert not set(taste.recommend(0, k=ITEMS).ids) & set(held)
    taste.adopt(taste.place(held, content=content))
    hits = taste.recommend(0, k=ITEMS)
    fresh = [hit for hit in hits if hit.id in held]
    assert {hit.id for hit in fresh} == set(held)
    best = max(fresh, key=lambda hit: hit.score)
    assert group(best.id) == 0
    assert sum(taste.causes(best.id, 0).values()) == pytest.approx(best.score, abs=1e-5)
    np.testing.assert_allclose(
        taste.user(history=taste.history(0)).vectors[0], taste.user(0).vectors[0], atol=1e-5
    )
    taste.save(tmp_path / "taste")
    loaded = ALS.load(tmp_path / "taste")
    assert loaded.recommend(0, k=ITEMS) == hits
    assert loaded.causes(best.id, 0) == taste.causes(best.id, 0)
    taste.partial_fit(Interactions.from_triples([0], [held[0]]))
    assert not set(taste.recommend(1, k=ITEMS).ids) & set(held[1:])
    assert taste.fit(known).placement_ is None


def test_adopt_takes_note_of_who_used_an_item(cold, tmp_path):
    """Who is told to have used an item has seen it, and lies where that puts them; once."""
    _, content, held, pairs = cold
    known = Interactions.from_triples(*zip(*(p for p in pairs if p[1] not in held), strict=True))
    taste = ALS(8, regularization=1.0, threads=1).fit(known).learn_placement(content)
    item, users = held[0], [0, 1, 2]
    told = Interactions.from_triples([*users, "stranger", 3], [item] * 4 + ["another"])
    before = taste.user_embeddings_.vectors.copy()
    placed = taste.place([item], content=content, interactions=told)
    assert (placed.left_out, len(placed.interactions)) == (2, 3)
    taste.adopt(placed)
    for user in users:
        assert item not in taste.recommend(user, k=ITEMS).ids
        assert taste.history(user)[item] == 1
        np.testing.assert_allclose(
            taste.user(history=taste.history(user)).vectors, taste.user(user).vectors, atol=1e-5
        )
        best = taste.recommend(user)[0]
        assert sum(taste.causes(best.id, user).values()) == pytest.approx(best.score, abs=1e-5)
    assert item in taste.recommend(4, k=ITEMS).ids
    moved = np.flatnonzero((taste.user_embeddings_.vectors != before).any(axis=1))
    assert [taste.interactions_.user_ids[row] for row in moved] == users
    test = Interactions.from_triples([0], [item])
    with pytest.raises(InputError, match="must hold no pair of the test"):
        recommend(taste, test)
    taste.adopt(taste.place([item], content=content, interactions=told))
    assert taste.history(0)[item] == 1  # not added up
    taste.save(tmp_path / "taste")
    assert ALS.load(tmp_path / "taste").recommend(0, k=ITEMS) == taste.recommend(0, k=ITEMS)


def test_adopt_again_moves_an_item_in_histories_too(cold):
    """An item adopted a second time lies where it was placed last, also in who has used it."""
    _, content, held, pairs = cold
    known = Interactions.from_triples(*zip(*(p for p in pairs if p[1] not in held), strict=True))
    first, last = held[0], held[1]  # of two groups
    taste = ALS(8, regularization=1.0, threads=1).fit(known).learn_placement(content)
    clean = ALS(8, regularization=1.0, threads=1).fit(known).learn_placement(content)
    moved = Embeddings(["new"], content.subset([last]).vectors, content.card)
    taste.adopt(taste.place([first], content=content))
    before = Embeddings(["new"], content.subset([first]).vectors, content.card)
    taste.adopt(taste.place(["new"], content=before))
    for one in (taste, clean):
        one.adopt(one.place(["new"], content=moved))
    np.testing.assert_allclose(
        taste.user(history=["new"]).vectors, clean.user(history=["new"]).vectors, atol=1e-5
    )


def test_adopt_leaves_others_and_counts_interactions_once(cold):
    """Users who were not told lie and fold in as before; the same pairs again change nothing."""
    _, content, held, pairs = cold
    known = Interactions.from_triples(*zip(*(p for p in pairs if p[1] not in held), strict=True))
    taste = ALS(8, regularization=1.0, threads=1).fit(known).learn_placement(content)
    told = Interactions.from_triples([0, 1, 2] * 30, [held[0]] * 90)
    history = taste.history(7)
    before = taste.user(history=history).vectors
    placed = taste.place([held[0]], content=content, interactions=told)
    taste.adopt(placed)
    np.testing.assert_allclose(taste.user(history=history).vectors, before, atol=1e-6)
    again = taste.place([held[0]], content=content, interactions=told)
    assert (again.left_out, again.interactions) == (3, None)
    alone = taste.place([held[0]], content=content)
    np.testing.assert_array_equal(again.embeddings.vectors, alone.embeddings.vectors)


def test_partial_fit_moves_the_map_along(cold):
    """After learning on, the map leads to where items lie then, not to where they lay."""
    _, content, held, pairs = cold
    known = Interactions.from_triples(*zip(*(p for p in pairs if p[1] not in held), strict=True))
    taste = ALS(8, regularization=1.0, threads=1).fit(known).learn_placement(content)
    old = taste.placement_
    taste.set_params(regularization=60.0)  # shortens vectors
    taste.partial_fit(Interactions.from_triples(["new"] * 2, ["i1", "i5"]))
    assert (taste.placement_.bend, taste.placement_.ridge) == (old.bend, old.ridge)
    rows = as_content(content).rows(taste.item_embeddings_.ids)
    now = taste.item_embeddings_.vectors
    moved, stale = (np.square(one.vectors(rows) - now).sum() for one in (taste.placement_, old))
    assert moved < 0.2 * stale


@pytest.mark.parametrize("kind", [BPR, ItemVec])
def test_place_by_content_alone_takes_learned_items(cold, kind):
    """A learner that places by content alone does so for learned items, and refuses users."""
    _, content, held, pairs = cold
    known = Interactions.from_triples(*zip(*(p for p in pairs if p[1] not in held), strict=True))
    taste = kind(8, epochs=5, threads=1).fit(known).learn_placement(content)
    assert taste.place(["i1"], content=content).embeddings.ids == ("i1",)
    told = Interactions.from_triples([1], ["i1"])
    with pytest.raises(InputError, match="by content alone; got interactions of 1 users"):
        taste.place(["i1"], content=content, interactions=told)


def test_left_out_is_what_the_map_of_the_others_says():
    """The closed form equals fitting anew without the item, for a linear and a bent kernel."""
    rng = np.random.default_rng(0)
    content = as_content(Embeddings(range(12), rng.normal(size=(12, 3))))
    rows = content.rows(range(12))
    system = _System.of(rows, rng.normal(size=(12, 2)), np.ones(12))
    for bend in (0.0, 0.4):
        found = system.left_out(bend, 0.1)
        matrix = system.matrix(bend, 0.1)
        for item in range(12):
            others = np.delete(np.arange(12), item)
            answers = np.linalg.solve(matrix[np.ix_(others, others)], system.targets[others])
            np.testing.assert_allclose(found[item], matrix[item, others] @ answers, atol=1e-8)


def test_place_wants_the_spaces_that_were_learned_from():
    """Two spaces, one weighed: both must come again, and no other."""
    pairs, content = world()
    noise = np.random.default_rng(5).normal(size=(ITEMS, 20))
    spaces = {"about": content, "noise": Embeddings(content.ids, noise)}
    taste = ALS(8, regularization=1.0, threads=1).fit(
        Interactions.from_triples(*zip(*pairs, strict=True))
    )
    taste.learn_placement(spaces, weights={"noise": 0.1})
    assert taste.placement_.weights == {"about": 1.0, "noise": 0.1}
    assert len(taste.place(["i0"], content=spaces)) == 1
    for wrong in ({"about": content}, {**spaces, "more": content}, content):
        with pytest.raises(InputError, match="must hold the spaces about, noise"):
            taste.place(["i0"], content=wrong)


def test_content_of_several_spaces_is_one():
    """Weights are squared lengths; two spaces add up; what lacks one space is counted."""
    first = Embeddings(["a", "b"], [[3.0, 4.0], [1.0, 0.0]])
    second = Embeddings(["b", "c"], [[2.0], [-5.0]])
    rows = as_content({"one": first, "two": second}, {"two": 4.0}).rows(["a", "b", "c", "d"])
    np.testing.assert_allclose(rows.squares(), [1, 5, 4, 0], rtol=1e-6)
    assert rows.missing == {"one": 2, "two": 2}
    assert rows.known.tolist() == [True, True, True, False]
    np.testing.assert_allclose(rows.products(rows)[1], [0.6, 5, -4, 0], rtol=1e-6)


def test_place_refuses_what_it_cannot_place(cold):
    """No placement learned, content of another space or of none, nothing known of an item."""
    taste, content, held, _ = cold
    plain = ALS(8, regularization=1.0, threads=1)
    with pytest.raises(NotFittedError, match="fit first"):
        plain.learn_placement(content)
    plain.fit(taste.interactions_)
    with pytest.raises(NotFittedError, match="learn_placement"):
        plain.place(held, content=content)
    with pytest.raises(InputError, match="30 items must have both"):
        plain.learn_placement(content.subset(["i0", "i1"]))
    with pytest.raises(ForeignSpaceError):
        taste.place(["x"], content=Embeddings(["x"], [[1.0, 0, 0, 0]]))
    with pytest.raises(InputError, match="such as 'x'"):
        taste.place(["x"], content=content)
    with pytest.raises(InputError, match="came again"):
        taste.place(["i0", "i0"], content=content)
    with pytest.raises(InputError, match="mapping of names"):
        taste.learn_placement([[1.0]])
    with pytest.raises(InputError, match="weights"):
        taste.learn_placement(content, weights={"plot": 1.0})
    with pytest.raises(ForeignSpaceError):
        taste.adopt(content)
