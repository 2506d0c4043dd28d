"""A corpus: text read once and kept as numbers.

A sentence (or a document) a line. Words become int32 codes as they are read, so that a learner
never touches a string. Up to a gigabyte of codes stays in memory; beyond that they go to a
temporary file that is memory-mapped and vanishes with the corpus.

What it is not: a tokenizer for transformers (see ``embedry.encode``), nor an index for search
(see ``embedry.store``).
"""

from __future__ import annotations

import gzip
import io
import re
import tempfile
import zlib
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from embedry.errors import FileFormatError, InputError
from embedry.progress import bar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

    from embedry.progress import Advance

__all__ = ["Corpus", "Tokenizer", "tokenize"]

Tokenizer = Literal["words", "whitespace"]

_WORDS = re.compile(r"\w+")
_UNDECODABLE = re.compile("[\udc80-\udcff]")
_SPACE = re.compile(r"\s")
_CHARACTERS_AT_ONCE = 2**20
_TOKENS_AT_ONCE = 2**24
_MEMORY_LIMIT = 2**30


def _words(text: str) -> list[str]:
    return _WORDS.findall(text.lower())


_TOKENIZERS: dict[str, Callable[[str], list[str]]] = {"words": _words, "whitespace": str.split}


def tokenize(text: str, tokenizer: Tokenizer = "words") -> list[str]:
    r"""Split a text into tokens.

    Parameters
    ----------
    text : str
    tokenizer : {"words", "whitespace"}
        ``"words"``: runs of letters, digits and underscores of any script (``\w+``), lowercased.
        ``"whitespace"``: split at white space and nothing else.

    Returns
    -------
    list of str

    Raises
    ------
    InputError
        If there is no such tokenizer.

    Examples
    --------
    >>> tokenize("The café, open!")
    ['the', 'café', 'open']
    """
    return _tokenizer(tokenizer)(text)


def _tokenizer(name: str) -> Callable[[str], list[str]]:
    if not isinstance(name, str) or name not in _TOKENIZERS:
        raise InputError(f"tokenizer must be one of {', '.join(_TOKENIZERS)}; got {name!r}.")
    return _TOKENIZERS[name]


