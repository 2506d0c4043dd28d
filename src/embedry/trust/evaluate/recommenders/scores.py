"""What an evaluation of recommenders says: means with intervals, and what did not count.

Frozen values that print as a small table, measures down and cutoffs across.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from embedry.intervals import Interval, Spread, bootstrap_means

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from embedry.ids import Id
    from embedry.trust.evaluate.recommenders.sampled import Sampled
    from embedry.trust.evaluate.recommenders.task import LeftOut

__all__ = [
    "Difference",
    "Estimate",
    "RecommendationComparison",
    "RecommendationScore",
    "Verdict",
    "estimates",
]

Verdict = Literal["better", "worse", "cannot tell"]

_TITLES = {"hit_rate": "hit rate", "ndcg": "NDCG", "mrr": "MRR", "map": "MAP"}
_CAUTION = (
    "SAMPLED METRIC: not to be compared with a full ranking, and models may change their order "
    "(Krichene, Rendle 2020)"
)


@dataclass(frozen=True)
class Estimate:
    """A number over the users of a test.

    Attributes
    ----------
    value : float
        NaN where no user has the number.
    interval : Interval or None
        95 %, by the bootstrap over users; None for coverage, which is no mean over users.
    undefined : int
        Users who have no such number, and count in no mean.
    """

    value: float
    interval: Interval | None = None
    undefined: int = 0

    def __str__(self) -> str:
        return (
            f"{self.value:.3f}" if self.interval is None else f"{self.value:.3f} ({self.interval})"
        )


@dataclass(frozen=True, eq=False)
class RecommendationScore:
    """How good the recommendations of a model are.

    Attributes
    ----------
    protocol : str
        Among what was ranked, in words.
    sampled : Sampled or None
        The sampled protocol that was asked for; None for the full ranking.
    cutoffs : tuple of int
        Ascending.
    measures : mapping of str to Estimate
        By names such as ``"ndcg@10"``: hit_rate, recall, precision, ndcg, mrr, map; of a full
        ranking coverage and novelty too, and with vectors similarity.
    per_user : mapping of str to ndarray (users,), float64
        What each is the mean of, in the order of ``users``; NaN where a user has none. Coverage
        is not there.
    users : tuple of str or int
        Who was asked.
    left_out : LeftOut
        Users and items of the test that the model does not know, and pairs that did not count.
    tied : int
        Of a full ranking, users whose list has equal scores in it or at its end: there it goes by
        the order of the items. Of a sampled one, users with a test item that scores as much as
        a negative: it counts against the model.
    short : int
        Users for whom fewer items than the largest cutoff were left.
    without_vector : int
        Items that may be recommended and have no vector, or a zero vector: they are left out of
        similarity. 0 where no vectors were passed.
    dropped_negatives : mapping of str to int
        Given negatives that were left out, counted by reason.
    """

    protocol: str
    sampled: Sampled | None
    cutoffs: tuple[int, ...]
    measures: Mapping[str, Estimate]
    per_user: Mapping[str, NDArray[np.float64]]
    users: tuple[Id, ...]
    left_out: LeftOut
    tied: int = 0
    short: int = 0
    without_vector: int = 0
    dropped_negatives: Mapping[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        cells = {name: str(estimate) for name, estimate in self.measures.items()}
        notes = [
            str(self.left_out),
            _count(self.tied, "users with ties"),
            _count(self.short, "users with short lists"),
            _count(self.without_vector, "items without a vector"),
            _negatives(self.dropped_negatives),
        ]
        return _table(_head(self.protocol, self.sampled, self.users), cells, self.cutoffs, notes)


@dataclass(frozen=True)
class Difference:
    """A measure of two models on the same users.

    Attributes
    ----------
    first, second : Spread
        The means over the users, one for each model that was passed.
    interval : Interval
        95 %, of the difference, by the paired bootstrap over users.
    """

    first: Spread
    second: Spread
    interval: Interval

    @property
    def difference(self) -> float:
        """The mean of the first less that of the second."""
        return self.first.mean - self.second.mean

    @property
    def verdict(self) -> Verdict:
        """What the first is: the interval is above 0, below it, or holds it."""
        if self.interval.low > 0:
            return "better"
        return "worse" if self.interval.high < 0 else "cannot tell"

    def __str__(self) -> str:
        low, high = self.interval.low, self.interval.high
        return (
            f"{self.first} - {self.second} = {self.difference:+.3f} ({low:+.3f} .. {high:+.3f}) "
            f"{self.verdict}"
        )


@dataclass(frozen=True, eq=False)
class RecommendationComparison:
    """How two models do for the same users.

    Attributes
    ----------
    protocol, sampled, cutoffs
        As in `RecommendationScore`.
    measures : mapping of str to Difference
        By names such as ``"ndcg@10"``.
    per_user : mapping of str to ndarray (users,), float64
        The differences, in the order of ``users``.
    users : tuple of str or int
        Who was asked: test users that all models know.
    left_out : tuple of LeftOut
        One for each model, those of the first side before those of the second.
    unshared : int
        Users whom some models know and others do not; they are not asked.
    dropped_negatives : mapping of str to int
        Given negatives that were left out for all models, counted by reason.
    """

    protocol: str
    sampled: Sampled | None
    cutoffs: tuple[int, ...]
    measures: Mapping[str, Difference]
    per_user: Mapping[str, NDArray[np.float64]]
    users: tuple[Id, ...]
    left_out: tuple[LeftOut, ...]
    unshared: int = 0
    dropped_negatives: Mapping[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        cells = {name: str(difference) for name, difference in self.measures.items()}
        notes = [
            *dict.fromkeys(map(str, self.left_out)),
            _count(self.unshared, "users known to some models only, not asked"),
            _negatives(self.dropped_negatives),
        ]
        return _table(_head(self.protocol, self.sampled, self.users), cells, self.cutoffs, notes)


def estimates(
    per_user: Mapping[str, NDArray[np.float64]], *, resamples: int, seed: int
) -> dict[str, Estimate]:
    """Return the mean of each number over the users who have it, with its interval.

    Parameters
    ----------
    per_user : mapping of str to ndarray (users,), float64
    resamples, seed : int
        Of the bootstrap, which draws the same users for all.

    Returns
    -------
    dict of str to Estimate
    """
    columns = np.column_stack(list(per_user.values()))
    intervals = bootstrap_means(columns, resamples=resamples, seed=seed)
    found = {}
    for name, values, interval in zip(per_user, columns.T, intervals, strict=True):
        known = values[~np.isnan(values)]
        mean = float(known.mean()) if known.size else math.nan
        found[name] = Estimate(mean, interval, len(values) - len(known))
    return found


def _head(protocol: str, sampled: Sampled | None, users: Sequence[Id]) -> list[str]:
    lines = [f"{protocol}; {len(users):,} users"]
    return lines if sampled is None else [_CAUTION, *lines]


def _count(count: int, what: str) -> str:
    return f"{count:,} {what}" if count else ""


def _negatives(dropped: Mapping[str, int]) -> str:
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in dropped.items())
    return f"negatives left out: {reasons}" if reasons else ""


def _table(
    head: list[str], cells: Mapping[str, str], cutoffs: Sequence[int], notes: Sequence[str]
) -> str:
    names = list(dict.fromkeys(name.partition("@")[0] for name in cells))
    rows = [["", *(f"@{k}" for k in cutoffs)]]
    rows += [[_TITLES.get(name, name), *(cells[f"{name}@{k}"] for k in cutoffs)] for name in names]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
    return "\n".join([*head, *lines, *filter(None, notes)])
