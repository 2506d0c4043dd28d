"""A collection: items with text, metadata and vectors, kept on disk and searched.

A collection is a directory. In it, one SQLite file is the truth; graphs and copies of encoders
lie beside it and can be made again. Each item has an id, a document, metadata, and a vector in
any number of fields, each field in a space of its own.

What it is not: a server. Any number of processes may open the same directory; one writes at a
time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from embedry.errors import CollectionError, InputError
from embedry.ids import Id, check_ids
from embedry.store.add_field import (
    Missing,
    add_embeddings,
    add_empty,
    add_encoded,
    check_new_field,
)
from embedry.store.disk.log import Durability, Log
from embedry.store.info import CollectionInfo, FieldInfo, info_of
from embedry.store.memory.calibration import calibrate
from embedry.store.memory.mirror import Mirror
from embedry.store.metadata.filters import parse_filter
from embedry.store.metadata.rows import decode_metadata
from embedry.store.planner import Mode, Question, answer
from embedry.store.rerank import check_scorer, depth_of, reranked
from embedry.store.upsert import Batch, apply_batch
from embedry.store.values import Item, Upserted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import TracebackType
    from typing import Self

    from numpy.typing import ArrayLike

    from embedry.embeddings import Embeddings
    from embedry.encode.encoder import Encoder
    from embedry.query import Hits
    from embedry.store.memory.fields import Field
    from embedry.store.rerank import Scorer

__all__ = ["Collection", "CollectionInfo", "FieldInfo", "Item", "Upserted"]

_FILE = "collection.sqlite3"


class Collection:
    """Items with text, metadata and vectors; open one with `Collection.open`.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> books = Collection.open(folder.name + "/books.embedry")
    >>> books.upsert(["b1"], documents=["court intrigue with dragons"]).inserted
    1
    >>> books.search("dragons").ids
    ('b1',)
    >>> books.close()
    >>> folder.cleanup()
    """

    def __init__(self, folder: Path, log: Log) -> None:
        self._folder = folder
        self._log = log
        self._mirror = Mirror(log, folder)
        self._closed = False

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        must_exist: bool = False,
        durability: Durability = "commit",
        encoders: Mapping[str, Encoder] | None = None,
    ) -> Collection:
        """Open a collection, or make it.

        Parameters
        ----------
        path : str or Path
            A directory.
        must_exist : bool
            Refuse to make a new one.
        durability : {"commit", "os"}
            ``"commit"``: an acknowledged write survives a power loss; ``"os"``: it survives the
            death of the process, and is faster.
        encoders : mapping of str to Encoder, optional
            By field name, encoders that the collection does not keep itself.

        Returns
        -------
        Collection

        Raises
        ------
        CollectionError
            If it must exist and does not, or the directory holds something else.
        FileFormatError
            If it is damaged or of a newer format.
        InputError
            If durability is none of the two, or encoders name no field, or are none.
        ForeignSpaceError
            If an encoder is not of the space of its field.

        Notes
        -----
        Reads ids and vectors at the first use, or at once to check ``encoders``. Graphs come from
        their cache or are built in the background, and nobody waits for them.
        """
        if not isinstance(path, (str, PathLike)):
            raise InputError(f"path must be a str or Path; got {path!r}.")
        if encoders is not None and not isinstance(encoders, Mapping):
            raise InputError(f"encoders must be a mapping by field name; got {encoders!r}.")
        folder = Path(path)
        _check_folder(folder, must_exist)
        folder.mkdir(parents=True, exist_ok=True)
        collection = cls(folder, Log(folder / _FILE, durability))
        try:
            for name, encoder in (encoders or {}).items():
                collection.field(name).give(encoder)
        except BaseException:
            collection.close()
            raise
        return collection

    @property
    def path(self) -> Path:
        """The directory."""
        return self._folder

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __len__(self) -> int:
        return self.count()

    def __contains__(self, id: object) -> bool:
        known = isinstance(id, (str, int, np.integer)) and not isinstance(id, bool)
        return known and self._fresh().items.position(id) is not None

    def __repr__(self) -> str:
        if self._closed:
            return f"Collection({str(self._folder)!r}, closed)"
        fields = ", ".join(self._fresh().fields)
        return f"Collection({str(self._folder)!r}, {len(self):,} items, fields: {fields or 'none'})"

    def _fresh(self) -> Mirror:
        """Return the memory, up to date."""
        if self._closed:
            raise CollectionError(
                f"The collection {self._folder} is closed. Open it again.", path=self._folder
            )
        self._mirror.refresh()
        return self._mirror

    def add_field(
        self,
        name: str,
        *,
        encoder: Encoder | None = None,
        embeddings: Embeddings | None = None,
        dims: int | None = None,
        metric: str = "cosine",
        missing: Missing = "error",
    ) -> Upserted:
        """Add a vector field: from an encoder, from embeddings, or empty with ``dims``.

        Parameters
        ----------
        name : str
            How searches call it.
        encoder : Encoder, optional
            Places every document that is here and that will come. A copy of at most 64 MiB is
            kept in the collection; a larger one must be given again at `open`.
        embeddings : Embeddings, optional
            Vectors of items by id; the field takes their card.
        dims : int, optional
            For bare arrays: the field gets a card of its own, with ``metric``.
        metric : {"cosine", "dot", "euclidean"}
            With ``dims`` only; else the card says it.
        missing : {"error", "skip", "create"}
            What to do with ids in ``embeddings`` that the collection lacks.

        Returns
        -------
        Upserted
            Items that got a vector count as ``updated``.

        Raises
        ------
        InputError
            If the name is taken or empty, not exactly one of the three is given or it is not what
            must hold, the metric is not that of the card, a vector is zero where zero has no
            direction, or the encoder gives what no vector can be. Nothing is changed.
        UnknownIdError
            If ids are missing and ``missing="error"``.

        Notes
        -----
        One transaction. Documents are encoded before it, so others may write meanwhile.
        """
        check_new_field(name, self._fresh().fields, [encoder, embeddings, dims])
        if encoder is not None:
            done = add_encoded(name, encoder, metric, self._folder, self._log)
            self._fresh().fields[name].give(encoder)
        elif embeddings is not None:
            done = add_embeddings(name, embeddings, metric, missing, self._log)
        else:
            done = add_empty(name, dims, metric, self._log)
        calibrate(self._fresh(), self._log)
        return done

    def upsert(
        self,
        ids: Iterable[Id],
        documents: Sequence[str | None] | None = None,
        metadata: Sequence[Mapping[str, object]] | None = None,
        vectors: Mapping[str, Embeddings | ArrayLike] | None = None,
    ) -> Upserted:
        """Insert items or change them; all or nothing.

        Parameters
        ----------
        ids : iterable of str or int, n of them, all different
        documents : sequence of n str or None, optional
            Fields with an encoder place them. None leaves what is there.
        metadata : sequence of n mappings, optional
            Merged into what is there, key by key; a value of None deletes the key.
        vectors : mapping of str to Embeddings or array-like (n, dims), optional
            By field name; rows in the order of ``ids``. A bare array only for a field that was
            added with ``dims=``.

        Returns
        -------
        Upserted
            What is not passed stays as it was.

        Raises
        ------
        InputError
            If ids repeat, lengths differ, a value has no place in its column, or a vector is not
            what must hold. Nothing is changed.
        ForeignSpaceError
            If vectors come from another space than the field's, or its encoder was fitted anew.
        EncoderMissingError
            If a document must be placed and the encoder of a field is not at hand.

        Notes
        -----
        One transaction: when this returns, the items are on the disk, and the next search finds
        them.
        """
        mirror = self._fresh()
        batch = Batch.parsed(ids, documents, metadata, vectors, mirror.fields)
        result = apply_batch(batch, mirror, self._log)
        calibrate(self._fresh(), self._log)
        return Upserted(*result)

    def delete(
        self, ids: Iterable[Id] | None = None, *, where: Mapping[str, object] | None = None
    ) -> int:
        """Delete items by id, or all that pass a filter.

        Parameters
        ----------
        ids : iterable of str or int, optional
            Those that are not there are passed over.
        where : mapping, optional
            See `search`.

        Returns
        -------
        int
            How many items were deleted.

        Raises
        ------
        InputError
            If not exactly one of ids and where is given.
        FilterError
            If ``where`` cannot be read.
        """
        if (ids is None) == (where is None):
            raise InputError("Pass exactly one of ids and where=.")
        wanted = None if ids is None else dict.fromkeys(check_ids(ids))
        passing = None if where is None else parse_filter(where)
        self._check_open()
        with self._log.write() as writer:
            items = self._fresh().items  # nobody else writes until this is done
            if wanted is None:
                places = np.flatnonzero(self._mirror.allowed(passing))
            else:
                places = items.positions(id for id in wanted if items.position(id) is not None)
            writer.remove_items(items.rows[places].tolist())
        return len(places)

    def get(self, ids: Iterable[Id]) -> list[Item]:
        """Return items by id, in the order asked; those that are not there are left out.

        Parameters
        ----------
        ids : iterable of str or int

        Returns
        -------
        list of Item

        Raises
        ------
        InputError
            If one is not an id.
        """
        items = self._fresh().items
        positions = [items.position(id) for id in check_ids(ids)]
        rows = [int(items.rows[position]) for position in positions if position is not None]
        stored = self._log.items(rows)
        return [
            Item(item.id, item.document, decode_metadata(item.metadata))
            for row in rows
            if (item := stored.get(row)) is not None  # removed a moment ago by another process
        ]

    def count(self, where: Mapping[str, object] | None = None) -> int:
        """Return how many items there are, or how many pass a filter.

        Parameters
        ----------
        where : mapping, optional
            See `search`.

        Returns
        -------
        int

        Raises
        ------
        FilterError
            If ``where`` cannot be read.
        """
        mirror = self._fresh()
        if where is None:
            return mirror.items.count
        return int(np.count_nonzero(mirror.allowed(parse_filter(where))))

    def search(
        self,
        query: str | None = None,
        *,
        field: str | None = None,
        k: int = 10,
        where: Mapping[str, object] | None = None,
        mode: Mode = "auto",
        id: Id | None = None,
        vector: Embeddings | ArrayLike | None = None,
        include_self: bool = False,
        rerank: Scorer | None = None,
    ) -> Hits:
        """Return the k best items for a text, an item, or a vector.

        Parameters
        ----------
        query : str, optional
            A text. Exactly one of query, id and vector is given.
        field : str, optional
            The vector field; needed only where several could answer.
        k : int
            At least 1; k larger than the number of items gives all.
        where : mapping, optional
            A filter on metadata, such as ``{"year": {"$gte": 1990}, "kind": "novel"}``, with
            ``$eq $ne $gt $gte $lt $lte $in $nin $and $or $not $exists $contains``.
        mode : {"auto", "dense", "text", "hybrid"}
            For a query text: ``"dense"`` by the field's encoder, ``"text"`` by BM25,
            ``"hybrid"`` by both; ``"auto"`` is hybrid where the field has an encoder and else
            text. For id and vector it is dense.
        id : str or int, optional
            Near this item, which itself does not answer unless ``include_self``.
        vector : Embeddings of one row, or array-like (dims,), optional
            Near this vector. A bare array only for a field added with ``dims=``.
        include_self : bool
            With ``id``: the item comes first, where the filter lets it pass.
        rerank : Reranker, optional
            Reads the query and each of the best 50 (or 5 k) together, and orders them anew; its
            scores are those of the hits. Anything with ``score(query, documents)`` will do.

        Returns
        -------
        Hits
            Best first, ties by insertion order. A dense score is that of the metric, a text
            score BM25; a hybrid score is the sum of its calibrated parts. ``.plan`` says how it
            was found, ``.unknown`` which words of the query the encoder does not know.

        Raises
        ------
        InputError
            If the question is not whole, k is below 1, or ``rerank`` cannot score, gives no
            finite number for each document, or has no query text to read.
        UnknownIdError
            If there is no item ``id``.
        ForeignSpaceError
            If ``vector`` comes from another space than the field's.
        EncoderMissingError
            If the field's encoder is needed and not at hand.
        FilterError
            If ``where`` cannot be read.

        Notes
        -----
        Small sets, and filters that few items pass, are searched exactly. Beyond, a graph picks
        candidates (HNSW, approximate) that are scored exactly.
        """
        self._check_open()
        question = Question(query, id, vector, field, k, where, mode, include_self)
        if rerank is None:
            return answer(question, self._mirror, self._log)
        check_scorer(rerank, query)
        deeper = replace(question, k=depth_of(k))
        return reranked(answer(deeper, self._mirror, self._log), rerank, str(query), k)

    def info(self) -> CollectionInfo:
        """Return what the collection holds, frozen."""
        return info_of(self._folder, self._fresh())

    def field(self, name: str) -> Field:
        """Return a field, for rooms that read it: recommendation and explanation.

        Raises
        ------
        InputError
            If there is no such field.
        """
        fields = self._fresh().fields
        if not isinstance(name, str) or name not in fields:
            names = ", ".join(fields) or "none"
            raise InputError(f"There must be a field {name!r}; there are: {names}.")
        return fields[name]

    @property
    def mirror(self) -> Mirror:
        """The memory of the collection, up to date, for rooms that read it."""
        return self._fresh()

    def wait_until_indexed(self, timeout: float | None = None) -> None:
        """Wait until no graph is being built.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait at most for each field.
        """
        self._fresh().wait(timeout)

    def close(self) -> None:
        """Wait for a graph that is being built, and close the files; may be called again."""
        if not self._closed:
            self._mirror.wait()
            self._closed = True
            self._log.close()

    def _check_open(self) -> None:
        if self._closed:
            self._fresh()


def _check_folder(folder: Path, must_exist: bool) -> None:
    found = {file.name for file in folder.iterdir()} if folder.is_dir() else set()
    if _FILE in found:
        return
    if must_exist:
        raise CollectionError(f"There is no collection {folder}. Check the path.", path=folder)
    if found or (folder.exists() and not folder.is_dir()):
        raise CollectionError(
            f"{folder} must be a collection, an empty directory, or not there; it holds something "
            "else. Choose another path.",
            path=folder,
        )