@dataclass(frozen=True, eq=False)
class Corpus:
    """Sentences as arrays of word codes.

    Make one with `from_file` or `from_lines`.

    Attributes
    ----------
    words : tuple of str
        The distinct words, in order of first appearance; a word's place is its code.
    tokens : ndarray (tokens,), int32
        The codes of all words, sentence after sentence.
    offsets : ndarray (sentences + 1,), int64
        Sentence ``s`` is ``tokens[offsets[s]:offsets[s + 1]]``.
    tokenizer : str
        How lines were split.
    empty_lines : int
        Lines without a single token: they are left out and counted here.
    undecodable : int
        Byte sequences that were not UTF-8 and were replaced by U+FFFD.

    Examples
    --------
    >>> corpus = Corpus.from_lines(["the cat sat", "", "the mat"])
    >>> len(corpus), corpus.token_count, corpus.empty_lines
    (2, 5, 1)
    """

    words: tuple[str, ...]
    tokens: NDArray[np.int32]
    offsets: NDArray[np.int64]
    tokenizer: Tokenizer
    empty_lines: int = 0
    undecodable: int = 0

    def __len__(self) -> int:
        """Return how many sentences there are."""
        return len(self.offsets) - 1

    def __repr__(self) -> str:
        return (
            f"Corpus({len(self):,} sentences, {self.token_count:,} tokens, "
            f"{len(self.words):,} words)"
        )

    @property
    def token_count(self) -> int:
        """How many tokens there are in all."""
        return int(self.offsets[-1])

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """How often each word occurs, (words,) int64."""
        counts = np.zeros(len(self.words), np.int64)
        for first in range(0, self.token_count, _TOKENS_AT_ONCE):  # bincount makes an int64 copy
            part = self.tokens[first : first + _TOKENS_AT_ONCE]
            counts += np.bincount(part, minlength=len(self.words))
        return counts

    def sentence(self, index: int) -> list[str]:
        """Return the words of one sentence.

        Parameters
        ----------
        index : int
            In [0, len(corpus)).

        Returns
        -------
        list of str

        Raises
        ------
        InputError
            If there is no such sentence.
        """
        if not 0 <= index < len(self):
            raise InputError(f"index must be in [0, {len(self)}); got {index}.")
        first, last = self.offsets[index : index + 2]
        return [self.words[code] for code in self.tokens[first:last].tolist()]

    @classmethod
    def from_file(cls, path: str | Path, *, tokenizer: Tokenizer = "words") -> Corpus:
        """Read a text file, a sentence or document a line; ``.gz`` is unpacked.

        Parameters
        ----------
        path : str or Path
            UTF-8 text. Bytes that are not UTF-8 are replaced and counted in ``undecodable``.
        tokenizer : {"words", "whitespace"}
            See `tokenize`.

        Returns
        -------
        Corpus

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        FileFormatError
            If a ``.gz`` file is damaged or ends early.
        InputError
            If the file holds no token at all, or there is no such tokenizer.

        Notes
        -----
        About 4 bytes of memory a token, beyond 1 GiB in a temporary file; and while reading some
        20 MB, or a few times the longest line.
        """
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"There is no file {path}. Pass the path of a text file.")
        encoder = _Encoder(tokenizer)
        replaced = 0

        def lines(file: io.TextIOBase) -> Iterator[str]:
            nonlocal replaced
            for line in file:
                if _UNDECODABLE.search(line):
                    repaired = _repaired(line)
                    replaced += repaired.count("\ufffd") - line.count("\ufffd")
                    yield repaired
                else:
                    yield line

        with (
            path.open("rb") as raw,
            bar(f"Reading {path.name}", path.stat().st_size) as advance,
            _text(raw, packed=path.suffix == ".gz") as file,
        ):
            try:
                encoder.add_all(lines(file), _by_position(raw, advance))
            except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                raise FileFormatError(
                    f"{path} must be a whole gzip file; {error}. Fetch it again.", path=path
                ) from error
        return encoder.corpus(str(path), undecodable=replaced)

    @classmethod
    def from_lines(cls, lines: Iterable[str], *, tokenizer: Tokenizer = "words") -> Corpus:
        """Read sentences from an iterable of str, once.

        Parameters
        ----------
        lines : iterable of str
            A generator will do: it is read once.
        tokenizer : {"words", "whitespace"}
            See `tokenize`.

        Returns
        -------
        Corpus

        Raises
        ------
        InputError
            If there is no token at all, a line is not a str, or there is no such tokenizer.
        """
        if isinstance(lines, (str, bytes)):
            raise InputError("lines must be an iterable of str; got a single one. Pass [text].")
        encoder = _Encoder(tokenizer)
        if not hasattr(lines, "__iter__"):
            raise InputError(f"lines must be an iterable of str; got {lines!r}.")
        encoder.add_all(iter(lines), lambda: None)
        return encoder.corpus("the lines")


def _text(raw: io.BufferedReader, *, packed: bool) -> io.TextIOWrapper:
    source = gzip.GzipFile(fileobj=raw) if packed else raw
    return io.TextIOWrapper(source, encoding="utf-8-sig", errors="surrogateescape")


def _repaired(line: str) -> str:
    """Put U+FFFD in place of the bytes that were kept as half surrogates."""
    return line.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _by_position(raw: io.BufferedReader, advance: Advance) -> Callable[[], None]:
    """Move the bar to where the file has been read to."""
    seen = 0

    def step() -> None:
        nonlocal seen
        position = raw.tell()
        advance(position - seen)
        seen = position

    return step


