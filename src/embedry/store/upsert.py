"""Upserts: parsed and checked whole, encoded, and then written in one transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from embedry.embeddings import Embeddings
from embedry.encode.encoder import Encoded
from embedry.errors import InputError
from embedry.ids import Id, check_ids, check_unique
from embedry.progress import bar
from embedry.store.metadata import decode_metadata, encode_metadata

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from embedry.encode.encoder import Encoder
    from embedry.store.fields import Field
    from embedry.store.log import Log, Writer
    from embedry.store.mirror import Mirror

__all__ = ["Batch", "apply_batch", "encode_documents"]

_DOCUMENTS_AT_ONCE = 1_000


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
    fields : mapping of str to Field
    """

    ids: list[Id]
    documents: list[str | None]
    metadata: list[Mapping[str, object]]
    vectors: dict[str, NDArray[np.float32]]
    fields: Mapping[str, Field]

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
            fields,
        )

    def to_encode(self) -> list[Field]:
        """Return the fields whose encoder must place the documents."""
        if all(document is None for document in self.documents):
            return []
        return [f for n, f in self.fields.items() if f.has_encoder and n not in self.vectors]


def _column(values: object, count: int, what: str) -> list[object]:
    if isinstance(values, (str, bytes)) or not hasattr(values, "__iter__"):
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
        if text is not None and not _is_unicode(text):
            raise InputError(f"Document {place} holds half a surrogate pair: decode it right.")
        texts.append(text)
    return texts


def _is_unicode(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


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


def encode_documents(encoder: Encoder, documents: Sequence[str]) -> Encoded:
    """Encode documents in parts, with a progress bar.

    Parameters
    ----------
    encoder : Encoder
    documents : sequence of n str

    Returns
    -------
    Encoded
        Of all documents, in order.
    """
    parts = [encoder.encode([], role="document")] if not documents else []
    with bar("Encoding documents", len(documents)) as advance:
        for first in range(0, len(documents), _DOCUMENTS_AT_ONCE):
            part = documents[first : first + _DOCUMENTS_AT_ONCE]
            parts.append(encoder.encode(part, role="document"))
            advance(len(part))
    return Encoded(
        np.concatenate([part.vectors for part in parts]),
        encoder.card,
        truncated=sum(part.truncated for part in parts),
        empty=sum(part.empty for part in parts),
    )


def apply_batch(batch: Batch, mirror: Mirror, log: Log) -> tuple[int, int, int, int]:
    """Encode and write a batch; all or nothing.

    Returns
    -------
    inserted, updated, unplaced, truncated : int
    """
    places = [place for place, text in enumerate(batch.documents) if text is not None]
    texts = [text for text in batch.documents if text is not None]
    encoded = {f.name: encode_documents(f.encoder(), texts) for f in batch.to_encode()}
    with log.write() as writer:
        known = _write_items(batch, writer, mirror)
        rows = writer.rows(batch.ids)
        in_order = [rows[id] for id in batch.ids]
        for name, vectors in batch.vectors.items():
            writer.put_vectors(batch.fields[name].row.field, in_order, vectors)
        for name, found in encoded.items():
            changed = [in_order[place] for place in places]
            _write_encoded(writer, batch.fields[name].row.field, changed, found)
    unplaced = sum(int(np.count_nonzero(~found.placed)) for found in encoded.values())
    truncated = sum(found.truncated for found in encoded.values())
    return len(batch.ids) - known, known, unplaced, truncated


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
            kept = replace(old, document=document) if document is not None else old
            lines.append((id, kept.document, encode_metadata(merged)))
    writer.put_items(lines)
    return len(stored)


def _merged(row: Mapping[str, object], patch: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in {**row, **patch}.items() if value is not None}


def _write_encoded(writer: Writer, field: int, rows: list[int], encoded: Encoded) -> None:
    placed = np.flatnonzero(encoded.placed)
    writer.put_vectors(field, [rows[i] for i in placed.tolist()], encoded.vectors[placed])
    writer.remove_vectors(field, [rows[i] for i in np.flatnonzero(~encoded.placed).tolist()])
