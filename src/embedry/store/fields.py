"""Vector fields: where items lie in one space, and what can place new ones there.

A field keeps its card, the replay of its vectors, and, for a field made with an encoder, how to
rebuild the encoder: kind, fingerprint, and the name of a copy kept inside the collection.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embedry.card import Card, Operation, check
from embedry.embeddings import Embeddings
from embedry.encode.encoder import Encoder
from embedry.errors import EncoderMissingError, InputError
from embedry.learn.modelfile import load
from embedry.metrics import as_metric
from embedry.store.calibration import Background
from embedry.store.vector_index import VectorSet
from embedry.vectors import as_rows

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from embedry.store.items import Items
    from embedry.store.log import FieldRow, Reader

__all__ = ["Field", "keep_encoder"]

LARGEST_COPY = 64 * 2**20  # bytes; a larger encoder is named, not copied


class Field:
    """One field of an open collection.

    Parameters
    ----------
    row : FieldRow
        As the log has it.
    folder : Path
        The collection's directory.
    encoder : Encoder, optional
        What places new items, where the caller has it at hand.
    """

    def __init__(self, row: FieldRow, folder: Path, encoder: Encoder | None = None) -> None:
        self.row = row
        self.seen = -1
        self.vectors = VectorSet.empty(as_metric(row.card.metric), row.card.dims)
        self._folder = folder
        self._encoder = encoder

    @property
    def name(self) -> str:
        """The name of the field."""
        return self.row.name

    @property
    def card(self) -> Card:
        """The space of the field."""
        return self.row.card

    @property
    def has_encoder(self) -> bool:
        """Whether it was made with an encoder, and so keeps in step with documents."""
        return self.row.encoder is not None

    @property
    def measured_items(self) -> int:
        """How many vectors there were when the field was last calibrated; 0 for never."""
        return int(self.row.background.get("item", {}).get("items", 0))

    def background(self, role: str) -> Background:
        """Return how scores are spread for queries of a role (``"item"`` or ``"query"``)."""
        stored = self.row.background.get(role) or self.row.background.get("item")
        if stored is not None:
            return Background.from_dict(stored)
        metric = as_metric(self.card.metric)
        low, high = max(metric.lowest, -1.0), min(metric.highest, 1.0)
        return Background(low, max(high, low + 1.0), 0)

    def catch_up(self, reader: Reader, items: Items, gone: NDArray[np.int64]) -> None:
        """Take in the vectors written since; ``gone`` are positions of removed items."""
        found = reader.vectors(self.row, self.seen)
        without = items.positions_of_rows(found.removed)
        if len(found.rows) or len(gone) or len(without):
            positions = items.positions_of_rows(found.rows)
            lost = np.concatenate([gone, without])
            self.vectors = self.vectors.changed(
                positions, found.vectors, found.changes, lost, len(items)
            )
        elif len(self.vectors.slot_of) < len(items):
            self.vectors = self.vectors.widened(len(items))
        self.seen = reader.change

    def encoder(self) -> Encoder:
        """Return the encoder, rebuilt from its copy where need be.

        Raises
        ------
        EncoderMissingError
            If the field has none, or it cannot be rebuilt.
        """
        if self._encoder is None:
            self._encoder = self._rebuilt()
        return self._encoder

    def _rebuilt(self) -> Encoder:
        spec = self.row.encoder
        if spec is None:
            raise EncoderMissingError(
                f"The field {self.name!r} has no encoder: it cannot place text. "
                "Search it by id= or vector=, or use a field that was added with encoder=.",
                field=self.name,
            )
        copy = self._folder / spec["copy"] if spec.get("copy") else None
        if copy is None or not copy.exists():
            raise EncoderMissingError(
                f"The encoder of the field {self.name!r} ({spec['kind']}) is not kept in the "
                f"collection. Open it with encoders={{{self.name!r}: the_encoder}}; until then, "
                "search by id= or vector=.",
                field=self.name,
            )
        return _checked_encoder(load(copy), self.card)

    def give(self, encoder: Encoder) -> None:
        """Use this encoder from now on; it must be of the field's space."""
        self._encoder = _checked_encoder(encoder, self.card)

    def query_from(self, vector: Embeddings | ArrayLike) -> tuple[NDArray[np.float32], str]:
        """Return a query (dims,) for a vector given, and its relation to the field.

        Raises
        ------
        ForeignSpaceError
            If it comes from another space.
        InputError
            If it is not one vector, or a bare array came to a field that knows its maker.
        """
        if isinstance(vector, Embeddings):
            relation = check(vector.card, self.card, Operation.SEARCH)
            rows = vector.vectors
        else:
            self._check_bare()
            relation = self.card.relation_to(self.card)
            array = np.asarray(vector)
            rows = as_rows(array[None] if array.ndim == 1 else array, self.card.dims, "vector")
        if len(rows) != 1:
            raise InputError(f"vector must be one vector; got {len(rows)}. Search them one by one.")
        return as_metric(self.card.metric).prepare(rows)[0], relation.value

    def rows_from(self, vectors: Embeddings | ArrayLike, count: int) -> NDArray[np.float32]:
        """Return vectors to be stored, (count, dims), checked for shape, values and space.

        Raises
        ------
        ForeignSpaceError
            If they come from another space.
        InputError
            If shape or values are not what must hold, or a bare array came to a field that
            knows its maker.
        """
        if isinstance(vectors, Embeddings):
            check(vectors.card, self.card, Operation.STORE)
            rows = vectors.vectors
        else:
            self._check_bare()
            rows = as_rows(vectors, self.card.dims, f"vectors of the field {self.name!r}")
        if len(rows) != count:
            raise InputError(
                f"The field {self.name!r} must get one vector an id; got {len(rows)} for {count}."
            )
        as_metric(self.card.metric).prepare(rows)  # refuses zero vectors where they mean nothing
        return rows

    def _check_bare(self) -> None:
        if self.card.kind != "declared":
            raise InputError(
                f"The field {self.name!r} lies in the {self.card}; a bare array does not say where "
                "it comes from. Pass Embeddings(ids, vectors, card=...) with the card of the "
                "encoder that made them."
            )


def _checked_encoder(encoder: Any, card: Card) -> Encoder:
    if not isinstance(encoder, Encoder):
        raise InputError(
            f"An encoder must have a card, encode() and save(); got {type(encoder).__name__}."
        )
    check(encoder.card, card, Operation.STORE)
    return encoder


def keep_encoder(encoder: Encoder, folder: Path) -> dict[str, str]:
    """Keep a copy of an encoder in a collection, when it is small, and say how to rebuild it.

    Parameters
    ----------
    encoder : Encoder
    folder : Path
        The collection's directory.

    Returns
    -------
    dict of str to str
        ``kind``, ``fingerprint`` and, where a copy was kept, ``copy``, its place in the folder.
    """
    card = encoder.card
    spec = {"kind": card.kind, "fingerprint": card.fingerprint}
    copy = Path("encoders") / f"{card.fingerprint[:16]}.embedry-model"
    (folder / "encoders").mkdir(exist_ok=True)
    if not (folder / copy).exists():
        encoder.save(folder / copy)
        if (folder / copy).stat().st_size > LARGEST_COPY:
            (folder / copy).unlink()
            return spec
    return {**spec, "copy": str(copy)}
