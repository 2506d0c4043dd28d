"""The laws that every learner of taste keeps, whatever it learns by.

A new learner passes by a few lines in a file of its own:

    class TestALS(TasteContract):
        small = {"dims": 4, "regularization": 1.0, "threads": 1}
        learner = ALS
        refused = {"dims": [0, 2.0], "alpha": [0]}

Truth by construction: users and items have colours, and a user uses half of the items of their
own colour and no other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import clone

import embedry
from embedry.data.interactions import Interactions
from embedry.errors import FileFormatError, InputError, NotFittedError, UnknownIdError
from embedry.learn.modelfile import describe

if TYPE_CHECKING:
    from embedry.learn.taste.learner import TasteLearner

__all__ = ["COLOURS", "TasteContract", "checkerboard", "colour"]

COLOURS = 4
ITEMS = [f"c{item % COLOURS}i{item}" for item in range(48)]


def checkerboard(users=40, items=48, seed=0):
    """Users of colour c use half of the items of colour c, and nothing else."""
    rng = np.random.default_rng(seed)
    pairs = [
        (f"u{user}", f"c{user % COLOURS}i{item}")
        for user in range(users)
        for item in range(items)
        if item % COLOURS == user % COLOURS and rng.random() < 0.5
    ]
    return Interactions.from_triples(*zip(*pairs, strict=True))


def colour(user):
    return f"c{int(user[1:]) % COLOURS}"


def grown():
    """More of colour 0: new users who use its items, and all of them a new one."""
    pairs = [
        (f"new{user}", item)
        for user in range(6)
        for item in (*ITEMS[4 * user : 4 * user + 16 : 4], "c0fresh")
    ]
    return Interactions.from_triples(*zip(*pairs, strict=True))


class TasteContract:
    """Laws of a learner; a subclass says which, and what is special about it.

    Attributes
    ----------
    learner : class
    small : dict
        Settings that learn a checkerboard of 40 users and 48 items fast.
    refused : dict of str to list
        For each setting, values that ``fit`` refuses.
    personal : bool
        Scores depend on what somebody has used.
    additive : bool
        Scores are sums over past items.
    zero_is_unknown : bool
        Items with a score of exactly 0 are not recommended: nothing leads to them.
    tolerance : float or None
        How near scores of a user are to those of a history equal to the user's own; None where
        a user is more than their history.
    """

    learner: ClassVar[type[TasteLearner]]
    small: ClassVar[dict[str, Any]]
    refused: ClassVar[dict[str, list[Any]]]
    personal: ClassVar[bool] = True
    additive: ClassVar[bool] = True
    zero_is_unknown: ClassVar[bool] = False
    tolerance: ClassVar[float | None] = 1e-4

    @classmethod
    def make(cls, **changed):
        return cls.learner(**(cls.small | changed))

    @pytest.fixture(scope="class")
    @classmethod
    def used(cls):
        return checkerboard()

    @pytest.fixture(scope="class")
    @classmethod
    def fitted(cls, used):
        return cls.make().fit(used)

    # what is learned

    def test_recommend_stays_on_the_own_colour(self, fitted, used):
        """Users are recommended the unseen items of their colour before any other."""
        if not self.personal:
            pytest.skip("recommends the same to everybody")
        for user in used.user_ids:
            unseen = {i for i in used.item_ids if i[:2] == colour(user)} - set(used.history(user))
            assert set(fitted.recommend(user, k=len(unseen)).ids) == unseen

    def test_recommend_stays_on_the_colour_of_a_history(self, fitted, used):
        """So are strangers who tell three items that they have used."""
        if not self.personal:
            pytest.skip("recommends the same to everybody")
        for start in range(COLOURS):
            hits = fitted.recommend(history=ITEMS[start : start + 12 : COLOURS], k=6)
            assert {id[:2] for id in hits.ids} == {f"c{start}"}

    def told(self, taste, user):
        """Return the scores of a user for the items that they tell anything of."""
        named = zip(taste.interactions_.item_ids, taste.scores(user).tolist(), strict=True)
        return {id: score for id, score in named if score or not self.zero_is_unknown}

    def test_recommend_is_the_best_of_all_scores(self, fitted, used):
        """Hits are a full sort of the scores, with or without what was seen."""
        for user in used.user_ids[:8]:
            scores = self.told(fitted, user)
            for seen in ((), used.history(user)):
                left = sorted((scores[id] for id in set(scores) - set(seen)), reverse=True)
                for k in (1, 5, 48):
                    hits = fitted.recommend(user, k=k, exclude_seen=bool(seen))
                    assert not set(hits.ids) & set(seen)
                    assert list(hits.scores) == left[:k]
                    assert list(hits.scores) == [scores[id] for id in hits.ids]

    def test_recommend_gives_all_where_k_is_larger(self, fitted, used):
        """k beyond the items gives every item once that scores tell of, or every unseen one."""
        told, seen = self.told(fitted, "u0"), set(used.history("u0"))
        everything = fitted.recommend("u0", k=10**9, exclude_seen=False)
        assert sorted(everything.ids) == sorted(told)
        assert set(fitted.recommend("u0", k=999).ids) == set(told) - seen
        assert len(fitted.recommend(history=used.item_ids)) == 0
        assert len(told) == len(used.item_ids) or self.zero_is_unknown

    @pytest.mark.parametrize("exclude_seen", [True, False])
    def test_recommend_counts_what_nothing_leads_to(self, fitted, used, exclude_seen):
        """Hits and items left out as unknown are all items, less what was seen."""
        hits = fitted.recommend("u0", k=999, exclude_seen=exclude_seen)
        left = set(used.item_ids) - (set(used.history("u0")) if exclude_seen else set())
        lacking = dict(hits.plan.lacking).get("taste", 0)
        assert len(hits) + lacking == len(left)
        assert (lacking > 0) == self.zero_is_unknown
        assert 0 not in hits.scores or not self.zero_is_unknown

    def test_items_linked_to_nothing_are_not_guessed(self, used):
        """Who has used one new item and nothing else is told nothing made up of it."""
        if not self.zero_is_unknown:
            pytest.skip("a score of 0 is a score like others")
        taste = self.make().fit(used).partial_fit(Interactions.from_triples(["nu"], ["NEW"]))
        hits = taste.recommend("nu")
        assert hits.ids == ()
        assert hits.plan.lacking == (("taste", len(used.item_ids)),)
        assert "NEW" not in taste.recommend("u0", k=999).ids
        assert taste.similar("NEW", k=999).ids == ()

    def test_recommend_breaks_ties_by_the_order_of_items(self, fitted, used, monkeypatch):
        """Items of one score come in the order in which they were learned."""
        even = np.ones(len(used.item_ids), np.float32)
        monkeypatch.setattr(self.learner, "_scores", lambda *_: even)
        left = [id for id in used.item_ids if id != used.item_ids[2]]
        for k in (3, 999):
            assert list(fitted.recommend(history=[used.item_ids[2]], k=k).ids) == left[:k]

    def test_scores_are_the_same_at_every_door(self, fitted, used):
        """One user, many users and recommend give the same finite scores."""
        users = used.user_ids[::3]
        many = fitted.user_scores(users)
        assert many.dtype == np.float32
        assert many.shape == (len(users), len(used.item_ids))
        assert np.isfinite(many).all()
        for user, row in zip(users, many, strict=True):
            one = fitted.scores(user)
            assert one.dtype == np.float32
            np.testing.assert_allclose(one, row, rtol=1e-5, atol=1e-6)
            hits = fitted.recommend(user, k=999, exclude_seen=False)
            named = dict(zip(used.item_ids, one.tolist(), strict=True))
            assert [named[id] for id in hits.ids] == list(hits.scores)
        assert fitted.user_scores([]).shape == (0, len(used.item_ids))

    def test_scores_of_many_histories_are_those_of_each(self, fitted, used):
        """Lists, weighted histories and an iterator, one twice, in their order; none is fine."""
        histories = [["c0i0", "c0i4"], {"c1i5": 2.0, "c0i8": 0.5}, used.history("u3")] * 2
        many = fitted.history_scores([*histories, iter(["c2i2"])])
        assert many.dtype == np.float32
        assert many.shape == (7, len(used.item_ids))
        for history, row in zip([*histories, ["c2i2"]], many, strict=True):
            np.testing.assert_allclose(fitted.scores(history=history), row, rtol=1e-5, atol=1e-6)
        assert fitted.history_scores([]).shape == (0, len(used.item_ids))
        if self.personal:
            with pytest.raises(InputError, match="at least one item"):
                fitted.history_scores([["c0i0"], []])
        with pytest.raises(UnknownIdError, match="such as 'x'"):
            fitted.history_scores([["c0i0"], ["x"]])
        with pytest.raises(NotFittedError):
            self.make().history_scores([["c0i0"]])

    def test_scores_of_a_history_are_those_of_its_user(self, fitted, used):
        """Somebody unknown who used what a user used gets the user's scores."""
        if self.tolerance is None:
            pytest.skip("a user is more than their history")
        weighted = Interactions.from_triples(
            [f"u{u}" for u in range(30) for _ in range(5)],
            [(7 * u + 3 * j * j) % 40 for u in range(30) for j in range(5)],
            [1 + (u + j) % 4 for u in range(30) for j in range(5)],
        )
        for taste in (fitted, self.make().fit(weighted)):
            for user in taste.interactions_.user_ids[:10]:
                folded = taste.scores(history=taste.history(user))
                np.testing.assert_allclose(folded, taste.scores(user), atol=self.tolerance)

    def test_one_more_click_changes_the_next_answer(self, fitted, used):
        """An item more in a history moves the scores, and is itself left out."""
        history = ["c0i0", "c0i4"]
        before = fitted.recommend(history=history, k=48)
        after = fitted.recommend(history=[*history, before.ids[0]], k=48)
        assert set(before.ids) - set(after.ids) == {before.ids[0]}
        if self.personal:
            assert not np.array_equal(
                fitted.scores(history=history), fitted.scores(history=[*history, "c0i8"])
            )

    @given(st.dictionaries(st.sampled_from(ITEMS), st.floats(0.1, 20), min_size=1, max_size=8))
    # the executor differs as each learner runs the law in a class of its own, which is meant
    @settings(
        max_examples=25, deadline=None, suppress_health_check=[HealthCheck.differing_executors]
    )
    def test_causes_sum_to_the_score(self, fitted, history):
        """What the past items give adds up to the score, or there are no causes at all."""
        scores = dict(
            zip(fitted.interactions_.item_ids, fitted.scores(history=history), strict=True)
        )
        for hit in fitted.recommend(history=history, k=3, exclude_seen=False):
            causes = fitted.causes(hit.id, history=history)
            if not self.additive:
                assert causes == {}
                assert hit.because == ()
                continue
            assert set(causes) == set(history)
            assert list(causes.values()) == sorted(causes.values(), reverse=True)
            assert sum(causes.values()) == pytest.approx(float(scores[hit.id]), rel=1e-4, abs=1e-5)
            largest = [share for share in list(causes.values())[:3] if share > 0]
            assert [share for _, share in hit.because] == pytest.approx(largest, rel=1e-5)

    def test_causes_of_a_user_are_those_of_their_items(self, fitted, used):
        """A user's own past items share a hit's score among them."""
        hit = fitted.recommend("u5", k=1)[0]
        causes = fitted.causes(hit.id, "u5")
        assert set(causes) == (set(used.history("u5")) if self.additive else set())
        if self.additive:
            assert sum(causes.values()) == pytest.approx(hit.score, rel=1e-4, abs=1e-4)
            assert hit.because[0][0] == next(iter(causes))

    def test_shares_are_the_causes_of_many_items(self, fitted, used):
        """Shares of several items, one twice, are their causes in the order of the history."""
        items, history = ["c0i8", "c1i5", "c0i8"], ["c1i1", "c0i4", "c0i0"]
        shares = fitted.shares(items, history=history)
        if not self.additive:
            assert shares is None
            return
        assert shares.shape == (3, 3)
        for item, row in zip(items, shares.tolist(), strict=True):
            causes = fitted.causes(item, history=history)
            assert row == pytest.approx([causes[id] for id in history], abs=1e-9)

    def test_generation_is_another_after_each_fit(self, used):
        """It stays while nothing is learned, also when asked of, and changes when something is."""
        taste = self.make().fit(used)
        first = taste.generation
        taste.recommend("u0")
        assert taste.generation is first
        second = taste.partial_fit(grown()).generation
        assert second is not first
        assert taste.fit(used).generation is not second

    def test_history_is_what_was_learned_from(self):
        """A user's items with their values, in the order of the items."""
        data = Interactions.from_triples(["a", "a", "b", "b"], ["x", "y", "x", "z"], [2, 3.5, 1, 1])
        assert self.make().fit(data).history("a") == {"x": 2.0, "y": 3.5}

    def test_similar_items_are_of_the_own_colour(self, fitted, used):
        """The nearest items are those of the colour, best first, without the item itself."""
        near = fitted.similar("c1i1", k=6)
        assert list(near.scores) == sorted(near.scores, reverse=True)
        everything = fitted.similar("c1i1", k=999).ids
        assert len(set(everything)) == len(everything)
        assert "c1i1" not in everything
        if self.personal:
            assert {id[:2] for id in near.ids} == {"c1"}
        else:
            assert everything == ()

    # ids

    def test_ids_may_be_any_text_and_any_int(self):
        """1 and "1" are two users, as are other scripts; NumPy ints find what ints named."""
        users = [1, 1, "1", "1", "Ωμέγα", "Ωμέγα", "naïve 🙂", "naïve 🙂", -5, -5]
        items = [7, "七", "7", "七", 7, "七", "7", "七", 7, "7"]
        taste = self.make().fit(Interactions.from_triples(users, items))
        assert taste.history(1) == {7: 1.0, "七": 1.0}
        assert taste.history("1") == {"七": 1.0, "7": 1.0}
        assert taste.recommend("naïve 🙂", k=9).ids == (7,)
        assert taste.recommend(np.int64(1), k=9).ids == ("7",)
        assert taste.recommend(history=[np.int64(7), "七"]).ids == ("7",)
        np.testing.assert_array_equal(taste.scores(np.int64(-5)), taste.scores(-5))

    @pytest.mark.parametrize("wrong", [1.5, True, None, ["u0"], b"u0", float("nan")])
    def test_what_is_no_id_is_refused(self, fitted, wrong):
        """A float, a bool, a list is neither a user nor an item: InputError, nothing else."""
        asks = [fitted.similar, fitted.history, lambda id: fitted.user_scores([id])]
        asks.append(lambda id: fitted.causes(id, "u0"))
        if wrong is not None:
            asks += [fitted.scores, fitted.recommend, lambda id: fitted.recommend(history=[id])]
        for ask in asks:
            with pytest.raises(InputError, match="must be a str or an int"):
                ask(wrong)

    def test_unknown_ids_are_named(self, fitted):
        """A user or an item that was not learned is an UnknownIdError with all its ids."""
        with pytest.raises(UnknownIdError, match="2 items of the history were not") as caught:
            fitted.recommend(history=["c0i0", "x", "y"])
        assert caught.value.ids == ("x", "y")
        for ask in (fitted.scores, fitted.recommend, fitted.history, fitted.similar):
            with pytest.raises(UnknownIdError) as caught:
                ask("nobody")
            assert caught.value.ids == ("nobody",)
        with pytest.raises(UnknownIdError) as caught:
            fitted.user_scores(["u0", "nobody", "no one"])
        assert caught.value.ids == ("nobody", "no one")
        with pytest.raises(UnknownIdError):
            fitted.causes("x", "u0")

    @pytest.mark.parametrize(
        ("history", "words"),
        [
            ([], "must hold at least one item"),
            ({}, "must hold at least one item"),
            ("c0i0", r"Wrap a single one: \['c0i0'\]"),
            (["c0i0", "c0i4", "c0i0"], "items of a history must differ.*such as 'c0i0'"),
            ({"c0i0": 0}, "above 0 .*got 0 for 'c0i0'"),
            ({"c0i0": float("nan")}, "above 0 .*got nan"),
            ({"c0i0": float("inf")}, "above 0 .*got inf"),
            ({"c0i0": "much"}, "above 0 .*got 'much'"),
            (3, "must be a list of ids"),
        ],
    )
    def test_history_is_refused_with_the_reason(self, fitted, history, words):
        """Every door that takes a history refuses the same things in the same words."""
        if not self.personal and history in ([], {}):
            pytest.skip("recommends the same to everybody")
        doors = [fitted.scores, fitted.recommend]
        doors.append(lambda history: fitted.causes("c0i0", history=history))
        for door in doors:
            with pytest.raises(InputError, match=words):
                door(history=history)

    @pytest.mark.parametrize("kind", [list, tuple, iter, lambda ids: np.array(ids, object)])
    def test_history_is_any_iterable_of_ids(self, fitted, kind):
        """A generator or an array is a history as good as a list."""
        ids = ["c0i0", "c0i4", "c0i8"]
        expected = fitted.recommend(history=ids, k=9)
        assert fitted.recommend(history=kind(ids), k=9) == expected
        assert not set(ids) & set(expected.ids)

    def test_a_question_is_of_a_user_or_of_a_history(self, fitted):
        """Neither, both, and a k below 1 are refused."""
        for ask in (
            fitted.scores,
            fitted.recommend,
            lambda *a, **k: fitted.causes("c0i0", *a, **k),
        ):
            with pytest.raises(InputError, match="exactly one of a user id and history="):
                ask()
            with pytest.raises(InputError, match="exactly one"):
                ask("u0", history=["c0i0"])
        for k in (0, -1, 1.5, True):
            for ask in (
                lambda k: fitted.recommend("u0", k=k),
                lambda k: fitted.similar("c0i0", k=k),
            ):
                with pytest.raises(InputError, match="k must be"):
                    ask(k)

    def test_what_nobody_used_and_who_used_nothing(self):
        """An empty column is recommended to nobody; an empty row has no recommendation."""
        matrix = np.zeros((12, 9))
        matrix[:11, :8] = np.add.outer(np.arange(11), np.arange(8)) % 3 != 0
        taste = self.make().fit(Interactions.from_scipy(sparse.csr_array(matrix)))
        assert sorted(taste.recommend(0, k=99, exclude_seen=False).ids) == list(range(8))
        assert 8 not in taste.similar(0, k=99).ids
        assert taste.history(11) == {}
        with pytest.raises(InputError, match="Nobody used the item 8"):
            taste.similar(8)
        if not self.personal:
            assert sorted(taste.recommend(11, k=99).ids) == list(range(8))
            return
        for ask in (taste.scores, taste.recommend, lambda user: taste.causes(0, user)):
            with pytest.raises(InputError, match=r"must have used something; 11 has not.*history="):
                ask(11)

    def test_who_used_nothing_gets_what_everybody_gets(self, fitted, used):
        """Where all are recommended the same, so is a visitor with an empty history."""
        if self.personal:
            pytest.skip("recommends by what was used")
        for nothing in ([], {}, iter(())):
            hits = fitted.recommend(history=nothing, k=999)
            assert hits == fitted.recommend(history=["c0i0"], k=999, exclude_seen=False)
            assert hits.asked == "a history"
        assert fitted.causes("c0i0", history=[]) == {}
        np.testing.assert_array_equal(fitted.scores(history=[]), fitted.scores("u0"))
        np.testing.assert_array_equal(fitted.history_scores([[]])[0], fitted.scores("u0"))

    # fit, again, and further

    def test_fit_is_the_same_each_time(self, fitted, used):
        """The same settings and interactions give the same bytes, which stay as they were."""
        before = [part.tobytes() for part in (used.indptr, used.indices, used.values)]
        again = self.make().fit(used)
        users = used.user_ids
        assert again.user_scores(users).tobytes() == fitted.user_scores(users).tobytes()
        assert [p.tobytes() for p in (used.indptr, used.indices, used.values)] == before

    def test_fit_forgets_what_was_learned_before(self, used):
        """After a second fit a learner is as a new one, caches and ids included."""
        other = Interactions.from_triples(list("aabbccdd"), list("xyyzzxxy"))
        taste = self.make().fit(used)
        taste.recommend("u0"), taste.similar("c0i0"), taste.scores(history=["c0i0"])
        taste.fit(other)
        fresh = self.make().fit(other)
        assert taste.user_scores(["a", "b", "c", "d"]).tobytes() == (
            fresh.user_scores(["a", "b", "c", "d"]).tobytes()
        )
        assert taste.recommend(history=["x"]) == fresh.recommend(history=["x"])
        assert taste.similar("x") == fresh.similar("x")
        with pytest.raises(UnknownIdError):
            taste.recommend("u0")

    def test_fit_with_wrong_settings_leaves_what_was_learned(self, used):
        """Each value out of range is refused by the name of its setting, and nothing changes."""
        taste = self.make().fit(used)
        before = taste.scores("u0").tobytes()
        for name, values in self.refused.items():
            for value in values:
                for learn in ("fit", "partial_fit"):
                    with pytest.raises(InputError, match=f"{name} must be"):
                        getattr(taste.set_params(**{name: value}), learn)(used)
            taste.set_params(**self.make().get_params())
        assert taste.scores("u0").tobytes() == before

    @pytest.mark.parametrize("method", ["fit", "partial_fit"])
    def test_fit_refuses_what_is_nothing_to_learn_from(self, used, method):
        """No interactions, or something else, get the line that makes some."""
        taste = self.make().fit(used)
        for wrong in ([("u", "i")], None, np.eye(2)):
            with pytest.raises(InputError, match=r"takes Interactions; got .*from_triples"):
                getattr(taste, method)(wrong)
        with pytest.raises(InputError, match="must be a pair to learn from"):
            getattr(taste, method)(Interactions.from_scipy(sparse.csr_array((3, 4))))
        assert taste.interactions_ is used

    def test_partial_fit_before_fit_is_fit(self, fitted, used):
        """An unfitted learner learns from scratch."""
        found = self.make().partial_fit(used)
        users = used.user_ids
        assert found.user_scores(users).tobytes() == fitted.user_scores(users).tobytes()

    def test_partial_fit_takes_new_users_and_items(self, used):
        """A new item goes to those of its colour, and a new user gets theirs."""
        taste = self.make().fit(used)
        assert taste.partial_fit(grown()) is taste
        assert taste.interactions_.user_ids[: len(used.user_ids)] == used.user_ids
        assert taste.interactions_.item_ids[: len(used.item_ids)] == used.item_ids
        assert "c0fresh" in taste.recommend("u0", k=99).ids
        assert "c0fresh" not in taste.recommend("new0", k=99).ids
        assert len(taste.scores("u0")) == len(used.item_ids) + 1
        if self.personal:
            own = len([id for id in ITEMS if id[:2] == "c0"]) + 1
            for user in ("u0", "u4", "new0"):
                left = own - len(taste.history(user))
                assert {id[:2] for id in taste.recommend(user, k=left).ids} == {"c0"}

    def test_partial_fit_keeps_rows_and_columns_without_a_pair(self):
        """Those who used nothing, and what nobody used, keep their places."""
        matrix = np.zeros((12, 9))
        matrix[1:, 1:] = np.add.outer(np.arange(11), np.arange(8)) % 3 != 0
        taste = self.make().fit(Interactions.from_scipy(sparse.csr_array(matrix)))
        taste.partial_fit(Interactions.from_triples([20, 20, 5], [3, 4, 30]))
        assert taste.interactions_.user_ids == (*range(12), 20)
        assert taste.interactions_.item_ids == (*range(9), 30)
        assert taste.history(20) == {3: 1.0, 4: 1.0}

    def test_partial_fit_keeps_the_width_of_vectors(self, used):
        """Learning on at another width is refused with both, and what was learned stays."""
        if "dims" not in self.small:
            pytest.skip("has no vectors")
        taste = self.make().fit(used)
        before, dims = taste.scores("u0").tobytes(), self.small["dims"]
        with pytest.raises(InputError, match=f"dims must stay {dims}, as .* got {dims + 1}"):
            taste.set_params(dims=dims + 1).partial_fit(grown())
        assert taste.scores("u0").tobytes() == before

    # settings and files

    def test_settings_belong_to_the_fit(self, used):
        """set_params after fit changes no answer until the next fit."""
        taste = self.make().fit(used)
        before = taste.scores(history=["c0i0", "c1i1"]).tobytes()
        for name, values in self.refused.items():
            taste.set_params(**{name: values[0]})
        assert taste.scores(history=["c0i0", "c1i1"]).tobytes() == before

    def test_learner_keeps_the_contract_of_settings(self, used):
        """Settings are what the constructor takes, unchecked; clone forgets what was learned."""
        odd = {name: object() for name in self.learner().get_params()}
        made = self.learner(**odd)
        assert vars(made) == odd
        taste = self.make().fit(used)
        assert taste.get_params() == self.make().get_params()
        copy = clone(taste)
        assert copy.get_params() == taste.get_params()
        assert set(vars(copy)) == set(copy.get_params())
        assert repr(self.learner()) == f"{self.learner.__name__}()"
        with pytest.raises(InputError, match="must be one of"):
            taste.set_params(unheard_of=1)

    def test_nothing_is_answered_before_fit(self, tmp_path):
        """Every question before fit is a NotFittedError."""
        taste = self.make()
        for ask in (taste.scores, taste.recommend, taste.history, taste.similar):
            with pytest.raises(NotFittedError):
                ask("u0")
        with pytest.raises(NotFittedError):
            taste.causes("i", "u0")
        with pytest.raises(NotFittedError):
            taste.user_scores(["u0"])
        with pytest.raises(NotFittedError):
            taste.save(tmp_path / "m")

    def test_load_gives_back_what_was_saved(self, fitted, used, tmp_path):
        """Settings, seen items and answers come back to the bit, and learn on the same."""
        fitted.save(tmp_path / "m")
        back = embedry.load(tmp_path / "m")
        assert type(back) is self.learner
        assert back.get_params() == fitted.get_params()
        users, history = used.user_ids, {"c0i0": 2.0, "c1i1": 1.0}
        assert back.user_scores(users).tobytes() == fitted.user_scores(users).tobytes()
        assert back.scores(history=history).tobytes() == fitted.scores(history=history).tobytes()
        assert back.recommend("u3", k=9) == fitted.recommend("u3", k=9)
        assert back.recommend(history=history) == fitted.recommend(history=history)
        assert back.similar("c0i0") == fitted.similar("c0i0")
        assert back.causes("c0i4", "u0") == fitted.causes("c0i4", "u0")
        assert back.history("u0") == fitted.history("u0")
        one, two = (taste.partial_fit(grown()) for taste in (back, self.make().fit(used)))
        assert one.scores("new0").tobytes() == two.scores("new0").tobytes()

    def test_a_file_says_what_it_holds(self, fitted, tmp_path):
        """The kind and the settings of the fit are in the file, whatever was set since."""
        taste = clone(fitted).fit(fitted.interactions_)
        for name, values in self.refused.items():
            taste.set_params(**{name: values[0]})
        taste.save(tmp_path / "m")
        facts = describe(tmp_path / "m")
        assert facts["kind"] == self.learner.KIND
        assert self.learner.load(tmp_path / "m").get_params() == fitted.get_params()

    def test_load_refuses_a_damaged_file(self, fitted, tmp_path):
        """A flipped bit anywhere, a file cut short, and another kind are FileFormatErrors."""
        fitted.save(tmp_path / "m")
        whole = (tmp_path / "m").read_bytes()
        start = 8 + int.from_bytes(whole[:8], "little")
        for place in range(start, len(whole), max(1, (len(whole) - start) // 20)):
            damaged = bytearray(whole)
            damaged[place] ^= 1
            (tmp_path / "bad").write_bytes(damaged)
            with pytest.raises(FileFormatError, match="is damaged"):
                self.learner.load(tmp_path / "bad")
        (tmp_path / "bad").write_bytes(whole[: len(whole) // 2])
        with pytest.raises(FileFormatError):
            self.learner.load(tmp_path / "bad")
        embedry.Embeddings(["a"], [[1.0]]).save(tmp_path / "vectors")
        with pytest.raises(FileFormatError, match=f"must hold {self.learner.KIND}"):
            self.learner.load(tmp_path / "vectors")
