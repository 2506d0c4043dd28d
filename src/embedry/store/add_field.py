"""Adding a field with what goes into it: the documents that are here, or embeddings by id.

The slow part, encoding, is done before the transaction; what was written meanwhile, by another
thread or process, is looked at within it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from embedry.card import Card
from embedry.embeddings import Embeddings
from embedry.encode.encoder import Encoder
from embedry.errors import InputError, UnknownIdError
from embedry.ids import is_unicode
from embedry.metrics import as_metric
from embedry.store.encoding import encode_documents
from embedry.store.memory.fields import keep_encoder
from embedry.store.values import Upserted

if TYPE_CHECKING:
    from collections.abc import Collection as Sized
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from embedry.encode.encoder import Encoded
    from embedry.store.disk.log import Log
    from embedry.store.disk.records import Reader, Writer

__all__ = ["Missing", "add_embeddings", "add_empty", "add_encoded", "check_new_field"]

Missing = Literal["error", "skip", "create"]
_WIDEST = 100_000


def check_new_field(name: object, names: Iterable[str], ways: Sequence[object]) -> None:
    """Refuse a field that cannot be added.

    Parameters
    ----------
    name : object
        How it is to be called.
    names : iterable of str
        Those that are there.
    ways : sequence
        What it could be made from; one of them is not None.

    Raises
    ------
    InputError
        If the name is taken or no name, or not exactly one way is given.
    """
    if not isinstance(name, str) or not name.strip():
        raise InputError(f"A field's name must be a text that is not empty; got {name!r}.")
    if not is_unicode(name):
        raise InputError(f"A field's name must be valid Unicode; got {name!r}.")
    if name == "text":
        raise InputError('A field must not be called "text": that names the part of BM25.')
    if name in names:
        raise InputError(f"There is a field {name!r} already. Choose another name.")
    if sum(way is not None for way in ways) != 1:
        raise InputError("Pass exactly one of encoder=, embeddings= and dims=.")


def _check_metric(metric: str, card: Card, what: str) -> None:
    # "cosine" is what nobody passed, too
    if metric not in {"cosine", card.metric}:
        raise InputError(
            f"metric goes with dims=; the card of {what} says {card.metric}, got {metric!r}. "
            "Leave metric out."
        )


def add_empty(name: str, dims: object, metric: str, log: Log) -> Upserted:
    """Add a field without vectors and with a card of its own; see `Collection.add_field`.

    Parameters
    ----------
    name : str
    dims : int
    metric : str
    log : Log

    Returns
    -------
    Upserted
        Nothing was.

    Raises
    ------
    InputError
        If the name is taken, or dims or metric is not what must hold.
    """
    card = Card.declared(dims, metric)  # type: ignore[arg-type]  # it looks itself
    if card.dims > _WIDEST:
        raise InputError(f"dims must be at most {_WIDEST:,}; got {card.dims:,}.")
    with log.write() as writer:
        writer.put_field(name, card, None)
    return Upserted()


def add_encoded(name: str, encoder: Encoder, metric: str, folder: Path, log: Log) -> Upserted:
    """Add a field with an encoder, and place all documents in it; see `Collection.add_field`.

    Parameters
    ----------
    name : str
    encoder : Encoder
    metric : str
        That of its card, or ``"cosine"``.
    folder : Path
        The collection's directory.
    log : Log

    Returns
    -------
    Upserted

    Raises
    ------
    InputError
        If the name is taken, it is no encoder or of another metric, or it gives what no vector
        can be.
    """
    if not isinstance(encoder, Encoder):
        raise InputError(
            f"encoder must have a card, encode() and save(); got {type(encoder).__name__}."
        )
    _check_metric(metric, encoder.card, "the encoder")
    spec = keep_encoder(encoder, folder)
    with log.read() as reader:
        seen, texts = reader.change, _documents(reader, after=-1)
    encoded = encode_documents(encoder, list(texts.values()))
    with log.write() as writer:
        now = writer.reader()
        late = _documents(now, after=seen)  # written while the others were encoded
        encoded_late = encode_documents(encoder, list(late.values()))
        field = writer.put_field(name, encoder.card, spec)
        outdated = {*late, *now.removed(seen)}
        placed, unplaced = _put(writer, field, texts, encoded, outdated)
        placed_late, unplaced_late = _put(writer, field, late, encoded_late, ())
    return Upserted(
        updated=placed + placed_late,
        unplaced=unplaced + unplaced_late,
        truncated=encoded.truncated + encoded_late.truncated,
    )


def _documents(reader: Reader, after: int) -> dict[int, str]:
    return {row: text for row, _, text in reader.texts(after) if text is not None}


def _put(
    writer: Writer, field: int, texts: dict[int, str], encoded: Encoded, outdated: Sized[int]
) -> tuple[int, int]:
    """Write the vectors of rows that are not outdated; count those placed and those not."""
    current = [(place, row) for place, row in enumerate(texts) if row not in outdated]
    placed = [(place, row) for place, row in current if encoded.placed[place]]
    vectors = encoded.vectors[[place for place, _ in placed]]
    writer.put_vectors(field, [row for _, row in placed], vectors)
    return len(placed), len(current) - len(placed)


def add_embeddings(
    name: str, embeddings: Embeddings, metric: str, missing: Missing, log: Log
) -> Upserted:
    """Add a field with the vectors of items; see `Collection.add_field`.

    Parameters
    ----------
    name : str
    embeddings : Embeddings
    metric : str
        That of their card, or ``"cosine"``.
    missing : {"error", "skip", "create"}
        What to do with ids that the collection lacks.
    log : Log

    Returns
    -------
    Upserted

    Raises
    ------
    InputError
        If the name is taken, they are no embeddings or of another metric, there is no such
        ``missing``, or a vector is zero where zero has no direction.
    UnknownIdError
        If ids are missing and ``missing="error"``.
    """
    if not isinstance(embeddings, Embeddings):
        raise InputError(f"embeddings must be Embeddings; got {type(embeddings).__name__}.")
    if missing not in get_args(Missing):
        raise InputError(f"missing must be 'error', 'skip' or 'create'; got {missing!r}.")
    _check_metric(metric, embeddings.card, "the embeddings")
    as_metric(embeddings.card.metric).prepare(embeddings.vectors)  # refuses zero vectors
    with log.write() as writer:
        here = writer.rows(embeddings.ids)
        absent = [id for id in embeddings.ids if id not in here]
        if absent and missing == "error":
            shown = ", ".join(map(repr, absent[:3]))
            raise UnknownIdError(
                f"Embeddings must be of items that are here; {len(absent)} are not, such as "
                f'{shown}. Upsert them first, or pass missing="skip" or missing="create".',
                ids=absent,
            )
        created = absent if missing == "create" else []
        writer.put_items((id, None, "{}") for id in created)
        rows = writer.rows(embeddings.ids)
        keep = [place for place, id in enumerate(embeddings.ids) if id in rows]
        field = writer.put_field(name, embeddings.card, None)
        ids = [embeddings.ids[place] for place in keep]
        writer.put_vectors(field, [rows[id] for id in ids], embeddings.vectors[keep])
    return Upserted(len(created), len(ids) - len(created), skipped=len(absent) - len(created))
