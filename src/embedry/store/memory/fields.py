"""Vector fields: where items lie in one space, and what can place new ones there.

A field keeps its card, the replay of its vectors, and, for a field made with an encoder, how to
rebuild the encoder: kind, fingerprint, and the name of a copy kept inside the collection.
"""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embedry.card import Card, Operation, Relation, check
from embedry.embeddings import Embeddings
from embedry.encode.encoder import Encoded, Encoder
from embedry.errors import EmbedryError, EncoderMissingError, InputError
from embedry.learn.modelfile import can_load, load
from embedry.metrics import as_metric
from embedry.store.indexes.vector_index import VectorSet
from embedry.store.memory.calibration import Background
from embedry.vectors import as_row, as_rows

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from embedry.store.disk.records import FieldRow, Reader
    from embedry.store.memory.items import Items

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

    @property
    def written_since_measured(self) -> int:
        """How many of the vectors were written since the field was last calibrated."""
        measured = self.row.background.get("item", {}).get("change", -1)
        return int(np.count_nonzero(self.vectors.change_of[self.vectors.live] > measured))

    def background(self, role: str) -> Background:
        """Return how scores are spread for queries of a role (``"item"`` or ``"query"``)."""
        stored = self.row.background.get(role) or self.row.background.get("item")
        if stored is not None:
            return Background.from_dict(stored)
        metric = as_metric(self.card.metric)
        low, high = max(metric.lowest, -1.0), min(metric.highest, 1.0)
        return Background(low, max(high, low + 1.0), 0)

    def catch_up(
        self, reader: Reader, items: Items, since: tuple[VectorSet, int] | None = None
    ) -> None:
        """Take in the vectors written since.

        Parameters
        ----------
        reader : Reader
        items : Items
            Up to date.
        since : tuple of (VectorSet, int), optional
            Start from this set, and the last change it has seen, instead of the field's own.
        """
        vectors, seen = since or (self.vectors, self.seen)
        found = reader.vectors(self.row, seen)
        lost = items.positions_of_rows(found.removed + reader.removed(seen))
        if len(found.rows) or len(lost):
            positions = items.positions_of_rows(found.rows)
            vectors = vectors.changed(positions, found.vectors, found.changes, lost, len(items))
        elif len(vectors.slot_of) < len(items):
            vectors = vectors.widened(len(items))
        self.vectors, self.seen = vectors, reader.change

    def encoder(self) -> Encoder:
        """Return the encoder, rebuilt from its copy where need be.

        Raises
        ------
        EncoderMissingError
            If the field has none, or it cannot be rebuilt.
        ForeignSpaceError
            If it was fitted anew since it was given: it makes another space now.
        """
        if self._encoder is None:
            self._encoder = self._rebuilt()
        return _checked_encoder(self._encoder, self.card)

    def _rebuilt(self) -> Encoder:
        spec = self.row.encoder
        if spec is None:
            raise EncoderMissingError(
                f"The field {self.name!r} has no encoder: it cannot place text. "
                "Search it by id= or vector=, or use a field that was added with encoder=.",
                field=self.name,
            )
        if "copy" not in spec:
            raise self._missing(f"({spec['kind']}) is not kept in the collection")
        try:
            return _checked_encoder(load(self._folder / spec["copy"]), self.card)
        except (OSError, EmbedryError) as error:
            raise self._missing(f"cannot be read from its copy: {error}") from error

    def _missing(self, why: str) -> EncoderMissingError:
        return EncoderMissingError(
            f"The encoder of the field {self.name!r} {why}. Open the collection with "
            f"encoders={{{self.name!r}: the_encoder}}; until then, search by "
            'id= or vector=, or with mode="text".',
            field=self.name,
        )

    def give(self, encoder: Encoder) -> None:
        """Use this encoder from now on.

        Raises
        ------
        InputError
            If it is no encoder.
        ForeignSpaceError
            If its space is not that of the field.
        """
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
        if isinstance(vector, Embeddings | Encoded):
            relation = check(vector.card, self.card, Operation.SEARCH)
            rows = vector.vectors
        else:
            self._check_bare()
            relation = Relation.SAME
            usual = isinstance(vector, np.ndarray) and vector.dtype == np.float32
            if usual and vector.shape == (self.card.dims,):  # type: ignore[union-attr]
                return self.vectors.metric.prepare_row(vector), relation.value  # type: ignore[arg-type]
            rows = as_row(vector, self.card.dims)[None]
        if len(rows) != 1:
            raise InputError(f"vector must be one vector; got {len(rows)}. Search them one by one.")
        return self.vectors.metric.prepare_row(rows[0]), relation.value

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
    aside = folder / f"{copy}.{secrets.token_hex(8)}.part"
    aside.parent.mkdir(exist_ok=True)
    try:
        if not (folder / copy).exists():
            encoder.save(aside)
            if aside.is_dir():
                raise InputError(
                    f"save of an encoder must write one file; {type(encoder).__name__} made a "
                    "folder. Pack it, or write nothing: the encoder is then not kept."
                )
            if aside.is_file() and aside.stat().st_size <= LARGEST_COPY and can_load(aside):
                aside.replace(folder / copy)
    finally:
        if aside.is_dir():
            shutil.rmtree(aside)
        aside.unlink(missing_ok=True)
    return {**spec, "copy": str(copy)} if (folder / copy).exists() else spec
