"""Texts as sums of rows of a packed table, of unit length: the inner loop of static encoders.

What it is: a `RowTable`, which holds a row for each piece in 4 bits a dim and is summed without
being unpacked, beside it the same in plain NumPy. Behind the dims that were learned stand others,
in which pieces are told apart: each piece is 1 or -1 in eight of them, chosen by a hash of its
number, times its weight, so that a text that shares a rare word with another lies a little nearer
to it. What it is not: an encoder; see `embedry.TextEncoder`.

References
----------
S. Tulkens, T. van Dongen, "Model2Vec", 2024 (encoders that are a table).
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from embedry.kernels.compiler import compiled
from embedry.kernels.text.marks import MARK_DIMS, MARKS
from embedry.threads import run_in_threads

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from embedry.kernels.text.wordpiece import Cut

__all__ = ["RowTable", "packed", "pool", "pool_plain"]

_MIDDLE = np.float32(7.5)
_BLOCK = MARK_DIMS // MARKS


class RowTable(NamedTuple):
    """A row for each piece, packed.

    Attributes
    ----------
    codes : ndarray (pieces, dims / 2), uint8
        Dim i in the low half of byte i, dim ``dims / 2 + i`` in the high half; a code c stands for
        ``(c - 7.5) * scale``.
    scales : ndarray (pieces,), float32
        0 for a piece that says nothing.
    weights : ndarray (pieces,), float32
        How much each piece counts in the dims that tell pieces apart.
    marks : ndarray (pieces,), uint64
        In which of these it is 1 or -1; see `embedry.kernels.text.marks`.
    """

    codes: NDArray[np.uint8]
    scales: NDArray[np.float32]
    weights: NDArray[np.float32]
    marks: NDArray[np.uint64]

    @property
    def dims(self) -> int:
        """The width of what is pooled: the dims that were learned, and 256."""
        return 2 * int(self.codes.shape[1]) + MARK_DIMS

    def row(self, piece: int) -> NDArray[np.float32]:
        """Return the row of one piece, (dims,) float32."""
        codes = self.codes[piece]
        learned = (np.concatenate([codes & 15, codes >> 4]) - _MIDDLE) * self.scales[piece]
        apart = np.zeros(MARK_DIMS, np.float32)
        for block, byte in enumerate(self.marks[piece : piece + 1].astype("<u8").tobytes()):
            sign = 1 if byte & 1 else -1
            apart[block * _BLOCK + (byte >> 1) % _BLOCK] = sign * self.weights[piece]
        return np.concatenate([learned, apart])


def packed(rows: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float16]]:
    """Pack rows into 4 bits a dim, each with the scale that moves it least.

    Parameters
    ----------
    rows : ndarray (n, dims), float32
        An even number of dims.

    Returns
    -------
    codes : ndarray (n, dims / 2), uint8
    scales : ndarray (n,), float16
        0 for a row of zeros.
    """
    highest = np.abs(rows).max(axis=1, initial=0)
    codes = np.full(rows.shape, 8, np.uint8)
    scales = np.zeros(len(rows), np.float16)
    lowest = np.full(len(rows), np.inf, np.float32)
    for share in np.linspace(0.3, 1, 15):
        tried = np.maximum(highest * share / 7.5, 2.0**-14).astype(np.float16)
        steps = tried.astype(np.float32)[:, None]
        code = np.clip(np.floor(rows / steps + 8), 0, 15)
        moved = np.square((code - _MIDDLE) * steps - rows).sum(axis=1)
        better = (moved < lowest) & (highest > 0)
        codes[better], scales[better], lowest[better] = code[better], tried[better], moved[better]
    half = rows.shape[1] // 2
    return np.asarray(codes[:, :half] | codes[:, half:] << 4, np.uint8), scales


def pool(cut: Cut, table: RowTable, share: float = 1.0, threads: int = 1) -> NDArray[np.float32]:
    """Sum the rows of the pieces of each text, and bring the sums to unit length.

    Parameters
    ----------
    cut : Cut
        Pieces within the table.
    table : RowTable
    share : float
        What all weights are multiplied by, at least 0.
    threads : int
        At least 1. The result does not depend on it.

    Returns
    -------
    ndarray (texts, table.dims), float32
        Zeros for a text whose pieces say nothing.

    Notes
    -----
    Some 30 ns a piece at 256 dims.
    """
    texts = len(cut.starts) - 1
    vectors = np.zeros((texts, table.dims), np.float32)
    if threads == 1:
        _pool(cut.pieces, cut.starts, *table, np.float32(share), vectors)
        return vectors
    shares = np.searchsorted(cut.starts, np.linspace(0, len(cut.pieces), threads + 1)[1:-1])
    edges = sorted({0, *shares.tolist(), texts})

    def task(first: int, behind: int) -> Callable[[object], object]:
        return lambda _stop: _pool(
            cut.pieces,
            cut.starts[first : behind + 1],
            *table,
            np.float32(share),
            vectors[first:behind],
        )

    run_in_threads([task(*pair) for pair in pairwise(edges)])
    return vectors


@compiled(fastmath=True)
def _pool(
    pieces: Any,
    starts: Any,
    codes: Any,
    scales: Any,
    weights: Any,
    marks: Any,
    part: Any,
    vectors: Any,
) -> None:
    half = codes.shape[1]
    for text in range(len(vectors)):
        low, high = vectors[text, :half], vectors[text, half : 2 * half]
        apart = vectors[text, 2 * half :]
        middle = np.float32(0)
        for place in range(starts[text], starts[text + 1]):
            piece = pieces[place]
            scale, weight, bits = scales[piece], part * weights[piece], marks[piece]
            row = codes[piece]
            for dim in range(half):
                low[dim] += scale * np.float32(row[dim] & 15)
                high[dim] += scale * np.float32(row[dim] >> 4)
            middle += scale
            for block in range(MARKS):
                mark = block * _BLOCK + np.int64(bits >> np.uint64(1)) % _BLOCK
                apart[mark] += weight if bits & np.uint64(1) else -weight
                bits >>= np.uint64(8)
        middle *= _MIDDLE
        squares = np.float32(0)
        for dim in range(half):
            low[dim] -= middle
            high[dim] -= middle
            squares += low[dim] * low[dim] + high[dim] * high[dim]
        for dim in range(MARK_DIMS):
            squares += apart[dim] * apart[dim]
        if middle > 0:
            share = np.float32(1 / np.sqrt(squares))
            for dim in range(2 * half + MARK_DIMS):
                vectors[text, dim] *= share


def pool_plain(cut: Cut, table: RowTable, share: float = 1.0) -> NDArray[np.float32]:
    """Do what `pool` does in plain NumPy: the oracle of the tests."""
    table = table._replace(weights=table.weights * np.float32(share))
    vectors = np.zeros((len(cut.starts) - 1, table.dims))
    for text, (first, behind) in enumerate(zip(cut.starts[:-1], cut.starts[1:], strict=True)):
        for piece in cut.pieces[first:behind].tolist():
            vectors[text] += table.row(piece)
        vectors[text] /= np.linalg.norm(vectors[text]) or 1
    return vectors.astype(np.float32)
