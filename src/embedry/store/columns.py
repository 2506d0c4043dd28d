"""Metadata columns: the rows of a collection, mirrored in memory as one typed array per key.

A filter over rows in SQLite costs milliseconds, over these arrays microseconds. The mirror is not
durable: the rows in the log are the truth, in the text that `encode_metadata` writes, and these
columns are filled from them. It knows positions, not ids, and keeps no lock: whoever owns it lets
no thread read while another writes.

A value is a bool, int (64 bits), finite float, str, aware datetime (kept in UTC) or list of str.
A column has one kind. Int widens to float, as long as no int is beyond 2**53, where float64 begins
to skip ints; any other change is an error. A column is forgotten with its last value.

Strings are stored once and numbered (dictionary encoding: D. Abadi, S. Madden, M. Ferreira,
"Integrating compression and execution in column-oriented database systems", SIGMOD 2006), so that
equality is a comparison of ints and any other test runs once per distinct string.
"""

from __future__ import annotations

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, final

import numpy as np

from embedry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from embedry.ids import Id

__all__ = [
    "Column",
    "Columns",
    "Kind",
    "ListColumn",
    "NumberColumn",
    "Row",
    "TextColumn",
    "Value",
    "decode_metadata",
    "encode_metadata",
    "fits",
    "kind_of",
    "microseconds",
    "plain_value",
]

Kind: TypeAlias = Literal["bool", "int", "float", "str", "datetime", "list"]
Value: TypeAlias = bool | int | float | str | datetime | list[str]
Row: TypeAlias = dict[str, Value | None]

