"""Parquet: a column of ids and a column of vectors, with the card in the metadata of the latter.

What it is: the bridge to data frames, DuckDB, Spark and data sets of embeddings. It needs
pyarrow, which the extra ``arrow`` brings.

References
----------
Apache Parquet and Arrow, "Fixed-size list" (https://arrow.apache.org/docs/format/Columnar.html).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from embedry.card import Card
from embedry.errors import FileFormatError, InputError, MissingExtraError
from embedry.exchange.found import Found, GrowingRows
from embedry.files import existing_file, write_atomically
from embedry.progress import bar

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from embedry.ids import Id

__all__ = ["read_parquet", "write_parquet"]

_CARD = b"embedry.card"
_ROWS_AT_ONCE = 1 << 15


def write_parquet(
    path: str | Path, ids: Sequence[Id], vectors: NDArray[np.float32], card: Card
) -> None:
    """Write ids, vectors (n, dims) float32 and their card; see `Embeddings.to_parquet`.

    Parameters
    ----------
    path : str or Path
    ids : sequence of str or int, n of them
    vectors : ndarray (n, dims), float32
    card : Card

    Raises
    ------
    InputError
        If some ids are str and some int.
    MissingExtraError
        If pyarrow is not installed.
    OSError
        If it cannot be written; what was there stays.
    """
    arrow, parquet = _pyarrow()
    texts = sum(isinstance(id, str) for id in ids)
    if 0 < texts < len(ids):
        raise InputError(
            f"The ids of a Parquet file must be of one type; {texts} are str and "
            f"{len(ids) - texts} int. Make them all str, or use Embeddings.save, which keeps both."
        )
    kind = arrow.string() if texts or not ids else arrow.int64()
    lists = arrow.list_(arrow.float32(), vectors.shape[1])
    field = arrow.field("vector", lists, nullable=False, metadata={_CARD: card.to_json()})
    schema = arrow.schema([arrow.field("id", kind, nullable=False), field])
    with (
        write_atomically(path) as aside,
        # vectors repeat nothing that a dictionary could save
        parquet.ParquetWriter(aside, schema, use_dictionary=["id"]) as writer,
        bar("Writing vectors", total=len(ids)) as advance,
    ):
        for first in range(0, len(ids), _ROWS_AT_ONCE):
            some = list(ids[first : first + _ROWS_AT_ONCE])
            numbers = arrow.array(vectors[first : first + len(some)].ravel())
            rows = arrow.FixedSizeListArray.from_arrays(numbers, type=lists)
            writer.write_table(arrow.table([arrow.array(some, kind), rows], schema=schema))
            advance(len(some))


def read_parquet(path: str | Path, id: str, vector: str) -> Found:
    """Read ids, vectors and the card, where there is one; see `Embeddings.from_parquet`.

    Parameters
    ----------
    path : str or Path
    id, vector : str
        The names of the columns.

    Returns
    -------
    Found

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    FileFormatError
        If it is no Parquet file, or a column or row is not what it must be.
    MissingExtraError
        If pyarrow is not installed.
    """
    arrow, parquet = _pyarrow()
    path = existing_file(path, "a Parquet file")
    try:
        with parquet.ParquetFile(path) as file:
            _check_columns(arrow, path, file.schema_arrow, id, vector)
            field = file.schema_arrow.field(vector)
            card = _card(path, field)
            dims = getattr(field.type, "list_size", None) if card is None else card.dims
            return _read_batches(path, file, (id, vector), dims, card)
    except (arrow.ArrowException, OSError) as error:
        raise FileFormatError(
            f"{path} must be a whole Parquet file; {error}. Restore a copy, or make it anew.",
            path=path,
        ) from error


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtraError("A Parquet file", extra="arrow") from error
    return pa, pa.parquet


def _check_columns(arrow: Any, path: Path, schema: Any, id: str, vector: str) -> None:
    for what, name in (("id", id), ("vector", vector)):
        if schema.names.count(name) != 1:
            raise FileFormatError(
                f"{path} must have one column {name!r}; its columns are "
                f"{', '.join(map(repr, schema.names))}. Pass {what}= the name of the right one.",
                path=path,
            )
    types = arrow.types
    kind = schema.field(id).type
    inner = kind.value_type if types.is_dictionary(kind) else kind
    if not (types.is_string(inner) or types.is_large_string(inner) or types.is_integer(inner)):
        raise _wrong_type(path, id, "str or int", kind)
    kind = schema.field(vector).type
    lists = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    if not lists or not (types.is_floating(kind.value_type) or types.is_integer(kind.value_type)):
        raise _wrong_type(path, vector, "lists of numbers", kind)


def _wrong_type(path: Path, name: str, wanted: str, kind: object) -> FileFormatError:
    return FileFormatError(
        f"The column {name!r} of {path} must be of {wanted}; it is {kind}. Convert it, or name "
        "another column.",
        path=path,
    )


def _card(path: Path, field: Any) -> Card | None:
    text = (field.metadata or {}).get(_CARD)
    if text is None:
        return None
    try:
        return Card.from_json(text.decode())
    except ValueError as error:  # an InputError, or bytes that are no text
        raise FileFormatError(f"The card in {path} is damaged: {error}", path=path) from error


def _read_batches(
    path: Path, file: Any, names: tuple[str, str], dims: int | None, card: Card | None
) -> Found:
    ids: list[Id] = []
    rows = None if dims is None else GrowingRows(dims)
    batches = file.iter_batches(_ROWS_AT_ONCE, columns=list(names), use_threads=False)
    with bar(f"Reading {path.name}", total=file.metadata.num_rows) as advance:
        for batch in batches:
            some, lists = batch.column(names[0]), batch.column(names[1])
            if some.null_count:
                raise _wrong_row(path, len(ids) + _first(some.is_null()), "has no id")
            numbers = _numbers(path, lists, dims, len(ids))
            dims = numbers.shape[1]
            rows = rows or GrowingRows(dims)
            rows.add(numbers)
            ids += some.to_pylist()
            advance(len(some))
    if rows is None:
        raise FileFormatError(
            f"{path} must have a row, or a type, that tells the dims; it has neither.", path=path
        )
    return Found(ids, rows.take(), card=card)


def _numbers(path: Path, lists: Any, dims: int | None, before: int) -> NDArray[np.float32]:
    """Return the lists as rows (n, dims); ``before`` rows came before, for messages."""
    if lists.null_count:
        raise _wrong_row(path, before + _first(lists.is_null()), "has no vector")
    lengths = np.asarray(lists.value_lengths())
    dims = int(lengths[0]) if dims is None and lengths.size else dims or 0
    if (ragged := np.flatnonzero((lengths != dims) | (lengths == 0))).size:
        place = int(ragged[0])
        raise _wrong_row(
            path, before + place, f"has {lengths[place]} numbers, not {dims or 'some'}"
        )
    flat = lists.flatten()
    if flat.null_count:
        place = _first(flat.is_null()) // dims
        raise _wrong_row(path, before + place, "misses a number")
    with np.errstate(over="ignore"):  # beyond float32 is infinite, which no vectors may be
        numbers = np.asarray(flat.to_numpy(zero_copy_only=False), np.float32)
    return numbers.reshape(len(lengths), dims)


def _first(mask: Any) -> int:
    return int(np.flatnonzero(np.asarray(mask))[0])


def _wrong_row(path: Path, row: int, why: str) -> FileFormatError:
    return FileFormatError(
        f"Every row of {path} must have an id and a vector of one width; row {row} {why}. "
        "Drop it, or mend it where it was made.",
        path=path,
    )
