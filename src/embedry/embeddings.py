"""Embeddings: ids, float32 rows, and the card of the space they lie in.

The value that flows through all of Embedry. Search here is exact; for large sets, filters and
updates see `embedry.Collection`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from embedry.card import Card, fingerprint
from embedry.errors import FileFormatError, InputError, UnknownIdError
from embedry.exchange.exchangeable import Exchangeable
from embedry.files import read_arrays, write_arrays
from embedry.ids import Id, check_ids, check_unique, pack_ids, unpack_ids
from embedry.metrics import as_metric
from embedry.searchable import Searchable
from embedry.vectors import as_rows

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import ArrayLike, DTypeLike, NDArray

__all__ = ["Embeddings"]

_KIND = "embeddings"


class Embeddings(Searchable, Exchangeable):
    """A set of named vectors in one space; immutable.

    Parameters
    ----------
    ids : iterable of str or int, n of them
        All different; ``1`` and ``"1"`` are two ids.
    vectors : array-like (n, dims)
        Finite real numbers; float64 and ints are rounded to float32.
    card : Card, optional
        The space the vectors lie in. Left out, a card is made from the ids and bytes themselves:
        such embeddings mix with nothing else.
    metric : {"cosine", "dot", "euclidean"}, optional
        What "near" means, where no card says it; cosine when left out.

    Raises
    ------
    InputError
        If ids repeat, their number is not n, or the vectors are not what must hold.

    Examples
    --------
    >>> fruit = Embeddings(["apple", "pear", "car"], [[1, 0.1], [1, 0.2], [0, 1]])
    >>> fruit.nearest(id="apple", k=1).ids
    ('pear',)
    """

    def __init__(
        self,
        ids: Iterable[Id],
        vectors: ArrayLike,
        card: Card | None = None,
        *,
        metric: str | None = None,
    ) -> None:
        if card is not None and not isinstance(card, Card):
            raise InputError(f"card must be a Card; got {card!r}. Leave it out to have one made.")
        if card is not None and metric not in {None, card.metric}:
            raise InputError(f"metric must be that of the card, {card.metric}; got {metric!r}.")
        names = check_ids(ids)
        check_unique(names)
        rows = as_rows(vectors, None if card is None else card.dims)
        if len(names) != len(rows):
            raise InputError(f"There must be one id a vector; got {len(names)} and {len(rows)}.")
        rows = _private(rows, vectors)
        rows.flags.writeable = False
        self._ids = tuple(names)
        self._vectors = rows
        self._card = card or _card_of_bytes(names, rows, metric or "cosine")

    @property
    def ids(self) -> tuple[Id, ...]:
        """The ids, in order."""
        return self._ids

    @property
    def vectors(self) -> NDArray[np.float32]:
        """The rows, (n, dims) float32, read-only."""
        return self._vectors

    @property
    def card(self) -> Card:
        """The identity of the space."""
        return self._card

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, id: object) -> bool:
        known = isinstance(id, (str, int, np.integer))
        return known and not isinstance(id, (bool, np.timedelta64)) and id in self._places

    def __reduce__(self) -> tuple[type[Embeddings], tuple[object, ...]]:
        return Embeddings, (self._ids, self._vectors, self._card)  # comes back checked and frozen

    def __getitem__(self, id: Id) -> NDArray[np.float32]:
        """Return the vector of an id, (dims,) float32; `UnknownIdError` if it is not there."""
        row: NDArray[np.float32] = self._vectors[self._place(id)]
        return row

    def __array__(
        self, dtype: DTypeLike | None = None, *, copy: bool | None = None
    ) -> NDArray[np.float32]:
        return np.array(self._vectors, dtype, copy=copy)

    def __repr__(self) -> str:
        return f"Embeddings({len(self):,} x {self.dims}, {self._card})"

    def subset(self, ids: Iterable[Id]) -> Embeddings:
        """Return the embeddings of some ids, in the order given.

        Parameters
        ----------
        ids : iterable of str or int

        Returns
        -------
        Embeddings
            With the same card.

        Raises
        ------
        UnknownIdError
            If some are not there; all of them are named.
        InputError
            If one repeats.
        """
        names = check_ids(ids)
        missing = [name for name in names if name not in self._places]
        if missing:
            shown = ", ".join(map(repr, missing[:3]))
            raise UnknownIdError(f"{len(missing)} ids are not there, such as {shown}.", ids=missing)
        return Embeddings(names, self._vectors[[self._places[n] for n in names]], self._card)

    def truncate(self, dims: int) -> Embeddings:
        """Return the first ``dims`` columns, for spaces trained to be cut (Matryoshka).

        Parameters
        ----------
        dims : int
            In [1, self.dims].

        Returns
        -------
        Embeddings
            Its card is `Relation.TRUNCATED` to this one.

        Raises
        ------
        InputError
            If dims is out of range.

        References
        ----------
        Kusupati et al. 2022, Matryoshka Representation Learning.
        """
        card = self._card.truncated(dims)
        return Embeddings(self._ids, self._vectors[:, : card.dims], card)

    def save(self, path: str | Path) -> None:
        """Write ids, vectors and card into one file, all or nothing.

        Parameters
        ----------
        path : str or Path
            A safetensors file with the card in its header; read it with `load`.

        Raises
        ------
        OSError
            If it cannot be written; what was there stays.
        """
        header = {"card": self._card.to_dict(), "checksum": self._digest()}
        arrays = {"vectors": self._vectors, **pack_ids(self._ids)}
        write_arrays(path, _KIND, header, arrays)

    def _digest(self) -> str:
        packed = pack_ids(self._ids).values()
        return fingerprint(self._card.to_dict(), *packed, self._vectors)

    @classmethod
    def load(cls, path: str | Path, *, mmap: bool = False) -> Embeddings:
        """Read a file written by `save`.

        Parameters
        ----------
        path : str or Path
        mmap : bool
            Map the vectors into memory instead of reading them: rows are read when touched, and
            neither checked nor copied; `verify` does that when asked.

        Returns
        -------
        Embeddings

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        FileFormatError
            If it is not such a file, is damaged, promises more than it holds, or is newer. What
            only the checksum shows, `verify` finds.
        """
        file = read_arrays(path, _KIND, mmap=mmap)
        try:
            card = Card.from_dict(file.header["card"])
            ids = unpack_ids(file.arrays)
            rows = file.arrays["vectors"]
            if rows.dtype != np.float32 or rows.shape != (len(ids), card.dims):
                raise InputError(
                    f"vectors must be float32 {(len(ids), card.dims)}; they are "
                    f"{rows.dtype} {rows.shape}."
                )
            rows.flags.writeable = False
            found = cls._mapped(ids, rows, card) if mmap else cls(ids, rows, card)
            found._checksum = file.header["checksum"]
        except KeyError as error:
            raise FileFormatError(f"{path} is damaged: {error} is missing.", path=path) from error
        except InputError as error:
            raise FileFormatError(f"{path} is damaged: {error}", path=path) from error
        return found

    _checksum: str | None = None

    @classmethod
    def _mapped(cls, ids: list[Id], rows: NDArray[np.float32], card: Card) -> Embeddings:
        """Build without touching the rows, which lie in a file."""
        found = cls.__new__(cls)
        check_unique(ids)
        found._ids, found._vectors, found._card = tuple(ids), rows, card
        return found

    def verify(self) -> None:
        """Read every vector, and hold all that was loaded against the checksum it was saved with.

        Raises
        ------
        InputError
            If a vector is not finite, or ids, vectors or card are not those that were saved.
        """
        as_rows(self._vectors, self.dims)
        if self._checksum is not None and self._digest() != self._checksum:
            raise InputError(
                "Ids, vectors and card must be those that were saved; they are not: the file is "
                "damaged. Restore a copy, or make it anew."
            )


def _private(rows: NDArray[np.float32], given: ArrayLike) -> NDArray[np.float32]:
    """Return rows that nobody else can change: what the caller may still write to is copied."""
    converted = isinstance(given, np.ndarray) and not np.may_share_memory(rows, given)
    if converted or isinstance(given, (list, tuple)) or _is_read_only(rows):
        return rows
    return rows.copy()


def _is_read_only(array: object) -> bool:
    while isinstance(array, np.ndarray):
        if array.flags.writeable:
            return False
        array = array.base
    return True


def _card_of_bytes(ids: list[Id], rows: NDArray[np.float32], metric: str) -> Card:
    return Card("array", rows.shape[1], as_metric(metric).name, fingerprint("array", ids, rows))
