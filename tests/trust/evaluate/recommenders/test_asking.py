"""The laws of asking by histories: hand counts, cold users, the same as in training, refusals."""

from dataclasses import dataclass

import numpy as np
import pytest
from tests.learn.taste.contract import COLOURS, checkerboard
from tests.trust.evaluate.recommenders.conftest import Planted

from embedry import ranking
from embedry.data.interactions import Interactions
from embedry.data.splits import cold_users, leave_one_out, random_split
from embedry.errors import InputError
from embedry.learn.taste.als import ALS
from embedry.learn.taste.bpr import BPR
from embedry.learn.taste.ease import EASE
from embedry.learn.taste.itemknn import ItemKNN
from embedry.learn.taste.itemvec import ItemVec
from embedry.learn.taste.popularity import Popularity
from embedry.store.collection import Collection
from embedry.trust.evaluate import HistoryRanker, Ranker, Sampled, compare_recommenders, recommend
from embedry.trust.evaluate.recommenders.sampled import draw_negatives
from embedry.trust.evaluate.recommenders.task import set_task
from embedry.use.recommend import Recommender

EXACT = [EASE(), ItemKNN(10), Popularity()]  # a user is their history
PERSONAL = [
    EASE(),
    ItemKNN(10),
    ALS(dims=4, regularization=1.0, threads=1),
    BPR(dims=8, threads=1),
    ItemVec(dims=8, threads=1),
]


@dataclass
class Sums(Planted):
    """A model whose score for a history is the sum of what each past item gives to each item."""

    gives: dict

    def history_scores(self, histories):
        """Return the sums, an item without one has 0."""
        return np.array(
            [
                [
                    sum(value * self.gives.get((past, item), 0) for past, value in one.items())
                    for item in self.interactions_.item_ids
                ]
                for one in histories
            ],
            np.float32,
        )


USED = {"ann": "ab", "bob": "bcd", "eve": "ade", "joe": "b"}
GIVES = {
    ("a", "b"): 3, ("a", "c"): 2, ("a", "d"): 1,
    ("b", "e"): 5, ("b", "c"): 4, ("b", "a"): 9,
    ("e", "d"): 2,
}  # fmt: skip


def taken(**users):
    """Return pairs of letters: ``taken(ann="cd")``."""
    pairs = [(user, item) for user, items in users.items() for item in items]
    return Interactions.from_triples(*zip(*pairs, strict=True))


@pytest.fixture
def model():
    training = taken(**USED)
    return Sums(training, np.zeros(training.shape, np.float32), GIVES)


@pytest.fixture(scope="module")
def board():
    """Return training, histories and a test of a checkerboard; the test users are cold."""
    cold = cold_users(checkerboard(users=60), 0.2, seed=1)
    apart = random_split(cold.test, 0.4, keep="users", seed=2)
    assert not set(apart.test.user_ids) & set(cold.train.user_ids)
    return cold.train, apart.train, apart.test


def values(score):
    return {name: estimate.value for name, estimate in score.measures.items()}


def test_recommend_by_histories_counted_by_hand(model):
    """Strangers are ranked by what they had used, and not given it again.

    new used a: b 3, c 2, d 1. old used a and b, b twice as strongly: e 10, c 2 + 8, then d 1.
    """
    histories = Interactions.from_triples(["new", "old", "old"], ["a", "a", "b"], [1, 1, 2])
    test = taken(old="c", new="dc")
    score = recommend(model, test, histories=histories, k=(1, 2))
    assert score.users == ("old", "new")
    assert score.per_user["hit_rate@1"].tolist() == [1, 0]  # c comes before e in the order
    assert score.per_user["recall@2"].tolist() == [1, 0.5]
    assert score.per_user["mrr@2"].tolist() == [1, 0.5]
    assert score.tied == 1
    # used by: b 3, c 1 and e 1, of four users in training
    assert score.per_user["novelty@1"] == pytest.approx([2, np.log2(4 / 3)])
    assert score.protocol == (
        "Full ranking of 5 items, less those seen in training or before, users known by histories "
        "alone"
    )


def test_recommend_counts_users_without_history(model):
    """They are not asked, nor are those of whose past the model knows nothing; pairs are counted.

    Users of training without a history are not asked either, and strangers with one are no
    unknown users.
    """
    histories = taken(new="az", odd="yz", other="a")
    score = recommend(model, taken(new="b", odd="b", none="b", ann="c"), histories=histories, k=1)
    assert score.users == ("new",)
    assert score.left_out.without_history == ("odd", "none", "ann")
    assert score.left_out.untold == 3
    assert score.left_out.unknown_users == ()
    assert "3 users without history, not asked" in str(score)
    assert "3 pairs of histories with items unknown, not told" in str(score)
    assert score.measures["hit_rate@1"].value == 1


