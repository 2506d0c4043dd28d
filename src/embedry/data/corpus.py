"""A corpus: text read once and kept as numbers.

A sentence (or a document) a line. Words become int32 codes as they are read, so that a learner
never touches a string. Up to a gigabyte of codes stays in memory; beyond that they go to a
temporary file that is memory-mapped and vanishes with the corpus.

What it is not: a tokenizer for transformers (see ``embedry.encode``), nor an index for search
(see ``embedry.store``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from embedry.data.text.draft import Draft
from embedry.data.text.encoding import check_text
from embedry.data.text.lines import add_lines, lines_of
from embedry.data.text.tokenizer import Tokenizer, tokenize, tokenizer_of
from embedry.errors import InputError
from embedry.files import existing_file, unpacked
from embedry.progress import bar
from embedry.threads import thread_count

if TYPE_CHECKING:
    import io
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from embedry.progress import Advance

__all__ = ["Corpus", "Tokenizer", "tokenize"]

_TOKENS_AT_ONCE = 2**24
_BLOCK = 2**22  # bytes
_PLAIN = 2**20  # bytes of a text that is read before the kernels would be loaded


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
            If it is no int, or there is no such sentence.
        """
        whole = isinstance(index, (int, np.integer)) and not isinstance(index, bool)
        if not whole or not 0 <= index < len(self):
            raise InputError(f"index must be an int in [0, {len(self)}); got {index!r}.")
        first, last = self.offsets[index : index + 2]
        return [self.words[code] for code in self.tokens[first:last].tolist()]

    @classmethod
    def from_file(
        cls, path: str | Path, *, tokenizer: Tokenizer = "words", threads: int | None = None
    ) -> Corpus:
        r"""Read a text file, a sentence or document a line, gzipped or not.

        Parameters
        ----------
        path : str or Path
            UTF-8 text; its first bytes, not its name, tell whether it is gzipped. Bytes that are
            not UTF-8 are replaced and counted in ``undecodable``.
            Lines end with ``\n``, ``\r`` or both.
        tokenizer : {"words", "whitespace"}
            See `tokenize`.
        threads : int or None, default None
            How many to split text with; None takes all cores allowed. The corpus is the same
            whatever their number. Unpacking gzip takes a core of its own.

        Returns
        -------
        Corpus

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        FileFormatError
            If it is gzipped and damaged or ends early, or its first bytes are those of UTF-16 or
            UTF-32, or of another packer than gzip.
        InputError
            If the file holds no token at all, there is no such tokenizer, or ``threads`` is not
            None or an int of at least 1.

        Notes
        -----
        Time: English text at some 150 MB a second and core, ten times the plain Python that
        reads files below 1 MiB and `from_lines`. Words that are not ASCII cost more, each
        distinct one once.

        Peak memory in bytes, within a fifth, beside what Python and the kernels take::

            4.5 * tokens          until they fill 1 GiB; from then on none, but a temporary file
            + 9 * sentences
            + (threads + 1) * (80 + length of a word) * distinct words
            + (32 + 12 * threads) * 2**20

        Lines may be of any length. Only a stretch of text without any white space (for
        ``"words"``, punctuation will do) must fit into memory some ten times.
        """
        path = existing_file(path, "a text file")
        tokenizer_of(tokenizer)
        threads = thread_count(threads)
        draft = Draft()
        with (
            path.open("rb") as raw,
            bar(f"Reading {path.name}", path.stat().st_size) as advance,
            unpacked(path, raw) as source,
        ):
            after_each = _by_position(raw, advance)
            words, counts = _read(path, draft, source, tokenizer, threads, after_each)
        return _finished(draft, words, tokenizer, str(path), counts)

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
        tokenizer_of(tokenizer)
        if not hasattr(lines, "__iter__"):
            raise InputError(f"lines must be an iterable of str; got {lines!r}.")
        draft = Draft()
        words = add_lines(draft, lines, tokenizer)
        _check_unicode(words)
        return _finished(draft, words, tokenizer, "the lines")


def _read(
    path: Path,
    draft: Draft,
    source: BinaryIO,
    tokenizer: Tokenizer,
    threads: int,
    after_each: Callable[[], None],
) -> tuple[tuple[str, ...], NDArray[np.int64] | None]:
    """Add a file to a draft: in plain Python if it is small, else with kernels."""
    first = source.read(max(_PLAIN, 3))
    check_text(path, first)
    if len(first) < _PLAIN:
        return add_lines(draft, lines_of(first, draft), tokenizer), None
    from embedry.data.text.reader import add_pieces

    pieces = chain([first], iter(lambda: source.read(_BLOCK), b""))
    return add_pieces(draft, pieces, tokenizer, threads=threads, after_each=after_each)


def _finished(
    draft: Draft,
    words: tuple[str, ...],
    tokenizer: Tokenizer,
    source: str,
    counts: NDArray[np.int64] | None = None,
) -> Corpus:
    if not words:
        raise InputError(f"A corpus must hold at least one token; {source} holds none.")
    tokens, offsets = draft.take()
    corpus = Corpus(
        words=words,
        tokens=tokens,
        offsets=offsets,
        tokenizer=tokenizer,
        empty_lines=draft.empty_lines,
        undecodable=draft.undecodable,
    )
    if counts is not None:
        vars(corpus)["counts"] = counts  # where the cached property would keep them
    return corpus


def _by_position(raw: io.BufferedReader, advance: Advance) -> Callable[[], None]:
    """Move the bar to where the file has been read to."""
    seen = 0

    def step() -> None:
        nonlocal seen
        position = raw.tell()
        advance(position - seen)
        seen = position

    return step


def _check_unicode(words: Iterable[str]) -> None:
    try:
        "\n".join(words).encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"Words must be valid Unicode; {error.object[error.start]!r} is half a surrogate pair. "
            "Decode the text with the encoding it was written in."
        ) from error
