"""Pairs as others hold them: text files, DataFrames, Parquet files, SciPy matrices.

No other package is imported but pyarrow, for Parquet alone: what is passed brings its own
methods.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from embedry.data.history import LARGEST_VALUE
from embedry.data.tables.frames import check_frame
from embedry.data.tables.headings import Form, letters_of
from embedry.errors import FileFormatError, InputError, MissingExtraError
from embedry.files import existing_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["FORM", "Columns", "Named", "read_frame", "read_parquet", "read_scipy"]

_USERS = frozenset({"user", "userid", "uid"})  # names of a user alone
_NAMED = frozenset({
    "user", "username", "uid", "customer", "client", "person", "people", "member", "reader",
    "viewer", "listener", "visitor", "session", "account", "buyer", "shopper", "student",
    "reviewer", "author", "who", "item", "iid", "product", "movie", "film", "book", "title",
    "song", "track", "artist", "album", "article", "sku", "asin", "isbn", "page", "url", "video",
    "game", "course", "recipe", "business", "restaurant", "place", "venue", "tag", "document",
    "news", "show", "anime", "app", "merchant", "what", "id",
})  # fmt: skip
_OF = re.compile(r"\w+[ _-](?i:id|name)|[A-Za-z]*[a-z](I[Dd]|Name)")  # customer_id, productName


def _are_headings(first: Sequence[str]) -> bool:
    """Say whether two fields are well-known names of columns of users and items."""
    words = [letters_of(name) for name in first]
    if words[0] in _USERS:
        return True
    known = (
        word.removesuffix("id") in _NAMED or word in _NAMED or _OF.fullmatch(name)
        for word, name in zip(words, first, strict=True)
    )
    return words[0] != words[1] and all(known)


FORM = Form(
    names=("user", "item"),
    value="value",
    must=f"a finite number, not negative and at most {LARGEST_VALUE:g}",
    smallest=0,
    largest=LARGEST_VALUE,
    advice="Drop that line, or shift ratings to start at 0; of times, pass time=2.",
    text_advice="Drop that line; if the column holds text, pass columns=(0, 1) or the right ones.",
    are_headings=_are_headings,
    timed=True,
)


class Named(NamedTuple):
    """What the columns are called; None for what is not there."""

    user: str
    item: str
    value: str | None
    time: str | None

    def wanted(self) -> Iterator[str]:
        """Yield the columns that must be there."""
        return (name for name in self if name is not None)


class Columns(NamedTuple):
    """The columns as they came."""

    users: Any
    items: Any
    values: Any
    times: Any


def read_frame(frame: Any, named: Named) -> Columns:
    """Take columns from a frame; see `Interactions.from_frame`.

    Parameters
    ----------
    frame : DataFrame, Arrow table, or mapping of str to column
    named : Named

    Returns
    -------
    Columns

    Raises
    ------
    InputError
        If it is no frame, a column is missing, or has a gap: the message names its row.
    """
    check_frame(frame, named.wanted(), "Pass columns to from_triples.")
    return Columns(*(None if name is None else frame[name] for name in named))


def read_parquet(path: str | Path, named: Named) -> Columns:
    """Read the columns of a Parquet file; see `Interactions.from_parquet`.

    Parameters
    ----------
    path : str or Path
    named : Named

    Returns
    -------
    Columns

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    InputError
        If it is no path, or the path of a folder.
    FileFormatError
        If it is no whole Parquet file, or a column is missing or has a gap.
    MissingExtraError
        If pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise MissingExtraError("A Parquet file", extra="arrow") from error
    path = existing_file(path, "a Parquet file")
    try:
        with ParquetFile(path) as file:
            _check_columns(path, file.schema_arrow.names, named)
            table = file.read(columns=list(dict.fromkeys(named.wanted())), use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise FileFormatError(
            f"{path} must be a whole Parquet file; {error}. Restore a copy, or make it anew.",
            path=path,
        ) from error
    return Columns(*(None if name is None else _whole(path, name, table[name]) for name in named))


def _check_columns(path: Path, names: list[str], named: Named) -> None:
    for what, name in named._asdict().items():
        if name is not None and names.count(name) != 1:
            raise FileFormatError(
                f"{path} must have one column {name!r}; its columns are "
                f"{', '.join(map(repr, names))}. Pass {what}= the name of the right one.",
                path=path,
            )


def _whole(path: Path, name: str, column: Any) -> NDArray[Any]:
    if column.null_count:
        place = int(np.flatnonzero(np.asarray(column.is_null()))[0])
        raise FileFormatError(
            f"Every row of {path} must have a {name!r}; {column.null_count} have none, the first "
            f"is row {place} (from 0). Drop them where the file was made.",
            path=path,
        )
    return np.asarray(column.to_numpy())


def read_scipy(matrix: Any) -> Any:
    """Return the entries of a SciPy sparse matrix as they are stored; see `from_scipy`.

    Parameters
    ----------
    matrix : scipy.sparse matrix or array (users, items)

    Returns
    -------
    scipy.sparse coo matrix or array

    Raises
    ------
    InputError
        If it is not sparse with two dimensions, or a row or column is out of range.
    """
    if not hasattr(matrix, "tocoo") or matrix.ndim != 2:
        raise InputError(
            "matrix must be a SciPy sparse matrix of users by items; "
            f"got {type(matrix).__name__}. Pass scipy.sparse.csr_array(...) of a table."
        )
    try:
        entries = matrix.tocoo()
        _check_inside(entries)
    except ValueError as error:
        raise InputError(
            f"The indices of matrix must lie within its shape {matrix.shape}; {error}. Make it "
            "anew with scipy.sparse.csr_array((values, (rows, columns)), shape=...)."
        ) from error
    return entries


def _check_inside(entries: Any) -> None:
    """Refuse entries beyond the shape; SciPy checks some of them, and not all."""
    for name, places, count in zip(
        ("row", "column"), (entries.row, entries.col), entries.shape, strict=True
    ):
        wrong = np.flatnonzero((places < 0) | (places >= count))
        if wrong.size:
            raise ValueError(f"a {name} is {places[wrong[0]]}")
