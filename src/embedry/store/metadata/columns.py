"""Metadata columns: the rows of a collection, mirrored in memory as one typed array per key.

A filter over rows in SQLite costs milliseconds, over these arrays microseconds. The mirror is not
durable: the rows in the log are the truth, in the text that `encode_metadata` writes, and these
columns are filled from them. It knows positions, not ids, and keeps no lock: whoever owns it lets
no thread read while another writes.

A column has one kind. Int widens to float, as long as no int is beyond 2**53, where float64 begins
to skip ints; any other change is an error. A column is forgotten with its last value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, final

import numpy as np

from embedry.errors import InputError
from embedry.store.metadata.column import Column, ListColumn, NumberColumn, TextColumn
from embedry.store.metadata.rows import (
    KINDS,
    Kind,
    Row,
    Value,
    check_key,
    fits,
    kind_of,
    plain_value,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from embedry.ids import Id

__all__ = ["Columns"]

_EXACT_IN_FLOAT = 2**53


@dataclass(slots=True)
class _Batch:
    """What the rows of one call bring for one key: the rows' numbers, and a value of each."""

    rows: list[int] = field(default_factory=list)
    values: list[Value] = field(default_factory=list)

    def pairs(self) -> Iterator[tuple[int, Value]]:
        return zip(self.rows, self.values, strict=True)


@final
class Columns:
    """The metadata of items at positions 0..n-1, one typed column per key.

    `check` says whether rows fit, `set` and `clear` change them. ``len(columns)`` is n; it grows
    with the positions that `set` names.

    Notes
    -----
    Memory per position and key: 9 bytes for int, float and datetime, 2 for bool, 5 for str, 9 and
    12 for each entry for list; twice that at most after growing; and each distinct string once.

    Examples
    --------
    >>> columns = Columns()
    >>> columns.set([0, 1], [{"year": 1999}, {"year": 2001.5, "kind": "novel"}])
    >>> len(columns), dict(columns.kinds)
    (2, {'year': 'float', 'kind': 'str'})
    """

    def __init__(self) -> None:
        self._n = 0
        self._columns: dict[str, Column] = {}

    def __len__(self) -> int:
        return self._n

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """The kind of each key that an item has, in order of arrival."""
        return {key: column.kind for key, column in self._columns.items()}

    def get(self, key: str) -> Column | None:
        """Return the column of ``key``, or None if no item has it."""
        return self._columns.get(key)

    def check(
        self, rows: Sequence[Mapping[str, object]], *, ids: Sequence[Id] | None = None
    ) -> list[Row]:
        """Say whether rows fit these columns and each other, and change nothing.

        Rows may be patches: what fits as a patch fits when merged into the rows that are here.

        Parameters
        ----------
        rows : sequence of mappings
            A value of None, which deletes a key in a patch, fits every column.
        ids : sequence of str or int, optional
            The items' ids, for the messages.

        Returns
        -------
        list of dict
            The rows in plain Python (see `plain_value`), None kept.

        Raises
        ------
        InputError
            If a row is no mapping, a key or a value is no metadata, or a value does not fit the
            kind of its column. The message names the row by its number, from 0, and its id.

        Notes
        -----
        About a microsecond a value.
        """
        plain = _plain_rows(rows, ids)
        self._fit(_by_key(plain), ids, leaving=np.zeros(0, np.int64))
        return plain

    def set(
        self,
        positions: Sequence[int] | NDArray[np.integer[Any]],
        rows: Sequence[Mapping[str, object]],
        *,
        ids: Sequence[Id] | None = None,
    ) -> None:
        """Replace the whole rows at the positions; all or nothing.

        The new rows must fit each other and what stays, not the rows that they replace.

        Parameters
        ----------
        positions : (m,) int
            Differing, from 0; beyond the end they grow the columns.
        rows : sequence of m mappings
            A key whose value is None is as good as left out.
        ids : sequence of str or int, optional
            The items' ids, for the messages.

        Raises
        ------
        InputError
            As `check`; or if the positions are not ints from 0 that differ, one for each row.

        Notes
        -----
        Checks again, so that `check` need not have come before. O(values + m keys).
        """
        where = _positions(positions)
        if len(where) != len(rows):
            raise InputError(
                f"There must be one row for each position; got {len(rows)} rows for {len(where)} "
                "positions. Pass {} for an item without metadata."
            )
        batches = _by_key(_plain_rows(rows, ids))
        kinds = self._fit(batches, ids, leaving=where[where < self._n])
        self._grow(max(self._n, int(where.max(initial=-1)) + 1))
        for column in self._columns.values():
            column.drop(where)
        for key, batch in batches.items():
            self._ready(key, kinds[key]).put(where[batch.rows], batch.values)
        self._forget_empty()

    def clear(self, positions: Sequence[int] | NDArray[np.integer[Any]]) -> None:
        """Forget the rows at the positions, whose items were deleted; n stays.

        Parameters
        ----------
        positions : (m,) int
            Differing, in 0..n-1.

        Raises
        ------
        InputError
            If they are not.
        """
        where = _positions(positions)
        if where.max(initial=-1) >= self._n:
            raise InputError(
                f"Positions to clear must be below {self._n}; got {where.max()}. Set them first."
            )
        for column in self._columns.values():
            column.drop(where)
        self._forget_empty()

    def _fit(
        self,
        batches: Mapping[str, _Batch],
        ids: Sequence[Id] | None,
        *,
        leaving: NDArray[np.int64],
    ) -> dict[str, Kind]:
        """Return the kind that each key's column will have, or refuse the rows.

        What is at the positions that are leaving does not bind: these rows replace it.
        """
        return {
            key: self._fit_key(key, batch, ids, self._staying(key, leaving), leaving)
            for key, batch in batches.items()
        }

    def _staying(self, key: str, leaving: NDArray[np.int64]) -> Column | None:
        """Return the column of ``key`` if it will have a value without those that are leaving."""
        column = self._columns.get(key)
        if column is None or column.count == np.count_nonzero(column.present[leaving]):
            return None
        return column

    def _fit_key(
        self,
        key: str,
        batch: _Batch,
        ids: Sequence[Id] | None,
        column: Column | None,
        leaving: NDArray[np.int64],
    ) -> Kind:
        kinds = {KINDS[came] for came in set(map(type, batch.values))}
        kinds |= {column.kind} if column else set()
        if len(kinds) == 1:
            return kinds.pop()
        if kinds == {"int", "float"}:
            stored = isinstance(column, NumberColumn) and column.holds_large_ints(leaving)
            _refuse_inexact(key, batch, ids, stored=stored)
            return "float"
        kind = column.kind if column else kind_of(batch.values[0])
        row, value = next(pair for pair in batch.pairs() if not fits(kind_of(pair[1]), kind))
        raise InputError(
            f"{_place(row, ids)}, key {key!r}: a column has one type; it holds {kind}, got the "
            f"{kind_of(value)} {value!r}. Convert the value, or use another key."
        )

    def _grow(self, n: int) -> None:
        self._n = n
        for column in self._columns.values():
            column.grow(n)

    def _ready(self, key: str, kind: Kind) -> Column:
        """Return the column of ``key``, made or widened to hold ``kind``."""
        column = self._columns.get(key)
        if column is None or (column.kind != kind and not column.count):
            column = self._columns[key] = _new_column(kind)
            column.grow(self._n)
        elif isinstance(column, NumberColumn) and column.kind != kind:
            column.widen()
        return column

    def _forget_empty(self) -> None:
        for key in [key for key, column in self._columns.items() if not column.count]:
            del self._columns[key]


