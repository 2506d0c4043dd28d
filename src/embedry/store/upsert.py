"""Upserts: parsed and checked whole, encoded, and then written in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from embedry.embeddings import Embeddings
from embedry.errors import InputError
from embedry.ids import Id, check_ids, check_unique, is_unicode
from embedry.store.encoding import encode_documents
from embedry.store.metadata.rows import decode_metadata, encode_metadata

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from embedry.encode.encoder import Encoded
    from embedry.store.disk.log import Log
    from embedry.store.disk.records import Writer
    from embedry.store.memory.fields import Field
    from embedry.store.memory.mirror import Mirror

__all__ = ["Batch", "apply_batch"]


@dataclass(frozen=True)
class Batch:
    """What one upsert brings, checked as far as it can be without the collection's rows.

    Attributes
    ----------
    ids : list of str or int
    documents : list of str or None
        None where nothing was passed.
    metadata : list of mapping
    vectors : dict of field name to ndarray (n, dims)
    """

    ids: list[Id]
    documents: list[str | None]
    metadata: list[Mapping[str, object]]
    vectors: dict[str, NDArray[np.float32]]

    @classmethod
    def parsed(
        cls,
        ids: Iterable[Id],
        documents: Sequence[str | None] | None,
        metadata: Sequence[Mapping[str, object]] | None,
        vectors: Mapping[str, Embeddings | ArrayLike] | None,
        fields: Mapping[str, Field],
    ) -> Batch:
        """Check ids, lengths, documents and vectors; see `Collection.upsert`."""
        names = check_ids(ids)
        check_unique(names)
        count = len(names)
        return cls(
            names,
            _documents(documents, count),
            _metadata(metadata, count),
            _vectors(vectors, names, fields),
        )

    @property
    def texts(self) -> list[str]:
        """The documents that were passed, in order."""
        return [text for text in self.documents if text is not None]

    def to_encode(self, fields: Mapping[str, Field]) -> list[Field]:
        """Return the fields whose encoder must place the documents."""
        if not self.texts:
            return []
        return [f for name, f in fields.items() if f.has_encoder and name not in self.vectors]


def _column(values: object, count: int, what: str) -> list[object]:
    unordered = isinstance(values, (str, bytes, Mapping, AbstractSet))
    if unordered or not hasattr(values, "__iter__"):
        raise InputError(f"{what} must be a list, one entry an id; got {values!r}.")
    entries = list(values)
    if len(entries) != count:
        raise InputError(f"{what} must have one entry an id; got {len(entries)} for {count} ids.")
    return entries


def _documents(documents: Sequence[str | None] | None, count: int) -> list[str | None]:
    if documents is None:
        return [None] * count
    texts: list[str | None] = []
    for place, text in enumerate(_column(documents, count, "documents")):
        if text is not None and not isinstance(text, str):
            raise InputError(f"A document must be a str; entry {place} is {text!r}.")
        if text is not None and not is_unicode(text):
            raise InputError(f"Document {place} holds half a surrogate pair: decode it right.")
        texts.append(text)
    return texts


def _metadata(
    metadata: Sequence[Mapping[str, object]] | None, count: int
) -> list[Mapping[str, object]]:
    if metadata is None:
        return [{}] * count
    return _column(metadata, count, "metadata")  # type: ignore[return-value]  # Columns.check looks


def _vectors(
    vectors: Mapping[str, Embeddings | ArrayLike] | None,
    ids: list[Id],
    fields: Mapping[str, Field],
) -> dict[str, NDArray[np.float32]]:
    if not isinstance(vectors, Mapping | None):
        raise InputError(
            f"vectors must be a dict of field name to array; got a {type(vectors).__name__}."
        )
    found: dict[str, NDArray[np.float32]] = {}
    for name, given in (vectors or {}).items():
        if name not in fields:
            names = ", ".join(fields) or "none"
            raise InputError(f"vectors must name fields that are there ({names}); got {name!r}.")
        if isinstance(given, Embeddings) and list(given.ids) != ids:
            raise InputError(
                f"The embeddings for the field {name!r} must have the ids of the upsert, in their "
                "order. Pass embeddings.subset(ids)."
            )
        found[name] = fields[name].rows_from(given, len(ids))
    return found


def apply_batch(batch: Batch, mirror: Mirror, log: Log) -> tuple[int, int, int, int]:
    """Encode and write a batch; all or nothing.

    Returns
    -------
    inserted, updated, unplaced, truncated : int
    """
    encoded = _encoded(batch, mirror.fields)
    with log.write() as writer:
        known = _write_items(batch, writer, mirror)
        fields = mirror.fields
        late = {name: field for name, field in fields.items() if name not in encoded}
        encoded |= _encoded(batch, late)  # of fields that somebody added while we encoded
        rows = writer.rows(batch.ids)
        in_order = [rows[id] for id in batch.ids]
        for name, vectors in batch.vectors.items():
            writer.put_vectors(fields[name].row.field, in_order, vectors)
        changed = [
            row for row, text in zip(in_order, batch.documents, strict=True) if text is not None
        ]
        for name, found in encoded.items():
            _write_encoded(writer, fields[name].row.field, changed, found)
    unplaced = sum(int(np.count_nonzero(~found.placed)) for found in encoded.values())
    truncated = sum(found.truncated for found in encoded.values())
    return len(batch.ids) - known, known, unplaced, truncated


def _encoded(batch: Batch, fields: Mapping[str, Field]) -> dict[str, Encoded]:
    """Return the documents in each field that must place them, by field name."""
    return {f.name: encode_documents(f.encoder(), batch.texts) for f in batch.to_encode(fields)}


def _write_items(batch: Batch, writer: Writer, mirror: Mirror) -> int:
    """Merge the batch into the stored items; return how many were there."""
    mirror.refresh()  # nobody else writes during our transaction: what is checked here holds
    with mirror.lock:
        patches = mirror.columns().check(batch.metadata, ids=batch.ids)
    stored = writer.read_items(batch.ids)
    lines = []
    for id, document, patch in zip(batch.ids, batch.documents, patches, strict=True):
        old = stored.get(id)
        if old is None:
            lines.append((id, document, encode_metadata(_merged({}, patch))))
        else:
            merged = _merged(decode_metadata(old.metadata), patch)
            kept = old._replace(document=document) if document is not None else old
            lines.append((id, kept.document, encode_metadata(merged)))
    writer.put_items(lines)
    return len(stored)


def _merged(row: Mapping[str, object], patch: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in {**row, **patch}.items() if value is not None}


def _write_encoded(writer: Writer, field: int, rows: list[int], encoded: Encoded) -> None:
    placed = np.flatnonzero(encoded.placed)
    writer.put_vectors(field, [rows[i] for i in placed.tolist()], encoded.vectors[placed])
    writer.remove_vectors(field, [rows[i] for i in np.flatnonzero(~encoded.placed).tolist()])
