"""New items in taste: where content says that they belong, until interactions say more.

A learner that knows how content foretells taste (`learn_placement`) can place every item of a
collection that has such content. What it is: that learner, with the items placed that nobody or
hardly anybody has used, kept in step with a live collection. What it is not: training; the
learner itself stays as it is.
"""

from __future__ import annotations

from copy import copy
from operator import is_
from typing import TYPE_CHECKING, final

import numpy as np

from embedry.card import Relation
from embedry.embeddings import Embeddings
from embedry.learn.taste.cold.placing import PlacingLearner

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from embedry.ids import Id
    from embedry.learn.taste.cold.content_map import ContentMap
    from embedry.learn.taste.learner import TasteLearner
    from embedry.store.memory.fields import Field
    from embedry.store.memory.mirror import Mirror

__all__ = ["PlacedTaste", "embeddings_of"]

FEW_USERS = 20  # with fewer, content still has a say in where an item lies


@final
class PlacedTaste:
    """A learner of taste, and the same learner with the new items of a collection.

    Parameters
    ----------
    learner : TasteLearner
        Fitted.
    """

    def __init__(self, learner: TasteLearner) -> None:
        self.learner = learner
        self._placing: PlacingLearner | None = None
        self._made_by: tuple[object, object] = (None, None)
        self._users: dict[Id, int] = {}
        self._ids: set[Id] = set()  # of placed items
        self._slots = np.empty((0, 0), np.int64)
        self._seen: list[object] = []  # what the last answer was made of
        self._answer: TasteLearner = learner

    def now(self, mirror: Mirror) -> TasteLearner:
        """Return the learner with the items of a collection that content can place.

        Parameters
        ----------
        mirror : Mirror
            Its lock is held.

        Returns
        -------
        TasteLearner
            The learner itself where it has learned no placement, or one from spaces of content
            that are not all fields of the collection.

        Notes
        -----
        Only what was written since the last call is placed: O(anchors dims) an item. Where
        nothing was, nothing is looked at.
        """
        items, fields = mirror.items, mirror.fields
        vectors = (field.vectors for field in fields.values())
        seen = [*_maker(self.learner), items.alive, fields, *vectors]  # each replaced, none altered
        if not _are_same(seen, self._seen):
            self._answer = self._renewed(mirror)
            self._seen = seen
        return self._answer

    def _renewed(self, mirror: Mirror) -> TasteLearner:
        """Catch up with what was learned and written."""
        learner = self.learner
        if not isinstance(learner, PlacingLearner) or learner.placement_ is None:
            return learner
        fields = _fields_of(learner.placement_, mirror)
        if fields is None:
            return learner
        slots = np.array([field.vectors.slot_of for field in fields.values()]).T
        if self._placing is None or not self._holds(slots, mirror):
            self._begin(learner, len(fields))
        self._place(_changed(self._slots, slots), fields, mirror)
        self._slots = slots
        return self._placing or learner

    def _holds(self, slots: NDArray[np.int64], mirror: Mirror) -> bool:
        """Say whether what was placed may stay: nothing learned since, and no content lost.

        An item that was removed and came back has a new position, perhaps without content.
        """
        if self._made_by != _maker(self.learner) or self._slots.shape[1] != slots.shape[1]:
            return False
        before = len(self._slots)
        lost = (self._slots >= 0).any(axis=1) & (slots[:before] < 0).all(axis=1)
        gone = any(mirror.items.position(id) is None for id in self._ids)
        back = not self._ids.isdisjoint(mirror.items.ids[before:])
        return not gone and not back and not bool((lost & mirror.items.alive[:before]).any())

    def _begin(self, learner: PlacingLearner, fields: int) -> None:
        used = learner.interactions_
        self._users = dict(zip(used.item_ids, used.item_counts.tolist(), strict=True))
        self._placing, self._made_by = copy(learner), _maker(learner)
        self._ids, self._slots = set(), np.empty((0, fields), np.int64)

    def _place(
        self, positions: NDArray[np.int64], fields: Mapping[str, Field], mirror: Mirror
    ) -> None:
        """Place items at some positions, those that many have used left out."""
        learner, ids = self._placing, mirror.items.ids
        most = FEW_USERS if learner is not None and learner.PLACES_BY_USE else 1
        alive = positions[mirror.items.alive[positions]]  # a dead one keeps its id
        few = np.array(
            [at for at in alive.tolist() if self._users.get(ids[at], 0) < most], np.int64
        )
        told = np.zeros(len(few), np.bool_)  # a zero vector says nothing
        for field in fields.values():
            slots = field.vectors.slot_of[few]
            told[slots >= 0] |= field.vectors.rows[slots[slots >= 0]].any(axis=1)
        wanted = [ids[at] for at in few[told].tolist()]
        if learner is not None and wanted:
            content = {name: embeddings_of(one, mirror, few) for name, one in fields.items()}
            learner.adopt(learner.place(wanted, content=content))
            self._ids.update(wanted)


def embeddings_of(field: Field, mirror: Mirror, positions: NDArray[np.int64]) -> Embeddings:
    """Return the vectors of a field at some positions, those without one left out."""
    slots = field.vectors.slot_of[positions]
    has = np.flatnonzero(slots >= 0)
    ids = [mirror.items.ids[at] for at in positions[has].tolist()]
    return Embeddings(ids, field.vectors.rows[slots[has]], field.card)


def _are_same(now: list[object], before: list[object]) -> bool:
    return len(now) == len(before) and all(map(is_, now, before))


def _maker(learner: TasteLearner) -> tuple[object, object]:
    return learner.generation, getattr(learner, "placement_", None)


def _fields_of(placement: ContentMap, mirror: Mirror) -> dict[str, Field] | None:
    """Return the field that holds each space of content; None where one has no field."""
    found: dict[str, Field] = {}
    for name, card in placement.cards.items():
        own = [mirror.fields[name]] if name in mirror.fields else []  # of its name before others
        fitting = (
            field
            for field in (*own, *mirror.fields.values())
            if field not in found.values()
            and field.card.relation_to(card) in {Relation.SAME, Relation.EQUIVALENT}
        )
        field = next(fitting, None)
        if field is None:
            return None
        found[name] = field
    return found


def _changed(before: NDArray[np.int64], now: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the positions whose vectors are others than before, (changed,); slots never return."""
    same = np.zeros(len(now), np.bool_)
    same[: len(before)] = (before == now[: len(before)]).all(axis=1)
    return np.flatnonzero(~same)
