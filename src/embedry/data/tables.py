"""Text tables of two names and perhaps a value: csv, tsv, ``::``, white space.

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
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from embedry.data.lines import Source, open_source
from embedry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

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
    dropped : dict of str to int
        ``"header line"`` and ``"comment line"``, where there were any.
    """

    names: tuple[tuple[str, ...], tuple[str, ...]]
    firsts: NDArray[np.int32]
    seconds: NDArray[np.int32]
    values: NDArray[np.float64] | None
    dropped: dict[str, int]


def read_table(
    path: str | Path,
    form: Form,
    *,
    delimiter: str | None,
    columns: Sequence[str | int],
    header: bool | None,
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
    path = Path(path)
    source = open_source(path, delimiter, comments)
    with source.rows() as (rows, lines):
        head = list(islice(rows, 2))
        if not head:
            raise InputError(f"{path} must hold at least one line; it is empty.")
        places = _places(path, form, head[0], columns)
        if header is None:
            named = any(isinstance(column, str) for column in columns)
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
    source = open_source(Path(path), delimiter, comments)
    return source.mark, source.numbered()


def _batches(rows: Iterable[list[str]]) -> Iterator[list[list[str]]]:
    rows = iter(rows)
    while batch := list(islice(rows, _ROWS_AT_ONCE)):
        yield batch


def _refuse(source: Source, form: Form, places: list[int], width: int, *, header: bool) -> None:
    """Find the first row that does not fit, and say why."""
    with source.rows() as (rows, lines):
        for row in islice(rows, int(header), None):
            where = f"{source.path}, line {lines.number}"
            _check_row(where, row, form, places, width, source.mark)
    raise InputError(f"{source.path} must not change while it is read. Read it again.")


# --- columns -----------------------------------------------------------------------------------


class _Columns:
    """Rows, taken apart into columns of numbers."""

    def __init__(self, form: Form, places: list[int], width: int) -> None:
        self._form = form
        self._places = places
        self._width = width
        self._numbers = [_numbers() for _ in form.names]
        if form.one_kind:
            self._numbers[1] = self._numbers[0]
        self._codes: list[NDArray[np.int32]] = []
        self._values = array("d")

    def add(self, rows: list[list[str]]) -> bool:
        """Add rows and return True, or return False if one of them does not fit."""
        if set(map(len, rows)) != {self._width}:
            return False
        firsts, seconds, *others = ([row[place] for row in rows] for place in self._places)
        if "" in firsts or "" in seconds:
            return False
        if others:
            try:
                values = np.fromiter(map(float, others[0]), np.float64, len(rows))
            except ValueError:
                return False
            if not self._form.fits(values):
                return False
            self._values.frombytes(values.tobytes())
        self._codes.append(self._encoded(firsts, seconds))
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
        values = np.frombuffer(self._values) if len(self._places) > 2 else None
        names = tuple(tuple(numbers) for numbers in self._numbers)
        return Table((names[0], names[1]), codes[:, 0], codes[:, 1], values, dropped)


def _numbers() -> defaultdict[str, int]:
    numbers: defaultdict[str, int] = defaultdict()
    numbers.default_factory = numbers.__len__  # a new name gets the next number
    return numbers


def _places(path: Path, form: Form, first: list[str], columns: Sequence[str | int]) -> list[int]:
    if columns == (0, 1, 2) and len(first) == 2:
        columns = (0, 1)
    if isinstance(columns, str) or not hasattr(columns, "__len__") or len(columns) not in {2, 3}:
        raise InputError(
            f"columns must name {form.names[0]}, {form.names[1]} and perhaps {form.value}; "
            f"got {columns!r}."
        )
    places = []
    for column in columns:
        if isinstance(column, str) and column in first:
            places.append(first.index(column))
        elif isinstance(column, int) and 0 <= column < len(first):
            places.append(column)
        else:
            advice = " Pass delimiter= if it is parted otherwise." if len(first) == 1 else ""
            raise InputError(
                f"{path} must have a column {column!r}; its first line is {first}.{advice}"
            )
    return places


def _is_header(rows: list[list[str]], places: list[int], form: Form) -> bool:
    """Say whether the first line names columns: words above numbers, or well-known names."""
    whole = len(rows) > 1 and len(rows[1]) > max(places)
    first, second = ([row[place] for place in places] for row in (rows[0], rows[int(whole)]))
    if len(places) > 2:
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
    where: str, row: list[str], form: Form, places: list[int], width: int, mark: str
) -> None:
    tabs = ", or pass delimiter=' ' if several tabs part two columns" if mark == "\t" else ""
    if len(row) != width:
        raise InputError(
            f"{where}: every line must have {width} columns, as the first has; "
            f"got {len(row)}. Mend the line, or pass delimiter=."
        )
    if not (row[places[0]] and row[places[1]]):
        raise InputError(
            f"{where}: {form.names[0]} and {form.names[1]} must not be empty; got {row}. "
            f"Drop the line{tabs}."
        )
    if len(places) > 2 and not _fits(row[places[2]], form):
        raise InputError(
            f"{where}: the {form.value} must be {form.must}; got {row[places[2]]!r}. {form.advice}"
        )


def _fits(text: str, form: Form) -> bool:
    return _is_number(text) and form.fits(np.array([float(text)]))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
