"""Lines of str into a draft, in plain Python: for small texts, and the oracle of ``reader``.

What it is not: fast. A word costs some 0.3 microseconds, on one core.
"""

from __future__ import annotations

import io
import re
from collections import defaultdict
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from embedry.data.text.tokenizer import tokenizer_of
from embedry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from embedry.data.text.draft import Draft

__all__ = ["add_lines", "lines_of", "repaired"]

CHARACTERS_AT_ONCE = 2**20

_UNDECODABLE = re.compile("[\udc80-\udcff]")
_SPACE = re.compile(r"\s")


def lines_of(data: bytes, draft: Draft) -> Iterator[str]:
    """Decode the lines of a text; what is not UTF-8 is replaced by U+FFFD and counted.

    Parameters
    ----------
    data : bytes
        A byte order mark at the start is skipped.
    draft : Draft
        Its ``undecodable`` goes up.

    Yields
    ------
    str
    """
    for line in io.TextIOWrapper(io.BytesIO(data), "utf-8-sig", "surrogateescape"):
        whole, replaced = repaired(line)
        draft.undecodable += replaced
        yield whole


def repaired(text: str) -> tuple[str, int]:
    """Put U+FFFD in place of the bytes that were kept as half surrogates.

    Parameters
    ----------
    text : str
        Decoded with the error handler ``surrogateescape``.

    Returns
    -------
    text : str
    replaced : int
        How many U+FFFD were put in.
    """
    if text.isascii() or not _UNDECODABLE.search(text):
        return text, 0
    whole = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return whole, whole.count("\ufffd") - text.count("\ufffd")


def add_lines(draft: Draft, lines: Iterable[str], tokenizer: str) -> tuple[str, ...]:
    """Add lines to a draft, about a million characters at a time.

    Parameters
    ----------
    draft : Draft
    lines : iterable of str
        Read once.
    tokenizer : {"words", "whitespace"}
        See `embedry.data.text.tokenizer.tokenize`.

    Returns
    -------
    tuple of str
        The distinct words, in order of their codes.

    Raises
    ------
    InputError
        If a line is not a str, or there is no such tokenizer.
    """
    encoder = _Encoder(draft, tokenizer)
    bite: list[str] = []
    characters = 0
    for line in lines:
        if not isinstance(line, str):
            raise InputError(f"A line must be a str; got {line!r}. Pass str, not tokens.")
        if len(line) > CHARACTERS_AT_ONCE:
            encoder.add(bite)
            encoder.add_long(line)
            bite, characters = [], 0
            continue
        bite.append(line)
        characters += len(line)
        if characters > CHARACTERS_AT_ONCE:
            encoder.add(bite)
            bite, characters = [], 0
    encoder.add(bite)
    return tuple(encoder.codes)


class _Encoder:
    """Turns a bite of lines into codes."""

    def __init__(self, draft: Draft, tokenizer: str) -> None:
        self._draft = draft
        self._tokenize = tokenizer_of(tokenizer)
        self.codes: defaultdict[str, int] = defaultdict()
        self.codes.default_factory = self.codes.__len__  # a new word gets the next code

    def add(self, lines: list[str]) -> None:
        sentences = list(map(self._tokenize, lines))
        ends = np.cumsum(np.fromiter(map(len, sentences), np.int64, len(sentences)))
        self._draft.add(self._codes_of(chain.from_iterable(sentences)), ends)

    def add_long(self, line: str) -> None:
        """Read one long line as one sentence, bite by bite, cut at white space."""
        start = 0
        while start < len(line):
            cut = _SPACE.search(line, start + CHARACTERS_AT_ONCE)
            stop = cut.end() if cut else len(line)
            codes = self._codes_of(self._tokenize(line[start:stop]))
            self._draft.add(codes, np.zeros(0, np.int64))
            start = stop
        self._draft.add(np.zeros(0, np.int32), np.zeros(1, np.int64))

    def _codes_of(self, words: Iterable[str]) -> NDArray[np.int32]:
        return np.fromiter(map(self.codes.__getitem__, words), np.int32)
