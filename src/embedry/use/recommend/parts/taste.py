"""The part that a learner of taste gives: how much somebody wants an item.

References
----------
Hu, Koren, Volinsky 2008, section 5 (shares of past items in a taste score).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypedDict, final

import numpy as np

from embedry.errors import UnknownIdError
from embedry.store.memory.calibration import HIGH, ITEMS, LOW, QUERIES, Background
from embedry.use.recommend.parts.part import Answer, Part, some
from embedry.use.recommend.parts.placed import PlacedTaste

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embedry.ids import Id
    from embedry.learn.taste.learner import TasteLearner
    from embedry.store.memory.mirror import Mirror
    from embedry.use.recommend.parts.part import Asker, Question

__all__ = ["TastePart"]

_USERS_AT_ONCE = 16
_ITEMS_COMPARED = 64


class _Whose(TypedDict, total=False):
    """Whose scores a learner is asked for; one of the two."""

    user: Id
    history: dict[Id, float]


@final
class TastePart(Part):
    """How much somebody wants each item, by what they and others have used.

    Parameters
    ----------
    name : str
    learner : TasteLearner
        Fitted. What is derived from it is derived anew once it has learned again. Where it has
        learned how content foretells taste, new items are placed; see `PlacedTaste`.
    """

    USUAL: ClassVar[float] = 0.7

    def __init__(self, name: str, learner: TasteLearner) -> None:
        self.name = name
        self.learner = learner
        self._placed = PlacedTaste(learner)
        self._now = learner  # with new items placed
        self._generation: object = None
        self._row_of: dict[Id, int] = {}
        self._rows = np.empty(0, np.int64)
        self._measured_of: object = None
        self._background: Background | None = None
        self._likenesses: Background | None = None

    def _notice(self, mirror: Mirror) -> None:
        """Catch up with what was learned, and with what content can place."""
        self._now = self._placed.now(mirror)
        if self._generation is self._now.generation:
            return
        ids, known = self._now.interactions_.item_ids, self._now.known_items
        self._row_of = {ids[row]: row for row in np.flatnonzero(known).tolist()}
        self._rows = np.empty(0, np.int64)
        self._generation = self._now.generation

    def knows(self, item: Id, mirror: Mirror) -> bool:
        """Say whether taste knows anything of an item; hold the lock."""
        self._notice(mirror)
        return item in self._row_of

    def history(self, user: Id) -> dict[Id, float]:
        """Return what a user has used, and how strongly; empty for one who was not learned."""
        try:
            return self.learner.history(user)
        except UnknownIdError:
            return {}

    def some_histories(self) -> list[dict[Id, float]]:
        """Return what some users have used, evenly spread."""
        return [self.history(user) for user in self._some_users()]

    def _some_users(self) -> list[Id]:
        used = self.learner.interactions_
        active = np.flatnonzero(np.diff(used.indptr) > 0)
        return [used.user_ids[row] for row in some(active, QUERIES).tolist()]

    def rows_of(self, mirror: Mirror) -> NDArray[np.int64]:
        """Return the item of taste at each position, (positions,), -1 where there is none."""
        self._notice(mirror)
        new = mirror.items.ids[len(self._rows) :]
        if new:  # a position belongs to one id for good
            self._rows = np.append(self._rows, [self._row_of.get(id, -1) for id in new])
        return self._rows

    def counts(self, mirror: Mirror) -> NDArray[np.float64]:
        """Return how many users each item has, (positions,); NaN for one that taste lacks."""
        rows = self.rows_of(mirror)
        return _spread(self._now.interactions_.item_counts, rows)

    def answer(self, question: Question) -> Answer:
        """Return the scores of the learner; NaN where it does not know the asker or the item."""
        rows = self.rows_of(question.mirror)
        whose = self._whose(question.asker)
        if not whose:
            return Answer(np.full(len(rows), np.nan), self.background())
        scores = self._now.scores(**whose)
        if self._now.ZERO_IS_UNKNOWN:
            scores = np.where(scores == 0, np.float32(np.nan), scores)
        return Answer(_spread(scores, rows), self.background())

    def _whose(self, asker: Asker) -> _Whose:
        """Return how to ask the learner; empty where it knows nothing of the asker."""
        if asker.user is not None and self.history(asker.user):
            return {"user": asker.user}
        pairs = zip(asker.ids, asker.values.tolist(), strict=True)
        known = {id: value for id, value in pairs if id in self._row_of}
        return {"history": known} if known else {}

    def shares(self, question: Question, positions: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the exact shares where the learner has them; see `Part.shares`."""
        shares = super().shares(question, positions)
        rows, whose = self.rows_of(question.mirror)[positions], self._whose(question.asker)
        known = np.flatnonzero(rows >= 0)
        if not whose or not known.size:
            return shares
        ids = [self._now.interactions_.item_ids[row] for row in rows[known].tolist()]
        found = self._now.shares(ids, **whose)
        if found is not None:
            past = self.history(whose["user"]) if "user" in whose else whose["history"]
            place = {id: column for column, id in enumerate(question.asker.ids)}
            shares[np.ix_(known, np.array([place[id] for id in past]))] = found
        return shares

    def background(self) -> Background:
        """Return how scores of users are spread, measured once for what is learned now."""
        self._measure_anew()
        if self._background is None:
            items, users = self._some_items(), self._some_users()
            blocks = [users[i : i + _USERS_AT_ONCE] for i in range(0, len(users), _USERS_AT_ONCE)]
            scores = [self.learner.user_scores(block)[:, items] for block in blocks]
            self._background = _between_quantiles(np.concatenate(scores))
        return self._background

    def _measure_anew(self) -> None:
        """Forget what was measured of a learner that has learned since."""
        if self._measured_of is not self.learner.generation:
            self._background = self._likenesses = None
            self._measured_of = self.learner.generation

    def _some_items(self) -> NDArray[np.int64]:
        return some(np.flatnonzero(self.learner.known_items), ITEMS)

    def likeness(self, item: Id, mirror: Mirror) -> Answer | None:
        """Return how alike the users of each item are to those of one; see `Part.likeness`."""
        if not self.knows(item, mirror):
            return None
        raw = _spread(self._now.similarities(item), self.rows_of(mirror))
        self._measure_anew()
        if self._likenesses is None:
            ids, items = self.learner.interactions_.item_ids, self._some_items()
            asked = [ids[row] for row in some(items, _ITEMS_COMPARED).tolist()]
            scores = np.array([self.learner.similarities(id)[items] for id in asked])
            self._likenesses = _between_quantiles(scores)
        return Answer(raw, self._likenesses)


def _spread(
    values: NDArray[np.float32] | NDArray[np.int64], rows: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Give each position the value of its row: (items,) -> (positions,); NaN for row -1."""
    return np.append(values.astype(np.float64), np.nan)[rows]


def _between_quantiles(scores: NDArray[np.float32]) -> Background:
    known = scores[~np.isnan(scores)].astype(np.float64)
    if not known.size:
        return Background(0.0, 1.0, 0)
    low, high = (float(one) for one in np.quantile(known, [LOW, HIGH]))
    return Background(low, max(high, low + 1e-6), 0)
