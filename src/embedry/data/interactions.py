"""Interactions: who used what, when and how strongly, as a sparse matrix with names.

Users by items in compressed rows (CSR), values positive. What it is not: ratings to be
predicted; a value says how strongly an item was used (a count, a rating, 1 for a click). The
file is long because each of the ways to make one says what it takes and what it refuses.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from embedry.data.pairs.columns import ZERO, as_pairs, as_values, number_ids
from embedry.data.pairs.foreign import FORM, Named, read_frame, read_parquet, read_scipy
from embedry.data.pairs.report import Report, report_of
from embedry.data.pairs.rows import Pairs, Repeated, check_rows, compress
from embedry.data.pairs.settings import check_finite, check_share
from embedry.data.tables.reader import read_table
from embedry.errors import InputError, UnknownIdError
from embedry.ids import Id, check_id, check_ids, check_unique

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

    _Ids: TypeAlias = tuple[tuple[Id, ...], tuple[Id, ...]]
    _Arrays: TypeAlias = tuple[
        NDArray[np.int64], NDArray[np.int32], NDArray[np.float32], NDArray[np.int64] | None
    ]

__all__ = ["Interactions"]


@dataclass(frozen=True, eq=False)
class Interactions:
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
        ``"value below 4"``, ``"user without pairs"``, ``"item without pairs"``, ``"time"``.
    times : ndarray (pairs,), int64, or None
        Seconds since 1970, UTC; of a merged pair the latest.

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

    def __post_init__(self) -> None:
        """Refuse what are no interactions, and hold the rest against change."""
        users, items = tuple(check_ids(self.user_ids)), tuple(check_ids(self.item_ids))
        check_unique(users, "the users of interactions")
        check_unique(items, "the items of interactions")
        arrays = (self.indptr, self.indices, self.values, self.times)
        check_rows((len(users), len(items)), *arrays)
        self._hold((users, items), arrays, self.merged, self.dropped)

    def _hold(
        self,
        ids: _Ids,
        arrays: _Arrays,
        merged: int,
        dropped: Mapping[str, int],
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
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy by the parts; a read-only mapping cannot be pickled."""
        arrays = (self.indptr, self.indices, self.values, self.times)
        return _whole, ((self.user_ids, self.item_ids), arrays, self.merged, dict(self.dropped))

    def __len__(self) -> int:
        """Return how many user-item pairs there are."""
        return len(self.indices)

    def __repr__(self) -> str:
        users, items = self.shape
        return f"Interactions({users:,} users, {items:,} items, {len(self):,} pairs)"

    @property
    def shape(self) -> tuple[int, int]:
        """How many users and how many items."""
        return len(self.user_ids), len(self.item_ids)

    @property
    def rows(self) -> NDArray[np.int32]:
        """The row of each pair, (pairs,) int32."""
        return np.repeat(np.arange(len(self.user_ids), dtype=np.int32), np.diff(self.indptr))

    @cached_property
    def item_counts(self) -> NDArray[np.int64]:
        """How many users each item has, (items,) int64, read-only."""
        counts = np.bincount(self.indices, minlength=len(self.item_ids)).astype(np.int64)
        counts.flags.writeable = False
        return counts

    @cached_property
    def _user_rows(self) -> dict[Id, int]:
        return {user: row for row, user in enumerate(self.user_ids)}

    @cached_property
    def _item_columns(self) -> dict[Id, int]:
        return {item: column for column, item in enumerate(self.item_ids)}

    @property
    def _pairs(self) -> Pairs:
        return Pairs(self.rows, self.indices, self.values, self.times)

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
            raise UnknownIdError(f"There is no user {name!r} in {self!r}.", ids=[name])
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
        return _whole((self.item_ids, self.user_ids), arrays, self.merged, self.dropped)

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

    def chosen(self, keep: NDArray[np.bool_]) -> Interactions:
        """Return the pairs where a mask is true.

        Parameters
        ----------
        keep : ndarray (pairs,), bool
            In the order of ``indices``.

        Returns
        -------
        Interactions
            Users and items that keep a pair, in their order. ``merged`` and ``dropped`` still
            tell how these ones were read, and count users and items left out besides.

        Raises
        ------
        InputError
            If it is no such mask, or no pair is left.
        """
        mask = np.asarray(keep)
        if mask.dtype != np.bool_ or mask.shape != (len(self),):
            raise InputError(
                f"keep must be bool, shape ({len(self)},); got {mask.dtype} {mask.shape}."
            )
        return self._narrowed(self._pairs.chosen(mask), {})

    def subset(
        self, users: Iterable[Id] | None = None, items: Iterable[Id] | None = None
    ) -> Interactions:
        """Return the pairs of some users and some items.

        Parameters
        ----------
        users, items : iterable of str or int, optional
            All of them when left out.

        Returns
        -------
        Interactions
            As `chosen`: those without a pair are left out and counted.

        Raises
        ------
        InputError
            If one is no id, or no pair is left.
        UnknownIdError
            If there is no such user or item.
        """
        keep = np.ones(len(self), bool)
        if users is not None:
            keep &= self._members(users, self._user_rows, "users")[self.rows]
        if items is not None:
            keep &= self._members(items, self._item_columns, "items")[self.indices]
        return self.chosen(keep)

    def without(
        self,
        pairs: Interactions | None = None,
        *,
        users: Iterable[Id] = (),
        items: Iterable[Id] = (),
    ) -> Interactions:
        """Return the other pairs: not those of another, of some users, or of some items.

        Parameters
        ----------
        pairs : Interactions, optional
            Pairs to leave out, by names, whatever their values; those that are not here change
            nothing.
        users, items : iterable of str or int

        Returns
        -------
        Interactions
            As `chosen`.

        Raises
        ------
        InputError
            If ``pairs`` are no Interactions, one is no id, or no pair is left.
        UnknownIdError
            If there is no such user or item.
        """
        keep = ~self._members(users, self._user_rows, "users")[self.rows]
        keep &= ~self._members(items, self._item_columns, "items")[self.indices]
        if pairs is not None:
            keep &= ~self.among(pairs)
        return self.chosen(keep)

    def among(self, other: Interactions) -> NDArray[np.bool_]:
        """Say of each pair whether another has it too, by names.

        Parameters
        ----------
        other : Interactions

        Returns
        -------
        ndarray (pairs,), bool
            In the order of ``indices``; ``.any()`` tells whether a test leaks into training.

        Raises
        ------
        InputError
            If it is no Interactions.
        """
        _check_other(other)
        rows, columns = (
            np.array([numbers.get(name, -1) for name in names], np.int64)
            for numbers, names in (
                (self._user_rows, other.user_ids),
                (self._item_columns, other.item_ids),
            )
        )
        theirs_rows, theirs_columns = rows[other.rows], columns[other.indices]
        both = (theirs_rows >= 0) & (theirs_columns >= 0)
        width = max(len(self.item_ids), 1)
        theirs = theirs_rows[both] * width + theirs_columns[both]
        theirs.sort()
        mine = self.rows.astype(np.int64) * width + self.indices
        places = np.searchsorted(theirs, mine)  # both ascend, which is several times faster
        places[places == len(theirs)] = 0
        return theirs[places] == mine if len(theirs) else np.zeros(len(mine), bool)

    def joined(self, other: Interactions) -> Interactions:
        """Return the pairs of both; values of pairs that are in both are added up.

        Parameters
        ----------
        other : Interactions

        Returns
        -------
        Interactions
            Users and items of this one first, then the new ones of the other; also those
            without a pair. ``merged`` and
            ``dropped`` are those of both, and the pairs that are in both count as merged. If one
            has times and the other none, the times are left out, counted in ``dropped``.

        Raises
        ------
        InputError
            If it is no Interactions, or a sum is beyond what a value may be.

        Notes
        -----
        One sort of all pairs; some 55 bytes a pair while it runs, 75 with times.
        """
        _check_other(other)
        users, rows = _extended(self._user_rows, other.user_ids)
        items, columns = _extended(self._item_columns, other.item_ids)
        ours, theirs = self._pairs, other._pairs
        times = [part.times for part in (ours, theirs) if part.times is not None]
        pairs = Pairs(
            np.concatenate([ours.rows, rows[theirs.rows]]),
            np.concatenate([ours.columns, columns[theirs.columns]]),
            np.concatenate([ours.values, theirs.values]),
            np.concatenate(times) if len(times) == 2 else None,
        )
        left_out = {"time": len(times[0])} if len(times) == 1 else {}
        dropped = _added(_added(self.dropped, other.dropped), left_out)
        merged = self.merged + other.merged
        return _built((users, items), pairs, dropped, merged=merged, may_be_empty=True)

    def report(self, *, busy: float = 0.5) -> Report:
        """Look for what is suspicious; nothing is altered.

        Counts merged and left-out pairs; users and items with one pair or none; users who used
        most of all items, as bots do; values all equal; times all equal, before 1970 or in
        milliseconds; and names that differ by case, blanks or type alone.

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

    def triples(self) -> tuple[list[Id], list[Id], list[float]]:
        """Return users, items and values, a pair at each place, row after row."""
        users = [self.user_ids[row] for row in self.rows.tolist()]
        items = [self.item_ids[item] for item in self.indices.tolist()]
        return users, items, self.values.tolist()

    def _members(self, ids: Iterable[Id], numbers: Mapping[Id, int], side: str) -> NDArray[Any]:
        """Return a mask of the rows or columns that bear one of the names."""
        names = check_ids(ids)
        unknown = [name for name in names if name not in numbers]
        if unknown:
            shown = ", ".join(map(repr, unknown[:3]))
            raise UnknownIdError(
                f"The {side} must be in {self!r}; {len(unknown)} are not, such as {shown}.",
                ids=unknown,
            )
        mask = np.zeros(len(numbers), bool)
        mask[[numbers[name] for name in names]] = True
        return mask

    def _narrowed(self, pairs: Pairs, left_out: Mapping[str, int]) -> Interactions:
        """Make interactions of some of the pairs, in their order, and of who is left."""
        if not len(pairs.rows):
            raise InputError(f"At least one of the pairs of {self!r} must be left; none is.")
        counts = [
            np.bincount(codes, minlength=count)
            for codes, count in zip((pairs.rows, pairs.columns), self.shape, strict=True)
        ]
        kept = [np.flatnonzero(count) for count in counts]
        columns = np.zeros(self.shape[1], np.int32)
        columns[kept[1]] = np.arange(len(kept[1]), dtype=np.int32)
        indptr = np.zeros(len(kept[0]) + 1, np.int64)
        np.cumsum(counts[0][kept[0]], out=indptr[1:])
        users = tuple(self.user_ids[place] for place in kept[0].tolist())
        items = tuple(self.item_ids[place] for place in kept[1].tolist())
        lost = {
            "user without pairs": self.shape[0] - len(users),
            "item without pairs": self.shape[1] - len(items),
        }
        arrays = (indptr, columns[pairs.columns], pairs.values, pairs.times)
        dropped = _added(_added(self.dropped, left_out), lost)
        return _whole((users, items), arrays, self.merged, dropped)

    @classmethod
    def from_triples(
        cls,
        users: Iterable[Id],
        items: Iterable[Id],
        values: ArrayLike | None = None,
        times: ArrayLike | None = None,
        *,
        repeated: Repeated = "add",
    ) -> Interactions:
        """Build from three columns of equal length, or four with times.

        Parameters
        ----------
        users, items : iterable of str or int, n of them
        values : array-like (n,), optional
            How strongly, finite and not negative: counts, ratings, weights; 1 each when left out.
            Zeros say "not used" and are left out, counted in ``dropped``; with
            ``repeated="latest"``, one that came last takes the pair back.
        times : array-like (n,), optional
            When: whole seconds since 1970, UTC; NumPy's datetime64, taken for UTC; or datetimes
            that know their zone. What is finer is cut to the second before.
        repeated : {"add", "latest"}
            What a pair that came again is worth, counted in ``merged``: ``"add"``, for counts,
            the sum; ``"latest"``, for ratings, the value of the latest time; of equal times, or
            without times, the one that came last. Its time is the latest in both cases.

        Returns
        -------
        Interactions
            Users and items in order of first appearance.

        Raises
        ------
        InputError
            If lengths differ, nothing is left, an id is missing or none, a value is no number,
            negative or not finite, a sum of values is beyond 1e12, or a time is missing or none:
            the message names the row, counted from 0.

        Notes
        -----
        One sort of the pairs. Integers in arrays never become Python objects; other names pass
        through a dict. Beside the input, some 60 bytes a row while it runs, 75 with times.
        """
        user_ids, user_codes = number_ids(users, "users")
        item_ids, item_codes = number_ids(items, "items")
        if len(user_codes) != len(item_codes):
            raise InputError(
                "users and items must be equally long; "
                f"got {len(user_codes)} and {len(item_codes)}."
            )
        pairs, dropped = as_pairs(user_codes, item_codes, values, times, repeated=repeated)
        return _built((user_ids, item_ids), pairs, dropped, repeated)

    @classmethod
    def from_file(
        cls,
        path: str | Path,
        *,
        delimiter: str | None = None,
        columns: Sequence[str | int] = (0, 1, 2),
        header: bool | None = None,
        time: str | int | None = None,
        repeated: Repeated = "add",
    ) -> Interactions:
        """Read a text table of user, item and, where there are, value and time, gzipped or not.

        Parameters
        ----------
        path : str or Path
            csv, tsv or ``::``-separated text, UTF-8.
        delimiter : str, optional
            Found out from the first line when left out: tab, ``::``, semicolon, comma or space.
            Blanks around a field that is not quoted belong to no name.
        columns : two or three of str or int
            The columns of user, item and value, by number from 0 or by header name. With the
            default, a third column is used when there is one and it is not the time.
        header : bool, optional
            Whether the first line names the columns. When left out: it does if a column is given
            by name, if its value (or time) is a word and the next line's a number, or, without
            both, if it begins with ``user`` or ``userId``, or both names are words and both of
            the next line numbers. ``NA`` and what begins with a digit are no words. A header is
            counted in ``dropped``.
        time : str or int, optional
            The column of times, whole seconds since 1970; without it, none is read.
        repeated : {"add", "latest"}
            As in `from_triples`.

        Returns
        -------
        Interactions
            Ids are str, since text cannot tell ``1`` from ``"1"``.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        InputError
            If the text is not UTF-8 or empty, a column is missing, a line is short, a quote stays
            open, a value is no number, negative or not finite, or a time no whole number: the
            message names the line.
        FileFormatError
            If it is gzipped and damaged or ends early, or its first bytes are those of UTF-16 or
            UTF-32, or of another packer than gzip.

        Notes
        -----
        Read in batches. Memory at most, beside each name once: some 70 bytes a line, 95 with
        times; at the end, 8 bytes a pair, 16 with times.
        """
        table = read_table(
            path, FORM, delimiter=delimiter, columns=columns, header=header, time=time
        )
        pairs, dropped = as_pairs(
            table.firsts, table.seconds, table.values, table.times, repeated=repeated
        )
        return _built(table.names, pairs, {**table.dropped, **dropped}, repeated)

    @classmethod
    def from_frame(
        cls,
        frame: Any,
        *,
        user: str = "user",
        item: str = "item",
        value: str | None = None,
        time: str | None = None,
        repeated: Repeated = "add",
    ) -> Interactions:
        """Build from columns of a DataFrame (pandas, polars), an Arrow table or a mapping.

        Parameters
        ----------
        frame : DataFrame, Table or mapping of str to column
            Anything whose ``frame[name]`` is a column.
        user, item : str
            The names of the two id columns.
        value : str, optional
            The name of the value column; every pair counts 1 when left out.
        time : str, optional
            The name of the column of times, as in `from_triples`; without it, none is read.
        repeated : {"add", "latest"}
            As in `from_triples`.

        Returns
        -------
        Interactions

        Raises
        ------
        InputError
            If it is no frame (of a LazyFrame, pass ``.collect()``), a column is missing, has a
            gap, or holds what ids, values or times must not be: the message names the row.
        """
        found = read_frame(frame, Named(user, item, value, time))
        return cls.from_triples(*found, repeated=repeated)

    @classmethod
    def from_parquet(
        cls,
        path: str | Path,
        *,
        user: str = "user",
        item: str = "item",
        value: str | None = None,
        time: str | None = None,
        repeated: Repeated = "add",
    ) -> Interactions:
        """Read columns of a Parquet file; needs pyarrow, which the extra ``arrow`` brings.

        Parameters
        ----------
        path : str or Path
        user, item, value, time, repeated
            As in `from_frame`.

        Returns
        -------
        Interactions
            Ids are str or int, as the columns are.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        FileFormatError
            If it is no whole Parquet file, or a column is missing or has a gap.
        InputError
            If a column holds what ids, values or times must not be: the message names the row,
            counted from 0.
        MissingExtraError
            If pyarrow is not installed; it says how to install it.
        """
        found = read_parquet(path, Named(user, item, value, time))
        return cls.from_triples(*found, repeated=repeated)

    @classmethod
    def from_scipy(cls, matrix: Any) -> Interactions:
        """Build from a SciPy sparse matrix or array, users by items.

        Parameters
        ----------
        matrix : scipy.sparse matrix or array (users, items)
            Ids are the row and column numbers. Stored zeros are left out, counted in ``dropped``;
            entries stored twice are added up, as in SciPy.

        Returns
        -------
        Interactions
            Every row and column is there, also the empty ones.

        Raises
        ------
        InputError
            If it is not sparse with two dimensions, an index is out of range, or a value is no
            real number, negative or not finite: the message names its row and column.
        """
        entries = read_scipy(matrix)
        rows, columns = entries.row.astype(np.int32), entries.col.astype(np.int32)
        pairs, dropped = as_pairs(
            rows, columns, entries.data, None, lambda i: f"row {rows[i]}, column {columns[i]}"
        )
        users, items = entries.shape
        ids = tuple(range(users)), tuple(range(items))
        return _built(ids, pairs, dropped, may_be_empty=True)


def _built(
    ids: _Ids,
    pairs: Pairs,
    dropped: Mapping[str, int],
    repeated: Repeated = "add",
    *,
    merged: int = 0,
    may_be_empty: bool = False,
) -> Interactions:
    """Sort pairs and make one of those that came again, beside what was ``merged`` before."""
    rows = compress(pairs, (len(ids[0]), len(ids[1])), repeated)
    if not (may_be_empty or len(rows.indices)):
        raise InputError("Interactions must hold at least one pair of value above 0; got none.")
    arrays = (rows.indptr, rows.indices, rows.values, rows.times)
    return _whole(ids, arrays, merged + rows.merged, _added(dropped, {ZERO: rows.zeros}))


def _whole(
    ids: _Ids,
    arrays: _Arrays,
    merged: int,
    dropped: Mapping[str, int],
) -> Interactions:
    """Make interactions whose parts fit each other by how they were made."""
    made = object.__new__(Interactions)
    made._hold(ids, arrays, merged, dropped)
    return made


def _extended(
    numbers: Mapping[Id, int], more: Sequence[Id]
) -> tuple[tuple[Id, ...], NDArray[np.int32]]:
    """Return all names, the further ones behind those known, and the numbers of the further."""
    known = dict(numbers)
    codes = np.array([known.setdefault(name, len(known)) for name in more], np.int32)
    return tuple(known), codes


def _added(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    """Add up counts by reason; those of 0 are left out."""
    total = {reason: one.get(reason, 0) + other.get(reason, 0) for reason in {**one, **other}}
    return {reason: count for reason, count in total.items() if count}


def _check_other(other: Interactions) -> None:
    if not isinstance(other, Interactions):
        raise InputError(
            f"The other must be Interactions; got {type(other).__name__}. Make them with "
            "Interactions.from_triples(users, items)."
        )
