"""Vectors as text: a line a word, the word and its numbers; word2vec and GloVe files.

What it is: the text format of word2vec.c, which fastText's ``.vec`` files share and which begins
with a line ``n dims``, and that of GloVe, which does not. Words hold no white space; some of
GloVe's do, so there the last ``dims`` fields are the numbers. A header is believed only as far as
the file is long, and memory grows with the lines that are really there.

References
----------
T. Mikolov et al., word2vec.c, 2013. J. Pennington, R. Socher, C. Manning, "GloVe: global vectors
for word representation", 2014 (the released files).
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from embedry.errors import FileFormatError, InputError
from embedry.exchange.found import GrowingRows
from embedry.exchange.opened import read_from, write_to
from embedry.exchange.words import MARK, header_of, is_number, plain_words
from embedry.progress import progress

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from embedry.exchange.found import Found, Mending
    from embedry.exchange.opened import Source
    from embedry.ids import Id

__all__ = ["parse", "parse_plain", "read_glove", "read_word2vec_text", "write_text"]

_LINES_AT_ONCE = 2048
_BYTES_AT_ONCE = 1 << 23
_OF_NUMBERS = b"0123456789+-.eE \t\n"
_OF_NO_TEXT = frozenset(range(9))  # control characters, of which float32 are full
_LOOKED_AT = 1024  # bytes
_LONGEST_LINE = 1 << 25  # bytes: a million numbers of 32 characters


class _LineError(ValueError):
    """A line is not what it must be."""

    def __init__(self, place: int, why: str) -> None:
        super().__init__(why)
        self.place = place
        self.why = why


def write_text(
    path: str | Path, ids: Sequence[Id], vectors: NDArray[np.float32], *, header: bool
) -> None:
    """Write ids and vectors (n, dims) float32; see `Embeddings.write_glove`.

    Parameters
    ----------
    path : str or Path
        Gzipped where it ends in ``.gz``.
    ids : sequence of str or int, n of them
    vectors : ndarray (n, dims), float32
    header : bool
        Whether the first line is ``n dims``, as in the word2vec format.

    Raises
    ------
    InputError
        If an id holds white space or is empty, ``1`` and ``"1"`` are both there, or a file without
        a header would begin with U+FEFF, which reading takes for a byte order mark.
    OSError
        If it cannot be written.
    """
    words = plain_words(ids)
    if not header and words and words[0].startswith(MARK):
        raise InputError(
            f"A file of GloVe must not begin with U+FEFF; the first id is {ids[0]!r}. Put another "
            "id first, or use write_word2vec."
        )
    pattern = b" ".join([b"%.9g"] * vectors.shape[1])
    with write_to(path) as file:
        if header:
            file.write(b"%d %d\n" % vectors.shape)
        for word, row in zip(progress(words, "Writing words"), vectors, strict=True):
            file.write(word + b" " + pattern % tuple(row.tolist()) + b"\n")


def read_word2vec_text(path: str | Path, mending: Mending) -> Found:
    """Read the word2vec text format; see `Embeddings.read_word2vec`.

    Parameters
    ----------
    path : str or Path
    mending : Mending

    Returns
    -------
    Found

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    FileFormatError
        If the header promises more or less than the file holds, or a line cannot be read.
    InputError
        If a word repeats.
    """
    with read_from(path) as source:
        count, dims = header_of(source, bytes_a_number=2)
        begins = source.file.peek(_LOOKED_AT)  # type: ignore[attr-defined]
        try:
            words, rows = _read_rows(source, count, dims)
        except FileFormatError as error:
            if _OF_NO_TEXT.isdisjoint(begins[:_LOOKED_AT]):
                raise
            raise FileFormatError(
                f"{error} It looks like the binary format: pass binary=True.", path=source.path
            ) from error
    return mending.kept(source.path, words).found(rows)


def _read_rows(source: Source, count: int, dims: int) -> tuple[list[bytes], NDArray[np.float32]]:
    words, rows = _read_lines(source, dims, first_line=2, most=count, spaced=False)
    if len(words) < count:
        raise _not_whole(source, f"it promises {count} rows but holds {len(words)}")
    if source.file.readline(_LONGEST_LINE).strip():
        raise _not_whole(source, f"it promises {count} rows but holds more")
    return words, rows


def read_glove(path: str | Path, mending: Mending) -> Found:
    """Read the format of GloVe; see `Embeddings.read_glove`.

    Parameters
    ----------
    path : str or Path
    mending : Mending

    Returns
    -------
    Found

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    FileFormatError
        If it holds no line, or one that cannot be read.
    InputError
        If a word repeats.
    """
    with read_from(path) as source:
        first = source.file.readline(_LONGEST_LINE).removeprefix(MARK)
        dims = _dims_of(source, first)
        words, rows = _read_lines(source, dims, first_line=1, most=None, spaced=True, first=first)
    return mending.kept(source.path, words).found(rows)


def _dims_of(source: Source, line: bytes) -> int:
    """Count the numbers that a line of GloVe ends in; its first field is the word."""
    fields = line.split()
    dims = 0
    while dims < len(fields) - 1 and is_number(fields[-dims - 1]):
        dims += 1
    if not dims:
        raise _not_whole(source, f"line 1 must be a word and its numbers; it is {line[:40]!r}")
    if len(fields) == 2 and fields[0].isdigit() and fields[1].isdigit():
        raise _not_whole(
            source,
            f"its first line {line[:40]!r} is the header of the word2vec format: read it with "
            "read_word2vec",
        )
    return dims


def _read_lines(
    source: Source,
    dims: int,
    *,
    first_line: int,
    most: int | None,
    spaced: bool,
    first: bytes | None = None,
) -> tuple[list[bytes], NDArray[np.float32]]:
    words: list[bytes] = []
    rows = GrowingRows(dims)
    begun = [] if first is None else [first]
    while most is None or len(words) < most:
        wanted = _LINES_AT_ONCE if most is None else min(_LINES_AT_ONCE, most - len(words))
        try:
            if not (lines := _some_lines(source, wanted, begun)):
                break
            found, numbers = parse(lines, dims, spaced=spaced)
        except _LineError as error:
            line = first_line + len(words) + error.place
            raise _not_whole(source, f"line {line} {error.why}") from error
        words += found
        rows.add(numbers)
        begun = []
        source.advance()
    return words, rows.take()


def _some_lines(source: Source, wanted: int, begun: list[bytes]) -> list[bytes]:
    """Read lines as long as they are few and small, whatever a packed file unfolds into."""
    lines, size = list(begun), 0
    while len(lines) < wanted and size < _BYTES_AT_ONCE:
        line = source.file.readline(_LONGEST_LINE)
        if not line:
            break
        if len(line) == _LONGEST_LINE:
            raise _LineError(len(lines), f"is longer than {_LONGEST_LINE - 1} bytes")
        lines.append(line)
        size += len(line)
    return lines


def parse(
    lines: Sequence[bytes], dims: int, *, spaced: bool
) -> tuple[list[bytes], NDArray[np.float32]]:
    """Read lines, all of their numbers at once.

    Parameters
    ----------
    lines : sequence of bytes, n of them
        Each a word and ``dims`` numbers.
    dims : int
    spaced : bool
        Whether words may hold spaces.

    Returns
    -------
    words : list of bytes
    rows : ndarray (n, dims), float32

    Raises
    ------
    ValueError
        If a line is not that; ``.place`` says which, ``.why`` what is wrong.

    Notes
    -----
    The same as `parse_plain`, its oracle, which takes over where anything is unusual.
    """
    words, numbers = [], []
    for line in lines:
        word, _, rest = line.strip().partition(b" ")
        words.append(word)
        numbers.append(rest)
    text = b"\n".join(numbers)
    # loadtxt warns of nothing, and splits fields at white space that is none to others
    if text.strip() and not text.translate(None, _OF_NUMBERS):
        try:
            with np.errstate(over="ignore"):  # beyond float32 is infinite, which is found later
                rows = np.loadtxt(BytesIO(text), np.float32, comments=None, ndmin=2)
        except ValueError:
            return parse_plain(lines, dims, spaced=spaced)
        if rows.shape == (len(lines), dims):
            return words, rows
    return parse_plain(lines, dims, spaced=spaced)


def parse_plain(
    lines: Sequence[bytes], dims: int, *, spaced: bool
) -> tuple[list[bytes], NDArray[np.float32]]:
    """Read lines, one by one; as `parse`, of which it is the oracle."""
    words = []
    rows = np.empty((len(lines), dims), np.float32)
    for place, line in enumerate(lines):
        word, fields = _fields(line, dims, spaced=spaced)
        if not word or len(fields) != dims:
            raise _LineError(place, f"has {len(fields)} numbers, not {dims}")
        try:
            values = [_number(field) for field in fields]
        except ValueError as error:
            raise _LineError(place, f"holds what is no number: {error}") from error
        if b" " in word and is_number(word.split()[-1]):
            raise _LineError(place, f"has more than {dims} numbers, or a word that ends in one")
        words.append(word)
        with np.errstate(over="ignore"):
            rows[place] = values
    return words, rows


def _fields(line: bytes, dims: int, *, spaced: bool) -> tuple[bytes, list[bytes]]:
    if not spaced:
        word, _, rest = line.strip().partition(b" ")
        return word, rest.split()
    pieces = line.strip().rsplit(None, dims)
    if len(pieces) <= dims:  # a word is missing, or a number
        return b"".join(pieces[:1]), pieces[1:]
    return pieces[0], pieces[1:]


def _number(field: bytes) -> float:
    if not is_number(field):
        raise ValueError(f"{field[:40]!r}")
    return float(field)


def _not_whole(source: Source, why: str) -> FileFormatError:
    return FileFormatError(f"{source.path} is not a whole file of words: {why}.", path=source.path)
