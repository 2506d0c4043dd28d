"""The pieces of a vocabulary as a table, and runs of bytes read against it: WordPiece's inner loop.

What it is: a `PieceTable` of hashes, and `read`, which decodes UTF-8, looks up what becomes of each
character, collects words, and takes the longest piece again and again. What it is not: a check.
Bytes must be whole characters, and ``pieces`` have room for one piece a byte.

References
----------
D. Knuth, "The Art of Computer Programming", volume 3, 1998, section 6.4, algorithm L (linear
probing). The Unicode Standard, sections 3.11 (the order of marks) and 3.12 (Hangul).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from embedry.kernels.compiler import compiled
from embedry.kernels.text.characters import (
    HANGUL,
    LETTER,
    NOTHING,
    SEQUENCE,
    SPACE,
    STOP,
    SYLLABLES,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["PieceTable", "piece_table", "read"]

LONGEST_WORD = 100  # characters; a longer word is unknown

# the rows of a word that is read
POINT, MARK, BEGIN, END = 0, 1, 2, 3

_ONE = np.uint64(1)
_MIX = np.uint64(0xBF58476D1CE4E5B9)  # of SplitMix64
_FIRST, _CONTINUED = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD1B54A32D192ED03)


class PieceTable(NamedTuple):
    """A vocabulary as kernels read it: a table of hashes, and the code points to compare."""

    keys: NDArray[np.uint64]
    numbers: NDArray[np.int32]
    starts: NDArray[np.int64]
    points: NDArray[np.uint32]


def piece_table(pieces: Sequence[str]) -> PieceTable:
    """Lay the pieces of a vocabulary into a table of hashes.

    Parameters
    ----------
    pieces : sequence of n str
        In order of their numbers; each once, none empty. ``##`` marks those that continue a word.

    Returns
    -------
    PieceTable
    """
    continued = np.array([piece.startswith("##") and len(piece) > 2 for piece in pieces], np.bool_)
    bare = [piece[2:] if more else piece for piece, more in zip(pieces, continued, strict=True)]
    starts = np.cumsum([0, *map(len, bare)])
    points = np.frombuffer("".join(bare).encode("utf-32-le", "surrogatepass"), "<u4")
    size = 1 << (4 * len(pieces)).bit_length()
    table = PieceTable(
        np.empty(size, np.uint64), np.full(size, -1, np.int32), starts, points.astype(np.uint32)
    )
    _place(continued, *table)
    return table


@compiled(inline=True)
def _step(key: Any, point: Any) -> Any:
    """Return the hash of a piece, one character longer."""
    key = (key ^ np.uint64(point)) * _MIX
    return key ^ (key >> np.uint64(32))


@compiled
def _place(continued: Any, keys: Any, numbers: Any, starts: Any, points: Any) -> None:
    """Fill the table of pieces."""
    last = np.uint64(keys.size - 1)
    for number in range(continued.size):
        key = _CONTINUED if continued[number] else _FIRST
        for place in range(starts[number], starts[number + 1]):
            key = _step(key, points[place])
        slot = key & last
        while numbers[slot] >= 0:
            slot = (slot + _ONE) & last
        keys[slot], numbers[slot] = key, number


@compiled(inline=True)
def _match(
    word: Any,
    size: int,
    keys: Any,
    numbers: Any,
    starts: Any,
    points: Any,
    unknown: int,
    longest: int,
    pieces: Any,
    begins: Any,
    ends: Any,
    found: int,
) -> int:
    """Cut one word into the longest pieces, or none: then it is unknown; return how many are."""
    first, at, key = 0, found, _FIRST
    last = np.uint64(keys.size - 1)
    while first < size <= LONGEST_WORD:
        best, behind = -1, first
        for place in range(first, min(size, first + longest)):
            key = _step(key, word[POINT, place])
            slot = key & last
            while numbers[slot] >= 0:
                number = numbers[slot]
                start = starts[number]
                if keys[slot] == key and starts[number + 1] - start == place + 1 - first:
                    same = True
                    for offset in range(place + 1 - first):
                        same &= points[start + offset] == word[POINT, first + offset]
                    if same:
                        best, behind = number, place + 1
                        break
                slot = (slot + _ONE) & last
        if best < 0:
            break
        pieces[at] = best
        if begins.size:
            begins[at], ends[at] = word[BEGIN, first], word[END, behind - 1]
        first, key = behind, _CONTINUED
        at += 1
    if first == size:
        return at
    pieces[found] = unknown
    if begins.size:
        begins[found], ends[found] = word[BEGIN, 0], word[END, size - 1]
    return found + 1


@compiled
def read(
    text: Any,
    texts: Any,
    word: Any,
    block_of: Any,
    blocks: Any,
    pool: Any,
    keys: Any,
    numbers: Any,
    starts: Any,
    points: Any,
    unknown: int,
    longest: int,
    pieces: Any,
    begins: Any,
    ends: Any,
    behind: Any,
) -> None:
    """Normalise runs of bytes, cut them into words and these into pieces; say where each ends.

    One long loop, because a character may become several, and any of them may end a word. What
    stands alone ends its own word when the next comes. Marks that stay sink below those of a higher
    class, no further than ``settled``; what is no mark is of class 0.
    """
    found = place = 0
    for run in range(behind.size):
        place = texts[run]
        size = settled = character = 0
        many: Any = 0
        part: Any = 0
        pooled: Any = 0
        point = became = kind = cell = np.uint32(0)
        alone = False
        while True:
            now = np.uint32(SPACE)  # as behind the text
            if part == many and place < texts[run + 1]:
                byte = np.uint32(text[place])
                if byte < 0x80:
                    point = byte
                    place += 1
                elif byte < 0xE0:
                    point = (byte & 0x1F) << 6 | (text[place + 1] & 0x3F)
                    place += 2
                elif byte < 0xF0:
                    point = (byte & 0xF) << 12 | np.uint32(text[place + 1] & 0x3F) << 6
                    point |= text[place + 2] & 0x3F
                    place += 3
                else:
                    point = (byte & 0x7) << 18 | np.uint32(text[place + 1] & 0x3F) << 12
                    point |= np.uint32(text[place + 2] & 0x3F) << 6 | (text[place + 3] & 0x3F)
                    place += 4
                cell = blocks[np.int64(block_of[point >> 7]) << 7 | np.int64(point & 127)]
                kind = cell & 7
                many, part = 1, 0
                character += 1
                if kind == SEQUENCE:
                    many, pooled = np.int64(cell >> 3 & 31), np.int64(cell >> 8)
                elif kind == HANGUL:
                    many = 3 if (point - SYLLABLES) % 28 else 2
            if part < many:
                became = point
                if kind == SEQUENCE:
                    became = pool[pooled + part]
                    cell = blocks[np.int64(block_of[became >> 7]) << 7 | np.int64(became & 127)]
                elif kind == HANGUL:
                    offset, cell = point - SYLLABLES, np.uint32(LETTER)
                    if part == 0:
                        became = 0x1100 + offset // 588
                    elif part == 1:
                        became = 0x1161 + offset % 588 // 28
                    else:
                        became = 0x11A7 + offset % 28
                part += 1
                now = cell & 7
                if now == NOTHING:
                    continue
                if now == STOP:
                    settled = size
                    continue
            elif not size:
                break
            if size and (alone or now != LETTER):
                found = _match(
                    word, size, keys, numbers, starts, points, unknown, longest, pieces, begins,
                    ends, found,
                )  # fmt: skip
                size = settled = 0
            alone = now != LETTER
            if now == SPACE:
                continue
            became = became + (cell >> 3 & 0x1FFFFF) & 0x1FFFFF
            mark = cell >> 24
            if size > LONGEST_WORD:
                word[END, LONGEST_WORD] = character
                continue
            slot = size
            while mark and slot > settled and word[MARK, slot - 1] > mark:
                for row in range(4):
                    word[row, slot] = word[row, slot - 1]
                slot -= 1
            word[POINT, slot], word[MARK, slot] = became, mark
            word[BEGIN, slot], word[END, slot] = character - 1, character
            size += 1
        behind[run] = found
