"""Learners of taste by vectors: users and items in one space, a score their dot product.

What it is: what `ALS`, `BPR` and `ItemVec` share. What it is not: a way to learn.
"""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from embedry.card import Card, fingerprint
from embedry.embeddings import Embeddings
from embedry.errors import InputError
from embedry.learn.taste.learner import TasteLearner

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from embedry.data.interactions import Interactions
    from embedry.ids import Id
    from embedry.learn.taste.past import Past

__all__ = ["FactorLearner"]

ROLES = ("user", "item")


class FactorLearner(TasteLearner):
    """A learner of taste whose users and items are vectors of one space.

    Attributes
    ----------
    user_embeddings_, item_embeddings_ : Embeddings
        Metric dot, roles user and item; a score is their dot product.
    """

    user_embeddings_: Embeddings
    item_embeddings_: Embeddings

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

    def _check_width(self, dims: int) -> None:
        """Refuse to learn on in vectors of another width."""
        learned = self.item_embeddings_.dims
        if learned != dims:
            raise InputError(
                f"dims must stay {learned}, as it was in fit; got {dims}. "
                "Call fit for another width."
            )

    def _put_learned(
        self, users: NDArray[np.float32], items: NDArray[np.float32], dims: int
    ) -> None:
        """Put what was learned before into the first rows, (known and new, dims or wider)."""
        self._check_width(dims)
        for rows, learned in ((users, self.user_embeddings_), (items, self.item_embeddings_)):
            rows[: len(learned), :dims] = learned.vectors

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
        return self.item_embeddings_.card, vectors

    def _restore(self, card: Card, arrays: Mapping[str, NDArray[Any]]) -> None:
        used = self.interactions_
        self.user_embeddings_ = Embeddings(used.user_ids, arrays["users"], card)
        self.item_embeddings_ = Embeddings(used.item_ids, arrays["items"], card)
