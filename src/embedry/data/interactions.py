"""Interactions: who used what, as a sparse matrix with names.

Users by items in compressed rows (CSR), values positive. What it is not: ratings to be
predicted; a value says how strongly an item was used (a count, a rating, 1 for a click).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from embedry.data.history import LARGEST_VALUE
from embedry.data.tables import Form, read_table
from embedry.errors import InputError, UnknownIdError
from embedry.ids import Id, check_id, check_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

__all__ = ["Interactions"]

_FORM = Form(
    names=("user", "item"),
    value="value",
    must="a finite number, not negative",
    smallest=0,
    largest=LARGEST_VALUE,
    advice="Drop that line, or shift ratings to start at 0.",
    headings=[frozenset({"user", "userid", "uid"})],
)


@dataclass(frozen=True, eq=False)
class Interactions:
    """A users-by-items matrix of positive values in compressed rows.

    Make one with `from_triples`, `from_file`, `from_frame` or `from_scipy`.

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
        Pairs that came again: their values were added up.
    dropped : mapping of str to int
        Rows that were left out, counted by reason.

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

    @cached_property
    def item_counts(self) -> NDArray[np.int64]:
        """How many users each item has, (items,) int64."""
        return np.bincount(self.indices, minlength=len(self.item_ids)).astype(np.int64)

    @cached_property
    def _user_rows(self) -> dict[Id, int]:
        return {user: row for row, user in enumerate(self.user_ids)}

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
        rows = np.repeat(np.arange(users, dtype=np.int32), np.diff(self.indptr))
        order = np.argsort(self.indices, kind="stable")
        indptr = np.zeros(items + 1, np.int64)
        np.cumsum(self.item_counts, out=indptr[1:])
        return Interactions(
            self.item_ids,
            self.user_ids,
            indptr,
            rows[order],
            self.values[order],
            merged=self.merged,
            dropped=self.dropped,
        )

    def damped(self) -> Interactions:
        """Return the same pairs with each value v replaced by 1 + ln(1 + v).

        Counts have long tails: the tenth use says less than the second. See Hu, Koren, Volinsky
        2008, equation 6.

        Returns
        -------
        Interactions
        """
        return replace(self, values=(1 + np.log1p(self.values)).astype(np.float32))

    def joined(self, other: Interactions) -> Interactions:
        """Return the pairs of both; values of pairs that are in both are added up.

        Parameters
        ----------
        other : Interactions

        Returns
        -------
        Interactions
            Users and items of this one first, then the new ones of the other; also those
            without a pair.
        """
        users, rows = _united(self.user_ids, other.user_ids)
        items, columns = _united(self.item_ids, other.item_ids)
        return _assembled(
            (users, items),
            np.concatenate([_rows(self), rows[_rows(other)]]),
            np.concatenate([self.indices, columns[other.indices]]),
            np.concatenate([self.values, other.values]),
            {},
        )

    def triples(self) -> tuple[list[Id], list[Id], list[float]]:
        """Return users, items and values, a pair at each place, row after row."""
        rows = np.repeat(np.arange(len(self.user_ids)), np.diff(self.indptr)).tolist()
        users = [self.user_ids[row] for row in rows]
        items = [self.item_ids[item] for item in self.indices.tolist()]
        return users, items, self.values.tolist()

    @classmethod
    def from_triples(
        cls, users: Iterable[Id], items: Iterable[Id], values: ArrayLike | None = None
    ) -> Interactions:
        """Build from three columns of equal length.

        Parameters
        ----------
        users, items : iterable of str or int, n of them
        values : array-like (n,), optional
            How strongly, finite and not negative; 1 each when left out. Zeros say "not used" and
            are left out, counted in ``dropped``.

        Returns
        -------
        Interactions
            Users and items in order of first appearance; repeated pairs added up.

        Raises
        ------
        InputError
            If lengths differ, nothing is left, an id is none, or a value is no number, negative or
            not finite: the message names the row, counted from 0.
        """
        user_ids, user_codes = _encode(users)
        item_ids, item_codes = _encode(items)
        if len(user_codes) != len(item_codes):
            raise InputError(
                "users and items must be equally long; "
                f"got {len(user_codes)} and {len(item_codes)}."
            )
        return _from_codes((user_ids, item_ids), user_codes, item_codes, values)

    @classmethod
    def from_file(
        cls,
        path: str | Path,
        *,
        delimiter: str | None = None,
        columns: Sequence[str | int] = (0, 1, 2),
        header: bool | None = None,
    ) -> Interactions:
        """Read a text table of user, item and, where there is one, value, gzipped or not.

        Parameters
        ----------
        path : str or Path
            csv, tsv or ``::``-separated text, UTF-8.
        delimiter : str, optional
            Found out from the first line when left out: tab, ``::``, semicolon, comma or space.
            Blanks around a field that is not quoted belong to no name.
        columns : two or three of str or int
            The columns of user, item and value, by number from 0 or by header name. With the
            default, a third column is used when there is one.
        header : bool, optional
            Whether the first line names the columns. When left out: it does if a column is given
            by name, if its value is a word and the next line's a number, or, without values, if
            it begins with ``user`` or ``userId``, or both names are words and both of the next
            line numbers. ``NA`` and what begins with a digit are no words. A header is counted
            in ``dropped``.

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
            open, or a value is no number, negative or not finite: the message names the line.
        FileFormatError
            If it is gzipped and damaged or ends early, or its first bytes are those of UTF-16 or
            UTF-32, or of another packer than gzip.

        Notes
        -----
        Read in batches; a line takes some 100 bytes until the end.
        """
        table = read_table(path, _FORM, delimiter=delimiter, columns=columns, header=header)
        found = _from_codes(table.names, table.firsts, table.seconds, table.values)
        return replace(found, dropped={**table.dropped, **found.dropped})

    @classmethod
    def from_frame(
        cls, frame: Any, *, user: str = "user", item: str = "item", value: str | None = None
    ) -> Interactions:
        """Build from columns of a DataFrame (pandas, polars) or a mapping of columns.

        Parameters
        ----------
        frame : DataFrame or mapping of str to column
            Anything whose ``frame[name]`` is a column.
        user, item : str
            The names of the two id columns.
        value : str, optional
            The name of the value column; every pair counts 1 when left out.

        Returns
        -------
        Interactions

        Raises
        ------
        InputError
            If a column is missing, or holds what ids or values must not be.
        """
        wanted = [name for name in (user, item, value) if name is not None]
        for name in wanted:
            if name not in frame:
                found = ", ".join(map(str, frame))
                raise InputError(f"The frame must have a column {name!r}; it has {found}.")
        strengths = None if value is None else np.asarray(frame[value])
        return cls.from_triples(list(frame[user]), list(frame[item]), strengths)

    @classmethod
    def from_scipy(cls, matrix: Any) -> Interactions:
        """Build from a SciPy sparse matrix or array, users by items.

        Parameters
        ----------
        matrix : scipy.sparse matrix or array (users, items)
            Ids are the row and column numbers. Stored zeros are left out, counted in ``dropped``.

        Returns
        -------
        Interactions
            Every row and column is there, also the empty ones.

        Raises
        ------
        InputError
            If it is not sparse with two dimensions, or a value is no real number, negative or not
            finite: the message names its row and column.
        """
        if not hasattr(matrix, "tocoo") or matrix.ndim != 2:
            raise InputError(
                "matrix must be a SciPy sparse matrix of users by items; "
                f"got {type(matrix).__name__}. Pass scipy.sparse.csr_array(...) of a table."
            )
        pairs = matrix.tocoo()
        values = _as_values(pairs.data, len(pairs.data))
        _check_values(values, lambda i: f"row {pairs.row[i]}, column {pairs.col[i]}")
        keep = values > 0
        dropped = {"value of zero": int(np.count_nonzero(~keep))} if not keep.all() else {}
        users, items = pairs.shape
        rows, columns = pairs.row[keep].astype(np.int32), pairs.col[keep].astype(np.int32)
        ids = (tuple(range(users)), tuple(range(items)))
        return _assembled(ids, rows, columns, values[keep], dropped)


