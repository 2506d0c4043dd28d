"""Sampled ranking: each user's items among a few negatives, as older papers report it.

What it is: the protocol of He et al. 2017 and its like, to compare with what they print. What it
is not: a small full ranking. With 99 negatives almost every model looks good, and models may
even change their order (Krichene, Rendle 2020, section 4); choose by the full ranking.

References
----------
He et al. 2017, Neural Collaborative Filtering, section 4.1. Krichene, Rendle 2020, On Sampled
Metrics for Item Recommendation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from embedry.errors import InputError
from embedry.ids import Id, check_ids, check_unique
from embedry.learn.learner import whole_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from embedry.trust.evaluate.recommenders.task import Task

__all__ = ["Negatives", "Sampled", "draw_negatives", "rank_sampled"]


@dataclass(frozen=True)
class Sampled:
    """Rank each user's test items among negatives only: a sampled protocol, asked for by name.

    Parameters
    ----------
    negatives : int, or mapping of user to item ids
        How many to draw for each user, uniformly and without repetition, among the items that
        may be recommended and that the user took neither before (in training, or in their
        history) nor in the test. Or those of each user, as published with a data set; those that
        the user took in the test, or that the model cannot recommend, are left out, and counted:
        a model that knows fewer items has less to tell apart, so compare models by
        `compare_recommenders`, which asks all for the same.
    seed : int
        Of the draw.

    Raises
    ------
    InputError
        If ``negatives`` is neither, or a number is out of range.
    """

    negatives: int | Mapping[Id, Sequence[Id]] = 99
    seed: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.negatives, Mapping):
            whole_number("negatives", self.negatives, 1)
        whole_number("seed", self.seed, 0)

    def __str__(self) -> str:
        if isinstance(self.negatives, Mapping):
            return "given negatives"
        return f"{self.negatives:,} drawn negatives"


@dataclass(frozen=True, eq=False)
class Negatives:
    """The negatives of each user of a task.

    Attributes
    ----------
    starts, columns : ndarray (users + 1,), int64, and (entries,), int64
    dropped : mapping of str to int
        Given negatives that were left out, counted by reason.
    """

    starts: NDArray[np.int64]
    columns: NDArray[np.int64]
    dropped: Mapping[str, int] = field(default_factory=dict)

    def named(self, task: Task) -> dict[Id, tuple[Id, ...]]:
        """Return them by names, so that another model can be asked the same."""
        parts = np.split(self.columns, self.starts[1:-1])
        return {
            user: tuple(task.item_ids[column] for column in part.tolist())
            for user, part in zip(task.users, parts, strict=True)
        }


def draw_negatives(task: Task, sampled: Sampled, known_to: str = "the model") -> Negatives:
    """Draw the negatives of each user, or look up those that were given.

    Parameters
    ----------
    task : Task
    sampled : Sampled
    known_to : str
        Who has to know a given one, in words.

    Returns
    -------
    Negatives

    Raises
    ------
    InputError
        If a user has too few items left to draw from, or none given; a given negative comes
        twice, or was taken by the user before.

    Notes
    -----
    Items are drawn in the order of their ids, so that models of the same items in another order
    are asked the same.
    """
    if isinstance(sampled.negatives, Mapping):
        return _looked_up(task, sampled.negatives, known_to)
    generator = np.random.default_rng(sampled.seed)
    users, count, ids = len(task.users), sampled.negatives, task.item_ids
    order = np.array(sorted(range(len(ids)), key=lambda place: _sorting(ids[place])))
    each = [_drawn(task, row, count, order, generator) for row in range(users)]
    return Negatives(np.arange(users + 1) * count, np.concatenate(each))


def rank_sampled(
    task: Task, negatives: Negatives, scores: NDArray[np.float32], first: int, places: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Rank the test items of some users among their negatives.

    Parameters
    ----------
    task : Task
    negatives : Negatives
    scores : ndarray (b, items), float32
        Of the b users from ``first`` on.
    first : int
    places : int
        How long lists are.

    Returns
    -------
    hits : ndarray (b, places), bool
        Whether a test item stands at each place. Among equal scores test items come last: a tie
        counts against the model.
    tied : ndarray (b,), bool
        Whether a test item and a negative have equal scores.

    Raises
    ------
    InputError
        If a score that counts is NaN.
    """
    last = first + len(scores)
    relevant = _flat(task.relevant_starts, task.relevant, first, last)
    others = _flat(negatives.starts, negatives.columns, first, last)
    owners, columns = (np.concatenate(pair) for pair in zip(relevant, others, strict=True))
    taken = np.arange(len(owners)) < len(relevant[0])
    mine = scores[owners, columns]
    if np.isnan(mine).any():
        raise InputError("Scores must not be NaN: nothing is better or worse than it.")
    order = np.lexsort((taken, -mine, owners))
    owners = owners[order]
    starts = np.searchsorted(owners, np.arange(len(scores)))
    place = np.arange(len(owners)) - starts[owners]
    hits = np.zeros((len(scores), places), np.bool_)
    near = place < places
    hits[owners[near], place[near]] = taken[order][near]
    tied = np.zeros(len(scores), np.bool_)
    # a negative right before a test item of the same score
    mine, taken = mine[order], taken[order]
    equal = (mine[1:] == mine[:-1]) & (owners[1:] == owners[:-1]) & taken[1:] & ~taken[:-1]
    tied[owners[1:][equal]] = True
    return hits, tied


