"""What does the work of a text encoder: the seam between `TextEncoder` and its kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from embedry.card import Card
    from embedry.encode.encoder import Encoded
    from embedry.kernels.text.wordpiece import Spans

__all__ = ["TextEngine"]


class TextEngine(Protocol):
    """A way to turn texts into vectors; `TextEncoder` checks what it is given."""

    @property
    def card(self) -> Card:
        """The space its vectors lie in, with the roles it knows."""

    def encode(self, texts: Sequence[str], role: str) -> Encoded:
        """Return the vectors of texts, in order.

        Parameters
        ----------
        texts : sequence of str
        role : str
            One of the card's.

        Returns
        -------
        Encoded
        """

    def spans(self, text: str) -> Spans:
        """Return the pieces of one text, and where each stands in it."""

    def save(self, path: str | Path) -> None:
        """Write what `embedry.load` reads; or nothing, where the model is kept elsewhere.

        Parameters
        ----------
        path : str or Path
        """
