"""The laws of the evaluation of recommenders: hand counts, a plain walk, and what is refused."""

import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from scipy.sparse import csr_array
from tests.learn.taste.contract import checkerboard

from embedry import ranking
from embedry.data.interactions import Interactions
from embedry.data.splits import random_split
from embedry.embeddings import Embeddings
from embedry.errors import InputError
from embedry.learn.taste.als import ALS
from embedry.learn.taste.ease import EASE
from embedry.learn.taste.popularity import Popularity
from embedry.store.collection import Collection
from embedry.trust.evaluate import Sampled, compare_recommenders, recommend
from embedry.use.recommend import Recommender

USED = {"ann": "ab", "bob": "bcd", "eve": "ade", "joe": "b"}
SCORES = {
    "ann": {"a": 9, "b": 8, "c": 1, "d": 3, "e": 2},
    "bob": {"a": 1, "b": 9, "c": 9, "d": 9, "e": 2},
    "eve": {"b": 2, "c": 1},
    "joe": {"a": 5, "c": 4, "d": 3, "e": 2, "b": 9},
}


@pytest.fixture
def model(planted):
    return planted(USED, SCORES)


def taken(**users):
    """Return a test of letters: ``taken(ann="cd")``."""
    pairs = [(user, item) for user, items in users.items() for item in items]
    return Interactions.from_triples(*zip(*pairs, strict=True))


def named(interactions):
    users, items, _ = interactions.triples()
    return set(zip(users, items, strict=True))


def numbers(users):
    """Return training of users 0, 1, 2 ... instead."""
    pairs = [(number, item) for number, user in enumerate(users) for item in USED[user]]
    return Interactions.from_triples(*zip(*pairs, strict=True))


def values(score):
    return {name: estimate.value for name, estimate in score.measures.items()}


def test_recommend_counted_by_hand(model):
    """Lists of two, without what was seen: ann d e, bob e a, eve b c, joe a c.

    ann took c and e (of which e is second), bob a (second), joe d (not among two).
    """
    score = recommend(model, taken(ann="ce", bob="a", joe="d"), k=2)
    second = 1 / math.log2(3)
    expected = {
        "hit_rate@2": (1 + 1 + 0) / 3,
        "recall@2": (1 / 2 + 1 + 0) / 3,
        "precision@2": (1 / 2 + 1 / 2 + 0) / 3,
        "ndcg@2": (second / (1 + second) + second + 0) / 3,
        "mrr@2": (1 / 2 + 1 / 2 + 0) / 3,
        "map@2": (1 / 2 / 2 + 1 / 2 + 0) / 3,
        # used by: a 2, b 3, c 1, d 2, e 1, of four users
        "novelty@2": ((1 + 2) / 2 + (2 + 1) / 2 + (1 + 2) / 2) / 3,
        "coverage@2": 4 / 5,  # all but b
    }
    assert values(score) == pytest.approx(expected)
    assert score.users == ("ann", "bob", "joe")
    assert score.per_user["recall@2"].tolist() == [0.5, 1, 0]


def test_recommend_is_a_plain_walk_through_the_users(drawn):
    """The measures are those of `embedry.ranking` on what is left of each user's sorted items."""
    model, test = drawn(5)
    score = recommend(model, test, k=(3, 10))
    training, names = model.interactions_, model.interactions_.item_ids
    row = dict(zip(training.user_ids, model.table, strict=True))
    functions = {"ndcg": ranking.ndcg, "map": ranking.average_precision, "recall": ranking.recall}
    for place, user in enumerate(score.users):
        order = np.argsort(-row[user], kind="stable")
        lists = [names[item] for item in order if names[item] not in training.history(user)]
        for name, function in functions.items():
            for k in (3, 10):
                found = score.per_user[f"{name}@{k}"][place]
                assert found == pytest.approx(function(lists, test.history(user), k=k))


def test_recommend_does_not_depend_on_the_blocks(drawn, monkeypatch):
    """Users one by one give the same as all at once, full and sampled."""
    model, test = drawn(6)
    whole = [recommend(model, test, sampled=how) for how in (None, Sampled(5))]
    for name in ("asking._SCORES_AT_ONCE", "rows._NUMBERS_AT_ONCE"):
        monkeypatch.setattr(f"embedry.trust.evaluate.recommenders.{name}", 1)
    single = [recommend(model, test, sampled=how) for how in (None, Sampled(5))]
    for one, other in zip(whole, single, strict=True):
        assert values(one) == values(other)
        assert (one.tied, one.short) == (other.tied, other.short)


