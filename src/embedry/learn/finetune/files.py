"""Examples from a text table: two texts a line, perhaps a third, or a score.

What it is: columns chosen, a heading told, and messages by the number of the line. What it is not:
a guess at what parts the columns. Texts hold any character, so a file named ``.tsv`` has tabs, and
every other has commas, unless it is said.
"""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING

from embedry.data.tables.reader import read_rows
from embedry.errors import InputError
from embedry.learn.finetune.examples import as_examples

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from embedry.learn.finetune.examples import Examples

__all__ = ["read_examples"]

_NAMES = frozenset(
    {
        *("anchor", "positive", "negative", "query", "question", "answer", "document", "passage"),
        *("text", "text1", "text2", "first", "second", "sentence", "sentence1", "sentence2"),
        *("sentence_a", "sentence_b", "score", "label", "similarity"),
    }
)
_TABS = re.compile(r".*\.(tsv|tab)(\.gz)?", re.IGNORECASE)


def read_examples(
    path: str | Path, *, delimiter: str | None = None, columns: Sequence[str | int] | None = None
) -> Examples:
    """Read pairs, triplets or scored pairs from a table.

    Parameters
    ----------
    path : str or Path
        UTF-8; ``.gz`` is unpacked. Fields may be quoted.
    delimiter : str, optional
        Left out, a tab for ``.tsv``, else a comma.
    columns : two or three of str or int, optional
        Names in the first line, or numbers from 0. Left out, all columns; the first line is a
        heading where each of its fields is one of ``anchor``, ``positive``, ``query``,
        ``sentence1``, ``score`` and their like.

    Returns
    -------
    Pairs, Triplets or ScoredPairs
        Two columns are pairs; of three, the last is a score where that of the first row is a
        number.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    InputError
        If a line has other columns than the first, a score is no number, a column is not there,
        the text is not UTF-8, or as `Pairs`, `Triplets` and `ScoredPairs`.
    FileFormatError
        If it is damaged.
    """
    mark = delimiter or ("\t" if _TABS.fullmatch(str(path)) else ",")
    _, numbered = read_rows(path, delimiter=mark)
    first = next(numbered, None)
    if first is None:
        raise InputError(f"{path} must hold at least one line; it is empty.")
    places, is_heading = _places(path, first[1], columns)
    rows = numbered if is_heading else chain([first], numbered)
    return as_examples(_chosen(path, rows, places, len(first[1])))


def _places(
    path: object, first: list[str], columns: Sequence[str | int] | None
) -> tuple[list[int], bool]:
    """Return where the columns are, and whether the first line is a heading."""
    names = [field.strip().casefold() for field in first]
    is_heading = all(name in _NAMES for name in names)
    if columns is None:
        return list(range(len(first))), is_heading
    named = any(isinstance(column, str) for column in columns)
    places = [_place(path, names, column) for column in columns]
    return places, named or is_heading


def _place(path: object, names: list[str], column: str | int) -> int:
    known = range(len(names)) if isinstance(column, int) else names
    if column not in known and str(column).casefold() not in names:
        raise InputError(
            f"columns must be in the first line of {path}, which has {', '.join(names):.200}; got "
            f"{column!r}."
        )
    return column if isinstance(column, int) else names.index(column.casefold())


def _chosen(
    path: object, rows: Iterator[tuple[int, list[str]]], places: list[int], width: int
) -> Iterator[tuple[str | float, ...]]:
    """Yield the chosen fields of each row, the third as a number where the first row's is one."""
    scored: bool | None = None
    for line, fields in rows:
        if len(fields) != width:
            raise InputError(
                f"{path}, line {line}: every line must have {width} columns, as the first has; got "
                f"{len(fields)}. Quote texts that hold the delimiter, or pass delimiter=."
            )
        row = [fields[place] for place in places]
        if scored is None:
            scored = len(row) == 3 and _number(row[2]) is not None
        if not scored:
            yield tuple(row)
        elif (score := _number(row[2])) is None:
            raise InputError(
                f"{path}, line {line}: a score must be a number, as that of the first row; got "
                f"{row[2]!r:.40}. Mend the line."
            )
        else:
            yield row[0], row[1], score


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
