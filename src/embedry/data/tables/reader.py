"""Text tables of two names and perhaps a value and a time: csv, tsv, ``::``, white space.

What it is: a reader in batches, so that memory holds the numbers of what was read, and each name
once. What it is not: a general reader of csv. It finds out what can be told from the first two
lines, and refuses, by the number of the line, what fits neither: a batch that does not fit is
read again line by line.
"""

from __future__ import annotations

import csv
from array import array
from collections import defaultdict
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING

import numpy as np

from embedry.data.tables.lines import Source, open_source
from embedry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["Form", "Table", "read_rows", "read_table"]

_ROWS_AT_ONCE = 2**14
_MISSING = frozenset({"na", "n/a", "nan", "null", "nil", "none", "missing", "inf", "infinity"})
_NO_WORD_BEGINS = frozenset("0123456789+-.,{[")


@dataclass(frozen=True)
class Form:
    """What a table is to hold, and how messages call it.

    Attributes
    ----------
    names : two of str
        What the two columns of names are: ``("user", "item")``.
    value : str
        What the third is.
    must : str
        What a value must be, in words.
    smallest, largest : float
        And in numbers: 0, or in [smallest, largest].
    advice : str
        What to do about a value that is not.
    headings : sequence of sets of str
        How the first columns are called in a header without values, each in lower case and
        letters alone.
    one_kind : bool
        Whether both columns name the same things, which then share their numbers.
    """

    names: tuple[str, str]
    value: str
    must: str
    smallest: float
    largest: float
    advice: str
    headings: Sequence[frozenset[str]]
    one_kind: bool = False

    def fits(self, values: NDArray[np.float64]) -> bool:
        """Say whether all values are what they must be."""
        return bool(((values == 0) | ((values >= self.smallest) & (values <= self.largest))).all())


@dataclass(frozen=True, eq=False)
class Table:
    """The columns of a table, its names numbered in order of first appearance.

    Attributes
    ----------
    names : two tuples of str
        Those of the first and of the second column; the same where they are of one kind.
    firsts, seconds : ndarray (rows,), int32
        Places in ``names``.
    values : ndarray (rows,), float64, or None
    times : ndarray (rows,), int64, or None
    dropped : dict of str to int
        ``"header line"`` and ``"comment line"``, where there were any.
    """

    names: tuple[tuple[str, ...], tuple[str, ...]]
    firsts: NDArray[np.int32]
    seconds: NDArray[np.int32]
    values: NDArray[np.float64] | None
    times: NDArray[np.int64] | None
    dropped: dict[str, int]


def read_table(
    path: str | Path,
    form: Form,
    *,
    delimiter: str | None,
    columns: Sequence[str | int],
    header: bool | None,
    time: str | int | None = None,
    comments: str = "",
) -> Table:
    """Read a table; see `Interactions.from_file` and `Graph.from_file`.

    Parameters
    ----------
    path : str or Path
    form : Form
    delimiter : str or None
        None: found out from the first line.
    columns : two or three of str or int
    header : bool or None
        None: found out from the first two lines.
    time : str, int or None
        The column of times, whole numbers that fit int64.
    comments : str
        Lines that begin with one of these characters, after blanks or not, are left out and
        counted.

    Returns
    -------
    Table

    Raises
    ------
    FileNotFoundError, InputError, FileFormatError
        As `Interactions.from_file`.
    """
    source = open_source(path, delimiter, comments)
    path = source.path
    with source.rows() as (rows, lines):
        head = list(islice(rows, 2))
        if not head:
            raise InputError(f"{path} must hold at least one line; it is empty.")
        places = _places(path, form, head[0], columns, time)
        if header is None:
            named = any(isinstance(column, str) for column in (*columns, time))
            header = named or _is_header(head, places, form)
        table = _Columns(form, places, len(head[0]))
        try:
            fits = all(map(table.add, _batches(chain(head[1:] if header else head, rows))))
        except csv.Error:
            fits = False
        if not fits:
            _refuse(source, form, places, len(head[0]), header=bool(header))
        counts = {"header line": int(bool(header)), "comment line": lines.comments}
    return table.table({reason: count for reason, count in counts.items() if count})


