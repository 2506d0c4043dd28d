"""The part that use gives: how many have used an item, whoever asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

import numpy as np

from embedry.store.memory.calibration import HIGH, Background
from embedry.use.recommend.parts.part import Answer, Part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from embedry.store.memory.mirror import Mirror
    from embedry.use.recommend.parts.part import Question
    from embedry.use.recommend.parts.taste import TastePart

__all__ = ["PopularityPart"]


@final
class PopularityPart(Part):
    """How many have used each item: the logarithm of 1 and its users.

    Parameters
    ----------
    taste : sequence of TastePart
        Whose users are counted; where several learners know an item, the most of them.
    """

    USUAL: ClassVar[float] = 0.05
    NEEDS_PAST: ClassVar[bool] = False

    def __init__(self, taste: Sequence[TastePart]) -> None:
        self.name = "popularity"
        self._taste = taste
        self._answer: Answer | None = None
        self._counted: list[NDArray[np.int64]] = []

    def answer(self, question: Question) -> Answer:
        """Return log(1 + users); NaN where no learner knows the item."""
        rows = [part.rows_of(question.mirror) for part in self._taste]
        same = len(rows) == len(self._counted) and all(
            one is other for one, other in zip(rows, self._counted, strict=True)
        )
        if self._answer is None or not same:
            used = np.log1p(self._counts(question.mirror))
            known = used[~np.isnan(used)]
            high = float(np.quantile(known, HIGH)) if known.size else 1.0
            self._answer = Answer(used, Background(0.0, max(high, 1e-6), len(known)))
            self._counted = rows
        return self._answer

    def _counts(self, mirror: Mirror) -> NDArray[np.float64]:
        counts = [part.counts(mirror) for part in self._taste]
        return np.asarray(np.fmax.reduce(counts))

    def words(self, question: Question, positions: NDArray[np.int64]) -> list[str]:
        """Return how many have used each item."""
        counts = self._counts(question.mirror)[positions].tolist()
        return [f"used by {count:,.0f}" if count > 0 else "" for count in counts]
