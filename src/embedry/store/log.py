"""The log: one SQLite file that is the truth of a collection.

Every write is one transaction in write-ahead mode and gets the next change number; every row
says which change wrote it last. All that lives in memory (ids, columns, vectors, text index) is
a replay of this log: a `Reader` gives what came after a change, whether this process wrote it,
another one did, or the collection was just opened. Rows are never renumbered or reused, so
ascending rows are the order of insertion.

What it is not: searchable. Meaning is given to rows by `embedry.store.collection`.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from embedry.card import Card
from embedry.errors import CollectionError, FileFormatError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from embedry.ids import Id

__all__ = ["Durability", "FieldRow", "ItemRow", "Log", "Reader", "VectorRows", "Writer"]

Durability = Literal["commit", "os"]

FORMAT = 1
_SECONDS_TO_WAIT = 10.0
_PARAMETERS_AT_ONCE = 500

_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE items (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    id NOT NULL UNIQUE,              -- no type: 1 and '1' stay two ids
    document TEXT,
    metadata TEXT NOT NULL,
    change INTEGER NOT NULL
);
CREATE INDEX items_by_change ON items (change);
CREATE TABLE removed (row INTEGER PRIMARY KEY, change INTEGER NOT NULL);
CREATE INDEX removed_by_change ON removed (change);
CREATE TABLE fields (
    field INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    card TEXT NOT NULL,
    encoder TEXT,                    -- JSON: how to rebuild the encoder, where there is one
    background TEXT NOT NULL         -- JSON: the sample of scores that calibrates this field
);
CREATE TABLE vectors (
    field INTEGER NOT NULL,
    row INTEGER NOT NULL,
    change INTEGER NOT NULL,
    vector BLOB NOT NULL,            -- float32, little-endian
    PRIMARY KEY (field, row)
);
CREATE INDEX vectors_by_change ON vectors (field, change);
"""


@dataclass(frozen=True)
class ItemRow:
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


class Log:
    """The SQLite file of a collection, with one connection to write and one to read.

    Parameters
    ----------
    path : Path
        The file; made when missing.
    durability : {"commit", "os"}
        ``"commit"``: an acknowledged write survives a power loss. ``"os"``: it survives the
        death of the process.

    Raises
    ------
    FileFormatError
        If the file is not a log, is damaged, or is of a newer format.
    CollectionError
        If it cannot be opened, or another process keeps it locked.
    InputError
        If there is no such durability.
    """

    def __init__(self, path: Path, durability: Durability = "commit") -> None:
        if durability not in {"commit", "os"}:
            raise InputError(f"durability must be 'commit' or 'os'; got {durability!r}.")
        self.path = path
        self._writing = threading.RLock()
        self._reading = threading.RLock()
        with self._explained():
            self._writer = self._connect()
            self._make_or_check()
            level = "FULL" if durability == "commit" else "NORMAL"
            self._writer.execute(f"PRAGMA synchronous={level}")
            self._reader = self._connect()
            self.uid = self._meta("uid")
        self._seen_version = -1

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=_SECONDS_TO_WAIT, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA journal_mode=WAL")
        return connection

    def _make_or_check(self) -> None:
        with self._transaction():
            known = self._writer.execute(
                "SELECT count(*) FROM sqlite_master WHERE name = 'meta'"
            ).fetchone()[0]
            if not known:
                for statement in _SCHEMA.split(";\n"):
                    if statement.strip():
                        self._writer.execute(statement)
                first = {"format": str(FORMAT), "uid": secrets.token_hex(16), "change": "0"}
                self._writer.executemany("INSERT INTO meta VALUES (?, ?)", first.items())
            found = self._meta("format", self._writer)
            if found != str(FORMAT):
                raise FileFormatError(
                    f"{self.path} has format {found}; this Embedry reads format {FORMAT}. "
                    "Open it with the release that wrote it.",
                    path=self.path,
                )

    def _meta(self, key: str, connection: sqlite3.Connection | None = None) -> str:
        rows = (connection or self._reader).execute("SELECT value FROM meta WHERE key = ?", [key])
        found = rows.fetchone()
        if found is None:
            raise FileFormatError(f"{self.path} is not a log: {key} is missing.", path=self.path)
        return str(found[0])

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what SQLite says into errors that say what to do."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise CollectionError(
                f"{self.path} cannot be used: {error}. If another process is writing, try again "
                "when it is done; else check the disk and the permissions.",
                path=self.path,
            ) from error
        except sqlite3.DatabaseError as error:
            raise FileFormatError(
                f"{self.path} is damaged or not a collection: {error}. Restore a copy.",
                path=self.path,
            ) from error

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._writer.execute("ROLLBACK")
            raise
        self._writer.execute("COMMIT")

    @contextmanager
    def write(self) -> Iterator[Writer]:
        """Run a block as one transaction with a change number of its own, or not at all.

        Yields
        ------
        Writer

        Raises
        ------
        CollectionError
            If the disk is full or read-only, or another process keeps writing for 10 seconds.
        """
        with self._writing, self._explained(), self._transaction():
            change = int(self._meta("change", self._writer)) + 1
            yield Writer(self._writer, change)
            self._writer.execute("UPDATE meta SET value = ? WHERE key = 'change'", [str(change)])

    def has_news(self) -> bool:
        """Say whether anything was committed since the last `read`, by whomever; about 5 us."""
        with self._reading, self._explained():
            return self._version() != self._seen_version

    def _version(self) -> int:
        version: int = self._reader.execute("PRAGMA data_version").fetchone()[0]
        return version

    @contextmanager
    def read(self) -> Iterator[Reader]:
        """Read within a block, all of one consistent moment.

        Yields
        ------
        Reader
        """
        with self._reading, self._explained():
            version = self._version()
            self._reader.execute("BEGIN")
            try:
                yield Reader(self._reader, self.path)
            finally:
                self._reader.execute("COMMIT")
            self._seen_version = version

    def items(self, rows: Sequence[int]) -> dict[int, ItemRow]:
        """Return the stored items of the rows that are there, by row."""
        found: dict[int, ItemRow] = {}
        with self._reading, self._explained():
            for part in _parts(rows):
                query = (
                    f"SELECT row, id, document, metadata FROM items WHERE row IN ({_marks(part)})"
                )
                found.update((row[0], ItemRow(*row)) for row in self._reader.execute(query, part))
        return found

    def close(self) -> None:
        """Close both connections; what was acknowledged is on the disk."""
        with self._writing, self._reading:
            self._reader.close()
            self._writer.close()


