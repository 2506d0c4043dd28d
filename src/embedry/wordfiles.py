"""The word2vec file formats, text and binary, as word2vec.c and gensim write them.

Text: a line ``n dims``, then a line an item: the word and its numbers. Binary: the same first
line, then the word, a space and ``dims`` little-endian float32, perhaps a newline. Words hold
no white space. A header is believed only as far as the file is long.

References
----------
Mikolov et al. 2013, the released word2vec.c.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from embedry.errors import FileFormatError, InputError
from embedry.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from embedry.ids import Id

__all__ = ["read_word2vec", "write_word2vec"]

_LONGEST_WORD = 65_536
_WIDEST = 1_000_000


def write_word2vec(
    path: str | Path, ids: Sequence[Id], vectors: NDArray[np.float32], *, binary: bool
) -> None:
    """Write ids and vectors (n, dims) float32; see `Embeddings.write_word2vec`."""
    words = [_word(id) for id in ids]
    if len(set(words)) != len(words):
        raise InputError("The word2vec format cannot tell 1 from '1'; rename one of the ids.")
    with write_atomically(path) as aside, aside.open("wb") as file:
        file.write(b"%d %d\n" % vectors.shape)
        for word, row in zip(words, vectors, strict=True):
            if binary:
                file.write(word + b" " + row.astype("<f4").tobytes())
            else:
                file.write(
                    word + b" " + " ".join(f"{x:.9g}" for x in row.tolist()).encode() + b"\n"
                )


def _word(id: Id) -> bytes:
    text = str(id)
    if not text or text.split() != [text]:
        raise InputError(
            f"An id in a word2vec file must be without white space; got {id!r}. "
            "Use Embeddings.save, which keeps any id."
        )
    return text.encode()


def read_word2vec(path: str | Path, *, binary: bool) -> tuple[list[str], NDArray[np.float32]]:
    """Read ids and vectors (n, dims) float32; see `Embeddings.read_word2vec`."""
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    with path.open("rb") as file:
        count, dims = _header(path, file, bytes_a_number=4 if binary else 2)
        read = _read_binary if binary else _read_text
        return read(path, file, count, dims)


def _header(path: Path, file: BinaryIO, bytes_a_number: int) -> tuple[int, int]:
    line = file.readline(256)
    parts = line.split()
    if len(parts) != 2 or not all(part.isdigit() and len(part) < 19 for part in parts):
        raise _wrong(path, f"its first line must be 'n dims'; it is {line[:40]!r}")
    count, dims = int(parts[0]), int(parts[1])
    length = path.stat().st_size
    if not 1 <= dims <= _WIDEST or count * (2 + dims * bytes_a_number) > length + 1:
        raise _wrong(path, f"it promises {count} x {dims} numbers but is only {length} bytes long")
    return count, dims


def _read_text(
    path: Path, file: BinaryIO, count: int, dims: int
) -> tuple[list[str], NDArray[np.float32]]:
    words: list[str] = []
    rows = np.empty((count, dims), np.float32)
    for place in range(count):
        word, _, numbers = file.readline().strip().partition(b" ")
        try:
            values = [float(number) for number in numbers.split()]
        except ValueError as error:
            raise _wrong(path, f"row {place + 1} holds what is no number") from error
        if len(values) != dims:
            raise _wrong(path, f"row {place + 1} has {len(values)} numbers, not {dims}")
        words.append(_decoded(path, word))
        with np.errstate(over="ignore"):  # beyond float32 is infinite, which no vectors may be
            rows[place] = values
    if file.readline().strip():
        raise _wrong(path, f"it promises {count} rows but holds more")
    return words, rows


def _read_binary(
    path: Path, file: BinaryIO, count: int, dims: int
) -> tuple[list[str], NDArray[np.float32]]:
    data = file.read()
    words: list[str] = []
    rows = np.empty((count, dims), np.float32)
    start = 0
    for place in range(count):
        space = data.find(b" ", start, start + _LONGEST_WORD)
        end = space + 1 + 4 * dims
        if space < 0 or end > len(data):
            raise _wrong(path, f"it ends within row {place + 1} of {count}")
        words.append(_decoded(path, data[start:space].lstrip(b"\n")))
        rows[place] = np.frombuffer(data, "<f4", dims, space + 1)
        start = end
    if data[start:].strip(b"\n"):
        raise _wrong(path, f"it promises {count} rows but holds more")
    return words, rows


def _decoded(path: Path, word: bytes) -> str:
    try:
        return word.decode()
    except UnicodeDecodeError as error:
        raise _wrong(path, f"the word {word[:40]!r} is not UTF-8") from error


def _wrong(path: Path, why: str) -> FileFormatError:
    return FileFormatError(f"{path} is not a whole word2vec file: {why}.", path=path)
