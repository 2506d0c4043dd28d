"""Recommendation: what others used, and what is similar, in one score.

Each candidate gets two parts on one scale: how much a user's taste wants it (learned from
interactions), and how near its content lies to what the user has used. Both parts come from the
same past items, so every recommendation can say which of them caused it.

What it is not: a learner. Taste comes fitted, content is a field of a collection.

References
----------
Hu, Koren, Volinsky 2008, section 5 (shares of past items in a taste score). Bruch, Gai, Ingber
2023 (adding calibrated scores).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from embedry.errors import InputError, UnknownIdError
from embedry.ids import check_ids
from embedry.learn.als import ALS
from embedry.metrics import DOT
from embedry.query import Hit, Hits, Plan
from embedry.store.calibration import ITEMS, Background, measured
from embedry.store.filters import parse_filter
from embedry.vectors import check_k

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from embedry.ids import Id
    from embedry.store.collection import Collection, Item
    from embedry.store.vector_index import VectorSet

__all__ = ["Recommender"]

TASTE_SHARE = 0.7
_USERS = 256  # of the sample that calibrates both parts
_CAUSES = 3


@dataclass(frozen=True)
class _Past:
    """What somebody has used: ids and values, and what nobody knows."""

    asked: str
    ids: tuple[Id, ...]
    values: NDArray[np.float64]
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Part:
    """One part of the score: a query vector that is a sum over past items, and rows to score.

    Attributes
    ----------
    weight : float
        The most this part usually gives.
    rows : ndarray (rows, dims)
    row_of : ndarray (positions,), int64
        The row of each item, -1 where it has none.
    directions : ndarray (dims, past), float64
        What each past item gives to the query vector; they sum to it.
    background : Background
    """

    weight: float
    rows: NDArray[np.float32]
    row_of: NDArray[np.int64]
    directions: NDArray[np.float64]
    background: Background

    def scores(self) -> NDArray[np.float64]:
        """Return what this part gives to each item, (positions,); 0 where it has no row."""
        query = self.directions.sum(axis=1).astype(np.float32)  # (dims, past) -> (dims,)
        raw = np.append(self.rows @ query, np.float32(np.nan))  # the last is for those without
        return self.weight * self.background.calibrated(raw[self.row_of].astype(np.float64))

    def shares(self, positions: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return what each past item gives to each score, (positions, past)."""
        places = self.row_of[positions]
        # (positions, dims) @ (dims, past) -> (positions, past)
        raw = self.rows[places].astype(np.float64) @ self.directions
        return np.where(places[:, None] >= 0, self.weight * raw / self.background.spread, 0.0)