class Reader:
    """What was written after a change; the caller keeps the number of the last it has seen."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path

    @property
    def change(self) -> int:
        """The last change there is; 0 before the first."""
        row = self._connection.execute("SELECT value FROM meta WHERE key = 'change'").fetchone()
        return int(row[0])

    def ids(self, after: int) -> list[tuple[int, Id]]:
        """Return row and id of the items written after a change, by ascending row."""
        return self._items("row, id", after)

    def metadata(self, after: int) -> list[tuple[int, str]]:
        """Return row and metadata (JSON text) of the items written after a change."""
        return self._items("row, metadata", after)

    def texts(self, after: int) -> list[tuple[int, Id, str | None]]:
        """Return row, id and document of the items written after a change."""
        return self._items("row, id, document", after)

    def _items(self, columns: str, after: int) -> list[Any]:
        query = f"SELECT {columns} FROM items WHERE change > ? ORDER BY row"
        return self._connection.execute(query, [after]).fetchall()

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

    def __init__(self, connection: sqlite3.Connection, change: int) -> None:
        self._connection = connection
        self.change = change

    def read_items(self, ids: Sequence[Id]) -> dict[Id, ItemRow]:
        """Return the stored items of the ids that are there, by id."""
        found: dict[Id, ItemRow] = {}
        for part in _parts(ids):
            query = f"SELECT row, id, document, metadata FROM items WHERE id IN ({_marks(part)})"
            found.update((row[1], ItemRow(*row)) for row in self._connection.execute(query, part))
        return found

    def rows(self, ids: Sequence[Id]) -> dict[Id, int]:
        """Return the rows of the ids that are there, by id."""
        found: dict[Id, int] = {}
        for part in _parts(ids):
            query = f"SELECT id, row FROM items WHERE id IN ({_marks(part)})"
            found.update(self._connection.execute(query, part))
        return found

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
        for part in _parts(rows):
            self._connection.execute(
                "UPDATE vectors SET vector = x'', change = ? "
                f"WHERE field = ? AND row IN ({_marks(part)})",
                [self.change, field, *part],
            )

    def remove_items(self, rows: Sequence[int]) -> None:
        """Remove items and all their vectors."""
        for part in _parts(rows):
            marks = _marks(part)
            self._connection.execute(f"DELETE FROM items WHERE row IN ({marks})", part)
            self._connection.execute(f"DELETE FROM vectors WHERE row IN ({marks})", part)
        self._connection.executemany(
            "INSERT INTO removed VALUES (?, ?)", [(row, self.change) for row in rows]
        )

    def put_field(self, name: str, card: Card, encoder: dict[str, str] | None) -> int:
        """Add a field and return its number."""
        cursor = self._connection.execute(
            "INSERT INTO fields (name, card, encoder, background) VALUES (?, ?, ?, '{}')",
            [name, card.to_json(), None if encoder is None else json.dumps(encoder)],
        )
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


def _parts(values: Sequence[Any]) -> Iterator[list[Any]]:
    for first in range(0, len(values), _PARAMETERS_AT_ONCE):
        yield list(values[first : first + _PARAMETERS_AT_ONCE])


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))
