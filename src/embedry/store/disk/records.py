"""What is read from the log and written to it within a transaction of `embedry.store.disk.log`.

Rows are never renumbered or reused, so ascending rows are the order of insertion; each says which
change wrote it last.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from embedry.card import Card
from embedry.errors import FileFormatError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from embedry.ids import Id

__all__ = ["FieldRow", "ItemRow", "Reader", "VectorRows", "Writer"]

_PARAMETERS_AT_ONCE = 500


class ItemRow(NamedTuple):
    """An item as it is stored: row, id, document, metadata as JSON text."""

    row: int
    id: Id
    document: str | None
    metadata: str


@dataclass(frozen=True)
class FieldRow:
    """A vector field as it is stored."""

    field: int
    name: str
    card: Card
    encoder: dict[str, str] | None
    background: dict[str, dict[str, float]]


@dataclass(frozen=True)
class VectorRows:
    """Vectors of one field: rows (n,), the changes that wrote them (n,), vectors (n, dims).

    ``removed`` are the rows whose vector was taken away while the item stayed.
    """

    rows: NDArray[np.int64]
    changes: NDArray[np.int64]
    vectors: NDArray[np.float32]
    removed: list[int]


class Reader:
    """What was written after a change; the caller keeps the number of the last it has seen."""

    def __init__(self, connection: sqlite3.Connection, path: Path, version: int = -1) -> None:
        self._connection = connection
        self._path = path
        self.version = version  # see `Log.version`

    @property
    def change(self) -> int:
        """The last change there is; 0 before the first."""
        row = self._connection.execute("SELECT value FROM meta WHERE key = 'change'").fetchone()
        return int(row[0])

    def token(self, change: int) -> str:
        """Return the token of a commit, which no other commit has; empty if there was none."""
        query = "SELECT token FROM commits WHERE change = ?"
        row = self._connection.execute(query, [change]).fetchone()
        return "" if row is None else str(row[0])

    def ids(self, after: int) -> list[tuple[int, Id]]:
        """Return row and id of the items written after a change, by ascending row."""
        query = "SELECT row, id FROM items WHERE change > ? ORDER BY row"
        return self._connection.execute(query, [after]).fetchall()

    def metadata(self, after: int) -> list[tuple[int, str]]:
        """Return row and metadata (JSON text) of the items written after a change."""
        query = "SELECT row, metadata FROM items WHERE change > ? ORDER BY row"
        return self._connection.execute(query, [after]).fetchall()

    def texts(self, after: int) -> list[tuple[int, Id, str | None]]:
        """Return row, id and document of the items written after a change."""
        query = "SELECT row, id, document FROM items WHERE change > ? ORDER BY row"
        return self._connection.execute(query, [after]).fetchall()

    def items(self, rows: Sequence[int]) -> dict[int, ItemRow]:
        """Return the items of the rows that are there, by row."""
        query = "SELECT row, id, document, metadata FROM items WHERE row IN (?)"
        return {row[0]: ItemRow(*row) for row in _spread(self._connection, query, rows)}

    def removed(self, after: int) -> list[int]:
        """Return the rows of the items that were removed after a change."""
        query = "SELECT row FROM removed WHERE change > ?"
        return [row for (row,) in self._connection.execute(query, [after])]

    def fields(self) -> list[FieldRow]:
        """Return all fields, in the order they were added."""
        query = "SELECT field, name, card, encoder, background FROM fields ORDER BY field"
        return [_field(row) for row in self._connection.execute(query)]

    def vectors(self, field: FieldRow, after: int) -> VectorRows:
        """Return the vectors of a field that were written after a change, by ascending row."""
        query = (
            "SELECT row, change, vector FROM vectors WHERE field = ? AND change > ? ORDER BY row"
        )
        found = self._connection.execute(query, [field.field, after]).fetchall()
        removed = [row for row, _, blob in found if not blob]
        found = [entry for entry in found if entry[2]]
        joined = np.frombuffer(b"".join(blob for _, _, blob in found), "<f4")
        if joined.size != len(found) * field.card.dims:
            raise FileFormatError(
                f"{self._path} is damaged: a vector of field {field.name!r} has the wrong length.",
                path=self._path,
            )
        rows = np.array([row for row, _, _ in found], np.int64)
        changes = np.array([change for _, change, _ in found], np.int64)
        return VectorRows(rows, changes, joined.reshape(len(found), field.card.dims), removed)


class Writer:
    """What may be done within one transaction of `Log.write`."""

    def __init__(self, connection: sqlite3.Connection, path: Path, change: int) -> None:
        self._connection = connection
        self._path = path
        self.change = change

    def reader(self) -> Reader:
        """Return what there is within this transaction, in which nobody else can write."""
        return Reader(self._connection, self._path)

    def read_items(self, ids: Sequence[Id]) -> dict[Id, ItemRow]:
        """Return the stored items of the ids that are there, by id."""
        query = "SELECT row, id, document, metadata FROM items WHERE id IN (?)"
        return {row[1]: ItemRow(*row) for row in _spread(self._connection, query, ids)}

    def rows(self, ids: Sequence[Id]) -> dict[Id, int]:
        """Return the rows of the ids that are there, by id."""
        query = "SELECT id, row FROM items WHERE id IN (?)"
        return dict(_spread(self._connection, query, ids))

    def put_items(self, items: Iterable[tuple[Id, str | None, str]]) -> None:
        """Insert or replace items: id, document, metadata."""
        self._connection.executemany(
            "INSERT INTO items (id, document, metadata, change) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET document = excluded.document, "
            "metadata = excluded.metadata, change = excluded.change",
            [(*item, self.change) for item in items],
        )

    def put_vectors(self, field: int, rows: Sequence[int], vectors: NDArray[np.float32]) -> None:
        """Insert or replace the vectors (n, dims) of rows."""
        self._connection.executemany(
            "INSERT INTO vectors VALUES (?, ?, ?, ?) ON CONFLICT (field, row) "
            "DO UPDATE SET change = excluded.change, vector = excluded.vector",
            [
                (field, row, self.change, vector.astype("<f4").tobytes())
                for row, vector in zip(rows, vectors, strict=True)
            ],
        )

    def remove_vectors(self, field: int, rows: Sequence[int]) -> None:
        """Take the vectors of rows away; an empty one stays, so that a replay sees it go."""
        self._connection.executemany(
            "UPDATE vectors SET vector = x'', change = ? WHERE field = ? AND row = ?",
            [(self.change, field, row) for row in rows],
        )

    def remove_items(self, rows: Sequence[int]) -> None:
        """Remove items and all their vectors."""
        each = [(row,) for row in rows]
        fields = self._connection.execute("SELECT field FROM fields").fetchall()
        self._connection.executemany("DELETE FROM items WHERE row = ?", each)
        for (field,) in fields:  # by the whole key: rows alone have no index
            self._connection.executemany(
                "DELETE FROM vectors WHERE field = ? AND row = ?", [(field, row) for row in rows]
            )
        self._connection.executemany(
            "INSERT INTO removed VALUES (?, ?)", [(row, self.change) for row in rows]
        )

    def put_field(self, name: str, card: Card, encoder: dict[str, str] | None) -> int:
        """Add a field and return its number.

        Raises
        ------
        InputError
            If there is one of that name.
        """
        try:
            cursor = self._connection.execute(
                "INSERT INTO fields (name, card, encoder, background) VALUES (?, ?, ?, '{}')",
                [name, card.to_json(), None if encoder is None else json.dumps(encoder)],
            )
        except sqlite3.IntegrityError as error:
            raise InputError(f"There is a field {name!r} already. Choose another name.") from error
        return int(cursor.lastrowid or 0)

    def put_background(self, field: int, background: dict[str, dict[str, float]]) -> None:
        """Replace the sample of scores that calibrates a field."""
        self._connection.execute(
            "UPDATE fields SET background = ? WHERE field = ?", [json.dumps(background), field]
        )


def _field(row: tuple[int, str, str, str | None, str]) -> FieldRow:
    number, name, card, encoder, background = row
    spec = None if encoder is None else json.loads(encoder)
    return FieldRow(number, name, Card.from_json(card), spec, json.loads(background))


def _spread(
    connection: sqlite3.Connection, query: str, values: Sequence[Any]
) -> Iterator[tuple[Any, ...]]:
    """Run a query whose ``IN (?)`` is to hold many values, in parts that SQLite takes."""
    for first in range(0, len(values), _PARAMETERS_AT_ONCE):
        part = values[first : first + _PARAMETERS_AT_ONCE]
        marks = ",".join("?" * len(part))
        yield from connection.execute(query.replace("(?)", f"({marks})"), part)
