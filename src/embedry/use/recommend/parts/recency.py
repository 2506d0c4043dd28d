"""The part that age gives: new items before old ones, halved every half-life."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import isnan
from typing import TYPE_CHECKING, ClassVar, final

import numpy as np

from embedry.errors import InputError
from embedry.learn.learner import real_number
from embedry.store.memory.calibration import Background
from embedry.store.metadata.column import NumberColumn
from embedry.store.metadata.rows import check_key, microseconds
from embedry.use.recommend.parts.part import Answer, Part

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embedry.store.memory.mirror import Mirror
    from embedry.use.recommend.parts.part import Question

__all__ = ["Recency", "RecencyPart"]

_SECOND = 1_000_000  # microseconds
_LONGEST = 1e15


@dataclass(frozen=True)
class Recency:
    """What makes an item new: a key of its metadata, and how fast newness fades.

    Parameters
    ----------
    key : str
        Of datetimes or of numbers, such as years; larger is newer.
    half_life : timedelta or float
        After which an item counts half: a timedelta for datetimes, else in the unit of the key.
    now : datetime or float, optional
        From when age is counted; what lies later counts as new as can be. Where it is not given:
        the time of the question, or the largest number that an item has.

    Raises
    ------
    InputError
        If the key can be none, the half-life is not above 0 and finite, or ``now`` is of another
        kind than the half-life or has no time zone.

    Examples
    --------
    >>> Recency("year", half_life=5.0, now=2000.0).after(10.0)
    0.25
    """

    key: str
    half_life: timedelta | float
    now: datetime | float | None = None

    def __post_init__(self) -> None:
        check_key(self.key)
        if isinstance(self.half_life, timedelta):
            if self.half_life <= timedelta(0):
                raise InputError(f"half_life must be above 0; got {self.half_life!r}.")
            if self.now is not None and not _is_aware(self.now):
                raise InputError(
                    "now must be a datetime with a time zone where half_life is a timedelta; got "
                    f"{self.now!r}. Pass datetime(..., tzinfo=UTC)."
                )
            return
        real_number("half_life", self.half_life, 1e-12, _LONGEST)
        if self.now is not None:
            real_number("now", self.now, -_LONGEST, _LONGEST)

    @property
    def of_time(self) -> bool:
        """Whether the key holds datetimes."""
        return isinstance(self.half_life, timedelta)

    def after(self, age: float) -> float:
        """Return what an item counts after so many seconds, or units of the key; in [0, 1]."""
        return float(0.5 ** (max(age, 0.0) / self.half))

    @property
    def half(self) -> float:
        """The half-life in seconds, or in units of the key."""
        lasts = self.half_life
        return lasts.total_seconds() if isinstance(lasts, timedelta) else float(lasts)


def _is_aware(moment: object) -> bool:
    return isinstance(moment, datetime) and moment.tzinfo is not None


@final
class RecencyPart(Part):
    """How new each item is.

    Parameters
    ----------
    recency : Recency
    """

    USUAL: ClassVar[float] = 0.05
    NEEDS_PAST: ClassVar[bool] = False
    READS_METADATA: ClassVar[bool] = True

    def __init__(self, recency: Recency) -> None:
        self.name = "recency"
        self.recency = recency

    def answer(self, question: Question) -> Answer:
        """Return 0.5 to the number of half-lives; NaN where an item does not have the key.

        Raises
        ------
        InputError
            If the key holds something else than the half-life says.
        """
        return Answer(0.5 ** self._halves(question.mirror), Background(0.0, 1.0, 0))

    def words(self, question: Question, positions: NDArray[np.int64]) -> list[str]:
        """Return how many half-lives old each item is."""
        halves = self._halves(question.mirror)[positions].tolist()
        return ["" if isnan(h) else f"{self.recency.key} {h:.1f} half-lives ago" for h in halves]

    def _halves(self, mirror: Mirror) -> NDArray[np.float64]:
        """Return the age of each item in half-lives, (positions,), at least 0; NaN for none."""
        column = mirror.columns().get(self.recency.key)
        halves = np.full(len(mirror.items), np.nan)
        if column is None:
            return halves
        numbers = self._checked(column, column.kind)
        has = np.flatnonzero(column.present)
        has = has[mirror.items.alive[has]]
        now = self._now(numbers[has])
        halves[has] = np.maximum(now - numbers[has], 0) / self.recency.half
        return halves

    def _checked(self, column: object, kind: str) -> NDArray[np.float64]:
        wanted = {"datetime"} if self.recency.of_time else {"int", "float"}
        if not isinstance(column, NumberColumn) or kind not in wanted:
            raise InputError(
                f"recency must be by a key of {' or '.join(sorted(wanted))}, as its half-life is "
                f"{self.recency.half_life!r}; {self.recency.key!r} holds {kind}. Pass a timedelta "
                "for datetimes and a number for numbers."
            )
        values = column.values.astype(np.float64)
        return values / _SECOND if self.recency.of_time else values

    def _now(self, numbers: NDArray[np.float64]) -> float:
        now = self.recency.now
        if isinstance(now, datetime) or (now is None and self.recency.of_time):
            return microseconds(now or datetime.now(UTC)) / _SECOND
        return float(numbers.max(initial=-np.inf) if now is None else now)
