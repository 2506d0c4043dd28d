"""Interactions: who used what, when and how strongly, as a sparse matrix with names.

Users by items in compressed rows (CSR), values positive. What it is not: ratings to be
predicted; a value says how strongly an item was used (a count, a rating, 1 for a click). Its room
is ``pairs``: the ways to make one (``making``), to take parts and join (``parting``).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from embedry.data.pairs.columns import as_pairs, as_values
from embedry.data.pairs.parting import Parting
from embedry.data.pairs.report import Report, report_of
from embedry.data.pairs.rows import Pairs, check_rows, compress
from embedry.data.pairs.settings import check_finite, check_share
from embedry.data.tables.writer import check_told_apart, shortest_texts, write_table
from embedry.errors import UnknownIdError
from embedry.ids import Id, check_id, check_ids, check_unique, kind_hint

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

    from embedry.data.pairs.making import Arrays, Ids

__all__ = ["Interactions"]


@dataclass(frozen=True, eq=False)
class Interactions(Parting):
    """A users-by-items matrix of positive values in compressed rows, with times or without.

    Make one with `from_triples`, `from_file`, `from_frame`, `from_parquet` or `from_scipy`.
    Arrays are read-only views of those that were passed, and ``dropped`` is a read-only copy.

    Attributes
    ----------
    user_ids, item_ids : tuple of str or int
        The names of the rows and columns.
    indptr : ndarray (users + 1,), int64
        Row ``u`` is ``indices[indptr[u]:indptr[u + 1]]``.
    indices : ndarray (pairs,), int32
        The items of each user, ascending within a row.
    values : ndarray (pairs,), float32
        How strongly; finite and above 0.
    merged : int
        Pairs that came again and became one with the first; see `from_triples`.
    dropped : mapping of str to int
        What was left out, counted by reason: ``"value of zero"``, ``"header line"``,
        ``"empty line"``, ``"value below 4"``, ``"user without pairs"``, ``"item without pairs"``,
        ``"time"``.
    times : ndarray (pairs,), int64, or None
        Seconds since 1970, UTC; of a merged pair the latest.
    reading : tuple of str
        How a file was read, where that was found out from its first lines.

    Raises
    ------
    InputError
        If the arrays are not rows of users by items, or an id is none or comes twice.

    Notes
    -----
    Memory: 8 bytes a pair, 16 with times, and the names.

    Examples
    --------
    >>> used = Interactions.from_triples(["ann", "ann", "bob"], ["json", "csv", "json"])
    >>> used.shape, used.history("ann")
    ((2, 2), ('json', 'csv'))
    """

    user_ids: tuple[Id, ...]
    item_ids: tuple[Id, ...]
    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    values: NDArray[np.float32]
    merged: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)
    times: NDArray[np.int64] | None = None
    reading: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what are no interactions, and hold the rest against change."""
        users, items = tuple(check_ids(self.user_ids)), tuple(check_ids(self.item_ids))
        check_unique(users, "the users of interactions")
        check_unique(items, "the items of interactions")
        arrays = (self.indptr, self.indices, self.values, self.times)
        check_rows((len(users), len(items)), *arrays)
        self._hold((users, items), arrays, self.merged, self.dropped, self.reading)

    def _hold(
        self,
        ids: Ids,
        arrays: Arrays,
        merged: int,
        dropped: Mapping[str, int],
        reading: tuple[str, ...],
    ) -> None:
        """Set what is not to be changed, although the class is frozen."""
        views = [None if array is None else array.view() for array in arrays]
        for view in views:
            if view is not None:
                view.flags.writeable = False
        held = dict(zip(("indptr", "indices", "values", "times"), views, strict=True))
        vars(self).update(
            held,
            user_ids=ids[0],
            item_ids=ids[1],
            merged=merged,
            dropped=MappingProxyType(dict(dropped)),
            reading=tuple(reading),
        )

    @classmethod
    def _of(
        cls,
        ids: Ids,
        arrays: Arrays,
        merged: int,
        dropped: Mapping[str, int],
        reading: tuple[str, ...] = (),
    ) -> Self:
        made = object.__new__(cls)
        made._hold(ids, arrays, merged, dropped, reading)
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy by the parts; a read-only mapping cannot be pickled."""
        ids = self.user_ids, self.item_ids
        arrays = (self.indptr, self.indices, self.values, self.times)
        return type(self)._of, (ids, arrays, self.merged, dict(self.dropped), self.reading)

    def __repr__(self) -> str:
        users, items = self.shape
        return f"Interactions({users:,} users, {items:,} items, {len(self):,} pairs)"

    @cached_property
    def item_counts(self) -> NDArray[np.int64]:
        """How many users each item has, (items,) int64, read-only."""
        counts = np.bincount(self.indices, minlength=len(self.item_ids)).astype(np.int64)
        counts.flags.writeable = False
        return counts

    def history(self, user: Id) -> tuple[Id, ...]:
        """Return the items of one user.

        Parameters
        ----------
        user : str or int

        Returns
        -------
        tuple of str or int
            In the order of ``item_ids``.

        Raises
        ------
        InputError
            If it is not an id.
        UnknownIdError
            If there is no such user.
        """
        name = check_id(user)
        if name not in self._user_rows:
            hint = kind_hint([name], self._user_rows)
            raise UnknownIdError(f"There is no user {name!r} in {self!r}.{hint}", ids=[name])
        row = self._user_rows[name]
        items = self.indices[self.indptr[row] : self.indptr[row + 1]]
        return tuple(self.item_ids[item] for item in items.tolist())

    def transposed(self) -> Interactions:
        """Return the same pairs as items by users.

        Returns
        -------
        Interactions
            Rows are the items, columns the users; users ascend within a row. Twice gives back
            the same.
        """
        users, items = self.shape
        turned = Pairs(self.indices, self.rows, self.values, self.times)
        rows = compress(turned, (items, users))
        arrays = (rows.indptr, rows.indices, rows.values, rows.times)
        ids = self.item_ids, self.user_ids
        return self._of(ids, arrays, self.merged, self.dropped, self.reading)

    def damped(self) -> Interactions:
        """Return the same pairs with each value v replaced by 1 + ln(1 + v).

        Counts have long tails: the tenth use says less than the second. See Hu, Koren, Volinsky
        2008, equation 6.

        Returns
        -------
        Interactions
        """
        return replace(self, values=(1 + np.log1p(self.values)).astype(np.float32))

    def weighted(self, weights: ArrayLike) -> Interactions:
        """Return the same pairs with each value multiplied by a weight.

        To let old or doubtful pairs count for less.

        Parameters
        ----------
        weights : array-like (pairs,)
            Finite and not negative, in the order of ``indices``. Pairs of weight 0 are left out,
            counted in ``dropped``.

        Returns
        -------
        Interactions

        Raises
        ------
        InputError
            If there are more or fewer, one is no weight, or nothing is left.

        Examples
        --------
        >>> used = Interactions.from_triples(["a", "b"], ["x", "x"], times=[0, 864000])
        >>> days = (used.times.max() - used.times) / 86400
        >>> used.weighted(0.5 ** (days / 10)).values  # worth half after 10 days
        array([0.5, 1. ], dtype=float32)
        """
        factors = as_values(weights, len(self))
        pairs, dropped = as_pairs(self.rows, self.indices, factors * self.values, self.times)
        return self._narrowed(pairs, dropped)

    def implicit(self, least: float) -> Interactions:
        """Return the pairs whose value is at least so much, each of value 1.

        Turns ratings into likes: those below say that an item was tried and not liked. Read
        ratings with ``repeated="latest"``, so that two of one pair are not added up.

        Parameters
        ----------
        least : float
            Such as 4 of 5 stars.

        Returns
        -------
        Interactions
            Users and items that keep a pair, in their order; ``dropped`` counts the pairs, users
            and items that were left out.

        Raises
        ------
        InputError
            If it is no finite number, or no pair is left.

        Examples
        --------
        >>> stars = Interactions.from_triples(["a", "a", "b"], ["x", "y", "y"], [5, 2, 3])
        >>> likes = stars.implicit(least=3)
        >>> likes, dict(likes.dropped)
        (Interactions(2 users, 2 items, 2 pairs), {'value below 3': 1})
        """
        least = check_finite("least", least, 4)
        keep = self.values >= least
        left_out = {f"value below {least:g}": int(np.count_nonzero(~keep))}
        pairs = self._pairs.chosen(keep)
        return self._narrowed(pairs._replace(values=np.ones_like(pairs.values)), left_out)

    def report(self, *, busy: float = 0.5) -> Report:
        """Look for what is suspicious; nothing is altered.

        Counts merged and left-out pairs; users and items with one pair or none; users who used
        most of all items, as bots do; values all equal, or as large as times; times all equal,
        before 1970 or in milliseconds; and names that differ by case, blanks or type alone.

        Parameters
        ----------
        busy : float
            In (0, 1): users with more than this share of all items are busy, where there are 20
            items or more.

        Returns
        -------
        Report
            ``str`` of it is to be read; ``.counts`` is a dict.

        Raises
        ------
        InputError
            If ``busy`` is out of range.

        Examples
        --------
        >>> used = Interactions.from_triples(["ann", "Ann", "ann"], ["x", "y", "x"])
        >>> print(used.report())
        Interactions(2 users, 2 items, 2 pairs), 50 % of the table
        - merged pairs: 1. They came again and became one pair each.
        - users with one pair: 2, such as 'ann', 'Ann'. Little is known.
        - items with one pair: 2, such as 'x', 'y'. Little is known.
        - user ids alike: 1, such as ('ann', 'Ann'). They differ by case, blanks or type alone; \
