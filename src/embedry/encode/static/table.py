"""The file of a static encoder: its pieces, and a packed row for each.

What it is: a `StaticTable`, read with suspicion and written. What it is not: what encodes; see
``encoder``. The file is in the format of `embedry.files`, of the kind ``static``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Any

import numpy as np

from embedry.card import Card, fingerprint
from embedry.encode.tokenize.wordpiece import WordPiece
from embedry.errors import FileFormatError
from embedry.files import read_arrays, write_arrays
from embedry.kernels.text.marks import MARK_DIMS, piece_marks

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from embedry.kernels.text.pooling import RowTable

__all__ = ["KIND", "StaticTable", "built_in"]

KIND = "static"
ROLES = ("document", "query")
_ARRAYS = ("codes", "scales", "weights", "shares")
_BUILT_IN = "english.safetensors"
_WHAT_IS_DONE = "BERT uncased WordPiece; sum; unit length; 8 marks in 256 dims"


@dataclass(frozen=True, eq=False)
class StaticTable:
    """Pieces, their rows and the card of the space.

    Attributes
    ----------
    wordpiece : WordPiece
    codes : ndarray (pieces, dims / 2), uint8
        See `embedry.kernels.text.pooling.RowTable`.
    scales, weights : ndarray (pieces,), float16
        Finite, at least 0.
    shares : ndarray (2,), float32
        How much the weights count in a document and in a query. Two documents are compared by
        what they mean; a query asks for its words, too.
    card : Card
    """

    wordpiece: WordPiece
    codes: NDArray[np.uint8]
    scales: NDArray[np.float16]
    weights: NDArray[np.float16]
    shares: NDArray[np.float32]
    card: Card

    @classmethod
    def of(
        cls,
        pieces: tuple[str, ...],
        codes: NDArray[np.uint8],
        scales: NDArray[np.float16],
        weights: NDArray[np.float16],
        shares: tuple[float, float],
        settings: Mapping[str, str],
    ) -> StaticTable:
        """Make a table and its card.

        Parameters
        ----------
        pieces : tuple of n str
            With ``[UNK]`` among them.
        codes : ndarray (n, dims / 2), uint8
        scales, weights : ndarray (n,), float16
        shares : pair of float
            Of a document and of a query.
        settings : mapping of str to str
            What the card says of how it was made.

        Returns
        -------
        StaticTable

        Raises
        ------
        InputError
            If the pieces are no vocabulary.
        """
        both = np.array(shares, np.float32)
        parts = (list(pieces), codes, scales, weights, both)
        content = fingerprint(KIND, *parts, _WHAT_IS_DONE)
        dims = 2 * codes.shape[1] + MARK_DIMS
        card = Card(KIND, dims, "cosine", content, ROLES, settings=tuple(settings.items()))
        return cls(WordPiece(pieces), codes, scales, weights, both, card)

    def rows(self) -> RowTable:
        """Return the rows as the kernel reads them."""
        from embedry.kernels.text.pooling import RowTable  # brings the compiler: some 0.3 s

        scales, weights = self.scales.astype(np.float32), self.weights.astype(np.float32)
        unknown = self.wordpiece.number(self.wordpiece.unknown)
        scales[unknown] = weights[unknown] = 0  # what is not known says nothing
        return RowTable(self.codes, scales, weights, piece_marks(len(scales)))

    def save(self, path: str | Path) -> None:
        """Write the table.

        Parameters
        ----------
        path : str or Path

        Raises
        ------
        OSError
            If it cannot be written; what was there stays.
        """
        text = "\n".join(self.wordpiece.pieces).encode()
        arrays: dict[str, NDArray[Any]] = {
            "pieces": np.frombuffer(text, np.uint8),
            "codes": self.codes,
            "scales": self.scales,
            "weights": self.weights,
            "shares": self.shares,
        }
        write_arrays(path, KIND, {"card": self.card.to_dict(), "settings": {}}, arrays)

    @classmethod
    def load(cls, path: str | Path) -> StaticTable:
        """Read what `save` wrote.

        Parameters
        ----------
        path : str or Path

        Returns
        -------
        StaticTable

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        FileFormatError
            If it is something else, or damaged.
        """
        file = read_arrays(path, KIND)
        try:
            pieces = bytes(file.arrays["pieces"]).decode().split("\n")
            codes, scales, weights, shares = (file.arrays[name] for name in _ARRAYS)
            card = Card.from_dict(file.header["card"])
            table = cls(WordPiece(pieces), codes, scales, weights, shares, card)
            table._check()
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise FileFormatError(f"{path} is damaged: {error}", path=path) from error
        return table

    def _check(self) -> None:
        """Refuse arrays that kernels must not be given."""
        count, half = len(self.wordpiece.pieces), (self.card.dims - MARK_DIMS) // 2
        wanted: dict[str, tuple[NDArray[Any], Any, tuple[int, ...]]] = {
            "codes": (self.codes, np.uint8, (count, half)),
            "scales": (self.scales, np.float16, (count,)),
            "weights": (self.weights, np.float16, (count,)),
            "shares": (self.shares, np.float32, (len(ROLES),)),
        }
        for name, (array, dtype, shape) in wanted.items():
            if array.dtype != dtype or array.shape != shape:
                raise ValueError(f"{name} must be {shape}; got {array.dtype} {array.shape}")
        for array in (self.scales, self.weights, self.shares):
            if not np.all((array >= 0) & np.isfinite(array)):
                raise ValueError("scales, weights and shares must be finite and at least 0")
        if self.card.roles != ROLES:
            raise ValueError(f"roles must be {ROLES}; got {self.card.roles}")
        parts = (self.codes, self.scales, self.weights, self.shares)
        if fingerprint(KIND, list(self.wordpiece.pieces), *parts, _WHAT_IS_DONE) != (
            self.card.fingerprint
        ):
            raise ValueError("its content is not what the card says")


@cache
def built_in() -> StaticTable:
    """Return the English table that comes with the package, read once a process."""
    with as_file(files("embedry.encode.static") / _BUILT_IN) as path:
        return StaticTable.load(path)
