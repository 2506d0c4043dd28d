"""Text tables of two names and perhaps a value and a time: csv, tsv, ``::``, white space.

What it is: a reader in batches, so that memory holds the numbers of what was read, and each name
once. What it is not: a general reader of csv. It finds out what can be told from the first two
lines, and refuses, by the number of the line, what fits neither: a batch that does not fit is
read again line by line.
"""

from __future__ import annotations

import csv
import re
from array import array
from collections import defaultdict
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING

import numpy as np

from embedry.data.tables.headings import Form, Layout, find_layout, is_number, is_time
from embedry.data.tables.lines import Lines, Source, open_source
from embedry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["Table", "read_rows", "read_table"]

_ROWS_AT_ONCE = 2**14
_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")


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
        ``"header line"``, ``"comment line"``, ``"empty line"``, where there were any; ``"time"``,
        where the third column is headed as one and holds no whole numbers.
    told : tuple of str
        What was guessed, in words.
    """

    names: tuple[tuple[str, ...], tuple[str, ...]]
    firsts: NDArray[np.int32]
    seconds: NDArray[np.int32]
    values: NDArray[np.float64] | None
    times: NDArray[np.int64] | None
    dropped: dict[str, int]
    told: tuple[str, ...] = ()


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
        layout = find_layout(path, form, head, columns=columns, time=time, header=header)
        table = _Columns(form, layout)
        try:
            fits = all(map(table.add, _batches(chain(head[int(layout.header) :], rows))))
        except csv.Error:
            fits = False
        if not fits:
            _refuse(source, form, layout)
        return table.table(_left_out(layout, lines, table.size))


def _left_out(layout: Layout, lines: Lines, rows: int) -> dict[str, int]:
    counts = {
        "header line": int(layout.header),
        "comment line": lines.comments,
        "empty line": lines.empty,
        "time": rows * layout.untaken_times,
    }
    return {reason: count for reason, count in counts.items() if count}


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


def _refuse(source: Source, form: Form, layout: Layout) -> None:
    """Find the first row that does not fit, and say why."""
    with source.rows() as (rows, lines):
        for row in islice(rows, int(layout.header), None):
            where = f"{source.path}, line {lines.number}"
            _check_row(where, row, form, layout, source.mark)
    raise InputError(f"{source.path} must not change while it is read. Read it again.")


# --- columns -----------------------------------------------------------------------------------


class _Columns:
    """Rows, taken apart into columns of numbers."""

    def __init__(self, form: Form, layout: Layout) -> None:
        self.size = 0
        self._form = form
        self._layout = layout
        self._numbers = [_numbers() for _ in form.names]
        if form.one_kind:
            self._numbers[1] = self._numbers[0]
        self._codes: list[NDArray[np.int32]] = []
        self._values = array("d")
        self._times = array("q")

    def add(self, rows: list[list[str]]) -> bool:
        """Add rows and return True, or return False if one of them does not fit."""
        if set(map(len, rows)) != {self._layout.width}:
            return False
        firsts, seconds = ([row[place] for row in rows] for place in self._layout.names)
        if "" in firsts or "" in seconds or not self._add_numbers(rows):
            return False
        self._codes.append(self._encoded(firsts, seconds))
        self.size += len(rows)
        return True

    def _add_numbers(self, rows: list[list[str]]) -> bool:
        """Add values and times and return True, or return False if one of them is none."""
        value, time = self._layout.value, self._layout.time
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
        values = None if self._layout.value is None else np.frombuffer(self._values)
        times = None if self._layout.time is None else np.frombuffer(self._times, np.int64)
        names = tuple(tuple(numbers) for numbers in self._numbers)
        both = (names[0], names[1])
        told = self._layout.told
        return Table(both, codes[:, 0], codes[:, 1], values, times, dropped, told)


def _numbers() -> defaultdict[str, int]:
    numbers: defaultdict[str, int] = defaultdict()
    numbers.default_factory = numbers.__len__  # a new name gets the next number
    return numbers


def _check_row(where: str, row: list[str], form: Form, layout: Layout, mark: str) -> None:
    tabs = ", or pass delimiter=' ' if several tabs part two columns" if mark == "\t" else ""
    if len(row) != layout.width:
        raise InputError(
            f"{where}: every line must have {layout.width} columns, as the first has; "
            f"got {len(row)}. Mend the line, or pass delimiter=."
        )
    if not all(row[place] for place in layout.names):
        raise InputError(
            f"{where}: {form.names[0]} and {form.names[1]} must not be empty; got {row}. "
            f"Drop the line{tabs}."
        )
    if layout.value is not None and not _fits(row[layout.value], form):
        raise InputError(
            f"{where}: the {form.value} must be {form.must}; got {row[layout.value]!r}. "
            f"{_advice(row[layout.value], form)}"
        )
    if layout.time is not None and not is_time(row[layout.time]):
        raise InputError(
            f"{where}: the time must be a whole number of seconds; got {row[layout.time]!r}. "
            "Read dates with pandas.read_csv(..., parse_dates=[...]) and pass the frame."
        )


def _fits(text: str, form: Form) -> bool:
    return is_number(text) and form.fits(np.array([float(text)]))


def _advice(text: str, form: Form) -> str:
    """Say what to do about a value that is none."""
    if _COMMA.fullmatch(text):
        return f"Decimals take a point: write {text.replace(',', '.')}."
    return form.text_advice if any(map(str.isalpha, text)) else form.advice