@pytest.mark.parametrize("levels", [None, 3])
def test_recommend_does_not_depend_on_the_way_to_sort(drawn, monkeypatch, levels):
    """Long lists are sorted, short ones kept in order: the same lists, with ties and without."""
    model, test = drawn(10, levels=levels)
    found = []
    for least in (0, 10**6):
        monkeypatch.setattr("embedry.trust.evaluate.recommenders.ranking._LONG", least)
        found.append(recommend(model, test, k=(3, 99)))
    assert values(found[0]) == values(found[1])
    assert (found[0].tied, found[0].short) == (found[1].tied, found[1].short)


def test_recommend_gives_what_the_learner_recommends():
    """Of a learner, the lists are those of its own `recommend`."""
    rng = np.random.default_rng(1)
    rows, columns = np.nonzero(rng.random((25, 30)) < 0.3)
    known = np.arange(len(rows)) % 4 > 0
    training = Interactions.from_triples(rows[known].tolist(), columns[known].tolist())
    test = Interactions.from_triples(rows[~known].tolist(), columns[~known].tolist())
    taste = ALS(dims=4, regularization=1.0, seed=2, threads=1).fit(training)
    score = recommend(taste, test, k=5)
    for place, user in enumerate(score.users):
        ids = taste.recommend(user, k=5).ids
        expected = ranking.ndcg(ids, test.history(user), k=5)
        assert score.per_user["ndcg@5"][place] == pytest.approx(expected)


def test_recommend_refuses_a_model_that_was_taught_the_test(model):
    """The training data hold a pair of the test: an error that names it."""
    with pytest.raises(InputError, match=r"they hold 2 of 3, such as \('ann', 'b'\), \('bob'"):
        recommend(model, taken(ann="b", bob="d", eve="c"))


def test_recommend_refuses_taught_pairs_that_are_not_asked_for(model):
    """Also where `among` would leave the pair out."""
    with pytest.raises(InputError, match="must hold no pair of the test"):
        recommend(model, taken(ann="bc"), among=["c"])


def test_recommend_counts_as_seen_what_any_learner_of_a_recommender_was_taught(tmp_path):
    """Pairs of a second learner are left out of the lists, and refused in a test."""
    first = Popularity().fit(taken(ann="a", bob="ab", eve="abc"))
    second = Popularity().fit(taken(ann="b", joe="cde", kim="de"))
    with Collection.open(tmp_path / "things") as things:
        things.upsert(list("abcdef"))
        several = Recommender(things, taste={"bought": first, "read": second})
        assert named(several.interactions_) == named(first.interactions_) | named(
            second.interactions_
        )
        score = recommend(several, taken(ann="cd", joe="a"), k=1)
        assert score.users == ("ann", "joe")  # the first learner does not know joe
        # ann would be given b, the most used of all but a, had she not read it
        assert score.per_user["hit_rate@1"].tolist() == [1, 1]
        with pytest.raises(InputError, match=r"they hold 1 of 2, such as \('ann', 'b'\)"):
            recommend(several, taken(ann="bc"))


def test_recommend_refuses_a_recommender_whose_weights_were_learned_on_the_test(tmp_path):
    """Its parts do not know the pairs, but what they weigh was chosen by them.

    What weights were learned on first counts after they were learned again: they went on from it.
    """
    split = random_split(checkerboard(), 0.2, validation=0.2, seed=3)
    held, test = split.validation, split.test
    with Collection.open(tmp_path / "things") as things:
        things.upsert(split.train.item_ids)
        taste = {"near": EASE().fit(split.train), "all": Popularity().fit(split.train)}
        model = Recommender(things, taste=taste)
        assert model.validations_ == ()
        recommend(model, held)
        model.learn_weights(held, users=5)
        model.learn_weights(held.subset(users=held.user_ids[:9]), users=5)
        assert model.validations_[0] is held
        recommend(model, test)
        message = f"weights were learned on must hold no pair of the test; they hold {len(held)} of"
        for ask in (recommend, partial(compare_recommenders, taste["all"])):
            with pytest.raises(InputError, match=message):
                ask(model, test.joined(held))


