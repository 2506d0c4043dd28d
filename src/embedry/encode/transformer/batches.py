"""Texts in batches: those of like length together, so that little is computed for nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

__all__ = ["batches", "padded"]

TOKENS = 2048  # of a batch: more is no faster, and takes more memory
TEXTS = 128


def batches(
    lengths: NDArray[np.int64], tokens: int = TOKENS, texts: int = TEXTS
) -> Iterator[NDArray[np.int64]]:
    """Yield the numbers of texts, batch by batch, the longest first.

    Parameters
    ----------
    lengths : ndarray (n,), int64
        In tokens.
    tokens, texts : int
        The most of a batch, padding counted; a longer text is a batch of its own.

    Yields
    ------
    ndarray (batch,), int64
        Every number from 0 to n - 1 once. Texts of one length stay in order.
    """
    order = np.argsort(-lengths, kind="stable")
    first = 0
    while first < len(order):
        longest = max(1, int(lengths[order[first]]))
        count = max(1, min(texts, tokens // longest))
        yield order[first : first + count]
        first += count


def padded(
    rows: Sequence[NDArray[np.int32]], filler: int
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return rows side by side, filled up behind, and where they are.

    Parameters
    ----------
    rows : sequence of ndarray (length,), int32
    filler : int

    Returns
    -------
    table : ndarray (rows, longest), int32
    mask : ndarray (rows, longest), float32
        1 where something of a row is, 0 where filler is.
    """
    lengths = np.array([len(row) for row in rows])
    mask = np.arange(lengths.max(initial=1)) < lengths[:, None]
    table = np.full(mask.shape, filler, np.int32)
    table[mask] = np.concatenate(rows)
    return table, mask.astype(np.float32)