def test_recommend_by_histories_leaves_out_what_was_seen_in_training_too(model):
    """ann is known by a alone: b would be first, but she used it in training."""
    score = recommend(model, taken(ann="c"), histories=taken(ann="a"), k=1)
    assert score.per_user["hit_rate@1"].tolist() == [1]
    stranger = recommend(model, taken(new="c"), histories=taken(new="a"), k=1)
    assert stranger.per_user["hit_rate@1"].tolist() == [0]


def test_recommend_by_histories_does_not_tell_items_that_nobody_used(model):
    """Of an item without a use the model knows nothing; it is still not given again."""
    training = model.interactions_
    model.interactions_ = Interactions(
        training.user_ids, (*training.item_ids, "f"), training.indptr, training.indices,
        training.values,
    )  # fmt: skip
    model.gives = {**GIVES, ("f", "f"): 99, ("a", "f"): 99, ("f", "d"): 99}
    score = recommend(model, taken(new="b"), histories=taken(new="af"), k=1, among=["b", "d", "f"])
    assert score.left_out.untold == 1
    assert score.measures["hit_rate@1"].value == 1


@pytest.mark.parametrize("learner", PERSONAL, ids=lambda one: type(one).__name__)
def test_recommend_finds_the_colour_of_cold_users(board, learner):
    """Users whom training lacks take the colour of their history: twelve items, all but the seen.

    So the rest of the colour fills the first places, and everything they took is among them.
    """
    training, histories, test = board
    score = recommend(learner.fit(training), test, histories=histories, k=48 // COLOURS)
    assert set(score.users) == set(test.user_ids)
    assert score.measures["recall@12"].value == 1
    popular = recommend(Popularity().fit(training), test, histories=histories, k=48 // COLOURS)
    assert popular.measures["recall@12"].value < 0.7
    with pytest.raises(InputError, match="must be in the training data"):
        recommend(learner, test)


@pytest.mark.parametrize("sampled", [None, Sampled(7, seed=4)], ids=["full", "sampled"])
@pytest.mark.parametrize("learner", EXACT, ids=lambda one: type(one).__name__)
def test_recommend_by_histories_of_training_is_that_of_its_users(learner, sampled):
    """Where a user is their history, it makes no difference which of them the model is told."""
    split = random_split(checkerboard(), 0.2, seed=3)
    learner.fit(split.train)
    by_user = recommend(learner, split.test, sampled=sampled, k=(2, 5))
    by_past = recommend(learner, split.test, histories=split.train, sampled=sampled, k=(2, 5))
    assert by_past.users == by_user.users
    for name, each in by_user.per_user.items():
        np.testing.assert_array_equal(by_past.per_user[name], each)
    assert values(by_past) == values(by_user)
    assert (by_past.tied, by_past.short) == (by_user.tied, by_user.short)


@pytest.mark.parametrize("learner", PERSONAL, ids=lambda one: type(one).__name__)
def test_recommend_by_histories_gives_what_the_learner_recommends(board, learner):
    """The lists are those of the learner's own `recommend(history=...)`, with its values."""
    training, histories, test = board
    histories = histories.weighted(1 + np.arange(len(histories)) % 3)
    learner.fit(training)
    score = recommend(learner, test, histories=histories, k=5)
    for place, user in enumerate(score.users):
        row = histories.user_ids.index(user)
        part = slice(histories.indptr[row], histories.indptr[row + 1])
        told = histories.values[part].tolist()
        past = dict(zip(histories.history(user), told, strict=True))
        ids = learner.recommend(history=past, k=5).ids
        expected = ranking.ndcg(ids, test.history(user), k=5)
        assert score.per_user["ndcg@5"][place] == pytest.approx(expected)


def test_recommend_by_histories_does_not_depend_on_the_blocks(board, things, monkeypatch):
    """Histories one by one give the same as all at once, full and sampled."""
    training, histories, test = board
    for model in (EASE().fit(training), things):
        found = []
        for at_once in (2**20, 1):
            monkeypatch.setattr(
                "embedry.trust.evaluate.recommenders.asking._SCORES_AT_ONCE", at_once
            )
            found += [
                recommend(model, test, histories=histories, sampled=how)
                for how in (None, Sampled(5))
            ]
        for one, other in zip(found[:2], found[2:], strict=True):
            assert values(one) == values(other)
            assert (one.tied, one.short) == (other.tied, other.short)


def test_recommend_draws_negatives_that_are_in_no_history(model):
    """Neither drawn nor given negatives were used before."""
    histories, test = taken(new="a"), taken(new="c")
    task = set_task(model, test, None, histories)
    negatives = draw_negatives(task, Sampled(3)).named(task)
    assert sorted(negatives["new"]) == ["b", "d", "e"]
    score = recommend(model, test, histories=histories, k=2, sampled=Sampled({"new": ["b", "d"]}))
    assert score.measures["mrr@2"].value == 0.5
    assert score.protocol.endswith("against the model, users known by histories alone")
    with pytest.raises(InputError, match="such as 'a' by 'new'"):
        recommend(model, test, histories=histories, sampled=Sampled({"new": ["a"]}))


def test_compare_recommenders_by_histories(board):
    """Both are told the same; each is scored as if alone, full and with the same negatives."""
    training, histories, test = board
    pair = EASE().fit(training), Popularity().fit(training)
    for sampled in (None, Sampled(6, seed=2)):
        found = compare_recommenders(*pair, test, histories=histories, sampled=sampled, k=5)
        alone = [
            recommend(one, test, histories=histories, sampled=sampled, k=5).per_user["ndcg@5"]
            for one in pair
        ]
        assert found.per_user["ndcg@5"] == pytest.approx(alone[0] - alone[1])
        assert found.measures["ndcg@5"].verdict == "better"
        assert "users known by histories alone" in found.protocol


def test_compare_recommenders_by_histories_counts_who_cannot_be_told(model):
    """A user whose past one model does not know is not asked of the other."""
    small = taken(ann="bc", bob="cd")
    other = Sums(small, np.zeros(small.shape, np.float32), GIVES)
    histories, test = taken(new="a", old="b"), taken(new="c", old="c")
    found = compare_recommenders(model, other, test, histories=histories, k=1)
    assert found.users == ("old",)
    assert found.unshared == 1
    assert [each.without_history for each in found.left_out] == [(), ("new",)]
    hits = found.measures["hit_rate@1"]  # by b the one gives a, the other, who lacks a, gives c
    assert (hits.first.mean, hits.second.mean) == (0, 1)


# a recommender


@pytest.fixture(scope="module")
def things(board, tmp_path_factory):
    """Return a recommender of the checkerboard by two learners and how popular items are.

    The collection lacks an item, and has one that nobody used.
    """
    training, _, _ = board
    with Collection.open(tmp_path_factory.mktemp("shelf") / "things") as shelf:
        shelf.upsert([*training.item_ids[1:], "fresh"])
        taste = {
            "near": ItemKNN(10).fit(training),
            "ease": EASE().fit(training),
        }
        yield Recommender(shelf, taste=taste, popularity=True)


def test_recommend_asks_a_recommender_by_histories(board, things):
    """The lists are those of its own `recommend(history=...)`; the colour of the past is found."""
    _, histories, test = board
    score = recommend(things, test, histories=histories, k=4)
    assert set(score.users) == set(test.user_ids)
    for place, user in enumerate(score.users):
        hits = things.recommend(history=histories.history(user), k=4)
        expected = ranking.ndcg(hits.ids, test.history(user), k=4)
        assert score.per_user["ndcg@4"][place] == pytest.approx(expected)
    whole = recommend(things, test, histories=histories, k=12).measures["recall@12"].value
    lacking = sum(things.interactions_.item_ids[0] in test.history(user) for user in score.users)
    assert whole < 1 if lacking else whole == 1
    assert score.left_out.missed == lacking


def test_recommend_asks_a_recommender_for_sampled_and_chosen_items(board, things):
    """Only these are ranked, by its scores."""
    training, histories, test = board
    sampled = Sampled(6, seed=5)
    task = set_task(things, test, None, histories)
    negatives = draw_negatives(task, sampled).named(task)
    score = recommend(things, test, histories=histories, k=3, sampled=sampled)
    some = training.item_ids[5:40:2]
    chosen = recommend(things, test, histories=histories, k=3, among=some)
    for user in score.users:
        past, took = histories.history(user), test.history(user)
        hits = things.recommend(history=past, k=99)
        told = dict(zip(hits.ids, hits.scores, strict=True))
        mine = [*negatives[user], *(item for item in took if item in told)]
        ranked = sorted(mine, key=lambda item: (-told[item], item in took))
        found = score.per_user["recall@3"][score.users.index(user)]
        assert found == pytest.approx(ranking.recall(ranked, took, k=3))
        wanted = [item for item in took if item in some]
        if wanted:
            ranked = [id for id in hits.ids if id in some]
            found = chosen.per_user["ndcg@3"][chosen.users.index(user)]
            assert found == pytest.approx(ranking.ndcg(ranked, wanted, k=3))


def test_recommend_counts_ties_and_short_lists_of_a_recommender(tmp_path):
    """A tie at the end of the list counts; an item that the collection lacks fills no place."""
    taste = Popularity().fit(taken(ann="abc", bob="ade", eve="bd", joe="f"))  # a b d, then c e f
    histories, test = taken(new="a", old="abc"), taken(new="d", old="d")
    with Collection.open(tmp_path / "things") as shelf:
        shelf.upsert(list("abcde"))
        model = Recommender(shelf, taste=taste)
        assert [recommend(model, test, histories=histories, k=k).tied for k in (1, 2, 3)] == [
            1,
            1,
            1,
        ]
        score = recommend(model, test, histories=histories, k=2, among=["d", "f"])
        assert (score.short, score.tied) == (2, 0)
        assert score.measures["precision@2"].value == 0.5


# refusals


def test_recommend_refuses_histories_that_hold_the_test(model):
    """An error that names pairs of both, also those that are not asked for."""
    histories = taken(new="abc", old="a")
    with pytest.raises(InputError, match=r"they hold 2 of 3, such as \('new', 'b'\), \('old'"):
        recommend(model, taken(new="bd", old="a"), histories=histories)
    with pytest.raises(InputError, match="histories must hold no pair of the test"):
        compare_recommenders(model, model, taken(new="bd"), histories=histories, among=["d"])


def test_recommend_by_histories_refuses_a_model_that_was_taught_the_test(model):
    """Also where training knows the user, and the history is of something else."""
    with pytest.raises(InputError, match="training data must hold no pair of the test"):
        recommend(model, taken(ann="b"), histories=taken(ann="a"))


def test_history_ranker_is_what_scores_by_histories(model, planted, things):
    """Learners are such; what scores users alone is a ranker and no more."""
    for one in (model, *(learner.fit(model.interactions_) for learner in EXACT)):
        assert isinstance(one, HistoryRanker)
    alone = planted(USED, {})
    assert isinstance(alone, Ranker)
    assert not isinstance(alone, HistoryRanker)
    assert isinstance(things, Ranker)


def test_recommend_refuses_histories_that_are_none(model, planted):
    """Something else, of nobody who is asked, or for a model that cannot be asked so."""
    test = taken(new="c")
    for wrong in ({"new": ["a"]}, [("new", "a")], "a"):
        with pytest.raises(InputError, match="histories must be Interactions"):
            recommend(model, test, histories=wrong)
    with pytest.raises(InputError, match=r"must have a history in histories=.*none of 1"):
        recommend(model, test, histories=taken(other="a"))
    for wrong in (taken(other="a"), taken(new="z")):
        with pytest.raises(InputError) as caught:
            recommend(model, test, histories=wrong)
        assert str(caught.value).endswith("such as the train of a split of the test.")
    number = Interactions.from_triples(["7"], ["c"])
    with pytest.raises(InputError, match="both: 7 is known"):
        recommend(model, number, histories=Interactions.from_triples([7], ["a"]))
    with pytest.raises(InputError, match=r"histories need a model that scores by them.*Planted"):
        recommend(planted(USED, {}), test, histories=taken(new="a"))


def test_recommend_by_histories_refuses_scores_that_are_no_scores(model):
    """Of another shape, named by the method that gave them."""
    model.history_scores = lambda _: np.zeros((1, 3), np.float32)
    with pytest.raises(InputError, match="history_scores must give"):
        recommend(model, taken(new="c"), histories=taken(new="a"))


def test_cold_users_are_evaluated_as_their_docstring_says():
    """The split, its test split again, and both parts passed on."""
    split = cold_users(checkerboard(users=80), 0.25, seed=5)
    apart = leave_one_out(split.test, by="random", keep="users", seed=1)
    ease = EASE().fit(split.train)
    score = recommend(ease, apart.test, histories=apart.train, k=12)
    assert len(score.users) == len(apart.test.user_ids) == 20
    assert score.measures["hit_rate@12"].value == 1