def _encode(ids: Iterable[Id]) -> tuple[tuple[Id, ...], NDArray[np.int32]]:
    """Give each distinct id a number, in order of first appearance."""
    plain = check_ids(ids)
    codes: dict[Id, int] = {}
    numbers = [codes.setdefault(value, len(codes)) for value in plain]
    return tuple(codes), np.array(numbers, np.int32)


def _united(
    first: tuple[Id, ...], second: tuple[Id, ...]
) -> tuple[tuple[Id, ...], NDArray[np.int32]]:
    """Return the ids of both, and where the second ones are in them."""
    codes = {id: place for place, id in enumerate(first)}
    places = [codes.setdefault(id, len(codes)) for id in second]
    return tuple(codes), np.array(places, np.int32)


def _rows(used: Interactions) -> NDArray[np.int32]:
    """Return the row of each pair."""
    return np.repeat(np.arange(len(used.user_ids), dtype=np.int32), np.diff(used.indptr))


def _from_codes(
    ids: tuple[tuple[Id, ...], tuple[Id, ...]],
    user_codes: NDArray[np.int32],
    item_codes: NDArray[np.int32],
    values: ArrayLike | None,
) -> Interactions:
    strengths = _as_values(values, len(user_codes))
    _check_values(strengths, lambda place: f"row {place}")
    keep = strengths > 0
    dropped = {"value of zero": int(np.count_nonzero(~keep))} if not keep.all() else {}
    if not keep.any():
        raise InputError("Interactions must hold at least one pair of value above 0; got none.")
    return _assembled(ids, user_codes[keep], item_codes[keep], strengths[keep], dropped)