def _new_column(kind: Kind) -> Column:
    if kind == "str":
        return TextColumn()
    return ListColumn() if kind == "list" else NumberColumn(kind)


def _refuse_inexact(key: str, batch: _Batch, ids: Sequence[Id] | None, *, stored: bool) -> None:
    """Refuse to make a float of an int that float64 may not hold, in the batch or stored."""
    for row, value in batch.pairs():
        if _is_large(value) or (stored and isinstance(value, float)):
            raise InputError(
                f"{_place(row, ids)}, key {key!r}: a column of float and int keeps float, so its "
                f"ints must lie within 2**53; got {value!r}, and one that does not is here or in "
                "the column. Keep such ints under a key of their own."
            )


def _is_large(value: Value) -> bool:
    return isinstance(value, int) and not -_EXACT_IN_FLOAT <= value <= _EXACT_IN_FLOAT


def _positions(positions: Sequence[int] | NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    array = np.asarray(positions)
    if array.size == 0:
        return np.zeros(0, np.int64)
    if array.ndim != 1 or array.dtype.kind not in "iu" or array.min() < 0:
        raise InputError(f"Positions must be a list of ints from 0; got {positions!r}.")
    if len(np.unique(array)) < len(array):
        raise InputError("Positions must differ; one came twice. Keep the last row of each.")
    return array.astype(np.int64)


def _place(row: int, ids: Sequence[Id] | None) -> str:
    return f"Metadata row {row}" if ids is None else f"Metadata row {row} (id {ids[row]!r})"


def _plain_rows(rows: Sequence[Mapping[str, object]], ids: Sequence[Id] | None) -> list[Row]:
    plain: list[Row] = []
    for number, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise InputError(
                f"{_place(number, ids)}: a row must be a dict of keys and values; got {row!r}."
            )
        key: object = None
        try:
            checked: Row = {}
            for key, value in row.items():
                checked[check_key(key)] = None if value is None else plain_value(value)
        except InputError as error:
            raise InputError(f"{_place(number, ids)}, key {key!r}: {error}") from error
        plain.append(checked)
    return plain


def _by_key(rows: Sequence[Row]) -> dict[str, _Batch]:
    batches: dict[str, _Batch] = {}
    for number, row in enumerate(rows):
        for key, value in row.items():
            if value is not None:
                batch = batches.setdefault(key, _Batch())
                batch.rows.append(number)
                batch.values.append(value)
    return batches
