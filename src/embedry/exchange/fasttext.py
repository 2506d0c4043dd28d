"""fastText's binary models: words, the rows of their n-grams, and vectors composed of them.

What it is: a reader of ``.bin`` files, supervised or not, whose word vectors are those that
fastText's own ``get_word_vector`` gives, for words in the vocabulary and for others. What it is
not: a classifier (labels and output rows are left alone), nor a reader of compressed models
(``.ftz``). Nothing is allocated for more than the file holds; the rows stay in the file until
they are asked for.

The file: magic and version; twelve ints and a float64 of settings; the dictionary, an entry its
bytes, a zero, its count (int64) and kind (int8); whether the rows are quantized (bool); the
number of rows and dims (int64) and the float32 numbers. All little-endian.

References
----------
P. Bojanowski, E. Grave, A. Joulin, T. Mikolov, "Enriching word vectors with subword
information", 2017; fastText 0.9.2, ``fasttext.cc`` (``saveModel``, ``getWordVector``),
``dictionary.cc`` (``save``, ``getSubwords``), ``args.cc`` (``save``).
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from embedry.card import Card, fingerprint
from embedry.errors import FileFormatError, InputError
from embedry.exchange.found import Found
from embedry.files import existing_file
from embedry.ids import check_ids, check_unique
from embedry.metrics import as_metric
from embedry.progress import bar
from embedry.subwords import ngrams_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from embedry.exchange.found import Mending

__all__ = ["FastTextModel", "open_fasttext", "read_fasttext"]

_MAGIC = 793_712_314
_VERSIONS = (11, 12)
_SUPERVISED = 3
_COMPRESSED = "as in .ftz files, which are not read: take the .bin it was made from"
_WIDEST = 1_000_000
_LONGEST_WORD = 65_536
_LONGEST_NGRAM = 1000
_LEAST_ENTRY = 10  # bytes: a word without letters, its zero, count and kind
_WORDS_AT_ONCE = 1024
_ROWS_AT_ONCE = 1 << 16


@dataclass(frozen=True, eq=False)
class FastTextModel:
    """A model that lies in a file.

    Attributes
    ----------
    path : Path
    words : tuple of bytes
        The vocabulary, most frequent first; without labels.
    shortest, longest : int
        Characters of an n-gram; a longest of 0 is a model without n-grams.
    buckets : int
        Rows that n-grams share.
    rows : ndarray (at least words + buckets, 4 * dims), uint8
        The bytes of the little-endian float32 rows, as they lie in the file: first the words,
        then the buckets.
    """

    path: Path
    words: tuple[bytes, ...]
    shortest: int
    longest: int
    buckets: int
    rows: NDArray[np.uint8]

    @property
    def dims(self) -> int:
        """The width of a vector."""
        return int(self.rows.shape[1]) // 4

    def card(self, metric: str = "cosine") -> Card:
        """Return the identity of the space: the digest of words, settings and all rows.

        Parameters
        ----------
        metric : {"cosine", "dot", "euclidean"}

        Returns
        -------
        Card

        Raises
        ------
        InputError
            If there is no such metric.

        Notes
        -----
        Reads the whole file: a second or two a gigabyte.
        """
        sizes = {"shortest": self.shortest, "longest": self.longest, "buckets": self.buckets}
        digests = []
        with bar(f"Checking {self.path.name}", total=len(self.rows)) as advance:
            for first in range(0, len(self.rows), _ROWS_AT_ONCE):
                part = self.rows[first : first + _ROWS_AT_ONCE]
                digests.append(fingerprint(part))
                advance(len(part))
        content = fingerprint("fasttext", self.dims, sizes, b"\n".join(self.words), digests)
        return Card("fasttext", self.dims, metric, content, settings=tuple(sizes.items()))

    def vectors(self, words: Sequence[bytes]) -> NDArray[np.float32]:
        """Compose the vectors of words, in the vocabulary or not.

        Parameters
        ----------
        words : sequence of bytes, n of them

        Returns
        -------
        ndarray (n, dims), float32
            The mean of a word's own row, where it has one, and the rows of its n-grams; zero
            where it has neither.

        Notes
        -----
        Adds in float32, as fastText does; the last bit may differ. Beside the result, the rows of
        a thousand words' n-grams lie in memory.
        """
        result = np.zeros((len(words), self.dims), np.float32)
        with bar("Composing words", total=len(words)) as advance:
            for first in range(0, len(words), _WORDS_AT_ONCE):
                part = words[first : first + _WORDS_AT_ONCE]
                self._compose(part, result[first : first + len(part)])
                advance(len(part))
        return result

    def _compose(self, words: Sequence[bytes], result: NDArray[np.float32]) -> None:
        owned = np.array([self._places.get(word, -1) for word in words], np.int64)
        starts, grams = self._ngrams(words)
        has_own = owned >= 0
        places = np.insert(
            len(self.words) + grams.astype(np.int64), starts[:-1][has_own], owned[has_own]
        )
        counts = np.diff(starts) + has_own
        some = np.flatnonzero(counts)
        if not some.size:
            return
        firsts = (np.cumsum(counts) - counts)[some]
        rows = self.rows[places].view("<f4")  # (n-grams, dims)
        sums = np.add.reduceat(rows, firsts, axis=0)  # (n-grams, dims) -> (words, dims)
        result[some] = sums * (1 / counts[some]).astype(np.float32)[:, None]

    def _ngrams(self, words: Sequence[bytes]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        if not self.longest or not self.buckets:
            return np.zeros(len(words) + 1, np.int64), np.empty(0, np.int32)
        return ngrams_of(words, self.shortest, self.longest, self.buckets)

    @cached_property
    def _places(self) -> dict[bytes, int]:
        return {word: place for place, word in enumerate(self.words)}


def read_fasttext(
    path: str | Path, words: Iterable[str] | None, metric: str, mending: Mending
) -> Found:
    """Read the vectors of words from a model; see `Embeddings.read_fasttext`.

    Parameters
    ----------
    path : str or Path
    words : iterable of str, or None
        None for the vocabulary.
    metric : {"cosine", "dot", "euclidean"}
    mending : Mending
        Says what to do about words of the vocabulary that break the rules.

    Returns
    -------
    Found

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    FileFormatError
        If it is no such model, or one that is quantized or cut short.
    InputError
        If there is no such metric, or a word is no text, repeats, or has neither a row nor an
        n-gram.
    """
    as_metric(metric)  # before the work
    model = open_fasttext(path)
    if words is None:
        kept = mending.kept(model.path, model.words)
        vectors = model.vectors([model.words[place] for place in kept.places])
        return Found(kept.words, vectors, kept.mended, model.card(metric))
    asked = check_ids(words)
    check_unique(asked, "words")
    if others := [word for word in asked if not isinstance(word, str)]:
        raise InputError(f"A word must be a str; got {others[0]!r}. Pass str(...) of it.")
    texts = [str(word) for word in asked]
    vectors = model.vectors([text.encode() for text in texts])
    if empty := [texts[place] for place in np.flatnonzero(~vectors.any(axis=1))]:
        raise InputError(
            f"A word must be in the vocabulary or have an n-gram of {model.shortest} to "
            f"{model.longest} characters; {len(empty)} have neither, such as {empty[0]!r}. "
            "Leave them out."
        )
    return Found(texts, vectors, card=model.card(metric))


def open_fasttext(path: str | Path) -> FastTextModel:
    """Open a model of fastText (``.bin``); its rows stay in the file.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    FastTextModel

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    FileFormatError
        If it is no such model, or one that is quantized, pruned or cut short.
    """
    path = existing_file(path, "a model of fastText")
    if path.stat().st_size < 8:
        raise _wrong(path, "it is only a few bytes long")
    with path.open("rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    reader = _Reader(path, data)
    settings = _settings(reader)
    words = _dictionary(reader)
    rows = _rows(reader, settings.dims)
    buckets = settings.buckets if settings.longest else 0
    if len(rows) < len(words) + buckets:
        raise _wrong(
            path,
            f"{len(words)} words and {buckets} buckets must have a row each; it has {len(rows)}",
        )
    return FastTextModel(path, words, settings.shortest, settings.longest, settings.buckets, rows)


class _Settings(NamedTuple):
    dims: int
    shortest: int
    longest: int
    buckets: int


class _Reader:
    """The bytes of a file, which are never read beyond their end."""

    def __init__(self, path: Path, data: mmap.mmap) -> None:
        self.path = path
        self.data = data
        self.at = 0

    @property
    def left(self) -> int:
        """How many bytes have not been read."""
        return len(self.data) - self.at

    def take(self, what: str, layout: str) -> tuple[int, ...]:
        """Read numbers, by a layout of `struct`."""
        size = struct.calcsize(layout)
        if size > self.left:
            raise _wrong(self.path, f"it ends within {what}")
        numbers = struct.unpack_from(layout, self.data, self.at)
        self.at += size
        return numbers


def _settings(reader: _Reader) -> _Settings:
    magic, version = reader.take("its first numbers", "<ii")
    if magic != _MAGIC:
        raise _wrong(
            reader.path,
            f"it must begin with the number {_MAGIC}; it begins with {magic}. A .vec file is read "
            "by read_word2vec; a model from before 2017 is not read",
        )
    if version not in _VERSIONS:
        raise _wrong(reader.path, f"its version must be 11 or 12; it is {version}")
    numbers = reader.take("its settings", "<12id")
    dims, model, buckets, shortest, longest = (numbers[place] for place in (0, 7, 8, 9, 10))
    sound = 1 <= dims <= _WIDEST and buckets >= 0 and 0 <= shortest <= _LONGEST_NGRAM
    if not sound or not 0 <= longest <= _LONGEST_NGRAM:
        raise _wrong(
            reader.path,
            f"dims, buckets and n-grams must be plausible; they are {dims}, {buckets} and "
            f"{shortest} to {longest} characters",
        )
    if version == 11 and model == _SUPERVISED:  # from before classifiers had n-grams
        longest = 0
    return _Settings(dims, shortest, longest if buckets else 0, buckets)


def _dictionary(reader: _Reader) -> tuple[bytes, ...]:
    size, count, labels = reader.take("its dictionary", "<iii")
    _, pruned = reader.take("its dictionary", "<qq")
    if min(size, count, labels) < 0 or count + labels != size or size * 10 > reader.left:
        raise _wrong(
            reader.path, f"it promises {count} words and {labels} labels, and is too short"
        )
    if pruned >= 0:
        raise _wrong(reader.path, f"its n-grams were pruned to {pruned}, {_COMPRESSED}")
    words = []
    data, at = reader.data, reader.at
    for place in range(size):
        end = data.find(b"\0", at, at + _LONGEST_WORD)
        if end < 0 or end + _LEAST_ENTRY > len(data):
            raise _wrong(reader.path, f"it ends within entry {place + 1} of {size}")
        if data[end + 9] == 0:  # after eight bytes of count: 0 for a word, 1 for a label
            words.append(data[at:end])
        at = end + _LEAST_ENTRY
    reader.at = at
    if len(words) != count:
        raise _wrong(reader.path, f"it promises {count} words; it has {len(words)}")
    return tuple(words)


def _rows(reader: _Reader, dims: int) -> NDArray[np.uint8]:
    (quantized,) = reader.take("its rows", "<?")
    if quantized:
        raise _wrong(reader.path, f"its rows are quantized, {_COMPRESSED}")
    count, width = reader.take("its rows", "<qq")
    if width != dims or count < 0 or count * width * 4 > reader.left:
        raise _wrong(
            reader.path,
            f"it promises {count} rows of {width} numbers, which must be {dims}, and has "
            f"{reader.left} bytes left",
        )
    data = np.frombuffer(reader.data, np.uint8, count * width * 4, reader.at)
    return data.reshape(count, width * 4)


def _wrong(path: Path, why: str) -> FileFormatError:
    return FileFormatError(f"{path} is not a model of fastText that can be read: {why}.", path=path)
