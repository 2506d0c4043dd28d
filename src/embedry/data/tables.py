"""Text tables of user, item and perhaps value: csv, tsv, ``::``, white space.

What it is not: a general reader of csv. It finds out what can be told from the first two lines,
and refuses, by the number of the line, what fits neither.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from array import array
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING

from embedry.data.history import LARGEST_VALUE
from embedry.errors import FileFormatError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["Table", "read_table"]


@dataclass(frozen=True, eq=False)
class Table:
    """The columns of a table.

    Attributes
    ----------
    users, items : list of str, n of them
    values : array of n floats, or None
    has_header : bool
        Whether the first line named the columns, and was left out.
    """

    users: list[str]
    items: list[str]
    values: array[float] | None
    has_header: bool


def read_table(
    path: Path, delimiter: str | None, columns: Sequence[str | int], header: bool | None
) -> Table:
    """Read a table; see `Interactions.from_file`.

    Parameters
    ----------
    path : Path
    delimiter : str or None
    columns : two or three of str or int
    header : bool or None

    Returns
    -------
    Table

    Raises
    ------
    InputError, FileFormatError
        As `Interactions.from_file`.
    """
    text = _read_text(path)
    start = text.lstrip("\r\n").partition("\n")[0]
    rows = _split(path, text, delimiter or _found_delimiter(start))
    head = list(islice(rows, 2))
    if not head:
        raise InputError(f"{path} must hold at least one line; it is empty.")
    first = head[0][1]
    places = _places(path, first, columns)
    if header is None:
        named = any(isinstance(column, str) for column in columns)
        header = named or _is_header([row for _, row in head], places)
    users, items, values = [], [], array("d")
    spelled: dict[str, str] = {}  # each id once in memory, however often it comes
    for number, row in chain(head[1:] if header else head, rows):
        _check_row(path, number, row, first, places)
        user, item = row[places[0]], row[places[1]]
        users.append(spelled.setdefault(user, user))
        items.append(spelled.setdefault(item, item))
        if len(places) > 2:
            values.append(_number(path, number, row[places[2]]))
    return Table(users, items, values if len(places) > 2 else None, header)


def _read_text(path: Path) -> str:
    raw = path.read_bytes()
    try:
        return (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} must be UTF-8 text; {error}. Convert it first.") from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise FileFormatError(
            f"{path} must be a whole gzip file; {error}. Fetch it again.", path=path
        ) from error


def _is_header(rows: list[list[str]], places: list[int]) -> bool:
    """Say whether the first line names columns: a value that is no number above one that is."""
    first = [rows[0][place] for place in places]
    if len(places) == 2:
        return "".join(filter(str.isalpha, first[0])).lower() in {"user", "userid", "uid"}
    names = bool(first[2].strip()) and not _is_number(first[2])
    if len(rows) < 2 or len(rows[1]) <= max(places):
        return names
    return names and _is_number(rows[1][places[2]])


def _check_row(
    path: Path, number: int, row: list[str], first: list[str], places: list[int]
) -> None:
    if len(row) != len(first):
        raise InputError(
            f"{path}, line {number}: every line must have {len(first)} columns, as the first has; "
            f"got {len(row)}. Mend the line, or pass delimiter=."
        )
    if not (row[places[0]] and row[places[1]]):
        raise InputError(
            f"{path}, line {number}: user and item must not be empty; got {row}. Drop the line."
        )


def _split(path: Path, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are not blank, each with the number of its (last) line."""
    if len(delimiter) > 1 or delimiter == " ":
        mark = None if delimiter == " " else delimiter  # None: any run of white space
        for number, line in enumerate(io.StringIO(text, newline="\n"), 1):
            if line.strip():
                yield number, line.rstrip("\r\n").split(mark)
        return
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)
    try:
        yield from ((reader.line_num, row) for row in reader if row)
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: {error}. Mend the quotes.") from error


def _found_delimiter(line: str) -> str:
    return next((mark for mark in ("\t", "::", ";", ",", " ") if mark in line), ",")


def _places(path: Path, first: list[str], columns: Sequence[str | int]) -> list[int]:
    if columns == (0, 1, 2) and len(first) == 2:
        columns = (0, 1)
    if isinstance(columns, str) or not hasattr(columns, "__len__") or len(columns) not in {2, 3}:
        raise InputError(f"columns must name user, item and perhaps value; got {columns!r}.")
    places = []
    for column in columns:
        if isinstance(column, str) and column in first:
            places.append(first.index(column))
        elif isinstance(column, int) and 0 <= column < len(first):
            places.append(column)
        else:
            raise InputError(f"{path} must have a column {column!r}; its first line is {first}.")
    return places


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _number(path: Path, line: int, text: str) -> float:
    if not _is_number(text) or not 0 <= float(text) <= LARGEST_VALUE:
        raise InputError(
            f"{path}, line {line}: the value must be a finite number, not negative; got {text!r}. "
            "Drop that line, or shift ratings to start at 0."
        )
    return float(text)