def test_recommend_counts_items_it_cannot_reach_as_misses(model):
    """They stay in the ideal list and below the line of recall."""
    score = recommend(model, taken(ann="dz", bob="y"), k=1)
    assert score.per_user["recall@1"].tolist() == [0.5, 0]
    assert score.per_user["ndcg@1"].tolist() == [1, 0]
    assert score.left_out.unknown_items == ("z", "y")
    assert score.left_out.missed == 2
    assert "2 pairs with them, counted as misses" in str(score)


def test_recommend_does_not_ask_users_it_does_not_know(model):
    """They are listed, and count in no mean; nor do users who have used nothing."""
    test = taken(new="d", ann="d", idle="c")
    training = model.interactions_
    indptr = np.append(training.indptr, training.indptr[-1])
    grown = replace(training, user_ids=(*training.user_ids, "idle"), indptr=indptr)
    model.interactions_, model.table = grown, np.vstack([model.table, model.table[:1]])
    score = recommend(model, test, k=1)
    assert score.users == ("ann",)
    assert score.left_out.unknown_users == ("new", "idle")
    assert score.measures["hit_rate@1"].value == 1
    assert score.left_out.missed == 0
    assert "2 users unknown, not asked" in str(score)


def test_recommend_leaves_out_items_that_nobody_used(model):
    """Of an item without a use nothing was learned: it is neither recommended nor reached."""
    training = model.interactions_
    model.interactions_ = replace(training, item_ids=(*training.item_ids, "f"))
    model.table = np.column_stack([model.table, np.full(4, 99, np.float32)])
    score = recommend(model, taken(ann="df"), k=1)
    assert score.measures["recall@1"].value == 0.5
    assert score.left_out.unknown_items == ("f",)
    assert (
        recommend(model, taken(ann="df"), k=1, among=["d", "f"]).measures["recall@1"].value == 0.5
    )


def test_recommend_among_some_items_ranks_only_these(model):
    """Other pairs are left out and counted, as are users who have no other."""
    score = recommend(model, taken(ann="ce", bob="a", joe="cd"), k=1, among=["c", "d", "x"])
    assert score.users == ("ann", "joe")
    assert score.per_user["recall@1"].tolist() == [0, 0.5]  # ann is given d, joe c
    assert (score.left_out.outside, score.left_out.idle_users) == (2, ("bob",))
    assert score.measures["coverage@1"].value == 1
    assert "2 chosen items" in score.protocol


def test_recommend_among_ranks_nothing_that_the_model_does_not_know():
    """Items without a pair are no lucky ties of zero scores: they are misses, as without `among`.

    A matrix with two empty columns: who took one of them cannot be served, whatever is asked.
    """
    used = (np.random.default_rng(1).random((20, 12)) < 0.4).astype(np.float32)
    used[:, 0], used[:, 10:] = 1, 0
    taste = ALS(dims=4, regularization=0.1, threads=1).fit(Interactions.from_scipy(csr_array(used)))
    test = Interactions.from_triples(list(range(20)), [10] * 20)
    whole = recommend(taste, test, k=3)
    chosen = recommend(taste, test, k=3, among=[11, 1, 2, 10, "x"])
    assert whole.measures["hit_rate@3"].value == chosen.measures["hit_rate@3"].value == 0
    assert chosen.left_out.unknown_items == whole.left_out.unknown_items == (10,)
    assert chosen.left_out.missed == whole.left_out.missed == 20
    assert chosen.left_out.unranked == (11, 10, "x")
    assert whole.left_out.unranked == ()
    assert "3 items of among unknown, not ranked" in str(chosen)
    assert "2 chosen items" in chosen.protocol
    with pytest.raises(InputError, match="item that the model knows"):
        recommend(taste, test, among=[10, 11])


def test_recommend_ranks_what_the_model_knows(model):
    """Items that nobody used are candidates where the model says so, as placed ones are."""
    training = model.interactions_
    model.interactions_ = replace(training, item_ids=(*training.item_ids, "f"))
    model.table = np.column_stack([model.table, np.full(4, 99, np.float32)])
    model.known_items = np.array([item in "fad" for item in model.interactions_.item_ids])
    score = recommend(model, taken(ann="df", joe="a", bob="e"), k=(1, 2))
    assert score.per_user["recall@1"].tolist() == [0.5, 0, 0]
    assert score.per_user["recall@2"].tolist() == [1, 1, 0]
    assert score.measures["novelty@1"].value == 2  # as if one of the four users had used it
    assert score.left_out.unknown_items == ("e",)


