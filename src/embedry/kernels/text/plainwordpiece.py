"""WordPiece in plain Python: what ``wordpiece`` does, a character and a word at a time.

What it is: the oracle of the tests. What it is not: fast.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from embedry.kernels.text.characters import (
    HANGUL,
    LETTER,
    NOTHING,
    SEQUENCE,
    SPACE,
    STOP,
    SYLLABLES,
    characters,
)
from embedry.kernels.text.pieces import LONGEST_WORD
from embedry.kernels.text.wordpiece import Cut, Spans

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from embedry.kernels.text.characters import Characters

__all__ = ["PlainCutter", "plain_words"]


class _Character(NamedTuple):
    """One character of the normalised text: what, of which kind and class, from where."""

    point: int
    kind: int
    mark: int
    place: int


class PlainCutter:
    """Does what `PieceCutter` does in plain Python.

    Parameters
    ----------
    pieces : sequence of str
    unknown : int
    """

    def __init__(self, pieces: Sequence[str], unknown: int) -> None:
        self._numbers = {piece: number for number, piece in enumerate(pieces)}
        self._unknown = unknown
        self._characters = characters()

    def cut(self, texts: Sequence[str]) -> Cut:
        """Cut texts into pieces; see `PieceCutter.cut`."""
        each = [self.spans(text).pieces for text in texts]
        starts = np.cumsum([0, *map(len, each)])
        return Cut(np.concatenate([np.empty(0, np.int32), *each]), starts)

    def spans(self, text: str) -> Spans:
        """Cut one text into pieces, and say where each stands; see `PieceCutter.spans`."""
        found = [piece for word in _words(text, self._characters) for piece in self._pieces(word)]
        columns = np.array(found, np.int32).reshape(-1, 3).T
        return Spans(*(np.ascontiguousarray(column) for column in columns))

    def _pieces(self, word: Sequence[_Character]) -> list[tuple[int, int, int]]:
        letters = "".join(chr(one.point) for one in word)
        found: list[tuple[int, int, int]] = []
        first, prefix = 0, ""
        while first < len(letters) <= LONGEST_WORD:
            behind = len(letters)
            while behind > first and prefix + letters[first:behind] not in self._numbers:
                behind -= 1
            if behind == first:
                break
            number = self._numbers[prefix + letters[first:behind]]
            found.append((number, word[first].place, word[behind - 1].place + 1))
            first, prefix = behind, "##"
        if first == len(letters):
            return found
        return [(self._unknown, word[0].place, word[-1].place + 1)]


def plain_words(text: str) -> list[str]:
    """Return the words of a text as they are before they are cut into pieces.

    Examples
    --------
    >>> plain_words("Ça va? 東京")
    ['ca', 'va', '?', '東', '京']
    """
    words = _words(text, characters())
    return ["".join(chr(one.point) for one in word) for word in words]


def _words(text: str, table: Characters) -> Iterator[list[_Character]]:
    """Cut a text into words of normalised characters."""
    word: list[_Character] = []
    for one in _ordered(_normalised(text, table)):
        if one.kind == LETTER:
            word.append(one)
            continue
        if word:
            yield word
        word = []
        if one.kind != SPACE:
            yield [one]
    if word:
        yield word


def _normalised(text: str, table: Characters) -> Iterator[_Character]:
    """Give what each character becomes."""
    for place, (point, cell) in enumerate(_with_cells(map(ord, text), table)):
        for part, of_part in _parts(point, cell, table):
            if of_part & 7 != NOTHING:
                became = (part + (of_part >> 3)) % 2**21
                yield _Character(became, of_part & 7, of_part >> 24, place)


def _with_cells(points: Iterable[int], table: Characters) -> list[tuple[int, int]]:
    found = np.array(list(points), np.uint32)
    return list(zip(found.tolist(), table.cells(found).tolist(), strict=True))


def _parts(point: int, cell: int, table: Characters) -> list[tuple[int, int]]:
    if cell & 7 == HANGUL:
        lead, rest = divmod(point - SYLLABLES, 588)
        vowel, tail = divmod(rest, 28)
        points = [0x1100 + lead, 0x1161 + vowel, *([0x11A7 + tail] if tail else [])]
        return _with_cells(points, table)
    if cell & 7 == SEQUENCE:
        return _with_cells(table.pool[cell >> 8 :][: cell >> 3 & 31].tolist(), table)
    return [(point, cell)]


def _ordered(found: Iterator[_Character]) -> Iterator[_Character]:
    """Put marks that stay in order of their class, between any two characters of class 0."""
    for _, run in groupby(found, lambda one: one.mark > 0):
        yield from (one for one in sorted(run, key=lambda one: one.mark) if one.kind != STOP)
