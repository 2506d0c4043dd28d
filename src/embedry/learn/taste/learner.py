"""What all learners of taste share: fit, scores, recommendations with their causes, files.

A `TasteLearner` scores all items for anybody, known or not, from what they have used. What it is
not: a way to learn; each of its subclasses is one.

References
----------
Hu, Koren, Volinsky 2008, Collaborative Filtering for Implicit Feedback Datasets, section 5 (a
score as a sum over past items).
"""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from embedry.data.history import check_history
from embedry.data.interactions import Interactions
from embedry.errors import FileFormatError, InputError, UnknownIdError
from embedry.ids import Id, check_id, check_ids, kind_hint
from embedry.learn.learner import Learner
from embedry.learn.modelfile import read_model, write_model
from embedry.learn.taste.keeping import packed, unpacked
from embedry.learn.taste.past import Past, largest
from embedry.query import Hit, Hits, Plan
from embedry.vectors import check_k

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from embedry.card import Card

__all__ = ["TasteLearner"]

CAUSES = 3  # past items named with each recommendation


class TasteLearner(Learner):
    """Learns from interactions, and scores all items for a user or a history.

    A subclass is final. It says its `KIND`, checks its settings, learns, scores, and lists the
    arrays that a file keeps.

    Attributes
    ----------
    interactions_ : Interactions
        What was learned from; seen items are left out of recommendations.
    """

    KIND: ClassVar[str]  # names the file that `save` writes, and its home in `learn.modelfile`
    _NEEDS_PAST: ClassVar[bool] = True  # nothing can be said to somebody who has used nothing
    ZERO_IS_UNKNOWN: ClassVar[bool] = False  # a score of 0: nothing leads from the past to an item
    interactions_: Interactions

    @abstractmethod
    def _learn(self, interactions: Interactions, known: Interactions | None) -> None:
        """Learn, and set what is learned, all or nothing.

        ``known`` is None for `fit`. For `partial_fit` it is what was learned from before; then
        ``interactions`` holds its pairs and the new ones, and its users and items come first, in
        their old order: a learner goes on from where it is.
        """

    @abstractmethod
    def _scores(self, past: Past) -> NDArray[np.float32]:
        """Return the score of every item, (items,) float32."""

    def _row_scores(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the scores of learned users, (rows, items) float32, as `_scores` would."""
        return self._past_scores([self._past_of_row(row) for row in rows.tolist()])

    def _past_scores(self, pasts: Sequence[Past]) -> NDArray[np.float32]:
        """Return the scores of many, (pasts, items) float32, as `_scores` would."""
        scores = np.empty((len(pasts), len(self.interactions_.item_ids)), np.float32)
        for place, past in enumerate(pasts):
            scores[place] = self._scores(past)
        return scores

    @abstractmethod
    def _shares(self, past: Past, items: NDArray[np.int64]) -> NDArray[np.float64] | None:
        """Return what each past item gives to the scores of items, (items, past).

        They sum to the scores. None for a learner whose scores are no sum over past items.
        """

    @abstractmethod
    def _similarities(self, place: int) -> NDArray[np.float32]:
        """Return how similar each item is to one, (items,) float32; NaN where nobody knows."""

    @abstractmethod
    def _kept(self) -> tuple[Card, dict[str, NDArray[Any]]]:
        """Return the card and the arrays of a file, those of the interactions left out."""

    @abstractmethod
    def _restore(self, card: Card, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Set what was learned from what `_kept` gave; ``interactions_`` is set already."""

    def fit(self, interactions: Interactions, y: object = None) -> Self:  # noqa: ARG002
        """Learn from interactions.

        Parameters
        ----------
        interactions : Interactions
        y : ignored
            For scikit-learn's sake.

        Returns
        -------
        TasteLearner
            Itself, fitted.

        Raises
        ------
        InputError
            If a setting is out of range, ``interactions`` are none or hold no pair, or nothing
            can be learned from them with these settings; the message says which to change.
        """
        self.check_settings()
        _check_interactions(interactions, "fit")
        self._take(interactions, None)
        return self

    def partial_fit(self, interactions: Interactions, y: object = None) -> Self:  # noqa: ARG002
        """Learn on from more interactions, of known and of new users and items.

        Parameters
        ----------
        interactions : Interactions
            Values of pairs that are known already are added up.
        y : ignored
            For scikit-learn's sake.

        Returns
        -------
        TasteLearner
            Itself. Before ``fit``, this is ``fit``.

        Raises
        ------
        InputError
            As `fit`; what was learned stays.
        """
        if not hasattr(self, "interactions_"):
            return self.fit(interactions)
        self.check_settings()
        _check_interactions(interactions, "partial_fit")
        self._take(self.interactions_.joined(interactions), self.interactions_)
        return self

    def _take(self, interactions: Interactions, known: Interactions | None) -> None:
        self._learn(interactions, known)
        self.interactions_ = interactions
        self._fitted_with = self._plain_settings()
        self._forget()

    def _forget(self) -> None:
        """Drop what was worked out from what was learned before."""
        for name in [name for name in self.__dict__ if _is_cached(type(self), name)]:
            del self.__dict__[name]

    def scores(
        self, user: Id | None = None, *, history: Mapping[Id, float] | Iterable[Id] | None = None
    ) -> NDArray[np.float32]:
        """Return the score of every item for somebody.

        Parameters
        ----------
        user : str or int, optional
            A user that was learned.
        history : iterable of ids, or mapping of id to value, optional
            Items of anybody; a value of 1 each unless given.

        Returns
        -------
        ndarray (items,), float32
            In the order of ``interactions_.item_ids``; larger is wanted more.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        InputError
            If not exactly one of user and history is given, an id is none, the history is empty
            or repeats an item, a value is not a finite number above 0, or a learned user has
            used nothing.
        UnknownIdError
            If the user, or an item of the history, was not learned.
        """
        return self._scores(self._past(user, history))

    def user_scores(self, users: Sequence[Id]) -> NDArray[np.float32]:
        """Return the scores of every item for many learned users at once.

        Parameters
        ----------
        users : sequence of n ids

        Returns
        -------
        ndarray (n, items), float32
            As `scores`; a user who has used nothing gets what learning left them, such as zeros.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        InputError
            If a user is no id.
        UnknownIdError
            If a user was not learned.

        Notes
        -----
        Memory: 4 bytes a user and item; ask for some thousand users at a time.
        """
        self._check_fitted("interactions_")
        ids = check_ids(users)
        unknown = [id for id in ids if id not in self._user_rows]
        if unknown:
            shown = ", ".join(map(repr, unknown[:3]))
            raise UnknownIdError(
                f"{len(unknown)} users were not learned, such as {shown}. Leave them out, or pass "
                f"their histories.{kind_hint(unknown, self._user_rows)}",
                ids=unknown,
            )
        return self._row_scores(np.array([self._user_rows[id] for id in ids], np.int64))

    def history_scores(
        self, histories: Sequence[Mapping[Id, float] | Iterable[Id]]
    ) -> NDArray[np.float32]:
        """Return the scores of every item for many histories at once.

        Parameters
        ----------
        histories : sequence of n iterables of ids, or mappings of id to value
            Each as in `scores`.

        Returns
        -------
        ndarray (n, items), float32
            As `scores`, to float32 rounding.

        Raises
        ------
        NotFittedError, InputError, UnknownIdError
            As `scores`, of the first history that is refused.

        Notes
        -----
        Memory: 4 bytes a history and item; ask for some thousand histories at a time.
        """
        self._check_fitted("interactions_")
        return self._past_scores([self._past_of(history) for history in histories])

    def recommend(
        self,
        user: Id | None = None,
        *,
        history: Mapping[Id, float] | Iterable[Id] | None = None,
        k: int = 10,
        exclude_seen: bool = True,
    ) -> Hits:
        """Return the k items a user would want most.

        Parameters
        ----------
        user : str or int, optional
        history : iterable of ids, or mapping of id to value, optional
            As in `scores`.
        k : int
            At least 1; k larger than the number of items left gives all of them.
        exclude_seen : bool
            Leave out what the user has used already.

        Returns
        -------
        Hits
            Best first, ties in the order of the items; items that nobody used are left out, but
            for those that were placed. So are, of `ItemKNN` and `EASE`, those with a score of
            exactly 0: nobody who used them leads to what was used. ``hits.plan.lacking`` counts
            these, and there may be fewer hits than k. ``hit.because`` names the past items that
            gave most of the score, and how much; over all past items these parts sum to the score
            (see `causes`). It is empty where scores are no sum over past items.

        Raises
        ------
        NotFittedError, InputError, UnknownIdError
            As `scores`; and InputError if k is below 1.
        """
        k = check_k(k)
        past = self._past(user, history)
        scores = self._scores(past)
        candidates, lacking = self._reached(past, scores, exclude_seen=exclude_seen)
        found = largest(scores, candidates, k + exclude_seen * len(past.places))
        if exclude_seen:
            found = found[~np.isin(found, past.places)][:k]
        shares = self._shares(past, found)
        because = [()] * len(found) if shares is None else [self._causes(past, s) for s in shares]
        ids = self.interactions_.item_ids
        hits = tuple(
            Hit(ids[place], float(scores[place]), because=tuple(causes))
            for place, causes in zip(found.tolist(), because, strict=True)
        )
        asked = f"user {user!r}" if user is not None else "a history"
        return Hits(hits, asked, Plan("recommend", None, "exact scan", len(ids), lacking=lacking))

    def _reached(
        self, past: Past, scores: NDArray[np.float32], *, exclude_seen: bool
    ) -> tuple[NDArray[np.int64], tuple[tuple[str, int], ...]]:
        """Return the candidates that something leads to, and how many others there are."""
        if not self.ZERO_IS_UNKNOWN:
            return self._candidates, ()
        mine = scores[self._candidates]
        unknown = self._candidates[mine == 0]
        if exclude_seen:
            unknown = unknown[~np.isin(unknown, past.places)]
        return self._candidates[mine != 0], (("taste", len(unknown)),) if len(unknown) else ()

    def similar(self, item: Id, *, k: int = 10) -> Hits:
        """Return the k items whose users are most alike.

        Parameters
        ----------
        item : str or int
        k : int
            At least 1; k larger than the number of items gives all.

        Returns
        -------
        Hits
            Best first, ties in the order of the items. Items that nobody used are left out.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        UnknownIdError
            If the item was not learned.
        InputError
            If it is no id, k is below 1, or nobody used the item.
        """
        self._check_fitted("interactions_")
        k, similarities = check_k(k), self.similarities(item)
        others = self._candidates[self._candidates != self._item_place(item)]
        others = others[~np.isnan(similarities[others])]
        found = largest(similarities, others, k)
        ids = self.interactions_.item_ids
        hits = tuple(Hit(ids[other], float(similarities[other])) for other in found.tolist())
        plan = Plan("dense", None, "exact scan", len(others) + 1, relation="same")
        return Hits(hits, f"id {item!r}", plan)

    def similarities(self, item: Id) -> NDArray[np.float32]:
        """Return how alike the users of each item and of one are, as `similar` ranks them.

        Parameters
        ----------
        item : str or int

        Returns
        -------
        ndarray (items,), float32
            In the order of ``interactions_.item_ids``; NaN where nobody knows.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        UnknownIdError
            If the item was not learned.
        InputError
            If it is no id, or nobody used the item.
        """
        place = self._item_place(item)
        if place not in self._candidates:
            raise InputError(f"Nobody used the item {item!r}: taste does not know where it lies.")
        return self._similarities(place)

    @property
    def known_items(self) -> NDArray[np.bool_]:
        """Of which items taste knows anything, (items,) bool: somebody used it, or it was placed.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        """
        self._check_fitted("interactions_")
        known = np.zeros(len(self.interactions_.item_ids), np.bool_)
        known[self._candidates] = True
        return known

    @cached_property
    def generation(self) -> object:
        """A mark of what is learned now: another one after each fit or adoption.

        Compare it by ``is``, to know whether what was worked out of the scores still holds.
        """
        return object()

    def shares(
        self,
        items: Sequence[Id],
        user: Id | None = None,
        *,
        history: Mapping[Id, float] | Iterable[Id] | None = None,
    ) -> NDArray[np.float64] | None:
        """Return what each past item gives to the scores of items.

        Parameters
        ----------
        items : sequence of n ids
        user, history
            As in `scores`.

        Returns
        -------
        ndarray (n, past), float64, or None
            A row sums to the score of its item, to float32 rounding. Columns in the order of the
            history given, or of `history`. None where scores are no sum over past items.

        Raises
        ------
        NotFittedError, InputError, UnknownIdError
            As `scores`; and if an item was not learned.
        """
        past = self._past(user, history)
        places = np.array([self._item_place(item) for item in items], np.int64)
        return self._shares(past, places)

    def causes(
        self,
        item: Id,
        user: Id | None = None,
        *,
        history: Mapping[Id, float] | Iterable[Id] | None = None,
    ) -> dict[Id, float]:
        """Return what each past item of a user gives to the score of an item.

        Parameters
        ----------
        item : str or int
        user, history
            As in `scores`.

        Returns
        -------
        dict of id to float
            Largest first; the values sum to the score, to float32 rounding. Empty where scores
            are no sum over past items.

        Raises
        ------
        NotFittedError, InputError, UnknownIdError
            As `scores`; and UnknownIdError if the item was not learned.
        """
        past = self._past(user, history)
        shares = self._shares(past, np.array([self._item_place(item)]))
        if shares is None:
            return {}
        order = np.argsort(-shares[0], kind="stable").tolist()
        ids = self.interactions_.item_ids
        return {ids[past.places[i]]: float(shares[0, i]) for i in order}

    def history(self, user: Id) -> dict[Id, float]:
        """Return what a user has used, with values, in the order of the items.

        Parameters
        ----------
        user : str or int

        Returns
        -------
        dict of id to float

        Raises
        ------
        NotFittedError
            Before ``fit``.
        InputError
            If it is no id.
        UnknownIdError
            If the user was not learned.
        """
        past = self._past_of_row(self._user_row(user))
        ids = self.interactions_.item_ids
        pairs = zip(past.places.tolist(), past.values.tolist(), strict=True)
        return {ids[place]: value for place, value in pairs}

    def _past(self, user: Id | None, history: Mapping[Id, float] | Iterable[Id] | None) -> Past:
        """Return what a user, or somebody unknown, has used."""
        self._check_asked(user, history)
        if user is None:
            return self._past_of(history)  # type: ignore[arg-type]
        past = self._past_of_row(self._user_row(user))
        if not past.places.size and self._NEEDS_PAST:
            raise InputError(
                f"A user must have used something; {user!r} has not. Pass history=[...] instead."
            )
        return past

    def _check_asked(
        self, user: Id | None, history: Mapping[Id, float] | Iterable[Id] | None
    ) -> None:
        self._check_fitted("interactions_")
        if (user is None) == (history is None):
            raise InputError("Pass exactly one of a user id and history=.")

    def _past_of(self, history: Mapping[Id, float] | Iterable[Id]) -> Past:
        """Return places and values of the items of a history."""
        used = check_history(history, may_be_empty=not self._NEEDS_PAST)
        missing = [id for id in used if id not in self._item_rows]
        if missing:
            shown = ", ".join(map(repr, missing[:3]))
            raise UnknownIdError(
                f"{len(missing)} items of the history were not learned, such as {shown}. "
                f"Leave them out, or fit again with them.{kind_hint(missing, self._item_rows)}",
                ids=missing,
            )
        places = np.array([self._item_rows[id] for id in used], np.int64)
        return Past(places, np.array(list(used.values()), np.float64))

    def _past_of_row(self, row: int) -> Past:
        used = self.interactions_
        part = slice(used.indptr[row], used.indptr[row + 1])
        return Past(used.indices[part].astype(np.int64), used.values[part].astype(float), row)

    def _user_row(self, user: Id) -> int:
        self._check_fitted("interactions_")
        name = check_id(user)
        if name not in self._user_rows:
            hint = kind_hint([name], self._user_rows)
            raise UnknownIdError(f"The user {name!r} was not learned.{hint}", ids=[name])
        return self._user_rows[name]

    def _item_place(self, item: Id) -> int:
        self._check_fitted("interactions_")
        name = check_id(item)
        if name not in self._item_rows:
            hint = kind_hint([name], self._item_rows)
            raise UnknownIdError(f"The item {name!r} was not learned.{hint}", ids=[name])
        return self._item_rows[name]

    @cached_property
    def _user_rows(self) -> dict[Id, int]:
        return {user: row for row, user in enumerate(self.interactions_.user_ids)}

    @cached_property
    def _item_rows(self) -> dict[Id, int]:
        return {item: row for row, item in enumerate(self.interactions_.item_ids)}

    @cached_property
    def _candidates(self) -> NDArray[np.int64]:
        """The places of the items that somebody used; of the others taste knows nothing."""
        return np.flatnonzero(self.interactions_.item_counts > 0)

    def _causes(self, past: Past, shares: NDArray[np.float64]) -> tuple[tuple[Id, float], ...]:
        order = np.argsort(-shares, kind="stable")[:CAUSES]
        ids = self.interactions_.item_ids
        pairs = ((ids[past.places[i]], float(shares[i])) for i in order.tolist())
        return tuple(pair for pair in pairs if pair[1] > 0)

    def save(self, path: str | Path) -> None:
        """Write what was learned, and the seen items, into one file; `load` reads it.

        Parameters
        ----------
        path : str or Path

        Raises
        ------
        NotFittedError
            Before ``fit``.
        OSError
            If it cannot be written; what was there stays.
        """
        self._check_fitted("interactions_")
        card, arrays = self._kept()
        kept, counts = packed(self.interactions_)
        write_model(path, card, {**self._fitted_with, **counts}, {**kept, **arrays})

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what `save` wrote.

        Parameters
        ----------
        path : str or Path

        Returns
        -------
        TasteLearner
            Fitted.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        FileFormatError
            If it is something else, or damaged.
        """
        card, settings, file = read_model(path, cls.KIND)
        try:
            counts = {name: settings.pop(name) for name in ("_merged", "_dropped")}
            taste = cls(**settings)
            taste._fitted_with = settings
            taste.interactions_ = unpacked(file.arrays, counts)
            taste._restore(card, file.arrays)
        except (KeyError, TypeError, ValueError) as error:
            raise FileFormatError(f"{path} is damaged: {error}", path=path) from error
        return taste


def _check_interactions(interactions: Interactions, method: str) -> None:
    if not isinstance(interactions, Interactions):
        raise InputError(
            f"{method} takes Interactions; got {type(interactions).__name__}. "
            "Make them with Interactions.from_triples(users, items) or .from_file(path)."
        )
    if not len(interactions):
        raise InputError(f"There must be a pair to learn from; got {interactions!r}.")


def _is_cached(kind: type, name: str) -> bool:
    return isinstance(getattr(kind, name, None), cached_property)
