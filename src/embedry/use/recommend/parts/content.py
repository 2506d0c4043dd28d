"""The part that content gives: how near an item lies to what somebody has used."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

import numpy as np

from embedry.store.memory.calibration import ITEMS, Background, measured
from embedry.use.recommend.parts.part import Answer, Part, some

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from embedry.ids import Id
    from embedry.store.indexes.vector_index import VectorSet
    from embedry.store.memory.mirror import Mirror
    from embedry.use.recommend.parts.part import Question
    from embedry.use.recommend.parts.taste import TastePart

__all__ = ["ContentPart", "positions_of", "unit_rows"]


@final
class ContentPart(Part):
    """How near each item lies to the mean of what was used, in one field.

    Parameters
    ----------
    name : str
    field : str
        Of metric cosine or dot.
    taste : sequence of TastePart
        Whose users' pasts say how such scores are spread; without one, pairs of items do.
    """

    USUAL: ClassVar[float] = 0.3

    def __init__(self, name: str, field: str, taste: Sequence[TastePart]) -> None:
        self.name = name
        self.field = field
        self._taste = taste
        self._background: Background | None = None
        self._generations: list[object] = []

    def answer(self, question: Question) -> Answer:
        """Return the scores of the unit mean of the past; NaN where a vector is missing.

        Where no past item has a vector, all are NaN.
        """
        vectors = question.mirror.fields[self.field].vectors
        background = self._measured(vectors, question.mirror)
        directions = _profile(vectors, question.positions, question.asker.values)
        if not directions.any():
            return Answer(np.full(len(vectors.slot_of), np.nan), background)
        query = directions.sum(axis=1).astype(np.float32)  # (dims, past) -> (dims,)
        raw = np.append(vectors.rows @ query, np.float32(np.nan))  # the last: no vector
        return Answer(raw[vectors.slot_of].astype(np.float64), background)

    def shares(self, question: Question, positions: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the exact shares; see `Part.shares`."""
        vectors = question.mirror.fields[self.field].vectors
        slots = vectors.slot_of[positions]
        directions = _profile(vectors, question.positions, question.asker.values)
        # (positions, dims) @ (dims, past) -> (positions, past)
        raw = vectors.rows[slots].astype(np.float64) @ directions if len(vectors.rows) else 0.0
        return np.where(slots[:, None] >= 0, raw, np.zeros((len(slots), directions.shape[1])))

    def words(self, question: Question, positions: NDArray[np.int64]) -> list[str]:
        """Return the past item nearest to each item, and their cosine, where it is above 0."""
        past = np.flatnonzero(question.positions >= 0)
        mine = unit_rows(question.mirror, self.field, positions)
        theirs = unit_rows(question.mirror, self.field, question.positions[past])
        cosines = mine @ theirs.T  # (positions, dims) @ (dims, past)
        cosines[positions[:, None] == question.positions[past]] = -1  # itself is no reason
        return [self._near(row, past, question.asker.ids) for row in cosines]

    def _near(
        self, cosines: NDArray[np.float32], past: NDArray[np.int64], ids: tuple[Id, ...]
    ) -> str:
        best = int(cosines.argmax()) if len(cosines) else -1
        if best < 0 or round(float(cosines[best]), 2) <= 0:
            return ""
        return f"{self.field} {cosines[best]:.2f} similar to {ids[past[best]]}"

    def likeness(self, item: Id, mirror: Mirror) -> Answer | None:
        """Return the scores of one item with each; see `Part.likeness`."""
        vectors, position = mirror.fields[self.field].vectors, mirror.items.position(item)
        if position is None or vectors.slot_of[position] < 0:
            return None
        scores = vectors.scores_of(
            vectors.rows[vectors.slot_of[position]], np.arange(len(vectors.slot_of))
        )
        background = mirror.fields[self.field].background("item")
        return Answer(scores.astype(np.float64), background)

    def _measured(self, vectors: VectorSet, mirror: Mirror) -> Background:
        """Return how profiles score items, anew when the field has doubled or taste has learned."""
        generations = [part.learner.generation for part in self._taste]
        same = len(generations) == len(self._generations) and all(
            one is other for one, other in zip(generations, self._generations, strict=True)
        )
        grown = self._background is None or len(vectors) >= 2 * self._background.items
        if self._background is None or grown or not same:
            profiles = self._some_profiles(vectors, mirror)
            rows = some(vectors.rows[vectors.live], ITEMS)
            self._generations = generations
            if len(profiles) and len(rows):
                self._background = measured(vectors.metric, profiles, rows, len(vectors))
            else:
                self._background = mirror.fields[self.field].background("item")
        return self._background

    def _some_profiles(self, vectors: VectorSet, mirror: Mirror) -> NDArray[np.float32]:
        """Return the profiles of some users who have one, (users, dims)."""
        profiles = [np.zeros(vectors.rows.shape[1])]
        for used in self._taste[0].some_histories() if self._taste else ():
            positions = positions_of(used, mirror)
            directions = _profile(vectors, positions, np.array(list(used.values())))
            profiles.append(directions.sum(axis=1))  # (dims, past) -> (dims,)
        found = np.array(profiles, np.float32)
        return found[found.any(axis=1)]


def positions_of(ids: Sequence[Id] | dict[Id, float], mirror: Mirror) -> NDArray[np.int64]:
    """Return where items are, (n,) int64; -1 where the collection lacks them."""
    places = (mirror.items.position(id) for id in ids)
    return np.array([-1 if place is None else place for place in places], np.int64)


def unit_rows(mirror: Mirror, field: str, positions: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return vectors of a field at unit length, (positions, dims); zeros where there is none."""
    vectors = mirror.fields[field].vectors
    rows = np.zeros((len(positions), vectors.rows.shape[1]), np.float32)
    slots = vectors.slot_of[positions]
    rows[slots >= 0] = vectors.rows[slots[slots >= 0]]
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1), np.float32)


def _profile(
    vectors: VectorSet, positions: NDArray[np.int64], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return what each past item gives to the unit mean of their vectors, (dims, past)."""
    directions = np.zeros((vectors.rows.shape[1], len(positions)))
    has = np.flatnonzero(positions >= 0)
    has = has[vectors.slot_of[positions[has]] >= 0]
    rows = vectors.rows[vectors.slot_of[positions[has]]]
    directions[:, has] = rows.T * values[has]  # (dims, past)
    length = float(np.linalg.norm(directions.sum(axis=1)))
    return directions / length if length > 0 else np.zeros_like(directions)