_KINDS: dict[type, Kind] = {
    bool: "bool",
    int: "int",
    float: "float",
    str: "str",
    datetime: "datetime",
    list: "list",
}
_DTYPES: dict[Kind, type[np.generic]] = {
    "bool": np.bool_,
    "int": np.int64,
    "float": np.float64,
    "datetime": np.int64,
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SMALLEST, _LARGEST = -(2**63), 2**63 - 1
_EXACT_IN_FLOAT = 2**53
_NOWHERE = _LARGEST  # the start of a list that is not there: after every entry
_SPARE_STRINGS = 1024


# Values ------------------------------------------------------------------------------------------


def kind_of(value: Value) -> Kind:
    """Return the kind of a plain value, as `plain_value` returns it.

    Parameters
    ----------
    value : bool, int, float, str, datetime or list of str

    Returns
    -------
    str
        ``"bool"``, ``"int"``, ``"float"``, ``"str"``, ``"datetime"`` or ``"list"``.
    """
    return _KINDS[type(value)]


def fits(kind: Kind, column: Kind) -> bool:
    """Return whether values of one kind can be kept in, or compared with, a column of another.

    Parameters
    ----------
    kind, column : str
        As `kind_of` returns them.

    Returns
    -------
    bool
        True if they are the same, or int and float.
    """
    return kind == column or {kind, column} == {"int", "float"}


def plain_value(value: object) -> Value:
    """Return ``value`` as one of the six kinds of metadata, in plain Python.

    Parameters
    ----------
    value : object
        NumPy scalars and subclasses become the plain type, a tuple a list, a datetime UTC.

    Returns
    -------
    bool, int, float, str, datetime or list of str

    Raises
    ------
    InputError
        If it is of no such kind; an int beyond 64 bits; NaN or infinite; a datetime without a
        zone, beyond the years 1 to 9999 in UTC or finer than a microsecond; a str that UTF-8
        cannot hold; or a list of anything but str.

    Examples
    --------
    >>> plain_value(np.float32(0.5)), plain_value(("a", "b"))
    (0.5, ['a', 'b'])
    """
    read = _READERS.get(type(value)) or _reader_of(value)
    return read(value)


def _reader_of(value: object) -> Callable[[Any], Value]:
    """Find what reads a NumPy scalar or an instance of a subclass."""
    if isinstance(value, np.bool_):
        return bool
    if isinstance(value, str):
        return _text
    if isinstance(value, (int, np.integer)) and not isinstance(value, np.timedelta64):
        return _int
    if isinstance(value, (float, np.float16, np.float32)):
        return _float
    if isinstance(value, datetime):
        return _utc
    if isinstance(value, (list, tuple)):
        return _texts
    raise InputError(
        "A value must be a bool, int, float, str, aware datetime or list of str; got "
        f"{value!r} of type {type(value).__name__}. Convert it; spread a dict over several keys."
    )


def _text(text: str) -> str:
    plain = str.__str__(text)  # of an enum this is its value, where str() is its name
    if not plain.isascii():
        try:
            plain.encode()
        except UnicodeEncodeError as error:
            raise InputError(
                f"A str must be valid Unicode; got {plain!r}, which holds half a surrogate pair. "
                "Decode the bytes it came from with the right encoding."
            ) from error
    return plain


def _int(value: int | np.integer[Any]) -> int:
    number = int(value)
    if _SMALLEST <= number <= _LARGEST:
        return number
    raise InputError(f"An int must fit 64 bits; got {number}. Pass it as a str.")


def _float(value: float | np.floating[Any]) -> float:
    number = float(value)
    if math.isfinite(number):
        return number
    raise InputError(
        f"A float must be finite; got {number}. Leave the key out where none is known."
    )


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is UTC and type(moment) is datetime:
        return moment
    # pandas calls NaT a datetime; its offset is no timedelta.
    if not isinstance(moment.utcoffset(), timedelta):
        raise InputError(
            f"A datetime must have a time zone; got {moment!r}. If it is in UTC, pass "
            "value.replace(tzinfo=timezone.utc)."
        )
    if getattr(moment, "nanosecond", 0):
        raise InputError(f"A datetime is kept in microseconds; got {moment!r}. Round it.")
    try:
        there = moment.astimezone(UTC)
    except OverflowError as error:
        raise InputError(
            f"A datetime must lie in the years 1 to 9999 in UTC; got {moment!r}. "
            "Leave the key out where none is known."
        ) from error
    return datetime.combine(there.date(), there.time(), UTC)


def _texts(elements: Sequence[object]) -> list[str]:
    return [_element(element) for element in elements]


def _element(element: object) -> str:
    if isinstance(element, str):
        return _text(element)
    raise InputError(
        f"A list must hold str alone; got {element!r} of type {type(element).__name__} in it. "
        "Pass str(...) of it."
    )


_READERS: dict[type, Callable[[Any], Value]] = {
    bool: bool,
    int: _int,
    float: _float,
    str: _text,
    datetime: _utc,
    list: _texts,
}


def _check_key(key: object) -> str:
    if isinstance(key, str) and key and not key.startswith("$"):
        return _text(key)
    raise InputError(
        f"A metadata key must be a str, not empty, that does not start with '$'; got {key!r}. "
        "Rename it."
    )


def microseconds(moment: datetime) -> int:
    """Return how many microseconds an aware datetime lies after 1970 in UTC; before is negative.

    Parameters
    ----------
    moment : datetime
        With a time zone.

    Returns
    -------
    int
        Exact.
    """
    return (moment - _EPOCH) // timedelta(microseconds=1)


# Rows as text ------------------------------------------------------------------------------------

_JSON = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def encode_metadata(row: Mapping[str, object]) -> str:
    """Write one row of metadata as JSON text, from which `decode_metadata` reads it exactly.

    Parameters
    ----------
    row : mapping of str to bool, int, float, str, aware datetime or list of str

    Returns
    -------
    str
        A datetime is ``{"$datetime": "2024-01-01T00:00:00+00:00"}``.

    Raises
    ------
    InputError
        If a key or a value is not metadata. None is no value either: leave the key out.

    Examples
    --------
    >>> encode_metadata({"year": 1999, "tags": ["a"]})
    '{"year":1999,"tags":["a"]}'
    """
    plain = {_check_key(key): plain_value(value) for key, value in row.items()}
    return _JSON.encode(
        {
            key: {"$datetime": value.isoformat()} if isinstance(value, datetime) else value
            for key, value in plain.items()
        }
    )


def decode_metadata(text: str) -> dict[str, Value]:
    """Read the text that `encode_metadata` wrote.

    Parameters
    ----------
    text : str

    Returns
    -------
    dict
        The same keys, values and types, datetimes in UTC.

    Raises
    ------
    InputError
        If it is no such text.

    Examples
    --------
    >>> decode_metadata('{"seen":{"$datetime":"2024-01-01T00:00:00+00:00"}}')
    {'seen': datetime.datetime(2024, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)}
    """
    try:
        return {
            _check_key(key): plain_value(_decoded(value)) for key, value in json.loads(text).items()
        }
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        shown = text if len(text) < 80 else f"{text[:80]}..."
        raise InputError(
            f"Metadata text must be as encode_metadata writes it; got {shown!r} ({error}). "
            "The file is damaged: write the item again."
        ) from error


def _decoded(value: Any) -> object:
    return datetime.fromisoformat(value["$datetime"]) if isinstance(value, dict) else value


# One column --------------------------------------------------------------------------------------


def _extended(array: NDArray[Any], size: int, fill: float) -> NDArray[Any]:
    """Return the array with room for ``size``, doubled at least, so that growing costs O(1)."""
    if len(array) >= size:
        return array
    longer = np.full(max(size, 2 * len(array)), fill, array.dtype)
    longer[: len(array)] = array
    return longer


def _renumbered(
    numbers: dict[str, int], codes: NDArray[np.int32]
) -> tuple[dict[str, int], NDArray[np.int32]]:
    """Drop the strings that no code names, and number the others anew; -1 stays -1."""
    live = np.unique(codes[codes >= 0])
    new_code = np.full(len(numbers) + 1, -1, np.int32)
    new_code[live] = np.arange(len(live), dtype=np.int32)
    texts = list(numbers)
    return {texts[old]: new for new, old in enumerate(live.tolist())}, new_code[codes]


class _Column(ABC):
    """The values of one key at positions 0..n-1; a store, filled by `Columns` alone.

    Attributes
    ----------
    kind : str
        What it holds.
    count : int
        How many positions have a value.
    """

    def __init__(self, kind: Kind) -> None:
        self.kind: Kind = kind
        self.count = 0
        self._n = 0
        self._present: NDArray[np.bool_] = np.zeros(0, np.bool_)

    @property
    def present(self) -> NDArray[np.bool_]:
        """Where there is a value, (n,) bool; a view, not to be written to."""
        return self._present[: self._n]

    def grow(self, n: int) -> None:
        """Make room for ``n`` positions; the new ones have no value."""
        self._n = n
        self._present = _extended(self._present, n, fill=False)
        self._grow(n)

    def put(self, positions: NDArray[np.int64], values: Sequence[Any]) -> None:
        """Store one plain value at each of the positions, which differ and have none."""
        self._store(positions, values)
        self._present[positions] = True
        self.count += len(positions)

    def drop(self, positions: NDArray[np.int64]) -> None:
        """Forget the values at the positions, which differ; those without one are passed over."""
        held = positions[self._present[positions]]
        self._erase(held)
        self._present[held] = False
        self.count -= len(held)

    @abstractmethod
    def _grow(self, n: int) -> None: ...

    @abstractmethod
    def _store(self, positions: NDArray[np.int64], values: Sequence[Any]) -> None: ...

    @abstractmethod
    def _erase(self, positions: NDArray[np.int64]) -> None: ...


@final
class NumberColumn(_Column):
    """Bools, ints, floats or datetimes; the last as int64 microseconds after 1970 in UTC."""

    def __init__(self, kind: Kind) -> None:
        super().__init__(kind)
        self._values: NDArray[Any] = np.zeros(0, _DTYPES[kind])

    @property
    def values(self) -> NDArray[Any]:
        """The values, (n,) bool, int64 or float64; a view; anything where not `present`."""
        return self._values[: self._n]

    def holds_large_ints(self) -> bool:
        """Whether this is a column of int, and one is here that float64 may not hold."""
        held = self.values[self.present]
        beyond = (held > _EXACT_IN_FLOAT) | (held < -_EXACT_IN_FLOAT)
        return self.kind == "int" and bool(beyond.any())

    def widen(self) -> None:
        """Turn ints into floats, which `holds_large_ints` says is exact."""
        self.kind = "float"
        self._values = self._values.astype(np.float64)

    def _grow(self, n: int) -> None:
        self._values = _extended(self._values, n, fill=0)

    def _store(self, positions: NDArray[np.int64], values: Sequence[Any]) -> None:
        self._values[positions] = (
            [microseconds(value) for value in values] if self.kind == "datetime" else values
        )

    def _erase(self, positions: NDArray[np.int64]) -> None:
        """Do nothing: what is not present is not read."""


@final
class TextColumn(_Column):
    """Strings: each distinct one is kept once, each position holds its number."""

    def __init__(self) -> None:
        super().__init__("str")
        self._numbers: dict[str, int] = {}
        self._codes: NDArray[np.int32] = np.zeros(0, np.int32)

    def among(self, texts: Iterable[str]) -> NDArray[np.bool_]:
        """Return where the value is one of ``texts``, (n,) bool; O(n)."""
        wanted = [self._numbers[text] for text in texts if text in self._numbers]
        if len(wanted) == 1:
            same: NDArray[np.bool_] = self._codes[: self._n] == wanted[0]
            return same
        passes = np.zeros(len(self._numbers), np.bool_)
        passes[wanted] = True
        return self._spread(passes)

    def passing(self, test: Callable[[str], bool]) -> NDArray[np.bool_]:
        """Return where the value passes ``test``, (n,) bool; O(distinct values + n)."""
        return self._spread(np.fromiter(map(test, self._numbers), np.bool_, len(self._numbers)))

    def _spread(self, passes: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Give each position what its string got: (distinct values,) -> (n,)."""
        spread: NDArray[np.bool_] = np.append(passes, False).take(self._codes[: self._n])
        return spread  # code -1, no value, found the False at the end

    def _grow(self, n: int) -> None:
        self._codes = _extended(self._codes, n, fill=-1)

    def _store(self, positions: NDArray[np.int64], values: Sequence[str]) -> None:
        numbers = self._numbers
        self._codes[positions] = [numbers.setdefault(text, len(numbers)) for text in values]
        # Strings that were overwritten stay, until they are more than half of all.
        if len(numbers) > 2 * (self.count + len(positions)) + _SPARE_STRINGS:
            self._numbers, self._codes = _renumbered(numbers, self._codes)

    def _erase(self, positions: NDArray[np.int64]) -> None:
        self._codes[positions] = -1


@final
class ListColumn(_Column):
    """Lists of str: all their entries in one array, each with its position as its owner.

    A list that is overwritten leaves its entries behind: an entry counts if it does not come
    before the start of its owner's present list. They are swept out when the array is full.
    """

    def __init__(self) -> None:
        super().__init__("list")
        self._numbers: dict[str, int] = {}
        self._used = 0
        self._codes: NDArray[np.int32] = np.zeros(0, np.int32)
        self._owners: NDArray[np.int64] = np.zeros(0, np.int64)
        self._starts: NDArray[np.int64] = np.zeros(0, np.int64)

    def containing(self, text: str) -> NDArray[np.bool_]:
        """Return where ``text`` is in the list, (n,) bool; O(entries)."""
        found = np.zeros(self._n, np.bool_)
        if text in self._numbers:
            entries = np.flatnonzero(self._codes[: self._used] == self._numbers[text])
            owners = self._owners[entries]
            found[owners[entries >= self._starts[owners]]] = True
        return found

    def _grow(self, n: int) -> None:
        self._starts = _extended(self._starts, n, fill=_NOWHERE)

    def _store(self, positions: NDArray[np.int64], values: Sequence[list[str]]) -> None:
        numbers = self._numbers
        lengths = np.array([len(value) for value in values], np.int64)
        end = self._used + int(lengths.sum())
        if end > len(self._codes):
            end = self._make_room(end - self._used)
            numbers = self._numbers
        new = slice(self._used, end)
        self._codes[new] = [
            numbers.setdefault(text, len(numbers)) for value in values for text in value
        ]
        self._owners[new] = np.repeat(positions, lengths)  # (lists,) -> (entries,)
        self._starts[positions] = self._used + np.cumsum(lengths) - lengths
        self._used = end

    def _make_room(self, more: int) -> int:
        """Sweep out dead entries and leave room for as many again; return the new end."""
        codes, owners = self._codes[: self._used], self._owners[: self._used]
        live = np.arange(self._used) >= self._starts[owners]
        live_before = np.concatenate([[0], np.cumsum(live)])  # (entries,) -> (entries + 1,)
        held = np.flatnonzero(self._present)
        self._starts[held] = live_before[self._starts[held]]
        self._used = int(live_before[-1])
        self._numbers, codes = _renumbered(self._numbers, codes[live])
        end = self._used + more
        self._codes = _extended(codes, 2 * end, fill=-1)
        self._owners = _extended(owners[live], 2 * end, fill=0)
        return end

    def _erase(self, positions: NDArray[np.int64]) -> None:
        self._starts[positions] = _NOWHERE


# All columns -------------------------------------------------------------------------------------


Column: TypeAlias = NumberColumn | TextColumn | ListColumn


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
        self._fit(_by_key(plain), ids)
        return plain

    def set(
        self,
        positions: Sequence[int] | NDArray[np.integer[Any]],
        rows: Sequence[Mapping[str, object]],
        *,
        ids: Sequence[Id] | None = None,
    ) -> None:
        """Replace the whole rows at the positions; all or nothing.

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
        kinds = self._fit(batches, ids)
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

    def _fit(self, batches: Mapping[str, _Batch], ids: Sequence[Id] | None) -> dict[str, Kind]:
        """Return the kind that each key's column will have, or refuse the rows."""
        return {key: self._fit_key(key, batch, ids) for key, batch in batches.items()}

    def _fit_key(self, key: str, batch: _Batch, ids: Sequence[Id] | None) -> Kind:
        column = self._columns.get(key)
        kinds = {_KINDS[came] for came in set(map(type, batch.values))}
        kinds |= {column.kind} if column else set()
        if len(kinds) == 1:
            return kinds.pop()
        if kinds == {"int", "float"}:
            self._refuse_inexact(key, batch, ids)
            return "float"
        kind = column.kind if column else kind_of(batch.values[0])
        row, value = next(pair for pair in batch.pairs() if not fits(kind_of(pair[1]), kind))
        raise InputError(
            f"{_place(row, ids)}, key {key!r}: a column has one type; it holds {kind}, got the "
            f"{kind_of(value)} {value!r}. Convert the value, or use another key."
        )

    def _refuse_inexact(self, key: str, batch: _Batch, ids: Sequence[Id] | None) -> None:
        """Refuse what would make a float of an int that float64 may not hold."""
        column = self._columns.get(key)
        stored = isinstance(column, NumberColumn) and column.holds_large_ints()
        for row, value in batch.pairs():
            if _is_large(value) or (stored and isinstance(value, float)):
                raise InputError(
                    f"{_place(row, ids)}, key {key!r}: a column of float and int keeps float, so "
                    f"its ints must lie within 2**53; got {value!r}, and one that does not is here "
                    "or in the column. Keep such ints under a key of their own."
                )

    def _grow(self, n: int) -> None:
        self._n = n
        for column in self._columns.values():
            column.grow(n)

    def _ready(self, key: str, kind: Kind) -> Column:
        """Return the column of ``key``, made or widened to hold ``kind``."""
        column = self._columns.get(key)
        if column is None:
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
                checked[_check_key(key)] = None if value is None else plain_value(value)
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