class _Encoder:
    """Turns lines into codes, about a million characters at a time."""

    def __init__(self, tokenizer: str) -> None:
        self._tokenize = _tokenizer(tokenizer)
        self._tokenizer = tokenizer
        self._codes: defaultdict[str, int] = defaultdict()
        self._codes.default_factory = self._codes.__len__  # a new word gets the next code
        self._tokens = _TokenStore()
        self._lengths: list[NDArray[np.int64]] = []
        self._empty = 0

    def add_all(self, lines: Iterator[str], after_each: Callable[[], None]) -> None:
        """Read lines in bites of so many characters, whether one line holds them or thousands."""
        bite: list[str] = []
        characters = 0
        for line in lines:
            if not isinstance(line, str):
                raise InputError(f"A line must be a str; got {line!r}. Pass str, not tokens.")
            if len(line) > _CHARACTERS_AT_ONCE:
                self._add(bite)
                self._add_long(line)
                bite, characters = [], 0
                after_each()
                continue
            bite.append(line)
            characters += len(line)
            if characters > _CHARACTERS_AT_ONCE:
                self._add(bite)
                bite, characters = [], 0
                after_each()
        self._add(bite)

    def _add(self, lines: list[str]) -> None:
        sentences = [tokens for tokens in map(self._tokenize, lines) if tokens]
        self._empty += len(lines) - len(sentences)
        self._keep(sentences)
        self._lengths.append(np.fromiter(map(len, sentences), np.int64, len(sentences)))

    def _add_long(self, line: str) -> None:
        """Read one long line as one sentence, bite by bite, cut at white space."""
        length = start = 0
        while start < len(line):
            cut = _SPACE.search(line, start + _CHARACTERS_AT_ONCE)
            stop = cut.end() if cut else len(line)
            tokens = self._tokenize(line[start:stop])
            self._keep([tokens])
            length, start = length + len(tokens), stop
        self._empty += not length
        self._lengths.append(np.array([length] if length else [], np.int64))

    def _keep(self, sentences: list[list[str]]) -> None:
        codes = map(self._codes.__getitem__, chain.from_iterable(sentences))
        self._tokens.append(np.fromiter(codes, np.int32))

    def corpus(self, source: str, *, undecodable: int = 0) -> Corpus:
        if not self._codes:
            raise InputError(f"A corpus must hold at least one token; {source} holds none.")
        _check_unicode(self._codes)
        lengths = np.concatenate(self._lengths)
        offsets = np.zeros(len(lengths) + 1, np.int64)
        np.cumsum(lengths, out=offsets[1:])
        return Corpus(
            words=tuple(self._codes),
            tokens=self._tokens.array(),
            offsets=offsets,
            tokenizer=self._tokenizer,  # type: ignore[arg-type]  # checked by _tokenizer
            empty_lines=self._empty,
            undecodable=undecodable,
        )


def _check_unicode(words: Iterable[str]) -> None:
    try:
        "\n".join(words).encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"Words must be valid Unicode; {error.object[error.start]!r} is half a surrogate pair. "
            "Decode the text with the encoding it was written in."
        ) from error


class _TokenStore:
    """Codes appended in pieces; in memory, and past the limit in a temporary file."""

    def __init__(self) -> None:
        self._pieces: list[NDArray[np.int32]] = []
        self._bytes = 0
        self._file: io.BufferedRandom | None = None
        self._count = 0

    def append(self, codes: NDArray[np.int32]) -> None:
        self._pieces.append(codes)
        self._count += len(codes)
        self._bytes += codes.nbytes
        if self._bytes > _MEMORY_LIMIT:
            self._spill()

    def _spill(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115  (lives as long as the corpus)
        for codes in self._pieces:
            codes.tofile(self._file)
        self._pieces.clear()
        self._bytes = 0

    def array(self) -> NDArray[np.int32]:
        if self._file is None:
            return np.concatenate(self._pieces)
        self._spill()
        with self._file:  # the map keeps what it maps
            self._file.flush()
            return np.memmap(self._file, np.int32, "r", shape=(self._count,))
