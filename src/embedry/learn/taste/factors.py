"""Learners of taste by vectors: users and items in one space, a score their dot product.

What it is: what `ALS`, `BPR` and `ItemVec` share. What it is not: a way to learn.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from embedry.card import Card, Operation, check, fingerprint
from embedry.embeddings import Embeddings
from embedry.errors import InputError, NotFittedError
from embedry.ids import Id, check_ids, check_unique
from embedry.learn.place import Placed
from embedry.learn.taste.content import ContentRows, as_content
from embedry.learn.taste.learner import TasteLearner
from embedry.learn.taste.placement import ContentMap, fit_content_map
from embedry.learn.taste.placement_file import packed_map, unpacked_map

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from embedry.data.interactions import Interactions
    from embedry.learn.taste.past import Past

__all__ = ["FactorLearner"]

ROLES = ("user", "item")


class FactorLearner(TasteLearner):
    """A learner of taste whose users and items are vectors of one space.

    Attributes
    ----------
    user_embeddings_, item_embeddings_ : Embeddings
        Metric dot, roles user and item; a score is their dot product.
    placement_ : ContentMap or None
        What `learn_placement` learned; None before, and after another fit. It is saved.
    PLACES_BY_USE : bool
        Whether `place` also counts who has used an item.
    """

    user_embeddings_: Embeddings
    item_embeddings_: Embeddings
    PLACES_BY_USE: ClassVar[bool] = False
    placement_: ContentMap | None = None
    _adopted: _Adopted | None = None

    @abstractmethod
    def _directions(self, past: Past) -> NDArray[np.float64] | None:
        """Return what each past item gives to the user's vector, (dims, past).

        The columns sum to the vector. None where it is no sum over past items.
        """

    @abstractmethod
    def _folded(self, past: Past) -> NDArray[np.float32]:
        """Return where somebody unknown lies, (dims,) float32."""

    def user(
        self, user: Id | None = None, *, history: Mapping[Id, float] | Iterable[Id] | None = None
    ) -> Embeddings:
        """Return where a user lies: one who was learned, or one known by their history.

        Parameters
        ----------
        user : str or int, optional
        history : iterable of ids, or mapping of id to value, optional
            Items of an unseen user; a value of 1 each unless given.

        Returns
        -------
        Embeddings
            Of one row; its id is the user's, or ``"history"``. A learned user who has used
            nothing lies where learning left them; in `ALS` at zero.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        InputError
            If not exactly one of user and history is given, the history is empty or repeats an
            item, or a value is not a finite number above 0.
        UnknownIdError
            If the user, or an item of the history, was not learned.
        """
        self._check_asked(user, history)
        if history is None:
            return self.user_embeddings_.subset([self.user_embeddings_.ids[self._user_row(user)]])  # type: ignore[arg-type]
        vector = self._folded(self._past_of(history))
        return Embeddings(["history"], vector[None], self.item_embeddings_.card)

    def directions(self, history: Mapping[Id, float] | Iterable[Id]) -> NDArray[np.float64]:
        """Return what each past item gives to the vector of a user.

        Parameters
        ----------
        history : iterable of p ids, or mapping of id to value

        Returns
        -------
        ndarray (dims, p), float64
            In the order of the history. The columns sum to the user's vector; the dot product of
            an item with a column is what that past item gives to the item's score.

        Raises
        ------
        NotFittedError, UnknownIdError
            As `user`.
        InputError
            As `user`; and where vectors of users are no sum over past items.
        """
        self._check_fitted("interactions_")
        found = self._directions(self._past_of(history))
        if found is None:
            raise InputError(
                f"A user's vector must be a sum over past items; that of {type(self).__name__} is "
                "none. Use ALS or ItemVec."
            )
        return found

    def learn_placement(
        self,
        content: Embeddings | Mapping[str, Embeddings],
        *,
        weights: Mapping[str, float] | None = None,
    ) -> Self:
        """Learn where items belong from what they are about, so that new items can be placed.

        Parameters
        ----------
        content : Embeddings, or mapping of name to Embeddings
            What the learned items are about, by their ids: one space (of texts, tags, pictures)
            or several. Items without content are left out; ids that were not learned are, too.
        weights : mapping of name to float, optional
            What each space counts; 1 each unless given.

        Returns
        -------
        FactorLearner
            Itself, with ``placement_``.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        InputError
            If content is none, a weight is out of range, or fewer than 30 items have both users
            and content.

        Notes
        -----
        Kernel ridge regression; see `embedry.learn.taste.placement`. Some seconds for 2,000 items
        or more, of which the 3,000 with the most users are learned from.
        """
        self._check_fitted("interactions_")
        known, used = as_content(content, weights), self.interactions_
        users = self.user_embeddings_.vectors.astype(np.float64)
        self.placement_ = fit_content_map(
            known.rows(used.item_ids),
            self.item_embeddings_.vectors,
            used.item_counts,
            users.T @ users,  # (dims, users) @ (users, dims)
            known.weights,
            known.cards,
        )
        return self

    def place(
        self,
        items: Sequence[Id],
        *,
        content: Embeddings | Mapping[str, Embeddings],
        interactions: Interactions | None = None,
    ) -> Placed:
        """Place items by what they are about, and by their first interactions.

        Parameters
        ----------
        items : sequence of n ids
            New ones, or learned ones of few interactions.
        content : Embeddings, or mapping of name to Embeddings
            In the spaces that `learn_placement` was given.
        interactions : Interactions, optional
            Who has used them so far. Users that were not learned are left out. For learned items
            those of the last fit count without being given.

        Returns
        -------
        Placed
            In the space of taste, ready for `adopt` or a collection. The confidence is the
            cosine that learning would agree with, as measured on items left out, by how much
            alike the nearest learned item is; it does not count interactions.

        Raises
        ------
        NotFittedError
            Before ``fit`` or `learn_placement`.
        InputError
            If the content is of other spaces or says nothing of an item, an item comes twice, or
            this learner takes no interactions into account (`ALS` does).

        Notes
        -----
        An item starts where content says. Each interaction moves it: what content foretells for
        every user then counts as a weak observation, what a user did as a strong one.
        """
        self._check_fitted("interactions_")
        ids = check_ids(items)
        check_unique(ids, "the items to place")
        placement, rows = self._content_of(ids, content)
        vectors = placement.vectors(rows)
        for place, (users, values) in enumerate(self._uses_of(ids, interactions)):
            if users.size:
                vectors[place] = self._moved(vectors[place], users, values)
        placed = Embeddings(ids, vectors.astype(np.float32), self.item_embeddings_.card)
        return Placed(placed, placement.confidence(rows))

    def adopt(self, placed: Placed | Embeddings) -> Self:
        """Take placed items among those that are recommended, until the next fit.

        Parameters
        ----------
        placed : Placed or Embeddings
            Of this space. Learned items go where they were placed; new ones are added.

        Returns
        -------
        FactorLearner
            Itself.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        ForeignSpaceError
            If they lie in another space.
        """
        self._check_fitted("interactions_")
        new = placed.embeddings if isinstance(placed, Placed) else placed
        check(new.card, self.item_embeddings_.card, Operation.STORE)
        fresh = [id for id in new.ids if id not in self.item_embeddings_]
        added, ids = new.subset(fresh).vectors, (*self.item_embeddings_.ids, *fresh)
        places = {id: place for place, id in enumerate(ids)}
        own = np.array([places[id] for id in new.ids], np.int64)
        vectors = np.concatenate([self.item_embeddings_.vectors, added])
        vectors[own] = new.vectors
        adopted = self._adopted or _Adopted(len(vectors) - len(added), self._basis, own)
        self._adopted = _Adopted(
            adopted.learned,
            np.concatenate([self._basis, added]),
            np.union1d(adopted.places, own),
        )
        self.item_embeddings_ = Embeddings(ids, vectors, self.item_embeddings_.card)
        self.interactions_ = replace(self.interactions_, item_ids=ids)
        self._forget()
        return self

    @property
    def _basis(self) -> NDArray[np.float32]:
        """The vectors that users are made of: of learned items as they were learned."""
        return self.item_embeddings_.vectors if self._adopted is None else self._adopted.basis

    @property
    def _learned_items(self) -> int:
        """How many items the last fit had; those adopted since stand behind them."""
        return len(self._basis) if self._adopted is None else self._adopted.learned

    def _content_of(
        self, ids: Sequence[Id], content: Embeddings | Mapping[str, Embeddings]
    ) -> tuple[ContentMap, ContentRows]:
        """Return the map, and the content of items in its spaces, or refuse it."""
        placement = self.placement_
        if placement is None:
            raise NotFittedError("Call learn_placement(content) first: items cannot be placed yet.")
        spaces = as_content(content).spaces
        if set(spaces) != set(placement.cards):
            raise InputError(
                f"content must hold the spaces {', '.join(placement.cards)}, as learn_placement "
                f"was given; got {', '.join(spaces)}."
            )
        given = as_content(content, placement.weights)
        for name, card in placement.cards.items():
            check(given.cards[name], card, Operation.COMPARE)
        rows = given.rows(ids)
        bare = [id for id, known in zip(ids, rows.known.tolist(), strict=True) if not known]
        if bare:
            raise InputError(
                f"content must say something of every item; of {len(bare)} it does not, such as "
                f"{bare[0]!r}. Leave them out."
            )
        return placement, rows

    def _uses_of(
        self, ids: Sequence[Id], interactions: Interactions | None
    ) -> list[tuple[NDArray[np.int64], NDArray[np.float64]]]:
        """Return for each item the rows of the users who used it, and how strongly."""
        used = self.interactions_
        learned_ones = [self._item_rows[id] for id in ids if id in self._item_rows]
        if interactions is None and not used.item_counts[learned_ones].any():
            return [(np.empty(0, np.int64), np.empty(0))] * len(ids)
        together = used if interactions is None else used.joined(interactions)
        by_item = together.transposed()
        places = {id: place for place, id in enumerate(together.item_ids)}
        found = []
        for id in ids:
            place = places.get(id)
            part = slice(0, 0)
            if place is not None:
                part = slice(by_item.indptr[place], by_item.indptr[place + 1])
            rows = by_item.indices[part].astype(np.int64)
            learned = rows < len(used.user_ids)  # joined users come behind those known
            found.append((rows[learned], by_item.values[part][learned].astype(float)))
        return found

    def _moved(
        self,
        vector: NDArray[np.float64],  # noqa: ARG002  (for those that take uses into account)
        users: NDArray[np.int64],
        values: NDArray[np.float64],  # noqa: ARG002
    ) -> NDArray[np.float64]:
        """Return where an item goes from where content says, by who used it."""
        raise InputError(
            f"{type(self).__name__} places items by content alone; got interactions of "
            f"{len(users)} users. Leave them out, or use ALS."
        )

    @cached_property
    def _candidates(self) -> NDArray[np.int64]:
        """The places of the items that somebody used, or that were placed."""
        used = np.flatnonzero(self.interactions_.item_counts > 0)
        return used if self._adopted is None else np.union1d(used, self._adopted.places)

    def _take(self, interactions: Interactions, known: Interactions | None) -> None:
        super()._take(interactions, known)
        self.placement_ = self._adopted = None

    def _scores(self, past: Past) -> NDArray[np.float32]:
        known = past.row is not None
        vector = self.user_embeddings_.vectors[past.row] if known else self._folded(past)
        return np.asarray(self.item_embeddings_.vectors @ vector, np.float32)

    def _row_scores(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        # (rows, dims) @ (dims, items) -> (rows, items)
        return np.asarray(self.user_embeddings_.vectors[rows] @ self.item_embeddings_.vectors.T)

    def _past_scores(self, pasts: Sequence[Past]) -> NDArray[np.float32]:
        vectors = np.empty((len(pasts), self.item_embeddings_.dims), np.float32)
        for place, past in enumerate(pasts):
            vectors[place] = self._folded(past)
        # (pasts, dims) @ (dims, items) -> (pasts, items)
        return np.asarray(vectors @ self.item_embeddings_.vectors.T)

    def _shares(self, past: Past, items: NDArray[np.int64]) -> NDArray[np.float64] | None:
        directions = self._directions(past)
        if directions is None:
            return None
        # (items, dims) @ (dims, past) -> (items, past)
        return np.asarray(self.item_embeddings_.vectors[items] @ directions)

    def _similarities(self, place: int) -> NDArray[np.float32]:
        """Return cosines: a vector is long where an item is popular, which is no similarity."""
        rows = self._units
        return np.where(rows.any(axis=1), rows @ rows[place], np.float32(np.nan))

    @cached_property
    def _units(self) -> NDArray[np.float32]:
        vectors = self.item_embeddings_.vectors
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.where(lengths > 0, lengths, 1), np.float32)

    def _place_in_space(
        self, interactions: Interactions, users: NDArray[np.float32], items: NDArray[np.float32]
    ) -> None:
        """Set both embeddings, with a card of the settings and of all vectors."""
        settings = self._plain_settings()
        content = fingerprint(
            self.KIND,
            *(list(interactions.user_ids), users),
            *(list(interactions.item_ids), items),
            sorted((name, str(value)) for name, value in settings.items() if name != "threads"),
        )
        dims = users.shape[1]
        card = Card(self.KIND, dims, "dot", content, ROLES, settings=tuple(settings.items()))
        placed = Embeddings(interactions.user_ids, users, card)
        self.item_embeddings_ = Embeddings(interactions.item_ids, items, card)
        self.user_embeddings_ = placed

    def _kept(self) -> tuple[Card, dict[str, NDArray[Any]]]:
        vectors: dict[str, NDArray[Any]] = {
            "users": self.user_embeddings_.vectors,
            "items": self.item_embeddings_.vectors,
        }
        if self._adopted is not None:
            vectors["adopted.basis"] = self._adopted.basis
            vectors["adopted.places"] = self._adopted.places
            vectors["adopted.learned"] = np.array([self._adopted.learned])
        if self.placement_ is not None:
            vectors.update(packed_map(self.placement_))
        return self.item_embeddings_.card, vectors

    def _restore(self, card: Card, arrays: Mapping[str, NDArray[Any]]) -> None:
        used = self.interactions_
        self.user_embeddings_ = Embeddings(used.user_ids, arrays["users"], card)
        self.item_embeddings_ = Embeddings(used.item_ids, arrays["items"], card)
        if "adopted.basis" in arrays:
            basis, places, learned = (
                arrays[f"adopted.{name}"] for name in ("basis", "places", "learned")
            )
            self._adopted = _Adopted(int(learned[0]), basis, places)
        self.placement_ = unpacked_map(arrays)


@dataclass(frozen=True, eq=False)
class _Adopted:
    """What stays as it was learned when placed items are adopted.

    Attributes
    ----------
    learned : int
        How many items the last fit had.
    basis : ndarray (items, dims), float32
        The vectors that users are made of: learned ones, behind them those of new items.
    places : ndarray (adopted,), int64
        Which items were adopted.
    """

    learned: int
    basis: NDArray[np.float32]
    places: NDArray[np.int64]