def test_recommend_ranks_items_that_a_learner_adopted():
    """An item placed and adopted after fit is recommended, and can be found."""
    rng = np.random.default_rng(3)
    rows, columns = np.nonzero(rng.random((20, 12)) < 0.4)
    taste = ALS(dims=4, regularization=1.0, threads=1).fit(
        Interactions.from_triples(rows.tolist(), columns.tolist())
    )
    vectors = 9 * taste.user_embeddings_.vectors[:1]
    test = Interactions.from_triples([0], ["new"])
    assert recommend(taste, test).left_out.unknown_items == ("new",)
    taste.adopt(Embeddings(["new"], vectors, taste.item_embeddings_.card))
    assert recommend(taste, test, k=1).measures["hit_rate@1"].value == 1


def test_recommend_breaks_ties_by_the_order_of_the_items(planted):
    """As a learner does; users with ties, also at the end of the list, are counted."""
    scores = {"ann": {"c": 1, "d": 1, "e": 1}, "bob": {"a": 2, "e": 1}}
    model = planted({"ann": "ab", "bob": "bcd", "eve": "e"}, scores)
    score = recommend(model, taken(ann="c", bob="a"), k=1)
    assert score.per_user["hit_rate@1"].tolist() == [1, 1]
    assert score.tied == 1


def test_recommend_counts_lists_that_are_short(model):
    """Places without an item are misses, and stay in the denominator of precision."""
    score = recommend(model, taken(bob="ae"), k=4)
    assert score.measures["precision@4"].value == 0.5
    assert score.measures["recall@4"].value == 1
    assert (score.short, score.tied) == (1, 0)  # empty places are no ties
    assert recommend(model, taken(bob="ae"), k=2).short == 0


@pytest.mark.parametrize("sampled", [None, Sampled(1)], ids=["full", "sampled"])
def test_recommend_takes_any_k(model, sampled):
    """A list ends where the items end: a huge k takes no memory, and precision divides by it."""
    vectors = None if sampled else Embeddings(list("acde"), np.eye(4))
    test, huge = taken(ann="ce", bob="ay"), 10**12
    score = recommend(model, test, k=(5, huge), sampled=sampled, vectors=vectors)
    for name, values in score.per_user.items():
        if name.endswith("@5"):
            beyond = score.per_user[name.replace("@5", f"@{huge}")]
            scale = 5 / huge if name == "precision@5" else 1
            np.testing.assert_array_equal(beyond, values * scale)
    assert score.short == 2
    if not sampled:
        assert score.measures[f"coverage@{huge}"] == score.measures["coverage@5"]
    compare_recommenders(model, model, test, k=huge, sampled=sampled)


def test_recommend_measures_similarity_within_lists(model):
    """The mean cosine of the pairs; items without a vector are left out and counted."""
    vectors = Embeddings(list("acde"), [[2, 0], [0, 3], [1, 1], [-1, -1]])
    score = recommend(model, taken(ann="c", bob="e", joe="a"), k=3, vectors=vectors)
    half = math.sqrt(0.5)
    # ann d e c, bob e a, joe a c d
    assert score.per_user["similarity@3"] == pytest.approx(
        [(-1 + half - half) / 3, -half, (0 + half + half) / 3], abs=1e-6
    )
    assert score.without_vector == 1
    alone = recommend(model, taken(ann="c"), k=1, vectors=vectors).measures["similarity@1"]
    assert math.isnan(alone.value)
    assert alone.undefined == 1


def test_recommend_intervals_are_of_the_users(drawn):
    """Percentiles of means over users drawn with replacement; the same seed, the same ends."""
    model, test = drawn(7)
    score = recommend(model, test, resamples=80, seed=4)
    each, generator = score.per_user["ndcg@10"], np.random.default_rng(4)
    means = [each[generator.integers(0, len(each), len(each))].mean() for _ in range(80)]
    interval = score.measures["ndcg@10"].interval
    assert (interval.low, interval.high) == pytest.approx(tuple(np.quantile(means, [0.025, 0.975])))
    assert score.measures["coverage@10"].interval is None