if they are one, rename them.
        """
        return report_of(self, check_share("busy", busy, 0.5))

    def to_file(self, path: str | Path) -> None:
        """Write a csv table of user, item, value and, where there are, time; `from_file` reads it.

        Parameters
        ----------
        path : str or Path
            Written aside and renamed; what was there is replaced.

        Raises
        ------
        InputError
            If it is no path, or the path of a folder, an id is empty or holds a NUL, or two are
            the same as text, such as 1 and ``"1"``.
        FileNotFoundError
            If its folder is missing.
        OSError
            If it cannot be written; what was there stays.

        Notes
        -----
        Ids come back as str, and users and items without a pair do not come back: text cannot
        tell. Pass ``time="time"`` to read the times.
        """
        check_told_apart(self.user_ids)
        check_told_apart(self.item_ids)
        users, items, _ = self.triples()
        columns: list[list[Any]] = [users, items, shortest_texts(self.values)]
        if self.times is not None:
            columns.append(self.times.tolist())
        header = ("user", "item", "value", "time")[: len(columns)]
        names = [*self.user_ids, *self.item_ids]
        write_table(path, header, names, zip(*columns, strict=True))

    def triples(self) -> tuple[list[Id], list[Id], list[float]]:
        """Return users, items and values, a pair at each place, row after row."""
        users = [self.user_ids[row] for row in self.rows.tolist()]
        items = [self.item_ids[item] for item in self.indices.tolist()]
        return users, items, self.values.tolist()
