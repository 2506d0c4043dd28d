"""The binary word2vec format, as word2vec.c and gensim write it.

A line ``n dims``, then the word, a space and ``dims`` little-endian float32, perhaps a newline.
A header is believed only as far as the file is long.

References
----------
T. Mikolov et al., word2vec.c, 2013.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from embedry.errors import FileFormatError, InputError
from embedry.exchange.found import GrowingRows
from embedry.exchange.opened import read_from, write_to
from embedry.exchange.words import LONGEST_WORD, header_of, plain_words
from embedry.progress import progress

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from embedry.exchange.found import Found, Mending
    from embedry.exchange.opened import Source
    from embedry.ids import Id

__all__ = ["read_word2vec_binary", "write_word2vec_binary"]

_BYTES_AT_ONCE = 1 << 22
_ROWS_AT_ONCE = 1024


def write_word2vec_binary(
    path: str | Path, ids: Sequence[Id], vectors: NDArray[np.float32]
) -> None:
    """Write ids and vectors (n, dims) float32; see `Embeddings.write_word2vec`.

    Parameters
    ----------
    path : str or Path
        Gzipped where it ends in ``.gz``.
    ids : sequence of str or int, n of them
    vectors : ndarray (n, dims), float32

    Raises
    ------
    InputError
        If an id holds white space, is empty or longer than 65,535 bytes, or ``1`` and ``"1"`` are
        both there.
    OSError
        If it cannot be written.
    """
    words = plain_words(ids)
    if (longest := max(map(len, words), default=0)) > LONGEST_WORD:
        raise InputError(
            f"An id in a binary file of words must have fewer than {LONGEST_WORD + 1} bytes; got "
            f"one of {longest}. Pass binary=False, or use Embeddings.save."
        )
    with write_to(path) as file:
        file.write(b"%d %d\n" % vectors.shape)
        for word, row in zip(progress(words, "Writing words"), vectors, strict=True):
            file.write(word + b" " + row.astype("<f4").tobytes())


def read_word2vec_binary(path: str | Path, mending: Mending) -> Found:
    """Read the binary word2vec format; see `Embeddings.read_word2vec`.

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
        If the header promises more or less than the file holds, or a word is empty, holds white
        space of ASCII or is longer than 65,535 bytes.
    InputError
        If a word repeats.
    """
    with read_from(path) as source:
        count, dims = header_of(source, bytes_a_number=4)
        words: list[bytes] = []
        rows, some = GrowingRows(dims), []
        for word, row in _pairs(source, count, dims):
            words.append(word)
            some.append(row)
            if len(some) == _ROWS_AT_ONCE or len(words) == count:
                rows.add(_as_rows(some, dims))
                some = []
    return mending.kept(source.path, words).found(rows.take())


def _as_rows(rows: list[bytes], dims: int) -> NDArray[np.float32]:
    return np.frombuffer(b"".join(rows), "<f4").astype(np.float32, copy=False).reshape(-1, dims)


def _pairs(source: Source, count: int, dims: int) -> Iterator[tuple[bytes, bytes]]:
    data, start = b"", 0
    longest = LONGEST_WORD + 2  # with a newline before it and the space behind
    for place in range(count):
        space = data.find(b" ", start, start + longest)
        while space < 0 or space + 1 + 4 * dims > len(data):
            if space < 0 and len(data) - start >= longest:
                raise _too_long(source, place)
            if not (more := source.file.read(max(_BYTES_AT_ONCE, 4 * dims))):
                raise _wrong(source, f"it ends within row {place + 1} of {count}")
            data, start = data[start:] + more, 0
            source.advance()
            space = data.find(b" ", start, start + longest)
        end = space + 1 + 4 * dims
        yield _word(source, place, data[start:space]), data[space + 1 : end]
        start = end
    if (data[start:] + source.file.read(_BYTES_AT_ONCE)).strip(b"\n"):
        hint = "; if its numbers are text, pass binary=False"
        raise _wrong(source, f"it promises {count} rows but holds more{hint}")


def _word(source: Source, place: int, word: bytes) -> bytes:
    """Return the word of a row without the newline that some tools write before it."""
    word = word.lstrip(b"\n")
    if len(word) > LONGEST_WORD:
        raise _too_long(source, place)
    if word.split() != [word]:
        raise _wrong(
            source,
            f"row {place + 1} must begin with a word without white space; it is {word[:40]!r}. If "
            "the numbers are text, pass binary=False",
        )
    return word


def _too_long(source: Source, place: int) -> FileFormatError:
    return _wrong(
        source, f"row {place + 1} must begin with a word of fewer than {LONGEST_WORD + 1} bytes"
    )


def _wrong(source: Source, why: str) -> FileFormatError:
    return FileFormatError(f"{source.path} is not a whole word2vec file: {why}.", path=source.path)
