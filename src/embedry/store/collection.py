"""A collection: items with text, metadata and vectors, kept on disk and searched.

A collection is a directory. In it, one SQLite file is the truth; graphs and copies of encoders
lie beside it and can be made again. Each item has an id, a document, metadata, and a vector in
any number of fields, each field in a space of its own.

What it is not: a server. Any number of processes may open the same directory; one writes at a
time.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from embedry.card import Card
from embedry.encode.encoder import Encoder
from embedry.errors import CollectionError, InputError, UnknownIdError
from embedry.ids import Id, check_ids
from embedry.store.calibration import measured, probe_queries, split_sample
from embedry.store.fields import Field, keep_encoder
from embedry.store.filters import parse_filter
from embedry.store.log import Durability, Log
from embedry.store.metadata import decode_metadata
from embedry.store.mirror import Mirror
from embedry.store.planner import Mode, Question, answer
from embedry.store.upsert import Batch, apply_batch, encode_documents

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from types import TracebackType
    from typing import Self

    from numpy.typing import ArrayLike

    from embedry.embeddings import Embeddings
    from embedry.query import Hits
    from embedry.store.log import ItemRow

__all__ = ["Collection", "CollectionInfo", "FieldInfo", "Item", "Upserted"]

_FILE = "collection.sqlite3"


@dataclass(frozen=True)
class Item:
    """An item as it is kept: id, document (or None), metadata."""

    id: Id
    document: str | None
    metadata: Mapping[str, object]


@dataclass(frozen=True)
class Upserted:
    """What an upsert did.

    Attributes
    ----------
    inserted, updated : int
        Items that are new, and items that were there.
    unplaced : int
        Documents that yielded no vector in a field with an encoder, counted by field: they are
        kept and can be found by id or by their words.
    truncated : int
        Documents that were longer than an encoder reads.
    skipped : int
        Ids the collection lacks, with ``missing="skip"``.
    """

    inserted: int = 0
    updated: int = 0
    unplaced: int = 0
    truncated: int = 0
    skipped: int = 0


@dataclass(frozen=True)
class FieldInfo:
    """What a field is: its card, how many items have a vector, its encoder, its graph."""

    name: str
    card: Card
    vectors: int
    encoder: str | None
    in_graph: int


@dataclass(frozen=True)
class CollectionInfo:
    """What a collection holds.

    Attributes
    ----------
    path : Path
    items : int
    fields : mapping of str to FieldInfo
    columns : mapping of str to str
        The kind of each metadata key.
    change : int
        How many writes there were.
    bytes_on_disk : int
    """

    path: Path
    items: int
    fields: Mapping[str, FieldInfo]
    columns: Mapping[str, str]
    change: int
    bytes_on_disk: int


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

    def __init__(self, folder: Path, log: Log, encoders: Mapping[str, Encoder]) -> None:
        self._folder = folder
        self._log = log
        self._mirror = Mirror(log, folder, encoders)
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
            If durability is none of the two.

        Notes
        -----
        Reads ids and vectors at the first use; graphs come from their cache or are built in the
        background, and nobody waits for them.
        """
        folder = Path(path)
        _check_folder(folder, must_exist)
        folder.mkdir(parents=True, exist_ok=True)
        return cls(folder, Log(folder / _FILE, durability), encoders or {})

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
        return self._fresh().items.position(id) is not None

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
        missing: Literal["error", "skip", "create"] = "error",
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
            If the name is taken or empty, or not exactly one of the three is given.
        UnknownIdError
            If ids are missing and ``missing="error"``.
        """
        self._check_new_field(name, [encoder, embeddings, dims], missing)
        if encoder is not None:
            if not isinstance(encoder, Encoder):
                raise InputError(
                    f"encoder must have a card, encode() and save(); got {type(encoder).__name__}."
                )
            return self._add_encoded(name, encoder)
        if embeddings is not None:
            return self._add_embeddings(name, embeddings, missing)
        card = Card.declared(int(dims or 0), metric)
        with self._log.write() as writer:
            writer.put_field(name, card, None)
        return Upserted()

    def _check_new_field(self, name: str, ways: Sequence[object], missing: str) -> None:
        if not isinstance(name, str) or not name.strip():
            raise InputError(f"A field's name must be a text that is not empty; got {name!r}.")
        if name == "text":
            raise InputError('A field must not be called "text": that names the part of BM25.')
        if name in self._fresh().fields:
            raise InputError(f"There is a field {name!r} already. Choose another name.")
        if sum(way is not None for way in ways) != 1:
            raise InputError("Pass exactly one of encoder=, embeddings= and dims=.")
        if missing not in {"error", "skip", "create"}:
            raise InputError(f"missing must be 'error', 'skip' or 'create'; got {missing!r}.")

    def _add_encoded(self, name: str, encoder: Encoder) -> Upserted:
        spec = keep_encoder(encoder, self._folder)
        with self._log.read() as reader:
            texts = [(row, text) for row, _, text in reader.texts(-1) if text is not None]
        encoded = encode_documents(encoder, [text for _, text in texts])
        with self._log.write() as writer:
            field = writer.put_field(name, encoder.card, spec)
            places = np.flatnonzero(encoded.placed)
            rows = [texts[place][0] for place in places.tolist()]
            writer.put_vectors(field, rows, encoded.vectors[places])
        self._fresh().fields[name].give(encoder)
        self._calibrate()
        unplaced = len(texts) - len(places)
        return Upserted(updated=len(places), unplaced=unplaced, truncated=encoded.truncated)

    def _add_embeddings(self, name: str, embeddings: Embeddings, missing: str) -> Upserted:
        absent = self._mirror.items.missing(embeddings.ids)
        if absent and missing == "error":
            shown = ", ".join(map(repr, absent[:3]))
            raise UnknownIdError(
                f"Embeddings must be of items that are here; {len(absent)} are not, such as "
                f'{shown}. Upsert them first, or pass missing="skip" or missing="create".',
                ids=absent,
            )
        dropped = set(absent) if missing == "skip" else set()
        keep = [place for place, id in enumerate(embeddings.ids) if id not in dropped]
        ids = [embeddings.ids[place] for place in keep]
        created = absent if missing == "create" else []
        with self._log.write() as writer:
            writer.put_items((id, None, "{}") for id in created)
            field = writer.put_field(name, embeddings.card, None)
            rows = writer.rows(ids)
            writer.put_vectors(field, [rows[id] for id in ids], embeddings.vectors[keep])
        self._calibrate()
        return Upserted(len(created), len(ids) - len(created), skipped=len(dropped))

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
            If vectors come from another space than the field's.
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
        self._calibrate()
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
        mirror = self._fresh()
        if where is None:
            wanted = [id for id in dict.fromkeys(check_ids(ids or [])) if id in self]
        else:
            passing = np.flatnonzero(mirror.allowed(parse_filter(where)))
            wanted = [mirror.items.ids[position] for position in passing.tolist()]
        if not wanted:
            return 0
        with self._log.write() as writer:
            rows = writer.rows(wanted)
            writer.remove_items(list(rows.values()))
        return len(rows)

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
        return [_item(stored[row]) for row in rows if row in stored]

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

        Returns
        -------
        Hits
            Best first, ties by insertion order. A dense score is that of the metric, a text
            score BM25; a hybrid score is the sum of its calibrated parts. ``.plan`` says how it
            was found, ``.unknown`` which words of the query the encoder does not know.

        Raises
        ------
        InputError
            If the question is not whole, or k is below 1.
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
        return answer(question, self._mirror, self._log)

    def info(self) -> CollectionInfo:
        """Return what the collection holds, frozen."""
        mirror = self._fresh()
        size = sum(file.stat().st_size for file in self._folder.rglob("*") if file.is_file())
        with mirror.lock:
            return CollectionInfo(
                path=self._folder,
                items=mirror.items.count,
                fields={name: _field_info(field) for name, field in mirror.fields.items()},
                columns=dict(mirror.columns().kinds),
                change=mirror.items.seen,
                bytes_on_disk=size,
            )

    def field(self, name: str) -> Field:
        """Return a field, for rooms that read it: recommendation and explanation.

        Raises
        ------
        InputError
            If there is no such field.
        """
        fields = self._fresh().fields
        if name not in fields:
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

    def _calibrate(self) -> None:
        """Measure the backgrounds of fields that have doubled since the last time."""
        mirror = self._fresh()
        due = [f for f in mirror.fields.values() if len(f.vectors) >= max(2, 2 * f.measured_items)]
        for field in due:
            backgrounds = self._backgrounds(field)
            with self._log.write() as writer:
                writer.put_background(field.row.field, backgrounds)
        if due:
            mirror.refresh()

    def _backgrounds(self, field: Field) -> dict[str, dict[str, float]]:
        vectors = field.vectors
        live = np.flatnonzero(vectors.live)
        asking, answering = split_sample(len(live))
        rows, metric = vectors.rows[live[answering]], vectors.metric
        asked = vectors.rows[live[asking]]
        found = {"item": measured(metric, asked, rows, len(live)).to_dict()}
        if field.has_encoder:
            positions = vectors.position_of[live[asking]]
            stored = self._log.items(self._mirror.items.rows[positions].tolist())
            documents = [item.document or "" for item in stored.values()]
            queries = probe_queries(field.encoder(), documents, metric)
            if len(queries):
                found["query"] = measured(metric, queries, rows, len(live)).to_dict()
        return found


def _check_folder(folder: Path, must_exist: bool) -> None:
    if (folder / _FILE).is_file():
        return
    if must_exist:
        raise CollectionError(f"There is no collection {folder}. Check the path.", path=folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CollectionError(
            f"{folder} must be a collection, an empty directory, or not there; it holds something "
            "else. Choose another path.",
            path=folder,
        )


def _item(row: ItemRow) -> Item:
    return Item(row.id, row.document, decode_metadata(row.metadata))


def _field_info(field: Field) -> FieldInfo:
    encoder = field.row.encoder["kind"] if field.row.encoder is not None else None
    return FieldInfo(field.name, field.card, len(field.vectors), encoder, field.vectors.indexed)