def _as_values(values: ArrayLike | None, count: int) -> NDArray[np.float32]:
    if values is None:
        return np.ones(count, np.float32)
    try:
        given = np.asarray(values)
        if given.dtype.kind not in "biufO":
            raise TypeError(f"got dtype {given.dtype}")
        with np.errstate(over="ignore"):  # what is too large for float32 is refused as infinite
            array = given.astype(np.float32)
    except (TypeError, ValueError) as error:
        raise InputError(f"values must be numbers; {error}. Convert them.") from error
    if array.shape != (count,):
        raise InputError(f"values must have shape ({count},), one a pair; got {array.shape}.")
    return array


def _check_values(values: NDArray[np.float32], named: Callable[[int], str]) -> None:
    wrong = np.flatnonzero(~((values >= 0) & (values <= LARGEST_VALUE)))
    if wrong.size:
        first = int(wrong[0])
        raise InputError(
            f"values must be finite, not negative and at most {LARGEST_VALUE:g}; {wrong.size} are "
            f"not, the first in {named(first)}: {values[first]}. Drop those rows, or shift and "
            "scale them."
        )


def _assembled(
    ids: tuple[tuple[Id, ...], tuple[Id, ...]],
    rows: NDArray[np.int32],
    columns: NDArray[np.int32],
    values: NDArray[np.float32],
    dropped: Mapping[str, int],
) -> Interactions:
    """Sort the pairs by row and column and add up the repeated ones."""
    user_ids, item_ids = ids
    keys = rows.astype(np.int64) * max(len(item_ids), 1) + columns
    distinct, places = np.unique(keys, return_inverse=True)
    summed = np.bincount(places, weights=values, minlength=len(distinct))
    if summed.max(initial=0) > LARGEST_VALUE:
        raise InputError(
            f"Values of a repeated pair are added up and must stay below {LARGEST_VALUE:.0e}; got "
            f"{summed.max():g}. Scale the values down."
        )
    owners, items = np.divmod(distinct, max(len(item_ids), 1))
    indptr = np.zeros(len(user_ids) + 1, np.int64)
    np.cumsum(np.bincount(owners, minlength=len(user_ids)), out=indptr[1:])
    return Interactions(
        user_ids,
        item_ids,
        indptr,
        items.astype(np.int32),
        summed.astype(np.float32),
        merged=len(keys) - len(distinct),
        dropped=dropped,
    )
