"""The log: one SQLite file that is the truth of a collection.

Every write is one transaction in write-ahead mode and gets the next change number; every row
says which change wrote it last. All that lives in memory (ids, columns, vectors, text index) is
a replay of this log: a `Reader` gives what came after a change, whether this process wrote it,
another one did, or the collection was just opened.

What it is not: searchable. What the rows are: `embedry.store.disk.records`.
"""

from __future__ import annotations

import secrets
import sqlite3
import threading
import time
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, Literal

from embedry.errors import CollectionError, FileFormatError, InputError
from embedry.store.disk.records import Reader, Writer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from embedry.store.disk.records import ItemRow

__all__ = ["Durability", "Log"]

Durability = Literal["commit", "os"]

FORMAT = 1
_SECONDS_TO_WAIT = 10.0
_PAGES = 2**16  # KiB of the file kept at hand by each connection

_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE commits (              -- a file put back from a copy counts on from there:
    change INTEGER PRIMARY KEY,      -- the same number, another commit, another token
    token TEXT NOT NULL
);
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
        if durability not in ("commit", "os"):
            raise InputError(f"durability must be 'commit' or 'os'; got {durability!r}.")
        self.path = path
        self._writing = threading.RLock()
        self._reading = threading.RLock()
        with self._explained(), ExitStack() as if_refused:
            self._writer = if_refused.enter_context(closing(self._connect()))
            self._reader = if_refused.enter_context(closing(self._connect()))
            self._make_or_check()
            level = "FULL" if durability == "commit" else "NORMAL"
            self._writer.execute(f"PRAGMA synchronous={level}")
            self.uid = self._meta("uid")
            if_refused.pop_all()  # nothing was: both connections stay

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=_SECONDS_TO_WAIT, isolation_level=None, check_same_thread=False
        )
        connection.execute(f"PRAGMA cache_size = -{_PAGES}")
        return connection

    def _make_or_check(self) -> None:
        if not self._tables():
            self._make()
        if "meta" not in self._tables():
            raise FileFormatError(
                f"{self.path} must be a collection's log; it is another SQLite file. "
                "Choose another path.",
                path=self.path,
            )
        found = self._meta("format")
        if found != str(FORMAT):
            raise FileFormatError(
                f"{self.path} has format {found}; this Embedry reads format {FORMAT}. "
                "Open it with the release that wrote it.",
                path=self.path,
            )

    def _tables(self) -> set[str]:
        rows = self._writer.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {name for (name,) in rows}

    def _make(self) -> None:
        self._write_ahead()
        with self._transaction():
            if self._tables():
                return  # another process made it a moment ago
            for statement in _SCHEMA.split(";\n"):
                if statement.strip():
                    self._writer.execute(statement)
            first = {"format": str(FORMAT), "uid": secrets.token_hex(16), "change": "0"}
            self._writer.executemany("INSERT INTO meta VALUES (?, ?)", first.items())

    def _write_ahead(self) -> None:
        """Choose write-ahead mode, which the file keeps; SQLite itself does not wait for that."""
        last = time.monotonic() + _SECONDS_TO_WAIT
        while not self._writes_ahead():  # another process is making the same file
            if time.monotonic() > last:
                raise CollectionError(
                    f"{self.path} must lie where SQLite can write ahead (WAL); here it cannot, or "
                    "another process holds the file. Choose a local disk, or try again.",
                    path=self.path,
                )
            time.sleep(0.01)

    def _writes_ahead(self) -> bool:
        try:
            mode = self._writer.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            return False
        return bool(mode == "wal")

    def _meta(self, key: str) -> str:
        rows = self._writer.execute("SELECT value FROM meta WHERE key = ?", [key])
        found = rows.fetchone()
        if found is None:
            raise FileFormatError(
                f"{self.path} is damaged: {key} is missing. Restore a copy.", path=self.path
            )
        return str(found[0])

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what SQLite says into errors that say what to do."""
        try:
            yield
        except sqlite3.ProgrammingError as error:
            raise CollectionError(
                f"{self.path} was closed while it was in use: {error}. Open it again.",
                path=self.path,
            ) from error
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
            self._writer.execute("COMMIT")
        except BaseException:
            if self._writer.in_transaction:  # SQLite itself rolls back when the disk is full
                self._writer.execute("ROLLBACK")
            raise

    @contextmanager
    def write(self) -> Iterator[Writer]:
        """Run a block as one transaction with a change number of its own, or not at all.

        Yields
        ------
        Writer
            A block that writes nothing through it is no change.

        Raises
        ------
        CollectionError
            If the disk is full or read-only, or another process keeps writing for 10 seconds.
        """
        with self._writing, self._explained(), self._transaction():
            change = int(self._meta("change")) + 1
            before = self._writer.total_changes
            yield Writer(self._writer, self.path, change)
            if self._writer.total_changes > before:
                self._writer.execute(
                    "UPDATE meta SET value = ? WHERE key = 'change'", [str(change)]
                )
                commit = [change, secrets.token_hex(8)]
                self._writer.execute("INSERT INTO commits VALUES (?, ?)", commit)

    @property
    def version(self) -> int:
        """A number that is another one after each commit, by whomever; about 5 us.

        A `Reader` carries that of its moment: while the two are equal, there is no news.
        """
        with self._reading, self._explained():
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
            version = self.version  # before the moment is fixed: rather read twice than never
            self._reader.execute("BEGIN")
            try:
                yield Reader(self._reader, self.path, version)
            finally:
                self._reader.execute("COMMIT")

    def items(self, rows: Sequence[int]) -> dict[int, ItemRow]:
        """Return the stored items of the rows that are there, by row."""
        with self._reading, self._explained():
            return Reader(self._reader, self.path).items(rows)

    def close(self) -> None:
        """Close both connections; what was acknowledged is on the disk."""
        with self._writing, self._reading:
            self._reader.close()
            self._writer.close()
