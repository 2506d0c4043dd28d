"""Rules that the word2vec and GloVe formats share: words, numbers, and the first line."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

from embedry.errors import FileFormatError, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from embedry.exchange.opened import Source
    from embedry.ids import Id

__all__ = ["LONGEST_WORD", "MARK", "header_of", "is_number", "plain_words"]

LONGEST_WORD = 65_535  # bytes of a word in a binary file, at most
MARK = codecs.BOM_UTF8  # that a file may begin with; it belongs to no word
_WIDEST = 1_000_000


def plain_words(ids: Sequence[Id]) -> list[bytes]:
    """Return ids as words that a file can tell apart.

    Parameters
    ----------
    ids : sequence of str or int

    Returns
    -------
    list of bytes

    Raises
    ------
    InputError
        If an id holds white space or is empty, or ``1`` and ``"1"`` are both there.
    """
    words = [_word(id) for id in ids]
    if len(set(words)) != len(words):
        raise InputError("A file of words cannot tell 1 from '1'; rename one of the ids.")
    return words


def _word(id: Id) -> bytes:
    text = str(id)
    if not text or text.split() != [text]:
        raise InputError(
            f"An id in a file of words must be without white space; got {id!r}. "
            "Use Embeddings.save, which keeps any id."
        )
    return text.encode()


def is_number(field: bytes) -> bool:
    """Say whether a field of a text is a number, as all tools read one.

    Parameters
    ----------
    field : bytes
        Without white space.

    Returns
    -------
    bool
        True for ``nan`` and ``inf`` too; False for ``1_000``, a number to Python alone.
    """
    if b"_" in field:
        return False
    try:
        float(field)
    except ValueError:
        return False
    return True


def header_of(source: Source, *, bytes_a_number: int) -> tuple[int, int]:
    """Read the first line of a word2vec file.

    Parameters
    ----------
    source : Source
        At its beginning, where a byte order mark is passed over.
    bytes_a_number : int
        The least that a number takes.

    Returns
    -------
    count, dims : int

    Raises
    ------
    FileFormatError
        If it is not ``n dims``, or promises more than the file can hold.
    """
    line = source.file.readline(256).removeprefix(MARK)
    parts = line.split()
    if len(parts) != 2 or not all(part.isdigit() and len(part) < 19 for part in parts):
        numbers = parts[1:-1] or parts[1:]  # the last may be cut
        hint = "; GloVe's files have no such line: use read_glove"
        is_glove = bool(numbers) and all(map(is_number, numbers))
        why = f"its first line must be 'n dims'; it is {line[:40]!r}"
        raise _wrong(source, why + hint * is_glove)
    count, dims = int(parts[0]), int(parts[1])
    length = source.length  # of a gzipped file only the end will tell
    too_much = length is not None and count * (2 + dims * bytes_a_number) > length + 1
    if not 1 <= dims <= _WIDEST or too_much:
        size = "" if length is None else f" but is only {length} bytes long"
        raise _wrong(source, f"it promises {count} x {dims} numbers{size}")
    return count, dims


def _wrong(source: Source, why: str) -> FileFormatError:
    return FileFormatError(f"{source.path} is not a whole word2vec file: {why}.", path=source.path)
