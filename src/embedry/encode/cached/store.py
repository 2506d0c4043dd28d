"""The store of a cache of vectors: rows by key in one SQLite file, the least used let go first.

What it is: a cache. Whatever is wrong with the file, vectors are made again: a damaged one is
begun anew, one that cannot be written is done without, and it is said once. A file that is none of
ours is never touched. What it is not: a place for anything that cannot be made again.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

__all__ = ["Row", "VectorStore", "is_free"]

_LOG = logging.getLogger("embedry")
_AT_ONCE = 500  # keys a statement
_FRESH = 3600  # seconds: a row used within them is not marked again
_KEPT = 0.9  # of the room, after letting go
_OVERHEAD = 96  # bytes a row beside its vector, about
_OURS = 0x454D4256  # "EMBV", the application id in the header of the file
_HEADER, _ID_AT = b"SQLite format 3\0", 68  # https://www.sqlite.org/fileformat.html
_ROOM = "SELECT bytes FROM room"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS vectors (
    key BLOB PRIMARY KEY, space BLOB NOT NULL, vector BLOB NOT NULL, state INTEGER NOT NULL,
    used INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_use ON vectors (used);
CREATE TABLE IF NOT EXISTS spaces (space BLOB PRIMARY KEY, card TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS room (bytes INTEGER NOT NULL);
INSERT INTO room SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM room);
"""

Row = tuple[bytes, int]  # the bytes of a vector, and what happened to its text
Answer = TypeVar("Answer")


def is_free(path: Path) -> bool:
    """Say whether a path is that of a cache, damaged or not, or of nothing yet."""
    if not path.is_file():
        return not path.exists()
    with path.open("rb") as file:
        head = file.read(100)
    is_ours = head[_ID_AT : _ID_AT + 4] == _OURS.to_bytes(4, "big")
    return not head or (head.startswith(_HEADER) and is_ours)


