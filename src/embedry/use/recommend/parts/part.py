"""What the parts of a recommendation have in common: they answer, share out, and say why.

What it is: the contract of a part, and the values that go in and out. What it is not: a part;
they are the other files of this room.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embedry.ids import Id
    from embedry.store.memory.calibration import Background
    from embedry.store.memory.mirror import Mirror

__all__ = ["Answer", "Asker", "Part", "Question", "some"]


@dataclass(frozen=True, eq=False)
class Asker:
    """Who is recommended to, and what they have used.

    Attributes
    ----------
    words : str
        Who it is, in words.
    user : str or int, or None
        None for a history.
    ids : tuple of past ids
    values : ndarray (past,), float64
        How strongly, above 0.
    unknown : tuple of str
        Items of a history that nobody knows.
    """

    words: str
    user: Id | None
    ids: tuple[Id, ...]
    values: NDArray[np.float64]
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Question:
    """An asker, and a collection as of one moment; its lock is held.

    Attributes
    ----------
    asker : Asker
    positions : ndarray (past,), int64
        Where the past items are in the collection; -1 where it lacks them.
    mirror : Mirror
    """

    asker: Asker
    positions: NDArray[np.int64]
    mirror: Mirror


@dataclass(frozen=True, eq=False)
class Answer:
    """What a part says of every item.

    Attributes
    ----------
    raw : ndarray (positions,), float64
        NaN where the part says nothing.
    background : Background
        What puts it on the common scale.
    """

    raw: NDArray[np.float64]
    background: Background

    def calibrated(self) -> NDArray[np.float64]:
        """Return it on the common scale, (positions,); 0 where the part says nothing."""
        return self.background.calibrated(self.raw)


class Part(ABC):
    """One part of the score; a subclass is final.

    Attributes
    ----------
    name : str
    USUAL : float
        What all parts of this kind together weigh where no weights are given.
    READS_METADATA : bool
        Whether it reads columns of metadata.
    NEEDS_PAST : bool
        Whether it says nothing of somebody who has used nothing.
    """

    USUAL: ClassVar[float]
    READS_METADATA: ClassVar[bool] = False
    NEEDS_PAST: ClassVar[bool] = True
    name: str

    @abstractmethod
    def answer(self, question: Question) -> Answer:
        """Return what the part says of every item."""

    def shares(self, question: Question, positions: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return what each past item gives to the raw scores, (positions, past).

        They sum to them; all are 0 where the raw score is no sum over past items, or there is
        none.
        """
        return np.zeros((len(positions), len(question.asker.ids)))

    def words(self, question: Question, positions: NDArray[np.int64]) -> list[str]:  # noqa: ARG002
        """Return for each item what there is to say beside shares; empty for nothing."""
        return [""] * len(positions)

    def likeness(self, item: Id, mirror: Mirror) -> Answer | None:  # noqa: ARG002
        """Return how alike each item is to one; None where this part cannot tell."""
        return None


def some(rows: NDArray[Any], most: int) -> NDArray[Any]:
    """Return at most so many rows, evenly spread."""
    return rows[:: max(1, -(-len(rows) // most))]
