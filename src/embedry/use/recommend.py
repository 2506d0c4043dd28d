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

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from embedry.data.history import check_history
from embedry.errors import InputError, UnknownIdError
from embedry.learn.learner import real_number
from embedry.learn.taste.als import ALS
from embedry.metrics import DOT, EUCLIDEAN
from embedry.query import Hit, Hits, Plan
from embedry.store.collection import Collection
from embedry.store.memory.calibration import ITEMS, Background, measured
from embedry.store.metadata.filters import parse_filter
from embedry.vectors import check_k

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from embedry.ids import Id
    from embedry.store.indexes.vector_index import VectorSet
    from embedry.store.memory.mirror import Mirror

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
        The most this part usually gives, at least 0.
    rows : ndarray (rows, dims)
    row_of : ndarray (positions,), int64
        The row of each item, -1 where it has none.
    directions : ndarray (dims, past), float64
        What each past item gives to the query vector; they sum to it.
    background : Background
        What puts the scores on the common scale.
    """

    weight: float
    rows: NDArray[np.float32]
    row_of: NDArray[np.int64]
    directions: NDArray[np.float64]
    background: Background

    def scores(self) -> NDArray[np.float64]:
        """Return what this part gives to each item, (positions,); 0 where it has no row.

        Where no past item gives anything, this part knows nothing and gives nothing.
        """
        if not self.directions.any():
            return np.zeros(len(self.row_of))
        query = self.directions.sum(axis=1).astype(np.float32)  # (dims, past) -> (dims,)
        raw = np.append(self.rows @ query, np.float32(np.nan))  # the last is for those without
        return self.weight * self.background.calibrated(raw[self.row_of].astype(np.float64))

    def shares(self, positions: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return what each past item gives to each score, (positions, past).

        Over all past items they sum to the score plus ``weight * low / spread``, which is what
        the common scale takes off or adds for every item alike.
        """
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
        The field that says which items are similar; its metric is cosine or dot.
    taste_share : float
        In [0, 1]: how much of the score is taste; the rest is content.

    Raises
    ------
    InputError
        If the field is missing or of another metric, taste is not fitted, no item of taste is in
        the collection, or the share is out of range.

    Notes
    -----
    The scale of content is measured at the first call, and again when the field has doubled.

    Examples
    --------
    >>> import tempfile
    >>> from embedry import ALS, Collection, Interactions, Recommender
    >>> users, used = ["ann", "bob", "bob", "eve"], ["plum", "plum", "pear", "car"]
    >>> taste = ALS(dims=2, regularization=0.1).fit(Interactions.from_triples(users, used))
    >>> with tempfile.TemporaryDirectory() as folder, Collection.open(folder) as things:
    ...     done = things.add_field("looks", dims=2)
    ...     looks = [[1, 0], [0.9, 0.1], [0, 1]]
    ...     done = things.upsert(["plum", "pear", "car"], vectors={"looks": looks})
    ...     Recommender(things, taste=taste, content="looks").recommend("ann", k=1).ids
    ('pear',)
    """

    def __init__(
        self,
        collection: Collection,
        *,
        taste: ALS,
        content: str,
        taste_share: float = TASTE_SHARE,
    ) -> None:
        if not isinstance(collection, Collection):
            raise InputError(f"collection must be a Collection; got {collection!r}.")
        if not isinstance(taste, ALS) or not hasattr(taste, "item_embeddings_"):
            raise InputError(f"taste must be a fitted ALS; got {taste!r}. Call fit first.")
        self.collection = collection
        self.taste = taste
        self.content = content
        self._content: Background | None = None
        self._rows: NDArray[np.int64] | None = None
        self._rows_seen = -1
        self._fitted = taste.item_embeddings_
        self.taste_share = real_number("taste_share", taste_share, 0, 1)
        if collection.field(content).vectors.metric is EUCLIDEAN:
            raise InputError(
                f"content must be a field of metric cosine or dot; {content!r} is euclidean, and a "
                "distance is no sum over past items. Add a field of another metric."
            )
        if not any(id in collection for id in taste.item_embeddings_.ids):
            raise InputError(
                "Taste must be learned from items of the collection; it shares no id with it. "
                'Upsert its items, or add_field(..., missing="create").'
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
            What anybody has used, instead of a user; a value of 1 each unless given. Items that
            only the collection knows count for content alone, items that only taste knows for
            taste alone; items nobody knows are named in ``hits.unknown``.
        k : int
            At least 1; k larger than the number of items left gives all of them.
        where : mapping, optional
            A filter on metadata; see `Collection.search`.
        exclude_seen : bool
            Leave out what was used already.

        Returns
        -------
        Hits
            Best first, ties by insertion order. ``hit.parts`` are ``"taste"`` and ``"content"``
            and sum to the score; ``hit.because`` names the past items with the largest shares.
            A part is 0 for an item that has no vector for it, and for all items where no past
            item has one.

        Raises
        ------
        InputError
            If not exactly one of user and history is given, the user has used nothing, the
            history is empty or repeats an item, a value is not a finite number above 0, or k is
            below 1.
        UnknownIdError
            If the user was not learned, or no item of the history is known.
        FilterError
            If ``where`` cannot be read.

        Notes
        -----
        Exact: O(items dims) time.
        """
        k = check_k(k)
        past = self._past(user, history)
        asked = None if where is None else parse_filter(where)
        mirror = self.collection.mirror
        with mirror.lock:  # positions and vectors of one moment
            self._notice_refit()
            allowed = mirror.allowed(asked)
            positions = [mirror.items.position(id) for id in past.ids]
            parts = {
                "taste": self._taste_part(past, mirror),
                "content": self._content_part(past, positions, mirror),
            }
            keys = () if asked is None else tuple(sorted(asked.keys - set(mirror.columns().kinds)))
        candidates = np.flatnonzero(allowed)
        if exclude_seen:
            candidates = np.setdiff1d(candidates, [p for p in positions if p is not None])
        hits = self._best(past, parts, candidates, k)
        passed = int(np.count_nonzero(allowed))
        plan = Plan("recommend", self.content, "exact scan", passed, unknown_keys=keys)
        return Hits(hits, past.asked, plan, past.unknown)

    def _best(
        self, past: _Past, parts: Mapping[str, _Part], candidates: NDArray[np.int64], k: int
    ) -> tuple[Hit, ...]:
        """Return the k best candidates, with parts and causes."""
        given = {name: part.scores()[candidates] for name, part in parts.items()}
        total = np.sum(list(given.values()), axis=0)  # (parts, candidates) -> (candidates,)
        best = np.lexsort((candidates, -total))[:k]
        shares = np.sum([part.shares(candidates[best]) for part in parts.values()], axis=0)
        ids = [self.collection.mirror.items.ids[place] for place in candidates[best].tolist()]
        stored = {item.id: item for item in self.collection.get(ids)}
        return tuple(
            Hit(
                *(id, float(total[place]), stored[id].document, stored[id].metadata),
                parts={name: float(scores[place]) for name, scores in given.items()},
                because=_largest(past.ids, share),
            )
            for id, place, share in zip(ids, best.tolist(), shares, strict=True)
            if id in stored  # not removed a moment ago by another process
        )

    def _past(self, user: Id | None, history: Mapping[Id, float] | Iterable[Id] | None) -> _Past:
        if user is not None and history is None:
            return self._past_of_user(user)
        if user is not None or history is None:
            raise InputError("Pass exactly one of a user id and history=.")
        used = check_history(history)
        ids, values = list(used), np.array(list(used.values()))
        known = np.array([self._is_known(id) for id in ids])
        unknown = [id for id, is_known in zip(ids, known, strict=True) if not is_known]
        if not known.any():
            raise UnknownIdError(
                f"A history must hold an item that taste or the collection knows; none of "
                f"{len(ids)} is known, such as {ids[0]!r}. Check the ids, and whether they are "
                "str or int.",
                ids=unknown,
            )
        kept = tuple(id for id, is_known in zip(ids, known, strict=True) if is_known)
        return _Past("a history", kept, values[known], tuple(map(str, unknown)))

    def _past_of_user(self, user: Id) -> _Past:
        used = self.taste.history(user)
        if not used:
            raise InputError(
                f"A user must have used something; {user!r} has not. Pass history=[...] instead."
            )
        return _Past(f"user {user!r}", tuple(used), np.array(list(used.values())))

    def _is_known(self, id: Id) -> bool:
        return id in self.taste.item_embeddings_ or id in self.collection

    def _notice_refit(self) -> None:
        """Forget what was derived from a taste that has been fitted anew."""
        if self._fitted is not self.taste.item_embeddings_:
            self._fitted, self._rows, self._content = self.taste.item_embeddings_, None, None
            self.__dict__.pop("_taste_background", None)

    def _taste_part(self, past: _Past, mirror: Mirror) -> _Part:
        items = self.taste.item_embeddings_
        directions = np.zeros((items.dims, len(past.ids)))
        places = [place for place, id in enumerate(past.ids) if id in items]
        if places:
            known = {past.ids[place]: float(past.values[place]) for place in places}
            directions[:, places] = self.taste.directions(known)
        rows = self._rows_of_taste(mirror)
        return _Part(self.taste_share, items.vectors, rows, directions, self._taste_background)

    def _rows_of_taste(self, mirror: Mirror) -> NDArray[np.int64]:
        """Return the row in taste of each position, (positions,), -1 where it has none."""
        if self._rows is None or self._rows_seen != mirror.items.seen:
            self._rows, self._rows_seen = (
                np.full(len(mirror.items), -1, np.int64),
                mirror.items.seen,
            )
            for row, id in enumerate(self.taste.item_embeddings_.ids):
                position = mirror.items.position(id)
                if position is not None:
                    self._rows[position] = row
        return self._rows

    def _content_part(self, past: _Past, positions: Sequence[int | None], mirror: Mirror) -> _Part:
        vectors = mirror.fields[self.content].vectors
        background = self._content_background(vectors, mirror)
        directions = _profile(vectors, positions, past.values)
        weight = 1 - self.taste_share
        return _Part(weight, vectors.rows, vectors.slot_of, directions, background)

    @cached_property
    def _taste_background(self) -> Background:
        users, items = self.taste.user_embeddings_.vectors, self.taste.item_embeddings_.vectors
        return measured(DOT, _some(users, _USERS), _some(items, ITEMS), len(items))

    def _content_background(self, vectors: VectorSet, mirror: Mirror) -> Background:
        """Return how profiles score items, measured anew when the field has doubled."""
        if self._content is None or len(vectors) >= 2 * self._content.items:
            profiles = self._some_profiles(vectors, mirror)
            rows = _some(vectors.rows[vectors.live], ITEMS)
            if len(profiles) and len(rows):
                self._content = measured(vectors.metric, profiles, rows, len(vectors))
            else:
                self._content = mirror.fields[self.content].background("item")
        return self._content

    def _some_profiles(self, vectors: VectorSet, mirror: Mirror) -> NDArray[np.float32]:
        """Return the profiles of some users who have one, (users, dims)."""
        profiles = []
        for user in _some(np.array(self.taste.user_embeddings_.ids, object), _USERS):
            used = self.taste.history(user)
            positions = [mirror.items.position(id) for id in used]
            directions = _profile(vectors, positions, np.array(list(used.values())))
            profiles.append(directions.sum(axis=1))  # (dims, past) -> (dims,)
        found = np.array(profiles, np.float32)
        return found[found.any(axis=1)]


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
    return tuple(
        (ids[place], float(shares[place])) for place in order.tolist() if shares[place] > 0
    )