class Recommender:
    """Recommend items of a collection by taste and by content.

    Parameters
    ----------
    collection : Collection
    taste : ALS
        Fitted on interactions with items of the collection.
    content : str
        The field that says which items are similar.
    taste_share : float
        In [0, 1]: how much of the score is taste; the rest is content.

    Raises
    ------
    InputError
        If the field is missing, taste is not fitted, no item of taste is in the collection, or
        the share is out of range.

    Examples
    --------
    See ``examples/recommend.py`` for a whole run.
    """

    def __init__(
        self,
        collection: Collection,
        *,
        taste: ALS,
        content: str,
        taste_share: float = TASTE_SHARE,
    ) -> None:
        if not isinstance(taste, ALS) or not hasattr(taste, "item_embeddings_"):
            raise InputError(f"taste must be a fitted ALS; got {taste!r}. Call fit first.")
        if not 0 <= taste_share <= 1:
            raise InputError(f"taste_share must be in [0, 1]; got {taste_share!r}.")
        self.collection = collection
        self.taste = taste
        self.content = content
        self.taste_share = taste_share
        collection.field(content)
        if not any(id in collection for id in taste.item_embeddings_.ids):
            raise InputError(
                "Taste must be learned from items of the collection; it shares no id with it."
            )

    def recommend(
        self,
        user: Id | None = None,
        *,
        history: Mapping[Id, float] | Iterable[Id] | None = None,
        k: int = 10,
        where: Mapping[str, object] | None = None,
        exclude_seen: bool = True,
    ) -> Hits:
        """Return the k items a user would want most.

        Parameters
        ----------
        user : str or int, optional
            A user that taste was learned from.
        history : iterable of ids, or mapping of id to value, optional
            What anybody has used, instead of a user. Items that only the collection knows count
            for content alone; items nobody knows are named in ``hits.unknown``.
        k : int
            At least 1.
        where : mapping, optional
            A filter on metadata; see `Collection.search`.
        exclude_seen : bool
            Leave out what was used already.

        Returns
        -------
        Hits
            Best first, ties by insertion order. ``hit.parts`` are ``"taste"`` and ``"content"``
            and sum to the score; ``hit.because`` names the past items with the largest shares.
            A part is 0 for an item that has no vector for it.

        Raises
        ------
        InputError
            If not exactly one of user and history is given, or k is below 1.
        UnknownIdError
            If the user was not learned, or no item of the history is known.
        FilterError
            If ``where`` cannot be read.
        """
        k = check_k(k)
        past = self._past(user, history)
        mirror = self.collection.mirror
        allowed = mirror.allowed(parse_filter(where) if where else None)
        candidates = np.flatnonzero(allowed)
        if exclude_seen:
            seen = [p for id in past.ids if (p := mirror.items.position(id)) is not None]
            candidates = np.setdiff1d(candidates, seen)
        parts = {"taste": self._taste_part(past), "content": self._content_part(past)}
        given = {name: part.scores()[candidates] for name, part in parts.items()}
        total = np.sum(list(given.values()), axis=0)
        best = np.lexsort((candidates, -total))[:k]
        shares = np.sum([part.shares(candidates[best]) for part in parts.values()], axis=0)
        hits = tuple(
            Hit(
                *(item.id, float(total[place]), item.document, item.metadata),
                parts={name: float(scores[place]) for name, scores in given.items()},
                because=_largest(past.ids, share),
            )
            for place, share, item in zip(
                best.tolist(), shares, self._items(candidates[best]), strict=True
            )
        )
        plan = Plan("recommend", self.content, "exact scan", int(np.count_nonzero(allowed)))
        return Hits(hits, past.asked, plan, past.unknown)

    def _items(self, positions: NDArray[np.int64]) -> Sequence[Item]:
        ids = self.collection.mirror.items.ids
        return self.collection.get(ids[position] for position in positions.tolist())

    def _past(self, user: Id | None, history: Mapping[Id, float] | Iterable[Id] | None) -> _Past:
        if (user is None) == (history is None):
            raise InputError("Pass exactly one of a user id and history=.")
        if user is not None:
            used = self.taste.history(user)
            return _Past(f"user {user!r}", tuple(used), np.array(list(used.values())))
        given = history
        if not isinstance(given, Mapping):
            given = dict.fromkeys(check_ids(given or []), 1.0)
        known = {id: float(v) for id, v in given.items() if self._is_known(id)}
        unknown = [id for id in given if id not in known]
        if not known:
            raise UnknownIdError(
                f"A history must hold at least one known item; none of {len(unknown)} is.",
                ids=unknown,
            )
        values = np.array(list(known.values()))
        return _Past("a history", tuple(known), values, tuple(map(str, unknown)))

    def _is_known(self, id: Id) -> bool:
        return id in self.taste.item_embeddings_ or id in self.collection

    def _taste_part(self, past: _Past) -> _Part:
        vectors = self.taste.item_embeddings_.vectors
        directions = np.zeros((vectors.shape[1], len(past.ids)))
        known = {
            id: value
            for id, value in zip(past.ids, past.values.tolist(), strict=True)
            if id in self.taste.item_embeddings_
        }
        if known:
            places = [place for place, id in enumerate(past.ids) if id in known]
            directions[:, places] = self.taste.directions(known)
        row_of = self._rows_of_taste()
        return _Part(self.taste_share, vectors, row_of, directions, self._taste_background)

    def _rows_of_taste(self) -> NDArray[np.int64]:
        """Return the row in taste of each position, (positions,), -1 where it has none."""
        items = self.collection.mirror.items
        rows = np.full(len(items), -1, np.int64)
        for row, id in enumerate(self.taste.item_embeddings_.ids):
            position = items.position(id)
            if position is not None:
                rows[position] = row
        return rows

    def _content_part(self, past: _Past) -> _Part:
        vectors = self.collection.field(self.content).vectors
        positions = [self.collection.mirror.items.position(id) for id in past.ids]
        directions = _profile(vectors, positions, past.values)
        weight = 1 - self.taste_share
        return _Part(weight, vectors.rows, vectors.slot_of, directions, self._content_background)

    @cached_property
    def _taste_background(self) -> Background:
        users, items = self.taste.user_embeddings_.vectors, self.taste.item_embeddings_.vectors
        return measured(DOT, _some(users, _USERS), _some(items, ITEMS), len(items))

    @cached_property
    def _content_background(self) -> Background:
        """Score the profiles of some users with some items."""
        vectors = self.collection.field(self.content).vectors
        position, profiles = self.collection.mirror.items.position, []
        for user in _some(np.array(self.taste.user_embeddings_.ids, object), _USERS):
            used = self.taste.history(user)
            positions = [position(id) for id in used]
            directions = _profile(vectors, positions, np.array(list(used.values())))
            profiles.append(directions.sum(axis=1))
        queries = np.array(profiles, np.float32)
        live = vectors.rows[vectors.live]
        return measured(vectors.metric, queries, _some(live, ITEMS), len(live))


def _profile(
    vectors: VectorSet, positions: Sequence[int | None], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return what each past item gives to the unit mean of their vectors, (dims, past)."""
    directions = np.zeros((vectors.rows.shape[1], len(positions)))
    for place, position in enumerate(positions):
        if position is not None and vectors.slot_of[position] >= 0:
            row = vectors.rows[vectors.slot_of[position]]
            directions[:, place] = values[place] * row
    length = float(np.linalg.norm(directions.sum(axis=1)))
    return directions / length if length > 0 else directions


def _some(rows: NDArray[Any], most: int) -> NDArray[Any]:
    """Return at most so many rows, evenly spread."""
    return rows[:: max(1, -(-len(rows) // most))]


def _largest(ids: Sequence[Id], shares: NDArray[np.float64]) -> tuple[tuple[Id, float], ...]:
    order = np.argsort(-shares, kind="stable")[:_CAUSES]
    return tuple((ids[place], float(shares[place])) for place in order.tolist())