def test_recommend_prints_a_table(drawn):
    """A head, a line for each measure, a column for each cutoff in ascending order."""
    model, test = drawn(8)
    lines = str(recommend(model, test, k=(10, 5, 10))).splitlines()
    assert lines[0] == "Full ranking of 38 items, less those seen in training; 30 users"
    assert lines[1].split() == ["@5", "@10"]
    assert [line[:9].strip() for line in lines[2:10]] == [
        "hit rate", "recall", "precision", "NDCG", "MRR", "MAP", "novelty", "coverage",
    ]  # fmt: skip


def test_recommend_keeps_its_numbers(drawn):
    """What is measured of each user cannot be written to."""
    model, test = drawn(9)
    with pytest.raises(ValueError, match="read-only"):
        recommend(model, test).per_user["ndcg@10"][0] = 1


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"k": 0}, "k must be"),
        ({"k": ()}, "k must name a cutoff"),
        ({"k": (5, "ten")}, "k must be"),
        ({"among": "d"}, "among must be ids"),
        ({"among": ["d", "d"]}, "among"),
        ({"among": ["a"]}, "pair that counts"),
        ({"among": ["z"]}, "item that the model knows"),
        ({"sampled": 99}, "sampled must be"),
        ({"vectors": np.ones((5, 2))}, "vectors must be Embeddings"),
        ({"vectors": Embeddings(["q"], [[1]])}, "vectors must hold some"),
        ({"vectors": Embeddings(["a"], [[1]]), "sampled": Sampled(1)}, "full ranking"),
        ({"resamples": 0}, "resamples"),
        ({"seed": -1}, "seed"),
    ],
)
def test_recommend_refuses_settings_out_of_range(model, wrong, message):
    """Each names what must hold."""
    with pytest.raises(InputError, match=message):
        recommend(model, taken(ann="dz"), **wrong)


def test_recommend_refuses_what_is_no_model_and_no_test(model):
    """A learner before fit, pairs without a matrix, an empty test, and strangers alone."""
    with pytest.raises(InputError, match="Call fit first"):
        recommend(ALS(), taken(ann="d"))
    with pytest.raises(InputError, match="test must be Interactions"):
        recommend(model, [("ann", "d")])
    arrays = np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32)
    empty = Interactions((), (), *arrays)
    with pytest.raises(InputError, match="test must hold a pair"):
        recommend(model, empty)
    with pytest.raises(InputError, match="none of 1 is"):
        recommend(model, taken(stranger="d"))


KINDS = "Ids must be str in both or int in both"


def message(*args, **settings):
    with pytest.raises(InputError) as caught:
        recommend(*args, **settings)
    return str(caught.value)


def test_recommend_says_why_nobody_can_be_asked(model):
    """Strangers need histories; ids of two kinds are told where they are such, and only there."""
    told = message(model, taken(new="d", other="c"))
    assert "must be in the training data; none of 2 is such. Pass histories=" in told
    assert KINDS not in told
    numbered = replace(model, interactions_=numbers(model.interactions_.user_ids))
    told = message(numbered, taken(**{"0": "d"}))
    assert told.endswith(f"{KINDS}: 0 is known.")
    told = message(model, taken(ann="c"), among=["d"])
    assert "All pairs of known users are outside among, of 1 items." in told
    assert KINDS not in told
    assert KINDS not in message(model, taken(ann="c"), among=["z"])
    assert KINDS not in message(model, taken(ann="c"), vectors=Embeddings(["q"], [[1]]))
    training = Interactions.from_triples(list("aab"), [1, 2, 3])
    number = type(model)(training, np.zeros(training.shape, np.float32))
    test = Interactions.from_triples(["b"], [2])
    assert message(number, test, among=["2"]).endswith(f"{KINDS}: 2 is known.")
    vectors = Embeddings(["2"], [[1]])
    assert message(number, test, vectors=vectors).endswith(f"{KINDS}: '2' is known.")


def test_recommend_refuses_a_model_that_knows_no_item(model):
    """It could recommend nothing."""
    model.known_items = np.zeros(5, bool)
    assert "must know an item; of 5 it knows none" in message(model, taken(ann="c"))


def test_recommend_refuses_scores_that_are_no_scores(model):
    """Of another shape, or NaN."""
    model.table = model.table[:, :3]
    with pytest.raises(InputError, match="user_scores must give"):
        recommend(model, taken(ann="d"))
    model.table = np.full((4, 5), np.nan, np.float32)
    for sampled in (None, Sampled(1)):
        with pytest.raises(InputError, match="NaN"):
            recommend(model, taken(ann="d"), sampled=sampled)
