"""Long texts cut into chunks that an encoder reads whole.

Sentences are packed into a chunk while they fit; the next one begins with the last sentences of
the one before, as many as the overlap allows. A sentence that does not fit is cut between words.
Offsets point into the text, so that a hit can be shown where it stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from embedry.encode.chunks.sentences import sentences
from embedry.errors import InputError
from embedry.settings import whole_number

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from embedry.kernels.text.wordpiece import Spans

__all__ = ["Chunk", "Spanning", "chunk"]

_LONGEST = 1_000_000


class Spanning(Protocol):
    """What says where pieces stand in a text: a tokenizer, or an encoder of texts."""

    def spans(self, text: str) -> Spans:
        """Return the pieces of a text, with ``begins`` and ``ends``, ascending."""
        ...


@dataclass(frozen=True)
class Chunk:
    """A part of a text.

    Attributes
    ----------
    text : str
        ``whole[begin:end]``.
    begin, end : int
        Where it stands in the whole, in characters.
    pieces : int
        How many pieces it has, such as the encoder reads.
    """

    text: str
    begin: int
    end: int
    pieces: int


@dataclass(frozen=True)
class _Unit:
    """What is not cut: a sentence, or a part of a long one."""

    begin: int
    end: int
    pieces: int


def chunk(
    text: str, *, size: int = 200, overlap: int | None = None, encoder: Spanning | None = None
) -> tuple[Chunk, ...]:
    """Cut a text into chunks of whole sentences where they fit.

    Parameters
    ----------
    text : str
    size : int
        The most pieces of a chunk, in [1, 1,000,000]. Encoders add two of their own: an encoder
        that reads 256 has room for 254.
    overlap : int, optional
        The most pieces that a chunk shares with the one before, in [0, size - 1]; else a fifth
        of the size.
    encoder : TextEncoder, optional
        Whose pieces are counted; else those of the encoder that comes with the package.

    Returns
    -------
    tuple of Chunk
        In order. Together they hold every character that is no blank; begins and ends ascend.
        Empty for a text without any.

    Raises
    ------
    InputError
        If ``text`` is no str, or a number is out of range.

    Notes
    -----
    Linear time. A word of more pieces than ``size`` is cut between pieces; encoded alone, its
    parts may have some more or less.

    Examples
    --------
    >>> from embedry import chunk
    >>> text = "Rivers rise in spring. Snow melts in the hills. Then the meadows flood."
    >>> [part.text for part in chunk(text, size=11, overlap=6)][1]
    'Snow melts in the hills. Then the meadows flood.'
    """
    if not isinstance(text, str):
        raise InputError(f"text must be a str; got {type(text).__name__}. Chunk texts one by one.")
    size = whole_number("size", size, 1, _LONGEST)
    overlap = whole_number("overlap", size // 5 if overlap is None else overlap, 0, size - 1)
    units = list(_units(text, size, overlap, encoder or _built_in()))
    return tuple(
        Chunk(
            text[units[first].begin : units[last - 1].end],
            units[first].begin,
            units[last - 1].end,
            sum(unit.pieces for unit in units[first:last]),
        )
        for first, last in _packed([unit.pieces for unit in units], size, overlap)
    )


def _built_in() -> Spanning:
    from embedry.encode.static.table import built_in

    return built_in().wordpiece


def _packed(pieces: Sequence[int], size: int, overlap: int) -> Iterator[tuple[int, int]]:
    """Yield the first unit of each chunk, and the one behind its last."""
    first = last = held = 0
    while last < len(pieces):
        while last < len(pieces) and (held + pieces[last] <= size or first == last):
            held += pieces[last]
            last += 1
        yield first, last
        if last == len(pieces):
            return
        while first < last and (held > overlap or held + pieces[last] > size):
            held -= pieces[first]
            first += 1


def _units(text: str, size: int, overlap: int, tokenizer: Spanning) -> Iterator[_Unit]:
    """Yield sentences, and in place of long ones their parts, short enough to overlap."""
    spans = tokenizer.spans(text)
    begins, ends = np.asarray(spans.begins, np.int64), np.asarray(spans.ends, np.int64)
    for begin, end in sentences(text):
        first, last = np.searchsorted(begins, [begin, end]).tolist()
        if last - first <= size:
            yield _Unit(begin, end, last - first)
            continue
        cuts = list(_cuts(text, begins, ends, (first, last), (overlap or size, size)))
        starts = [begin, *(int(begins[cut]) for cut in cuts)]
        for start, stop, held in zip(
            starts, [*starts[1:], end], np.diff([first, *cuts, last]).tolist(), strict=True
        ):
            yield _Unit(start, start + len(text[start:stop].rstrip()), held)


def _cuts(
    text: str,
    begins: NDArray[np.int64],
    ends: NDArray[np.int64],
    pieces: tuple[int, int],
    sizes: tuple[int, int],
) -> Iterator[int]:
    """Yield the pieces before which a long sentence is cut.

    Before the last word within the first size, else the first one within the second; only a word
    that is longer than that is cut itself.
    """
    first, last = pieces
    wanted, most = sizes

    def begins_word(place: int) -> bool:
        return any(map(str.isspace, text[ends[place - 1] : begins[place]]))

    while last - first > wanted:
        places = (*range(first + wanted, first, -1), *range(first + wanted + 1, first + most + 1))
        within = (place for place in places if place < last and begins_word(place))
        first = next(within, last if last - first <= most else first + most)
        if first == last:
            return
        yield first