def read_rows(
    path: str | Path, *, delimiter: str | None, comments: str = ""
) -> tuple[str, Iterator[tuple[int, list[str]]]]:
    """Read rows of any width, told apart and split as those of `read_table`.

    Parameters
    ----------
    path, delimiter, comments
        As there.

    Returns
    -------
    delimiter : str
        The one that was passed or found; a space stands for any run of white space.
    rows : iterator of (int, list of str)
        The number of the line that a row ends in, from 1, and its fields; no blank ones.

    Raises
    ------
    FileNotFoundError, InputError, FileFormatError
        As `read_table`; those of single lines when they are come to.
    """
    source = open_source(path, delimiter, comments)
    return source.mark, source.numbered()


def _batches(rows: Iterable[list[str]]) -> Iterator[list[list[str]]]:
    rows = iter(rows)
    while batch := list(islice(rows, _ROWS_AT_ONCE)):
        yield batch


def _refuse(source: Source, form: Form, places: _Places, width: int, *, header: bool) -> None:
    """Find the first row that does not fit, and say why."""
    with source.rows() as (rows, lines):
        for row in islice(rows, int(header), None):
            where = f"{source.path}, line {lines.number}"
            _check_row(where, row, form, places, width, source.mark)
    raise InputError(f"{source.path} must not change while it is read. Read it again.")


@dataclass(frozen=True)
class _Places:
    """Where in a row things stand; None for what is not there."""

    names: tuple[int, int]
    value: int | None
    time: int | None

    @property
    def numbers(self) -> list[int]:
        """The columns of numbers."""
        return [place for place in (self.value, self.time) if place is not None]


# --- columns -----------------------------------------------------------------------------------


class _Columns:
    """Rows, taken apart into columns of numbers."""

    def __init__(self, form: Form, places: _Places, width: int) -> None:
        self._form = form
        self._places = places
        self._width = width
        self._numbers = [_numbers() for _ in form.names]
        if form.one_kind:
            self._numbers[1] = self._numbers[0]
        self._codes: list[NDArray[np.int32]] = []
        self._values = array("d")
        self._times = array("q")

    def add(self, rows: list[list[str]]) -> bool:
        """Add rows and return True, or return False if one of them does not fit."""
        if set(map(len, rows)) != {self._width}:
            return False
        firsts, seconds = ([row[place] for row in rows] for place in self._places.names)
        if "" in firsts or "" in seconds or not self._add_numbers(rows):
            return False
        self._codes.append(self._encoded(firsts, seconds))
        return True

    def _add_numbers(self, rows: list[list[str]]) -> bool:
        """Add values and times and return True, or return False if one of them is none."""
        value, time = self._places.value, self._places.time
        try:
            if value is not None:
                texts = [row[value] for row in rows]
                values = np.fromiter(map(float, texts), np.float64, len(rows))
                if not self._form.fits(values):
                    return False
                self._values.frombytes(values.tobytes())
            if time is not None:
                self._times.extend([int(row[time]) for row in rows])
        except (ValueError, OverflowError):
            return False
        return True

    def _encoded(self, firsts: list[str], seconds: list[str]) -> NDArray[np.int32]:
        """Return the numbers of the names, (rows, 2)."""
        count = 2 * len(firsts)
        if self._form.one_kind:
            names = chain.from_iterable(zip(firsts, seconds, strict=True))
            codes = map(self._numbers[0].__getitem__, names)
            return np.fromiter(codes, np.int32, count).reshape(-1, 2)
        pairs = zip(self._numbers, (firsts, seconds), strict=True)
        columns = chain.from_iterable(map(numbers.__getitem__, names) for numbers, names in pairs)
        return np.fromiter(columns, np.int32, count).reshape(2, -1).T

    def table(self, dropped: dict[str, int]) -> Table:
        """Return all rows; they are used up."""
        codes = np.concatenate(self._codes) if self._codes else np.empty((0, 2), np.int32)
        self._codes.clear()
        values = None if self._places.value is None else np.frombuffer(self._values)
        times = None if self._places.time is None else np.frombuffer(self._times, np.int64)
        names = tuple(tuple(numbers) for numbers in self._numbers)
        return Table((names[0], names[1]), codes[:, 0], codes[:, 1], values, times, dropped)


