"""Files of negatives: the items that each test user is asked to be told from, as published.

What it is: the reader of the form that He et al. 2017 published and many have kept. What it is
not: a draw; `Sampled(negatives=99)` draws.

References
----------
He et al. 2017, Neural Collaborative Filtering: its data sets, ``*.test.negative``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from embedry.data.tables.reader import read_rows
from embedry.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from embedry.ids import Id

__all__ = ["read_negatives"]

_PAIR = re.compile(r"\((.+),(.+)\)")  # a user and the test item


def read_negatives(path: str | Path) -> dict[Id, tuple[Id, ...]]:
    """Read the negatives of each user: a user and negative items a line.

    Parameters
    ----------
    path : str or Path
        Text in columns parted by tabs, UTF-8, gzipped or not. The first column is a user, or
        ``(user,item)`` with the test item, which is passed over: it comes with the test.

    Returns
    -------
    dict of str to tuple of str
        In the order of the file; a user who comes again gains the further items, each once. Ids
        are str, since text cannot tell ``1`` from ``"1"``, as in interactions read from files.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    InputError
        If it is not UTF-8 or empty, or a line has a user alone: the message names it.
    FileFormatError
        If it is UTF-16 or UTF-32, packed by another tool than gzip, or gzipped and damaged.
    """
    _, rows = read_rows(path, delimiter="\t", comments="")
    found: dict[Id, dict[Id, None]] = {}
    for number, row in rows:
        names = [name for name in row[1:] if name]
        if not (row[0] and names):
            raise InputError(
                f"{path}, line {number}: must hold a user and negative items, parted by tabs; got "
                f"{row}."
            )
        pair = _PAIR.fullmatch(row[0])
        user = pair[1].strip() if pair else row[0]
        found.setdefault(user, {}).update(dict.fromkeys(names))
    if not found:
        raise InputError(f"{path} must hold a user and negative items a line; it holds none.")
    return {user: tuple(names) for user, names in found.items()}
