"""CachedEncoder: an encoder that encodes nothing twice.

What it is: any encoder with a memory on disk. A vector is found again by the content of its text
and by the space it lies in: another model, precision or prompt never answers for this one. What
it is not: worth it for the static encoder, which is faster than a look into a file.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from embedry.atomic import as_path
from embedry.card import Card, Relation
from embedry.encode.cached.store import VectorStore, is_free
from embedry.encode.encoder import Encoded, Encoder
from embedry.encode.texts import as_texts
from embedry.errors import InputError
from embedry.files import cache_dir
from embedry.settings import whole_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from embedry.encode.cached.store import Row

__all__ = ["CachedEncoder"]

_KEY_BYTES = 20
_AT_ONCE = 4096  # texts between two looks into the file
_EMPTY, _CUT = 1, 2  # states of a row


class CachedEncoder:
    """Encode by another encoder, each text once.

    Parameters
    ----------
    encoder : Encoder
    path : str or Path, optional
        The file of the cache; several encoders may share it, also of several processes. Else one
        in the cache folder of the user (``EMBEDRY_CACHE``).
    most_bytes : int
        How large it may grow; then the vectors that were used longest ago are let go.

    Attributes
    ----------
    card : Card
        That of the encoder.
    hits_, misses_ : int
        How many texts were found, and how many encoded, so far.

    Raises
    ------
    InputError
        If it is no encoder, ``most_bytes`` is out of range, or ``path`` is no path, or that of a
        file which is no cache of vectors.

    Notes
    -----
    What was counted is counted again when a text is found: empty texts and, of encoders that say
    which, truncated ones. Texts with unknown words are encoded each time, and so are those of
    encoders that do not say which they cut. A file that is damaged is begun anew, and one that
    cannot be written is done without; either is said once, in the log.

    Examples
    --------
    >>> import tempfile
    >>> from embedry import CachedEncoder, TextEncoder
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     encoder = CachedEncoder(TextEncoder(), path=f"{folder}/vectors.sqlite")
    ...     first, again = encoder.encode(["a cat"]), encoder.encode(["a dog", "a cat"])
    >>> bool((first.vectors[0] == again.vectors[1]).all()), encoder.hits_, encoder.misses_
    (True, 1, 2)
    """

    def __init__(
        self, encoder: Encoder, *, path: str | Path | None = None, most_bytes: int = 2**30
    ) -> None:
        if not isinstance(encoder, Encoder):
            raise InputError(
                f"encoder must have a card, encode and save; got {type(encoder).__name__}."
            )
        most = whole_number("most_bytes", most_bytes, 2**16, 2**50)
        self.encoder = encoder
        place = _file(path)
        self._store = None if place is None else VectorStore(place, most)
        self._own: tuple[Card, bytes] | None = None
        self.hits_ = self.misses_ = 0

    def __repr__(self) -> str:
        return f"CachedEncoder({self.encoder!r})"

    @property
    def card(self) -> Card:
        """The space of its vectors."""
        return self.encoder.card

    @property
    def used_bytes(self) -> int:
        """How large the cache is, about, with the vectors of all encoders that share it."""
        return 0 if self._store is None else self._store.used_bytes

    def encode(self, items: Iterable[str], role: str = "document") -> Encoded:
        """Return the vectors of texts, in order; see ``encode`` of the encoder.

        Parameters
        ----------
        items : iterable of n str
        role : str

        Returns
        -------
        Encoded
            As the encoder gives it, to the bit.

        Raises
        ------
        InputError
            If ``items`` is a single str, or something in it is no str; and as the encoder.

        Notes
        -----
        Interrupted, what was encoded is kept.
        """
        texts = as_texts(items)
        parts = [
            self._encoded(texts[first : first + _AT_ONCE], role)
            for first in range(0, len(texts), _AT_ONCE)
        ]
        if len(parts) == 1:
            return parts[0]
        if not parts:
            return self.encoder.encode([], role=role)
        return Encoded(
            np.concatenate([part.vectors for part in parts]),
            parts[0].card,
            truncated=sum(part.truncated for part in parts),
            empty=sum(part.empty for part in parts),
            unknown=tuple(dict.fromkeys(word for part in parts for word in part.unknown)),
            truncated_items=_together([part.truncated_items for part in parts]),
        )

    def save(self, path: str | Path) -> None:
        """Write the encoder, without what it remembers; see ``save`` of the encoder.

        Parameters
        ----------
        path : str or Path

        Raises
        ------
        OSError
            If it cannot be written.
        """
        self.encoder.save(path)

    def clear(self, *, everything: bool = False) -> None:
        """Forget the vectors of this encoder.

        Parameters
        ----------
        everything : bool
            Also those of other encoders in the same file.
        """
        if self._store is not None:
            self._store.clear(None if everything else self._space(self._store))
            self._own = None

    def _space(self, store: VectorStore) -> bytes:
        """Return what tells the spaces of a file apart.

        A server rounds otherwise each time it is asked, and its space has another fingerprint
        after each start. Where the file has the space of an encoder made alike, and probes prove
        that it is the same, that one is taken.
        """
        card = self.card
        if self._own is None or self._own[0] is not card:
            mine = _digest(card)
            known = store.spaces()
            cards = ((space, Card.from_json(told)) for space, told in known.items())
            same = mine if mine in known else next((s for s, c in cards if _is_same(card, c)), mine)
            if same not in known:
                store.add_space(same, card.to_json())
            self._own = card, same
        return self._own[1]

    def _encoded(self, texts: Sequence[str], role: str) -> Encoded:
        if self._store is None:
            self.misses_ += len(texts)
            return self.encoder.encode(texts, role=role)
        space = self._space(self._store)
        keys = [_key(space, role, text) for text in texts]
        held = self._store.read(list(dict.fromkeys(keys)))
        fresh = {key: text for key, text in zip(keys, texts, strict=True) if key not in held}
        self.misses_ += len(fresh)
        self.hits_ += len(texts) - len(fresh)
        made = self.encoder.encode(list(fresh.values()), role=role)
        rows = dict(zip(fresh, _rows(made, list(fresh.values())), strict=True))
        if made.truncated_items is not None or not made.truncated:
            known = {key: row for key, row in rows.items() if not _has(made.unknown, fresh[key])}
            self._store.write(space, known)
        return _gathered(made, keys, {**held, **rows})


def _digest(card: Card) -> bytes:
    told = f"{card.fingerprint}|{card.dims}|{card.precision}|{card.runtime}"
    return hashlib.blake2b(told.encode(), digest_size=_KEY_BYTES).digest()


def _is_same(card: Card, other: Card) -> bool:
    """Say whether two encoders are made alike, and probes prove that their spaces are the same."""
    alike = replace(other, fingerprint=card.fingerprint, probes=card.probes) == card
    return alike and card.relation_to(other) is Relation.EQUIVALENT


def _together(parts: Sequence[NDArray[np.bool_] | None]) -> NDArray[np.bool_] | None:
    known = [part for part in parts if part is not None]
    return np.concatenate(known) if len(known) == len(parts) else None


def _file(path: str | Path | None) -> Path | None:
    if path is not None:
        place = as_path(path)
        if not is_free(place):
            raise InputError(
                f"path must be that of a cache of vectors, or of nothing; {place} is something "
                "else. Pass another."
            )
        return place
    folder = cache_dir("vectors")
    return None if folder is None else folder / "vectors.sqlite"


def _key(space: bytes, role: str, text: str) -> bytes:
    content = hashlib.blake2b(space, digest_size=_KEY_BYTES)
    content.update(f"{role}\0{text}".encode("utf-8", "surrogatepass"))
    return content.digest()


def _has(words: Sequence[str], text: str) -> bool:
    return any(word in text for word in words)


def _rows(made: Encoded, texts: Sequence[str]) -> list[Row]:
    """Return the rows of texts; which of them are empty is told by their number alone."""
    blank = np.array([not text.strip() for text in texts], np.bool_)
    empty = blank if blank.sum() == made.empty else ~made.placed
    cut = np.zeros(len(texts), np.bool_) if made.truncated_items is None else made.truncated_items
    states = (_EMPTY * empty + _CUT * cut).tolist()
    vectors = made.vectors.astype("<f4", copy=False)
    return [(row.tobytes(), state) for row, state in zip(vectors, states, strict=True)]


def _gathered(made: Encoded, keys: Sequence[bytes], rows: dict[bytes, Row]) -> Encoded:
    """Return all vectors in order, and what happened to their texts."""
    vectors: NDArray[np.float32] = np.empty((len(keys), made.card.dims), np.float32)
    for place, key in enumerate(keys):
        vectors[place] = np.frombuffer(rows[key][0], "<f4")
    states = np.array([rows[key][1] for key in keys], np.int64)
    cut = (states & _CUT) > 0
    told = made.truncated_items is not None or not made.truncated
    return Encoded(
        vectors,
        made.card,
        truncated=int(cut.sum()) if told else made.truncated,
        empty=int(np.count_nonzero(states & _EMPTY)),
        unknown=made.unknown,
        truncated_items=cut if told else None,
    )
