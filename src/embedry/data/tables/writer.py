"""Text tables written so that they are read again as they were.

What it is: csv in UTF-8 with a header, quoted where a reader would take blanks off a name. What
it is not: a format that tells ``1`` from ``"1"``; text cannot.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np

from embedry.errors import InputError
from embedry.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from embedry.ids import Id

__all__ = ["check_told_apart", "shortest_texts", "write_table"]


def write_table(
    path: str | Path, header: Sequence[str], names: Sequence[Id], rows: Iterable[Sequence[object]]
) -> None:
    """Write rows beneath a header.

    Parameters
    ----------
    path : str or Path
        Written aside and renamed.
    header : sequence of str
    names : sequence of str or int
        All names that occur in the rows.
    rows : iterable of sequences
        One as long as the header each.

    Raises
    ------
    InputError
        If it is no path, or the path of a folder, or a name is empty or holds a NUL.
    FileNotFoundError
        If its folder is missing.
    OSError
        If it cannot be written.
    """
    wrong = [name for name in names if isinstance(name, str) and (not name or "\0" in name)]
    if wrong:
        raise InputError(
            f"Names in a text table must not be empty, nor hold a NUL; {len(wrong)} are or do, "
            f"such as {wrong[0]!r}. Rename them."
        )
    texts = (name for name in names if isinstance(name, str))
    quoted = any(name != name.strip() or "\r" in name for name in texts)
    with write_atomically(path) as place, place.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(
            file, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL, lineterminator="\n"
        )
        writer.writerow(header)
        writer.writerows(rows)


def check_told_apart(ids: Sequence[str | int]) -> None:
    """Refuse names of one column that a text table cannot tell apart, such as 1 and ``"1"``.

    Parameters
    ----------
    ids : sequence of str or int

    Raises
    ------
    InputError
    """
    texts = {id for id in ids if isinstance(id, str)}
    if both := texts.intersection(str(id) for id in ids if not isinstance(id, str)):
        raise InputError(
            f"A text table cannot tell the ids {int(min(both))} and {min(both)!r} apart; "
            f"{len(both)} are there as int and as str. Rename one of each."
        )


def shortest_texts(values: NDArray[np.float32]) -> list[str]:
    """Write each value with as few digits as give it back.

    Parameters
    ----------
    values : ndarray (n,), float32

    Returns
    -------
    list of n str

    Examples
    --------
    >>> shortest_texts(np.float32([5, 0.1, 1e-20]))
    ['5', '0.1', '1e-20']
    """
    distinct, places = np.unique(values, return_inverse=True)
    texts = [str(value).removesuffix(".0") for value in distinct]
    return [texts[place] for place in places.tolist()]
