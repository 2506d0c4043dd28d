"""What a recommender is asked: the users of a test, what they took, and what may be recommended.

What it is: the test, by names, brought into the rows and columns of one model, with a count of
all that does not fit. What it is not: a split (see `embedry.data.splits`); but a model that was
taught the test is refused here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable

import numpy as np

from embedry.data.interactions import Interactions
from embedry.errors import InputError
from embedry.ids import Id, check_ids, check_unique

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["LeftOut", "Ranker", "Task", "set_task"]

_Number = TypeVar("_Number", bound=np.generic)

_NAMED = 3  # pairs that an error names


@runtime_checkable
class Ranker(Protocol):
    """What can be evaluated: it scores all its items for the users it has learned from.

    Every fitted learner of taste is one.

    Attributes
    ----------
    interactions_ : Interactions
        What was learned from: what users have seen already, how popular items are, and the order
        of the scores.
    known_items : ndarray (items,), bool, optional
        Which items it knows anything of, and may recommend; without it, those that somebody used.
    """

    interactions_: Interactions

    def user_scores(self, users: Sequence[Id]) -> NDArray[np.float32]:
        """Return the score of every item of ``interactions_`` for each user, (users, items)."""
        ...


@dataclass(frozen=True)
class LeftOut:
    """What of a test did not count, or could not be found.

    Attributes
    ----------
    unknown_users : tuple of str or int
        Test users who are not in the training data, or have used nothing there. They are not
        asked, and count in no mean.
    unknown_items : tuple of str or int
        Test items that the model cannot recommend. Pairs with them are misses: whoever took one
        has it in the ideal list, and no model can reach it.
    missed : int
        Pairs of users who are asked, with such items.
    outside : int
        Pairs left out because ``among`` does not hold the item.
    idle_users : tuple of str or int
        Known test users all of whose pairs are outside; they are not asked.
    """

    unknown_users: tuple[Id, ...] = ()
    unknown_items: tuple[Id, ...] = ()
    missed: int = 0
    outside: int = 0
    idle_users: tuple[Id, ...] = ()

    def __str__(self) -> str:
        counts = [
            (len(self.unknown_users), "users unknown, not asked"),
            (len(self.unknown_items), "items unknown"),
            (self.missed, "pairs with them, counted as misses"),
            (self.outside, "pairs outside among, left out"),
            (len(self.idle_users), "users with no other pair, not asked"),
        ]
        return "; ".join(f"{count:,} {what}" for count, what in counts if count)


@dataclass(frozen=True, eq=False)
class Task:
    """A test in the rows and columns of one model.

    Attributes
    ----------
    users : tuple of n ids
        Who is asked, in the order of the test.
    item_ids : tuple of ids
        The columns of the scores.
    allowed : ndarray (items,), bool
        What may be recommended to anybody.
    seen_starts, seen : ndarray (n + 1,), int64, and (entries,), int32
        The columns that each user has used in training.
    relevant_starts, relevant : ndarray (n + 1,), int64, and (pairs,), int64
        The allowed columns that each user took in the test, ascending.
    wanted : ndarray (n,), int64
        How many items each took in the test, known to the model or not; at least 1.
    popularity : ndarray (items,), int64
        How many users have used each item in training.
    trained_users : int
        Users who have used something in training.
    left_out : LeftOut
    """

    users: tuple[Id, ...]
    item_ids: tuple[Id, ...]
    allowed: NDArray[np.bool_]
    seen_starts: NDArray[np.int64]
    seen: NDArray[np.int32]
    relevant_starts: NDArray[np.int64]
    relevant: NDArray[np.int64]
    wanted: NDArray[np.int64]
    popularity: NDArray[np.int64]
    trained_users: int
    left_out: LeftOut

    def took(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell which users, by row, took which columns in the test; column -1 is no item."""
        return self._has(self.relevant_starts, self.relevant, rows, columns)

    def used(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell which users, by row, used which columns in training; column -1 is no item."""
        return self._has(self.seen_starts, self.seen, rows, columns)

    def _has(
        self,
        starts: NDArray[np.int64],
        entries: NDArray[np.int64] | NDArray[np.int32],
        rows: NDArray[np.int64],
        columns: NDArray[np.int64],
    ) -> NDArray[np.bool_]:
        items = len(self.item_ids)
        owners = np.repeat(np.arange(len(self.users)), np.diff(starts))
        keys = np.sort(owners * items + entries)
        return np.asarray((columns >= 0) & _within(rows * items + columns, keys))

    def only(self, users: Iterable[Id]) -> Task:
        """Return the task of some of its users, in its own order."""
        chosen = frozenset(users)
        rows = np.flatnonzero([user in chosen for user in self.users])
        seen_starts, seen = _picked(self.seen_starts, self.seen, rows)
        relevant_starts, relevant = _picked(self.relevant_starts, self.relevant, rows)
        return replace(
            self,
            users=_named(self.users, rows),
            seen_starts=seen_starts,
            seen=seen,
            relevant_starts=relevant_starts,
            relevant=relevant,
            wanted=self.wanted[rows],
        )


def set_task(model: Ranker, test: Interactions, among: Iterable[Id] | None) -> Task:
    """Bring a test into the rows and columns of a model.

    Parameters
    ----------
    model : Ranker
    test : Interactions
    among : iterable of ids, optional
        The only items that may be recommended.

    Returns
    -------
    Task

    Raises
    ------
    InputError
        If an argument is not such, the training data hold test pairs, or nobody can be asked.
    """
    _check(model, test)
    return _Setting(model, test, among).task()


def _check(model: Ranker, test: Interactions) -> None:
    if not isinstance(model, Ranker):
        raise InputError(
            "model must be a fitted learner of taste, with interactions_ and user_scores; got "
            f"{type(model).__name__}. Call fit first."
        )
    if not isinstance(test, Interactions):
        raise InputError(
            f"test must be Interactions; got {type(test).__name__}. Make them with "
            "Interactions.from_triples(users, items) or .from_file(path)."
        )
    if not len(test):
        raise InputError(f"test must hold a pair; got {test!r}.")


class _Setting:
    """The names of a model and of a test, matched."""

    def __init__(self, model: Ranker, test: Interactions, among: Iterable[Id] | None) -> None:
        self._test, self._training = test, model.interactions_
        self._ids = self._training.item_ids
        self._known_items = getattr(model, "known_items", None)
        active = np.diff(self._training.indptr) > 0
        row = _places(test.user_ids, self._training.user_ids)
        self._user_row = np.where((row >= 0) & active[row], row, -1)
        self._active = int(active.sum())
        self._item_column = _places(test.item_ids, self._ids)
        self._among = None if among is None else _named_items(among)

    def task(self) -> Task:
        test = self._test
        owners = np.repeat(np.arange(len(test.user_ids)), np.diff(test.indptr))
        self._refuse_taught(owners)
        allowed = self._allowed()
        column = self._item_column
        column = np.where((column >= 0) & allowed[column], column, -1)
        inside = self._inside()[test.indices]
        known = self._user_row[owners] >= 0
        kept = inside & known
        asked = np.unique(owners[kept])  # ascending: the order of the test
        if not asked.size:
            raise InputError(
                "At least one test user must be in the training data, with a pair that counts; "
                f"none of {len(np.unique(owners))} is. Ids must be str in both or int in both: 1 "
                "and '1' differ."
            )
        users, columns = np.searchsorted(asked, owners[kept]), column[test.indices[kept]]
        wanted = np.bincount(users, minlength=len(asked)).astype(np.int64)
        found = columns >= 0
        order = np.lexsort((columns[found], users[found]))
        left_out = LeftOut(
            _named(test.user_ids, np.unique(owners[~known])),
            _named(test.item_ids, np.unique(test.indices[inside & (column[test.indices] < 0)])),
            int(np.count_nonzero(~found)),
            int(np.count_nonzero(~inside)),
            _named(test.user_ids, np.setdiff1d(owners[known], asked)),
        )
        return Task(
            _named(test.user_ids, asked),
            self._ids,
            allowed,
            *_picked(self._training.indptr, self._training.indices, self._user_row[asked]),
            _starts(users[found], len(asked)),
            columns[found][order],
            wanted,
            self._training.item_counts,
            self._active,
            left_out,
        )

    def _refuse_taught(self, owners: NDArray[np.int64]) -> None:
        """Refuse a model whose training data hold pairs of the test."""
        test, training = self._test, self._training
        rows = self._user_row[owners]
        items = self._item_column[test.indices]
        trained_rows = np.repeat(np.arange(len(training.user_ids)), np.diff(training.indptr))
        width = len(training.item_ids)
        taught = (rows >= 0) & (items >= 0)
        taught &= _within(rows * width + items, trained_rows * width + training.indices)
        if taught.any():
            pairs = np.flatnonzero(taught)
            names = (
                f"({test.user_ids[owners[pair]]!r}, {test.item_ids[test.indices[pair]]!r})"
                for pair in pairs[:_NAMED].tolist()
            )
            raise InputError(
                f"The training data must hold no pair of the test; they hold {len(pairs):,} of "
                f"{len(test):,}, such as {', '.join(names)}. Fit on a split that leaves them out."
            )

    def _allowed(self) -> NDArray[np.bool_]:
        if self._among is None:
            known = self._known_items
            return self._training.item_counts > 0 if known is None else np.asarray(known, np.bool_)
        allowed = np.fromiter((id in self._among for id in self._ids), bool, len(self._ids))
        if not allowed.any():
            raise InputError(
                f"among must hold an item that the model scores; none of {len(self._among)} is "
                "one. Ids must be str in both or int in both: 1 and '1' differ."
            )
        return allowed

    def _inside(self) -> NDArray[np.bool_]:
        """Tell which items of the test are asked for at all."""
        names = self._test.item_ids
        if self._among is None:
            return np.ones(len(names), np.bool_)
        return np.fromiter((id in self._among for id in names), bool, len(names))


def _named_items(among: Iterable[Id]) -> frozenset[Id]:
    if isinstance(among, str | bytes) or not isinstance(among, Iterable):
        raise InputError(f"among must be ids of items; got {among!r}. Pass a list.")
    ids = check_ids(among)
    check_unique(ids, "among")
    return frozenset(ids)


def _places(ids: Sequence[Id], among: Sequence[Id]) -> NDArray[np.int64]:
    """Return where each id is among others, -1 where it is not."""
    if ids is among:
        return np.arange(len(ids))
    places = {id: place for place, id in enumerate(among)}
    return np.fromiter((places.get(id, -1) for id in ids), np.int64, len(ids))


def _within(keys: NDArray[np.int64], ascending: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which keys are in a sorted array."""
    if not ascending.size:
        return np.zeros(keys.shape, np.bool_)
    places = np.minimum(np.searchsorted(ascending, keys), len(ascending) - 1)
    return np.asarray(ascending[places] == keys)


def _starts(rows: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return where each row begins, (count + 1,), of entries sorted by row."""
    starts = np.zeros(count + 1, np.int64)
    np.cumsum(np.bincount(rows, minlength=count), out=starts[1:])
    return starts


def _picked(
    starts: NDArray[np.int64], entries: NDArray[_Number], rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[_Number]]:
    """Return some rows of compressed rows: where they begin, and their entries."""
    lengths = starts[rows + 1] - starts[rows]
    begins = np.zeros(len(rows) + 1, np.int64)
    np.cumsum(lengths, out=begins[1:])
    places = np.arange(begins[-1]) + np.repeat(starts[rows] - begins[:-1], lengths)
    return begins, entries[places]


def _named(ids: tuple[Id, ...], places: NDArray[np.int64]) -> tuple[Id, ...]:
    return tuple(ids[place] for place in places.tolist())
