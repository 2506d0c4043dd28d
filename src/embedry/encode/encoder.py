"""What an encoder is: content in, vectors of one space out.

An encoder has a card and an `encode`. Learners that can place documents (Word2Vec) are encoders,
as are pretrained models. What comes out is an `Encoded`: the vectors, and the count of all that
was not encoded as it came.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import DTypeLike, NDArray

    from embedry.card import Card

__all__ = ["Encoded", "Encoder"]


@dataclass(frozen=True, eq=False)
class Encoded:
    """Vectors of some items, and what happened on the way; also an array.

    Attributes
    ----------
    vectors : ndarray (n, dims), float32
        In the order of the items. A row of zeros is an item that yields no vector.
    card : Card
        The space.
    truncated : int
        Items that were longer than the encoder reads.
    empty : int
        Items without any content. One whose words are all unknown is not empty: whether an item
        has a vector, says ``placed``.
    unknown : tuple of str
        Words the encoder does not know, each once, in order of appearance.
    truncated_items : ndarray (n,), bool, or None
        Which items were truncated, of encoders that say so.
    """

    vectors: NDArray[np.float32]
    card: Card
    truncated: int = 0
    empty: int = 0
    unknown: tuple[str, ...] = ()
    truncated_items: NDArray[np.bool_] | None = None

    @cached_property
    def placed(self) -> NDArray[np.bool_]:
        """Which items have a vector, (n,) bool."""
        return np.asarray(self.vectors.any(axis=1))

    def __len__(self) -> int:
        return len(self.vectors)

    def __array__(
        self, dtype: DTypeLike | None = None, *, copy: bool | None = None
    ) -> NDArray[np.float32]:
        return np.array(self.vectors, dtype, copy=copy)


@runtime_checkable
class Encoder(Protocol):
    """Anything with a card that turns items into vectors, and can be kept in a file."""

    @property
    def card(self) -> Card:
        """The space its vectors lie in."""

    def encode(self, items: Sequence[str], role: str = "document") -> Encoded:
        """Return the vectors of the items, in order.

        Parameters
        ----------
        items : sequence of str
        role : str
            One of the card's roles, such as ``"document"`` or ``"query"``.

        Returns
        -------
        Encoded
        """

    def save(self, path: str | Path) -> None:
        """Write the encoder into one file that `embedry.load` reads."""
