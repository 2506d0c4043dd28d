"""Cold start: new items placed in taste by what they are about, and taken among the others.

What it is: what `ALS`, `BPR` and `ItemVec` do with items that nobody, or hardly anybody, has used.
What it is not: the map from content to taste (`content_map`), nor training.

References
----------
Gantner, Drumond, Freudenthaler, Rendle, Schmidt-Thieme 2010, Learning Attribute-to-Feature
Mappings for Cold-Start Recommendations. Hu, Koren, Volinsky 2008, equation 3 (items told by their
users).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from embedry.card import Card, Operation, check
from embedry.data.interactions import Interactions
from embedry.embeddings import Embeddings
from embedry.errors import InputError, NotFittedError
from embedry.ids import Id, check_ids, check_unique
from embedry.learn.place import Placed
from embedry.learn.taste.cold.content import ContentRows, as_content
from embedry.learn.taste.cold.content_map import ContentMap, fit_content_map
from embedry.learn.taste.cold.map_file import packed_map, unpacked_map
from embedry.learn.taste.factors import FactorLearner

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["PlacedItems", "PlacingLearner"]


@dataclass(frozen=True, eq=False)
class PlacedItems(Placed):
    """Items placed in taste.

    Attributes
    ----------
    interactions : Interactions or None
        Who is known to have used them, as `place` was told; `adopt` takes note of it.
    left_out : int
        How many pairs did not count: of users that were not learned, of other items, or known
        already.
    """

    interactions: Interactions | None = None
    left_out: int = 0


class PlacingLearner(FactorLearner):
    """A learner of vectors that also places new items.

    Attributes
    ----------
    placement_ : ContentMap or None
        What `learn_placement` learned; None before, and after another ``fit``. ``partial_fit``
        fits it to where the same items lie then. It is saved.
    PLACES_BY_USE : bool
        Whether `place` also counts who has used an item.
    """

    PLACES_BY_USE: ClassVar[bool] = False
    placement_: ContentMap | None = None
    _adopted: _Adopted | None = None

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
        PlacingLearner
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
        Kernel ridge regression; see `embedry.learn.taste.cold.content_map`. Some seconds for
        2,000 items or more, of which the 3,000 with the most users are learned from.
        """
        self.placement_ = self.placement_from(content, weights=weights)
        return self

    def placement_from(
        self,
        content: Embeddings | Mapping[str, Embeddings],
        *,
        weights: Mapping[str, float] | None = None,
    ) -> ContentMap:
        """Return what `learn_placement` would learn, and leave the learner as it is.

        Parameters
        ----------
        content, weights
            As in `learn_placement`.

        Returns
        -------
        ContentMap

        Raises
        ------
        NotFittedError, InputError
            As `learn_placement`.
        """
        self._check_fitted("interactions_")
        known, used = as_content(content, weights), self.interactions_
        users = self.user_embeddings_.vectors.astype(np.float64)
        return fit_content_map(
            known.rows(used.item_ids),
            self.item_embeddings_.vectors,
            used.item_counts,
            users.T @ users,  # (dims, users) @ (users, dims)
            known,
            used.item_ids,
        )

    def place(
        self,
        items: Sequence[Id],
        *,
        content: Embeddings | Mapping[str, Embeddings],
        interactions: Interactions | None = None,
    ) -> PlacedItems:
        """Place items by what they are about, and by their first interactions.

        Parameters
        ----------
        items : sequence of n ids
            New ones, or learned ones of few interactions.
        content : Embeddings, or mapping of name to Embeddings
            In the spaces that `learn_placement` was given.
        interactions : Interactions, optional
            Who has used them so far. Pairs of users that were not learned, of other items, and
            those known already are left out and counted: what was learned from, or adopted,
            counts without being given.

        Returns
        -------
        PlacedItems
            In the space of taste, ready for `adopt` or a collection. The confidence is the
            cosine that learning would agree with, as measured on items left out, by how much
            alike the nearest learned item is; it does not count interactions.

        Raises
        ------
        NotFittedError
            Before ``fit`` or `learn_placement`.
        InputError
            If the content has spaces of other names or says nothing of an item, an item comes
            twice, or interactions are none, or given to a learner that takes none into account
            (`ALS` does).
        ForeignSpaceError
            If the content lies in other spaces.

        Notes
        -----
        An item starts where content says. Each interaction moves it: what content foretells for
        every user then counts as a weak observation, what a user did as a strong one.
        """
        self._check_fitted("interactions_")
        ids = check_ids(items)
        check_unique(ids, "the items to place")
        placement, rows = self._content_of(ids, content)
        told, left_out = self._told(ids, interactions)
        vectors = placement.vectors(rows)
        if self.PLACES_BY_USE:
            for place, (users, values) in enumerate(self._uses_of(ids, told)):
                if users.size:
                    vectors[place] = self._moved(vectors[place], users, values)
        placed = Embeddings(ids, vectors.astype(np.float32), self.item_embeddings_.card)
        return PlacedItems(placed, placement.confidence(rows), told, left_out)

    def adopt(self, placed: Placed | Embeddings) -> Self:
        """Take placed items among those that are recommended, until the next fit.

        Also ``partial_fit`` lets go of them, but for those that somebody has used by then: place
        and adopt the others again (`Recommender` does).

        Parameters
        ----------
        placed : Placed or Embeddings
            Of this space. Learned items go where they were placed; new ones are added. Those who
            used them, as `place` was told, have seen them from now on, and lie where that puts
            them.

        Returns
        -------
        PlacingLearner
            Itself.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        InputError
            If it is neither.
        ForeignSpaceError
            If they lie in another space.
        """
        self._check_fitted("interactions_")
        if not isinstance(placed, Placed | Embeddings):
            raise InputError(
                f"adopt takes what place returned, or Embeddings; got {type(placed).__name__}."
            )
        new = placed.embeddings if isinstance(placed, Placed) else placed
        check(new.card, self.item_embeddings_.card, Operation.STORE)
        fresh = [id for id in new.ids if id not in self.item_embeddings_]
        added, ids = new.subset(fresh).vectors, (*self.item_embeddings_.ids, *fresh)
        places = {id: place for place, id in enumerate(ids)}
        own = np.array([places[id] for id in new.ids], np.int64)
        vectors = np.concatenate([self.item_embeddings_.vectors, added])
        vectors[own] = new.vectors
        before = self._adopted
        learned = self._learned_items
        basis = np.concatenate([self._basis, added])
        basis[own[own >= learned]] = new.vectors[own >= learned]  # learned ones stay as learned
        adopted = own if before is None else np.union1d(before.places, own)
        self._adopted = _Adopted(learned, basis, adopted, self._learned_counts)
        self.item_embeddings_ = Embeddings(ids, vectors, self.item_embeddings_.card)
        self.interactions_ = replace(self.interactions_, item_ids=ids)
        self._forget()
        if isinstance(placed, PlacedItems) and placed.interactions is not None:
            self._note(placed.interactions)
        return self

    def _note(self, told: Interactions) -> None:
        """Count pairs of learned users and adopted items as seen, and put these users there."""
        fresh = ~told.among(self.interactions_)
        if not fresh.any():
            return
        told = told.chosen(fresh)
        self.interactions_ = self.interactions_.joined(told)
        self._forget()
        users, vectors = self.user_embeddings_, self.user_embeddings_.vectors.copy()
        for user in told.user_ids:
            row = self._user_row(user)
            vectors[row] = self._folded(self._past_of_row(row))
        self.user_embeddings_ = Embeddings(users.ids, vectors, users.card)
        self._forget()

    @property
    def _basis(self) -> NDArray[np.float32]:
        """The vectors that users are made of: of learned items as they were learned."""
        return self.item_embeddings_.vectors if self._adopted is None else self._adopted.basis

    @property
    def _learned_items(self) -> int:
        """How many items the last fit had; those adopted since stand behind them."""
        return len(self._basis) if self._adopted is None else self._adopted.learned

    @property
    def _learned_counts(self) -> NDArray[np.int64]:
        """How many pairs each user had in the last fit, (users,)."""
        return np.diff(self.interactions_.indptr) if self._adopted is None else self._adopted.counts

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

    def _told(
        self, ids: Sequence[Id], interactions: Interactions | None
    ) -> tuple[Interactions | None, int]:
        """Return new pairs of learned users and these items, and how many others there are."""
        if interactions is None:
            return None, 0
        if not isinstance(interactions, Interactions):
            raise InputError(
                f"interactions must be Interactions; got {type(interactions).__name__}."
            )
        if not self.PLACES_BY_USE:
            raise InputError(
                f"{type(self).__name__} places items by content alone; got interactions of "
                f"{len(interactions.user_ids)} users. Leave them out, or use ALS."
            )
        wanted = set(ids)
        users = np.array([user in self._user_rows for user in interactions.user_ids], np.bool_)
        items = np.array([item in wanted for item in interactions.item_ids], np.bool_)
        counts = users[interactions.rows] & items[interactions.indices]
        counts &= ~interactions.among(self.interactions_)  # these count already
        told = interactions.chosen(counts) if counts.any() else None
        return told, int(np.count_nonzero(~counts))

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
        self, vector: NDArray[np.float64], users: NDArray[np.int64], values: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return where an item goes from where content says, by who used it."""
        raise NotImplementedError  # of learners that place by use

    @cached_property
    def _candidates(self) -> NDArray[np.int64]:
        """The places of the items that somebody used, or that were placed."""
        used = np.flatnonzero(self.interactions_.item_counts > 0)
        return used if self._adopted is None else np.union1d(used, self._adopted.places)

    def _take(self, interactions: Interactions, known: Interactions | None) -> None:
        placement = None if known is None else self.placement_
        super()._take(interactions, known)
        self._adopted = self.placement_ = None
        if placement is not None:
            rows = [self._item_rows[id] for id in placement.ids]
            vectors = self.item_embeddings_.vectors[rows]
            self.placement_ = placement.fitted_to(vectors, interactions.item_counts[rows])

    def _kept(self) -> tuple[Card, dict[str, NDArray[Any]]]:
        card, arrays = super()._kept()
        if self._adopted is not None:
            arrays["adopted.basis"] = self._adopted.basis
            arrays["adopted.places"] = self._adopted.places
            arrays["adopted.learned"] = np.array([self._adopted.learned])
            arrays["adopted.counts"] = self._adopted.counts
        if self.placement_ is not None:
            arrays.update(packed_map(self.placement_))
        return card, arrays

    def _restore(self, card: Card, arrays: Mapping[str, NDArray[Any]]) -> None:
        super()._restore(card, arrays)
        if "adopted.basis" in arrays:
            basis, places, learned, counts = (
                arrays[f"adopted.{name}"] for name in ("basis", "places", "learned", "counts")
            )
            self._adopted = _Adopted(int(learned[0]), basis, places, counts)
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
    counts : ndarray (users,), int64
        How many pairs each user had in the last fit.
    """

    learned: int
    basis: NDArray[np.float32]
    places: NDArray[np.int64]
    counts: NDArray[np.int64]
