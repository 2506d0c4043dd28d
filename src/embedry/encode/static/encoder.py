"""The engine of a static encoder: texts cut into pieces, their rows summed, of unit length."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from embedry.encode.encoder import Encoded
from embedry.threads import thread_count

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from embedry.card import Card
    from embedry.encode.static.table import StaticTable
    from embedry.kernels.text.pooling import RowTable
    from embedry.kernels.text.wordpiece import Spans

__all__ = ["StaticEngine"]

_ENOUGH_FOR_A_THREAD = 100_000  # characters: less takes no longer than starting it


class StaticEngine:
    """Encodes by a static table.

    Parameters
    ----------
    table : StaticTable
    threads : int or None
    """

    def __init__(self, table: StaticTable, threads: int | None) -> None:
        self._table = table
        self._threads = thread_count(threads)

    @property
    def card(self) -> Card:
        """The space its vectors lie in."""
        return self._table.card

    def encode(self, texts: Sequence[str], role: str) -> Encoded:
        """Return the vectors of texts.

        Parameters
        ----------
        texts : sequence of str
        role : str
            ``"document"`` or ``"query"``: in a query its very words count more.

        Returns
        -------
        Encoded
            Rows of unit length; zeros for a text without any known piece. ``truncated`` is 0:
            texts of any length are read to their end.

        Raises
        ------
        InputError
            If something in ``texts`` is no str.
        """
        from embedry.kernels.text.pooling import pool

        wordpiece = self._table.wordpiece
        wordpiece.check(texts)
        threads = min(self._threads, 1 + sum(map(len, texts)) // _ENOUGH_FOR_A_THREAD)
        cut = wordpiece.cut(texts, threads)
        share = float(self._table.shares[self.card.roles.index(role)])
        vectors = pool(cut, self._rows, share, threads)
        unknown = wordpiece.unknown_words(texts, cut)
        empty = int(np.count_nonzero(cut.starts[1:] == cut.starts[:-1]))
        return Encoded(vectors, self.card, empty=empty, unknown=unknown)

    def spans(self, text: str) -> Spans:
        """Return the pieces of a text; see `TextEncoder.spans`."""
        return self._table.wordpiece.spans(text)

    def save(self, path: str | Path) -> None:
        """Write the table, some 7 MB, into one file.

        Parameters
        ----------
        path : str or Path

        Raises
        ------
        OSError
            If it cannot be written; what was there stays.
        """
        self._table.save(path)

    @cached_property
    def _rows(self) -> RowTable:
        return self._table.rows()
