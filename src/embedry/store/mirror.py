"""The mirror: all that a collection keeps in memory, always a replay of its log.

Ids and vectors are brought up to date before every search; metadata columns and the text index
only when a query needs them. It makes no difference who wrote: this process, another one, or
one that ran last year.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from embedry.errors import CollectionError
from embedry.store.columns import Columns
from embedry.store.fields import Field
from embedry.store.items import Items
from embedry.store.metadata import decode_metadata
from embedry.store.text_index import TextIndex
from embedry.store.vector_index import grown, load_graph, save_graph, wants_graph

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from embedry.encode.encoder import Encoder
    from embedry.store.filters import Filter
    from embedry.store.log import Log, Reader

__all__ = ["Mirror"]


class Mirror:
    """The memory of an open collection.

    Parameters
    ----------
    log : Log
    folder : Path
        The collection's directory.
    encoders : mapping of str to Encoder
        Encoders by field name that the caller has at hand.
    """

    def __init__(self, log: Log, folder: Path, encoders: Mapping[str, Encoder]) -> None:
        self.lock = threading.RLock()
        self.items = Items()
        self.fields: dict[str, Field] = {}
        self._log = log
        self._folder = folder
        self._encoders = dict(encoders)
        self._columns, self._columns_seen = Columns(), -1
        self._text, self._text_seen = TextIndex(), -1
        self._builders: dict[str, threading.Thread] = {}

    def refresh(self) -> None:
        """Take in what was committed since, if anything was."""
        if not self._log.has_news():
            return
        with self.lock, self._log.read() as reader:
            self._catch_up(reader)
        self._grow_graphs()

    def _catch_up(self, reader: Reader) -> None:
        gone = self.items.catch_up(reader)
        for row in reader.fields():
            field = self.fields.get(row.name)
            if field is None:
                field = self.fields[row.name] = Field(row, self._folder)
                field.catch_up(reader, self.items, gone)
                self._use_cached_graph(field)
            else:
                field.row = row
                field.catch_up(reader, self.items, gone)
            if row.name in self._encoders:
                field.give(self._encoders.pop(row.name))

    def columns(self) -> Columns:
        """Return the metadata columns, up to date; hold the lock while using them."""
        with self.lock:
            if self._columns_seen < self.items.seen:
                with self._log.read() as reader:
                    self._catch_up(reader)
                    rows = reader.metadata(self._columns_seen)
                    gone = self.items.positions_of_rows(reader.removed(self._columns_seen))
                positions = self.items.positions_of_rows([row for row, _ in rows])
                self._columns.clear(gone[gone < len(self._columns)])
                self._columns.set(positions, [decode_metadata(text) for _, text in rows])
                self._columns_seen = self.items.seen
            return self._columns

    def text(self) -> TextIndex:
        """Return the text index, up to date; hold the lock while using it."""
        with self.lock:
            if self._text_seen < self.items.seen:
                with self._log.read() as reader:
                    self._catch_up(reader)
                    texts = reader.texts(self._text_seen)
                    gone = self.items.positions_of_rows(reader.removed(self._text_seen))
                positions = self.items.positions_of_rows([row for row, _, _ in texts])
                self._text.remove(gone)
                self._text.add(positions, [searchable(id, text) for _, id, text in texts])
                self._text_seen = self.items.seen
            return self._text

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
        with self.lock:
            before, seen = field.vectors, field.seen
        after = grown(before)  # minutes, perhaps; searches go on meanwhile
        try:
            with self.lock, self._log.read() as reader:
                self._catch_up(reader)
                gone = self.items.positions_of_rows(reader.removed(seen))
                field.vectors, field.seen = after, seen
                field.catch_up(reader, self.items, gone)
                rows = self.items.rows
        except CollectionError:
            return  # closed meanwhile: the graph is built anew at the next opening
        path = self._graph_file(field)
        with suppress(OSError):  # a cache that cannot be written is made again
            path.parent.mkdir(exist_ok=True)
            save_graph(path, self._uid(field), after, rows)

    def wait(self, timeout: float | None = None) -> None:
        """Wait until no graph is being built, at most so many seconds each."""
        for builder in list(self._builders.values()):
            builder.join(timeout)


def searchable(id: str | int, document: str | None) -> str:
    """Return the text an item is found by: its name and its document."""
    name = id if isinstance(id, str) else ""
    return f"{name}\n{document}" if document else name