def _looked_up(task: Task, given: Mapping[Id, Sequence[Id]], known_to: str) -> Negatives:
    """Match negatives that were published with a task."""
    ids = [_given(given, user) for user in task.users]
    places = {id: place for place, id in enumerate(task.item_ids)}
    lengths = [len(each) for each in ids]
    columns = np.fromiter((places.get(id, -1) for each in ids for id in each), np.int64)
    owners = np.repeat(np.arange(len(ids)), lengths)
    _refuse_used(task, owners, columns)
    known = (columns >= 0) & task.allowed[columns]
    taken = known & task.took(owners, columns)
    counts = {f"unknown to {known_to}": int((~known).sum()), "taken in the test": int(taken.sum())}
    kept = known & ~taken
    starts = np.zeros(len(ids) + 1, np.int64)
    np.cumsum(np.bincount(owners[kept], minlength=len(ids)), out=starts[1:])
    dropped = {reason: count for reason, count in counts.items() if count}
    return Negatives(starts, columns[kept], dropped)


def _given(negatives: Mapping[Id, Sequence[Id]], user: Id) -> list[Id]:
    if user not in negatives:
        raise InputError(
            f"Every test user must have negatives; {user!r} has none. Leave the user out of the "
            "test, or pass Sampled(negatives=99) to draw them."
        )
    ids = check_ids(negatives[user])
    check_unique(ids, f"negatives of {user!r}")
    return ids


def _refuse_used(task: Task, owners: NDArray[np.int64], columns: NDArray[np.int64]) -> None:
    used = np.flatnonzero(task.used(owners, columns))
    if used.size:
        user, item = task.users[owners[used[0]]], task.item_ids[columns[used[0]]]
        raise InputError(
            f"A negative must be an item that the user did not use before; {len(used)} were, "
            f"such as {item!r} by {user!r}. Fit on the split that the negatives are for, or leave "
            "them out."
        )


def _sorting(id: Id) -> tuple[bool, Id]:
    """Return a key that puts ints before strings."""
    return isinstance(id, str), id


def _drawn(
    task: Task, row: int, count: int, order: NDArray[np.int64], generator: np.random.Generator
) -> NDArray[np.int64]:
    free = task.allowed.copy()
    free[task.seen[task.seen_starts[row] : task.seen_starts[row + 1]]] = False
    free[task.relevant[task.relevant_starts[row] : task.relevant_starts[row + 1]]] = False
    left = order[free[order]]
    if len(left) < count:
        raise InputError(
            f"negatives must be at most the items a user has not taken; {task.users[row]!r} has "
            f"{len(left)} left, and {count} were asked for. So few need no sample: leave out "
            "sampled= for the full ranking."
        )
    return generator.choice(left, count, replace=False, shuffle=False)


def _flat(
    starts: NDArray[np.int64], columns: NDArray[np.int64], first: int, last: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the entries of some rows: to which row each belongs, from 0, and its column."""
    lengths = np.diff(starts[first : last + 1])
    return np.repeat(np.arange(len(lengths)), lengths), columns[starts[first] : starts[last]]