def _numbers() -> defaultdict[str, int]:
    numbers: defaultdict[str, int] = defaultdict()
    numbers.default_factory = numbers.__len__  # a new name gets the next number
    return numbers


def _places(
    path: Path,
    form: Form,
    first: list[str],
    columns: Sequence[str | int],
    time: str | int | None,
) -> _Places:
    if columns == (0, 1, 2) and (len(first) == 2 or (len(first) == 3 and _is_third(first, time))):
        columns = (0, 1)
    if isinstance(columns, str) or not hasattr(columns, "__len__") or len(columns) not in {2, 3}:
        raise InputError(
            f"columns must name {form.names[0]}, {form.names[1]} and perhaps {form.value}; "
            f"got {columns!r}."
        )
    places = [_place(path, first, column) for column in columns]
    value = places[2] if len(places) > 2 else None
    return _Places(
        (places[0], places[1]), value, None if time is None else _place(path, first, time)
    )


def _is_third(first: list[str], time: str | int | None) -> bool:
    return time == 2 or (isinstance(time, str) and first[2] == time)


def _place(path: Path, first: list[str], column: str | int) -> int:
    if isinstance(column, str) and column in first:
        return first.index(column)
    if isinstance(column, int) and 0 <= column < len(first):
        return column
    advice = " Pass delimiter= if it is parted otherwise." if len(first) == 1 else ""
    raise InputError(f"{path} must have a column {column!r}; its first line is {first}.{advice}")


def _is_header(rows: list[list[str]], places: _Places, form: Form) -> bool:
    """Say whether the first line names columns: words above numbers, or well-known names."""
    wanted = [*places.names, *places.numbers]
    whole = len(rows) > 1 and len(rows[1]) > max(wanted)
    first, second = ([row[place] for place in wanted] for row in (rows[0], rows[int(whole)]))
    if places.numbers:
        return _is_word(first[2]) and (not whole or _is_number(second[2]))
    letters = ["".join(filter(str.isalpha, name)).lower() for name in first]
    known = bool(form.headings) and all(
        name in names for name, names in zip(letters, form.headings, strict=False)
    )
    words = first[0] != first[1] and all(map(_is_word, first))
    return known or (words and all(map(_is_number, second)))


def _is_word(text: str) -> bool:
    """Say whether a field may name a column of numbers, rather than be a number gone wrong."""
    begins = text[:1] not in _NO_WORD_BEGINS and any(map(str.isalpha, text))
    return begins and text.lower() not in _MISSING and not _is_number(text)


def _check_row(
    where: str, row: list[str], form: Form, places: _Places, width: int, mark: str
) -> None:
    tabs = ", or pass delimiter=' ' if several tabs part two columns" if mark == "\t" else ""
    if len(row) != width:
        raise InputError(
            f"{where}: every line must have {width} columns, as the first has; "
            f"got {len(row)}. Mend the line, or pass delimiter=."
        )
    if not all(row[place] for place in places.names):
        raise InputError(
            f"{where}: {form.names[0]} and {form.names[1]} must not be empty; got {row}. "
            f"Drop the line{tabs}."
        )
    if places.value is not None and not _fits(row[places.value], form):
        raise InputError(
            f"{where}: the {form.value} must be {form.must}; got {row[places.value]!r}. "
            f"{form.advice}"
        )
    if places.time is not None and not _is_time(row[places.time]):
        raise InputError(
            f"{where}: the time must be a whole number of seconds; got {row[places.time]!r}. "
            "Read dates with pandas.read_csv(..., parse_dates=[...]) and pass the frame."
        )


def _is_time(text: str) -> bool:
    try:
        return -(2**63) <= int(text) < 2**63
    except ValueError:
        return False


def _fits(text: str, form: Form) -> bool:
    return _is_number(text) and form.fits(np.array([float(text)]))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
