"""The mirror: all that a collection keeps in memory, always a replay of its log.

Ids and vectors are brought up to date before every search; metadata columns and the text index
only when a query needs them. It makes no difference who wrote: this process, another one, or
one that ran last year. Graphs and a large text index are cached in the folder ``indexes``, so
that the next opening replays only what came since.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from embedry.errors import CollectionError, InputError
from embedry.store.disk.cache import read_cache, write_cache
from embedry.store.indexes.text_index import TextIndex
from embedry.store.indexes.vector_index import grown, load_graph, save_graph, wants_graph
from embedry.store.memory.fields import Field
from embedry.store.memory.items import Items
from embedry.store.metadata.columns import Columns
from embedry.store.metadata.rows import decode_metadata

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from embedry.store.disk.log import Log
    from embedry.store.disk.records import Reader
    from embedry.store.metadata.filters import Filter

__all__ = ["Mirror", "searchable"]

TEXTS_WORTH_CACHING = 2_000
_TEXT_KIND = "text-index"


class Mirror:
    """The memory of an open collection.

    Parameters
    ----------
    log : Log
    folder : Path
        The collection's directory.

    Attributes
    ----------
    lock : RLock
        Held while the memory changes. Hold it to see several parts as of one moment.
    items : Items
    fields : dict of str to Field
        Replaced, never written to, when a field is added.
    """

    def __init__(self, log: Log, folder: Path) -> None:
        self.lock = threading.RLock()
        self.items = Items()
        self.fields: dict[str, Field] = {}
        self._log = log
        self._folder = folder
        self._version = -1
        self._columns, self._columns_seen = Columns(), -1
        self._text, self._text_seen = TextIndex(), -1
        self._builders: dict[str, threading.Thread] = {}

    def refresh(self) -> None:
        """Take in what was committed since, if anything was."""
        if self._log.version == self._version:
            return
        with self.lock, self._log.read() as reader:
            self._catch_up(reader)
        self._grow_graphs()

    def _catch_up(self, reader: Reader) -> None:
        self.items.catch_up(reader)
        for row in reader.fields():
            field = self.fields.get(row.name)
            if field is None:
                field = Field(row, self._folder)
                field.catch_up(reader, self.items)
                self._use_cached_graph(field)
                self.fields = {**self.fields, row.name: field}
            else:
                field.row = row
                field.catch_up(reader, self.items)
        self._version = reader.version

    def columns(self) -> Columns:
        """Return the metadata columns, up to date; hold the lock while using them."""
        with self.lock:
            if self._columns_seen < self.items.seen:
                self._catch_up_with(columns=True, text=self._text_seen >= 0)
            return self._columns

    def text(self) -> TextIndex:
        """Return the text index, up to date; hold the lock while using it."""
        with self.lock:
            if self._text_seen < self.items.seen:
                self._catch_up_with(columns=self._columns_seen >= 0, text=True)
            return self._text

    def _catch_up_with(self, *, columns: bool, text: bool) -> None:
        """Take in what was committed since, in all parts that are in use: they stay in step."""
        replayed, token = 0, ""
        with self._log.read() as reader:
            self._catch_up(reader)
            if columns:
                self._catch_up_columns(reader)
            if text:
                replayed = self._catch_up_text(reader)
                token = reader.token(self._text_seen)
        if replayed >= TEXTS_WORTH_CACHING:
            self._cache_text(token)

    def _catch_up_columns(self, reader: Reader) -> None:
        try:
            self._replay_columns(reader)
        except InputError:
            # A column keeps the type of values that are gone; whoever wrote this had read the
            # log later, and did not know of them.
            self._columns, self._columns_seen = Columns(), -1
            self._replay_columns(reader)

    def _replay_columns(self, reader: Reader) -> None:
        rows = reader.metadata(self._columns_seen)
        gone = self.items.positions_of_rows(reader.removed(self._columns_seen))
        positions = self.items.positions_of_rows([row for row, _ in rows])
        self._columns.clear(gone[gone < len(self._columns)])
        self._columns.set(positions, [decode_metadata(text) for _, text in rows])
        self._columns_seen = self.items.seen

    def _catch_up_text(self, reader: Reader) -> int:
        """Replay the texts, and return how many there were."""
        if self._text_seen < 0:
            self._use_cached_text(reader)
        texts = reader.texts(self._text_seen)
        gone = self.items.positions_of_rows(reader.removed(self._text_seen))
        positions = self.items.positions_of_rows([row for row, _, _ in texts])
        self._text.remove(gone)
        self._text.add(positions, [searchable(id, text) for _, id, text in texts])
        self._text_seen = self.items.seen
        return len(texts)

    @property
    def _text_file(self) -> Path:
        return self._folder / "indexes" / "text.safetensors"

    def _use_cached_text(self, reader: Reader) -> None:
        """Start from the cached index, unless items it holds are gone or it is no use."""
        file = read_cache(self._text_file, _TEXT_KIND, self._log.uid)
        if file is None or file.header["token"] != reader.token(file.header["change"]):
            return  # of a time that this log does not know: it was put back from a copy
        rows = file.arrays["positions"]
        positions = self.items.positions_of_rows(rows)
        if len(positions) < len(rows):
            return
        try:
            self._text = TextIndex.from_arrays({**file.arrays, "positions": positions})
        except InputError:
            return  # written by another version of the analyser
        self._text_seen = file.header["change"]

    def _cache_text(self, token: str) -> None:
        arrays = self._text.arrays()
        # positions are this process's own; the log's rows are everybody's
        named = {**arrays, "positions": self.items.rows[arrays["positions"]]}
        seen, uid = self._text_seen, self._log.uid
        write_cache(self._text_file, _TEXT_KIND, uid, named, change=seen, token=token)

    def allowed(self, where: Filter | None) -> NDArray[np.bool_]:
        """Return which items are alive and pass a filter, (positions,) bool."""
        with self.lock:
            if where is None:
                return self.items.alive
            mask = where.mask(self.columns())
            allowed = self.items.alive.copy()
            allowed[: len(mask)] &= mask
            return allowed

    def _graph_file(self, field: Field) -> Path:
        return self._folder / "indexes" / f"vectors-{field.row.field}.safetensors"

    def _uid(self, field: Field) -> str:
        return f"{self._log.uid}/{field.row.field}"

    def _use_cached_graph(self, field: Field) -> None:
        if wants_graph(field.vectors):
            path, rows = self._graph_file(field), self.items.rows
            field.vectors = load_graph(path, self._uid(field), field.vectors, rows)

    def _grow_graphs(self) -> None:
        """Build graphs that are missing or behind, each in a thread of its own."""
        with self.lock:
            for field in self.fields.values():
                busy = self._builders.get(field.name)
                if wants_graph(field.vectors) and not (busy and busy.is_alive()):
                    builder = threading.Thread(target=self._grow_graph, args=[field], daemon=True)
                    self._builders[field.name] = builder
                    builder.start()

    def _grow_graph(self, field: Field) -> None:
        while wants_graph(field.vectors):  # again, where many vectors came meanwhile
            if not self._grow_graph_once(field):
                return

    def _grow_graph_once(self, field: Field) -> bool:
        """Build or grow one graph and put it to use; say whether the collection is still open."""
        with self.lock:
            before, seen = field.vectors, field.seen
        after = grown(before)  # minutes, perhaps; searches go on meanwhile
        try:
            with self.lock, self._log.read() as reader:
                self._catch_up(reader)
                field.catch_up(reader, self.items, since=(after, seen))
                rows = self.items.rows
        except CollectionError:
            return False  # closed meanwhile: the graph is built anew at the next opening
        save_graph(self._graph_file(field), self._uid(field), after, rows)
        return True

    def wait(self, timeout: float | None = None) -> None:
        """Wait until no graph is being built, at most so many seconds each."""
        self._grow_graphs()
        for builder in list(self._builders.values()):
            builder.join(timeout)


def searchable(id: str | int, document: str | None) -> str:
    """Return the text an item is found by: its name and its document."""
    name = id if isinstance(id, str) else ""
    return f"{name}\n{document}" if document else name