class VectorStore:
    """Vectors by key, of bounded size; safe for threads and processes.

    Parameters
    ----------
    path : Path
        The file; its folder is there.
    most_bytes : int
    """

    def __init__(self, path: Path, most_bytes: int) -> None:
        self._path = path
        self._most = most_bytes
        self._lock = threading.Lock()
        self._base: sqlite3.Connection | None = None
        self._is_usable = True

    @property
    def used_bytes(self) -> int:
        """How many bytes the rows take, about."""
        return self._do(lambda base: int(base.execute(_ROOM).fetchone()[0]), 0)

    def spaces(self) -> dict[bytes, str]:
        """Return the card of each space that has been kept, as JSON."""
        return self._do(lambda base: dict(base.execute("SELECT space, card FROM spaces")), {})

    def add_space(self, space: bytes, card: str) -> None:
        """Remember the card of a space."""
        insert = "INSERT OR IGNORE INTO spaces VALUES (?, ?)"
        self._do(lambda base: bool(base.execute(insert, (space, card))), False)

    def read(self, keys: Sequence[bytes]) -> dict[bytes, Row]:
        """Return what is there of some keys, and mark it as used."""
        return self._do(lambda base: _read(base, keys), {})

    def write(self, space: bytes, rows: Mapping[bytes, Row]) -> None:
        """Keep rows of a space, and let the least used go where there are too many."""
        self._do(lambda base: _write(base, space, rows, self._most), None)

    def clear(self, space: bytes | None) -> None:
        """Forget the rows of a space, or all, and give the room back."""
        self._do(lambda base: _clear(base, space), None)

    def _do(self, work: Callable[[sqlite3.Connection], Answer], otherwise: Answer) -> Answer:
        """Do something in a transaction; where that cannot be, go on without."""
        with self._lock:
            if not self._is_usable:
                return otherwise
            try:
                return self._once(work)
            except sqlite3.OperationalError as error:  # locked, full, read-only, no folder
                if error.sqlite_errorname == "SQLITE_IOERR_SHORT_READ":  # its end is missing
                    return self._anew(work, otherwise)
                return self._without(error, otherwise)
            except sqlite3.DatabaseError:
                return self._anew(work, otherwise)

    def _once(self, work: Callable[[sqlite3.Connection], Answer]) -> Answer:
        if self._base is None:
            self._base = sqlite3.connect(self._path, timeout=30, check_same_thread=False)
            if self._base.execute("PRAGMA application_id").fetchone()[0] != _OURS:
                self._base.execute(f"PRAGMA application_id = {_OURS}")  # into the file: before WAL
            self._base.execute("PRAGMA journal_mode=WAL")
            self._base.execute("PRAGMA synchronous=NORMAL")
            self._base.executescript(_SCHEMA)
            self._path.chmod(0o600)
        with self._base:
            return work(self._base)

    def _anew(self, work: Callable[[sqlite3.Connection], Answer], otherwise: Answer) -> Answer:
        """Begin a damaged file anew."""
        _LOG.warning("The cache of vectors %s was damaged, and is begun anew.", self._path)
        self._close()
        try:
            for suffix in ("", "-wal", "-shm"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
            return self._once(work)
        except (OSError, sqlite3.DatabaseError) as error:
            return self._without(error, otherwise)

    def _without(self, error: Exception, otherwise: Answer) -> Answer:
        _LOG.warning("Vectors are not cached in %s: %s. Go on without.", self._path, error)
        self._close()
        self._is_usable = False
        return otherwise

    def _close(self) -> None:
        if self._base is not None:
            self._base.close()
            self._base = None


def _read(base: sqlite3.Connection, keys: Sequence[bytes]) -> dict[bytes, Row]:
    found: dict[bytes, Row] = {}
    now, stale = int(time.time()), []
    for first in range(0, len(keys), _AT_ONCE):
        part = keys[first : first + _AT_ONCE]
        marks = ",".join("?" * len(part))
        rows = base.execute(
            f"SELECT key, vector, state, used FROM vectors WHERE key IN ({marks})",  # noqa: S608
            part,
        )
        for key, vector, state, used in rows:
            found[key] = (vector, state)
            if now - used > _FRESH:
                stale.append((now, key))
    base.executemany("UPDATE vectors SET used = ? WHERE key = ?", stale)
    return found


def _write(base: sqlite3.Connection, space: bytes, rows: Mapping[bytes, Row], most: int) -> None:
    now, added = int(time.time()), 0
    for key, (vector, state) in rows.items():
        done = base.execute(
            "INSERT OR IGNORE INTO vectors VALUES (?, ?, ?, ?, ?)",
            (key, space, vector, state, now),
        )
        added += done.rowcount * (len(vector) + _OVERHEAD)
    base.execute("UPDATE room SET bytes = bytes + ?", (added,))
    held = int(base.execute(_ROOM).fetchone()[0])
    if held > most:
        _let_go(base, held - int(_KEPT * most))


def _let_go(base: sqlite3.Connection, wanted: int) -> None:
    """Delete the least used rows, until so many bytes are free."""
    freed, gone = 0, []
    for key, length in base.execute("SELECT key, LENGTH(vector) FROM vectors ORDER BY used, key"):
        gone.append((key,))
        freed += length + _OVERHEAD
        if freed >= wanted:
            break
    base.executemany("DELETE FROM vectors WHERE key = ?", gone)
    base.execute("UPDATE room SET bytes = bytes - ?", (freed,))


def _clear(base: sqlite3.Connection, space: bytes | None) -> None:
    where, which = ("", ()) if space is None else (" WHERE space = ?", (space,))
    base.execute(f"DELETE FROM vectors{where}", which)  # noqa: S608
    base.execute(f"DELETE FROM spaces{where}", which)  # noqa: S608
    held = f"SELECT TOTAL(LENGTH(vector) + {_OVERHEAD}) FROM vectors"  # noqa: S608
    base.execute(f"UPDATE room SET bytes = CAST(({held}) AS INTEGER)")  # noqa: S608
    base.commit()
    base.execute("VACUUM")
