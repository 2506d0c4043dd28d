"""Lines of text tables, split into rows: csv, tsv, ``::``, white space.

What it is: the delimiter found out, comments and blank lines left out, fields without the blanks
around them unless they are quoted, and the number of each line for messages. What it is not: a
reader of what the fields mean (see ``reader``).
"""

from __future__ import annotations

import csv
import io
import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from embedry.data.text.encoding import check_text
from embedry.errors import InputError
from embedry.files import existing_file, unpacked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

__all__ = ["Lines", "Source", "open_source"]

_LOOKED_AT = 4096  # bytes that tell whether a file is text
_MATRIX_MARKET = "%%MatrixMarket"
_ATTRIBUTES = re.compile(r"\S.*\s\{(\}|.*:.*\})\s*")  # 1 2 {'weight': 3}
_BLANKS = " \t\r\n"  # other white space, such as \x85, may belong to a name


def open_source(path: str | Path, delimiter: str | None, comments: str) -> Source:
    """Look at a text table and find out its delimiter.

    Parameters
    ----------
    path : str or Path
    delimiter : str or None
        None: found out from the first line.
    comments : str
        As in `Lines`.

    Returns
    -------
    Source

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    InputError
        If it is no path or a folder, an option is of another kind, the text is not UTF-8, or it
        is a Matrix Market file or an edge list with attributes.
    FileFormatError
        If it is damaged, or packed or encoded otherwise.
    """
    path = existing_file(path, "a text table")
    if delimiter is not None and not (isinstance(delimiter, str) and delimiter):
        raise InputError(f"delimiter must be a text that is not empty; got {delimiter!r}.")
    if not isinstance(comments, str):
        raise InputError(f"comments must be a str of characters; got {comments!r}.")
    return Source(path, delimiter or _found_delimiter(_first_line(path, comments)), comments)


class Lines:
    """The lines of a file but for comments, counted.

    Parameters
    ----------
    file : iterable of str
    comments : str
        Lines that begin with one of these characters, after blanks or not, are left out.
    mark : str
        The delimiter: a tab at the beginning of a line is one, or a blank.

    Attributes
    ----------
    number : int
        That of the last line read, from 1.
    comments : int
        How many were left out.
    empty : int
        How many of the others gave no row: nothing in them but blanks.
    """

    def __init__(self, file: Iterable[str], comments: str, mark: str) -> None:
        self._file = file
        self._marks = tuple(comments)
        self._indents = " " if mark == "\t" else " \t"
        self.number = 0
        self.comments = 0
        self.empty = 0

    def __iter__(self) -> Iterator[str]:
        for line in self._file:
            self.number += 1
            if line.lstrip(self._indents).startswith(self._marks):
                self.comments += 1
            else:
                yield line


@dataclass(frozen=True)
class Source:
    """A file and how to read it, once or again.

    Attributes
    ----------
    path : Path
    mark : str
        The delimiter; a space stands for any run of white space.
    comments : str
        As in `Lines`.
    """

    path: Path
    mark: str
    comments: str

    @contextmanager
    def rows(self) -> Iterator[tuple[Iterator[list[str]], Lines]]:
        """Open the rows that are not blank, and what knows the number of the last line read.

        Yields
        ------
        rows : iterator of list of str
        lines : Lines

        Raises
        ------
        InputError, FileFormatError
            As `open_source`, when the line is come to; or if a quote stays open.
        """
        is_csv = len(self.mark) == 1 and self.mark != " "
        with _text(self.path, newline="" if is_csv else None) as file:
            lines = Lines(file, self.comments, self.mark)
            try:
                yield _full(_split(lines, self.mark), lines), lines
            except csv.Error as error:
                raise InputError(
                    f"{self.path}, line {lines.number}: {error}. Mend the quotes."
                ) from error

    def numbered(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the rows that are not blank, each with the number of its last line.

        Raises
        ------
        InputError, FileFormatError
            As `rows`.
        """
        with self.rows() as (rows, lines):
            yield from ((lines.number, row) for row in rows if any(row))


@contextmanager
def _text(path: Path, newline: str | None) -> Iterator[io.TextIOWrapper]:
    try:
        with (
            path.open("rb") as packed,
            unpacked(path, packed) as raw,
        ):
            check_text(path, raw.peek(_LOOKED_AT))  # type: ignore[attr-defined]
            with io.TextIOWrapper(raw, encoding="utf-8-sig", newline=newline) as file:
                yield file
    except UnicodeDecodeError as error:
        raise InputError(f"{path} must be UTF-8 text; {error}. Convert it first.") from error


def _full(rows: Iterator[list[str]], lines: Lines) -> Iterator[list[str]]:
    """Leave out the empty rows, and count them."""
    for row in rows:
        if row:
            yield row
        else:
            lines.empty += 1


def _split(lines: Lines, mark: str) -> Iterator[list[str]]:
    """Split lines into rows without blanks around the names; blank lines give empty rows."""
    if mark == " ":
        return map(str.split, lines)  # at any run of white space
    if len(mark) > 1:
        rows = (line.split(mark) if line.strip() else [] for line in lines)
        return ([field.strip(_BLANKS) for field in row] for row in rows)
    return _split_csv(lines, mark)


def _split_csv(lines: Lines, mark: str) -> Iterator[list[str]]:
    taken: list[str] = []  # the lines of a row
    noted = (taken.append(line) or line for line in lines)  # type: ignore[func-returns-value]
    for row in csv.reader(noted, delimiter=mark, strict=True, skipinitialspace=True):
        text = "".join(taken)
        taken.clear()
        bare = [field.strip(_BLANKS) for field in row]
        if bare == [""] and '"' not in text:  # a line of blanks
            yield []
        else:
            yield bare if bare == row else _kept_quoted(text, row, bare)


def _kept_quoted(text: str, row: list[str], bare: list[str]) -> list[str]:
    """Return the fields, the quoted ones as they are, for the csv reader does not say which are."""
    place = 0
    fields = []
    for field, stripped in zip(row, bare, strict=True):
        while text.startswith(" ", place):
            place += 1
        quoted = text.startswith('"', place)
        fields.append(field if quoted else stripped)
        place += len(field) + 1 + (2 + field.count('"') if quoted else 0)  # the mark; the quotes
    return fields


def _first_line(path: Path, comments: str) -> str:
    with _text(path, newline="") as file:
        for line in file:
            if line.startswith(_MATRIX_MARKET):
                raise InputError(
                    f"{path} must be a table of rows; it is a Matrix Market file. Pass "
                    "scipy.io.mmread(path) to from_scipy."
                )
            if not line.strip(_BLANKS) or line.lstrip(_BLANKS).startswith(tuple(comments)):
                continue
            if _ATTRIBUTES.fullmatch(line):
                raise InputError(
                    f"{path} must be a table of names and numbers; got attributes of an edge, "
                    f"{line.strip()!r}. Read it with networkx.read_edgelist(path), then "
                    "Graph.from_networkx; or pass delimiter=' ' and columns=(0, 1) if every line "
                    "has as many words."
                )
            return line
    return ""


def _found_delimiter(line: str) -> str:
    return next((mark for mark in ("\t", "::", ";", ",", " ") if mark in line), ",")
