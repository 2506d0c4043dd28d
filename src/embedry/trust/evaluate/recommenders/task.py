"""What a recommender is asked: the users of a test, what they took, and what may be recommended.

What it is: the test, by names, brought into the rows and columns of one model, with a count of
all that does not fit. What it is not: a split (see `embedry.data.splits`); but a model that was
taught the test is refused here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from embedry.data.interactions import Interactions
from embedry.data.pairs.held_back import refuse_shared
from embedry.errors import InputError
from embedry.ids import Id, check_ids, check_unique, kind_hint
from embedry.trust.evaluate.recommenders.asking import Ranker, check_asked_by_history
from embedry.trust.evaluate.recommenders.pasts import Pasts, check_apart, match_pasts
from embedry.trust.evaluate.recommenders.rows import (
    named,
    picked,
    places_of,
    starts_of,
    together,
    within,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LeftOut", "Task", "set_task"]


@dataclass(frozen=True)
class LeftOut:
    """What of a test did not count, or could not be found.

    Attributes
    ----------
    unknown_users : tuple of str or int
        Test users who are not in the training data, or have used nothing there. They are not
        asked, and count in no mean. None where users are known by histories.
    unknown_items : tuple of str or int
        Test items that the model cannot recommend. Pairs with them are misses: whoever took one
        has it in the ideal list, and no model can reach it.
    missed : int
        Pairs of users who are asked, with such items.
    outside : int
        Pairs left out because ``among`` does not hold the item.
    idle_users : tuple of str or int
        Known test users all of whose pairs are outside; they are not asked.
    without_history : tuple of str or int
        Where users are known by histories, test users who have none, or none with an item that
        the model knows. They are not asked, and count in no mean.
    untold : int
        Pairs of the histories of test users, with items that the model does not know: it is not
        told them.
    unranked : tuple of str or int
        Items of ``among`` of which the model knows nothing, in the order given: they are not
        ranked.
    """

    unknown_users: tuple[Id, ...] = ()
    unknown_items: tuple[Id, ...] = ()
    missed: int = 0
    outside: int = 0
    idle_users: tuple[Id, ...] = ()
    without_history: tuple[Id, ...] = ()
    untold: int = 0
    unranked: tuple[Id, ...] = ()

    def __str__(self) -> str:
        counts = [
            (len(self.unknown_users), "users unknown, not asked"),
            (len(self.unknown_items), "items unknown"),
            (self.missed, "pairs with them, counted as misses"),
            (self.outside, "pairs outside among, left out"),
            (len(self.idle_users), "users with no other pair, not asked"),
            (len(self.without_history), "users without history, not asked"),
            (self.untold, "pairs of histories with items unknown, not told"),
            (len(self.unranked), "items of among unknown, not ranked"),
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
        The columns that each user has used, in training or by their history, each once.
    relevant_starts, relevant : ndarray (n + 1,), int64, and (pairs,), int64
        The allowed columns that each user took in the test, ascending.
    wanted : ndarray (n,), int64
        How many items each took in the test, known to the model or not; at least 1.
    popularity : ndarray (items,), int64
        How many users have used each item in training.
    trained_users : int
        Users who have used something in training.
    left_out : LeftOut
    pasts : Pasts or None
        What users are known by, where it is by histories; None where it is by training.
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
    pasts: Pasts | None = None

    def took(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell which users, by row, took which columns in the test; column -1 is no item."""
        return self._has(self.relevant_starts, self.relevant, rows, columns)

    def used(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell which users, by row, used which columns before; column -1 is no item."""
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
        return np.asarray((columns >= 0) & within(rows * items + columns, keys))

    def only(self, users: Iterable[Id]) -> Task:
        """Return the task of some of its users, in its own order."""
        chosen = frozenset(users)
        rows = np.flatnonzero([user in chosen for user in self.users])
        seen_starts, seen = picked(self.seen_starts, self.seen, rows)
        relevant_starts, relevant = picked(self.relevant_starts, self.relevant, rows)
        return replace(
            self,
            users=named(self.users, rows),
            seen_starts=seen_starts,
            seen=seen,
            relevant_starts=relevant_starts,
            relevant=relevant,
            wanted=self.wanted[rows],
            pasts=None if self.pasts is None else self.pasts.only(rows),
        )


def set_task(
    model: Ranker,
    test: Interactions,
    among: Iterable[Id] | None,
    histories: Interactions | None = None,
) -> Task:
    """Bring a test into the rows and columns of a model.

    Parameters
    ----------
    model : Ranker
    test : Interactions
    among : iterable of ids, optional
        The only items that may be recommended.
    histories : Interactions, optional
        What users are known by, in place of training.

    Returns
    -------
    Task

    Raises
    ------
    InputError
        If an argument is not such, the histories or what the model has learned from hold test
        pairs, the model cannot score by histories that are given, or nobody can be asked.
    """
    _check(model, test)
    if histories is not None:
        check_asked_by_history(model)
        check_apart(test, histories)
    return _Setting(model, test, among, histories).task()


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

    def __init__(
        self,
        model: Ranker,
        test: Interactions,
        among: Iterable[Id] | None,
        histories: Interactions | None,
    ) -> None:
        self._test, self._training = test, model.interactions_
        self._ids = self._training.item_ids
        self._known_items = getattr(model, "known_items", None)
        self._validations: tuple[Interactions, ...] = getattr(model, "validations_", ())
        active = np.diff(self._training.indptr) > 0
        row = places_of(test.user_ids, self._training.user_ids)
        self._user_row = np.where((row >= 0) & active[row], row, -1)
        self._active = int(active.sum())
        self._item_column = places_of(test.item_ids, self._ids)
        self._among = None if among is None else _named_items(among)
        self._pasts, self._histories = None, histories
        if histories is not None:
            informs = (self._training.item_counts > 0) | self._known()
            self._pasts = match_pasts(test.user_ids, histories, self._ids, informs)

    def task(self) -> Task:
        test = self._test
        owners = test.rows.astype(np.int64)
        self._refuse_taught()
        allowed = self._allowed()
        column = self._item_column
        column = np.where((column >= 0) & allowed[column], column, -1)
        inside = self._inside()[test.indices]
        known = (self._user_row >= 0 if self._pasts is None else self._pasts.known)[owners]
        kept = inside & known
        asked = np.unique(owners[kept])  # ascending: the order of the test
        if not asked.size:
            self._refuse_all(owners, known)
        users, columns = np.searchsorted(asked, owners[kept]), column[test.indices[kept]]
        wanted = np.bincount(users, minlength=len(asked)).astype(np.int64)
        found = columns >= 0
        order = np.lexsort((columns[found], users[found]))
        strangers = named(test.user_ids, np.unique(owners[~known]))
        by_past = self._pasts is not None
        left_out = LeftOut(
            () if by_past else strangers,
            named(test.item_ids, np.unique(test.indices[inside & (column[test.indices] < 0)])),
            int(np.count_nonzero(~found)),
            int(np.count_nonzero(~inside)),
            named(test.user_ids, np.setdiff1d(owners[known], asked)),
            strangers if by_past else (),
            0 if self._pasts is None else int(self._pasts.strange.sum()),
            self._unranked(allowed),
        )
        return Task(
            named(test.user_ids, asked),
            self._ids,
            allowed,
            *self._seen(asked),
            starts_of(users[found], len(asked)),
            columns[found][order],
            wanted,
            self._training.item_counts,
            self._active,
            left_out,
            None if self._pasts is None else self._pasts.only(asked),
        )

    def _seen(self, asked: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Return the columns that users have used, in compressed rows."""
        training = self._training
        trained = picked(training.indptr, training.indices, self._user_row[asked])
        if self._pasts is None:
            return trained
        past = self._pasts.only(asked)
        return together(trained, (past.starts, past.columns), len(self._ids))

    def _refuse_all(self, owners: NDArray[np.int64], known: NDArray[np.bool_]) -> NoReturn:
        """Say why nobody can be asked: all are outside among, or strangers."""
        test, users = self._test, len(np.unique(owners))
        if known.any():
            must, why = "be asked, with a pair that counts", self._why_outside()
        elif self._histories is None:
            must = "be in the training data"
            why = kind_hint(test.user_ids, set(self._training.user_ids)) or (
                " Pass histories= with what they used before, or fit on a split that keeps some of "
                "their pairs."
            )
        else:
            must = "have a history in histories=, with an item that the model knows"
            why = kind_hint(test.user_ids, set(self._histories.user_ids))
            why = (
                why
                or kind_hint(self._histories.item_ids, set(self._ids))
                or (" Pass what they used before, such as the train of a split of the test.")
            )
        raise InputError(f"At least one test user must {must}; none of {users:,} is such.{why}")

    def _why_outside(self) -> str:
        among = self._among or {}
        outside = f" All pairs of known users are outside among, of {len(among):,} items."
        return outside + kind_hint(self._test.item_ids, among)

    def _refuse_taught(self) -> None:
        """Refuse a model that has learned from pairs of the test, if only its weights."""
        known = [("training data", self._training, "Fit")]
        learned = "pairs that weights were learned on"
        known += [(learned, one, "Learn them") for one in self._validations]
        for name, pairs, step in known:
            advice = f"{step} on a split that leaves them out."
            refuse_shared(self._test, pairs, ("the test", f"The {name}"), advice)

    def _known(self) -> NDArray[np.bool_]:
        known = self._known_items
        return self._training.item_counts > 0 if known is None else np.asarray(known, np.bool_)

    def _allowed(self) -> NDArray[np.bool_]:
        known = self._known()
        if not known.any():
            raise InputError(f"The model must know an item; of {len(known):,} it knows none.")
        if self._among is None:
            return known
        allowed = np.fromiter((id in self._among for id in self._ids), bool, len(self._ids))
        allowed &= known  # the rest would be ranked by scores that say nothing
        if not allowed.any():
            raise InputError(
                f"among must hold an item that the model knows; none of {len(self._among):,} is "
                f"one.{kind_hint(self._among, set(self._ids))}"
            )
        return allowed

    def _unranked(self, allowed: NDArray[np.bool_]) -> tuple[Id, ...]:
        """Return the items that are asked for and cannot be recommended."""
        if self._among is None:
            return ()
        ranked = set(named(self._ids, np.flatnonzero(allowed)))
        return tuple(id for id in self._among if id not in ranked)

    def _inside(self) -> NDArray[np.bool_]:
        """Tell which items of the test are asked for at all."""
        names = self._test.item_ids
        if self._among is None:
            return np.ones(len(names), np.bool_)
        return np.fromiter((id in self._among for id in names), bool, len(names))


def _named_items(among: Iterable[Id]) -> dict[Id, None]:
    """Return the items that may be recommended, to look up, in the order given."""
    if isinstance(among, str | bytes) or not isinstance(among, Iterable):
        raise InputError(f"among must be ids of items; got {among!r}. Pass a list.")
    ids = check_ids(among)
    check_unique(ids, "among")
    return dict.fromkeys(ids)
