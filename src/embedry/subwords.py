"""Subwords: the n-grams of characters that a word is made of, as fastText numbers them.

What it is: for a word, the buckets of its n-grams, exactly as fastText computes them, so that
its models can be read and ours trained with the same rule. What it is not: a table of vectors,
nor a tokenizer.

A word stands between ``<`` and ``>``; its n-grams are all runs of ``shortest`` to ``longest``
characters of that, but for the two marks alone. A character is a byte that begins one in UTF-8,
with the bytes that continue it. The bucket is a hash of the bytes, FNV-1a of 32 bits with one
mistake that all models since share: bytes above 127 are read as negative numbers.

References
----------
P. Bojanowski, E. Grave, A. Joulin, T. Mikolov, "Enriching word vectors with subword
information", 2017, section 3.2; fastText 0.9.2, ``dictionary.cc`` (``hash``,
``computeSubwords``).
G. Fowler, L. C. Noll, P. Vo, "FNV hash", http://www.isthe.com/chongo/tech/comp/fnv.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from embedry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

__all__ = ["END_OF_SENTENCE", "NGrams", "ngram_hashes", "ngrams_of"]

END_OF_SENTENCE = "</s>"  # fastText's word for the end of a line; it alone has no n-grams

_START = 2166136261
_PRIME = 16777619
_MASK = 0xFFFFFFFF
_SIGN = 0xFFFFFF00  # what a negative byte brings into the upper bits
_MOST_BUCKETS = 2**31 - 1
_LONGEST = 1000


class NGrams(NamedTuple):
    """The n-grams of many words, one word after the other.

    Attributes
    ----------
    starts : ndarray (words + 1,), int64
        The n-grams of word i are ``buckets[starts[i]:starts[i + 1]]``.
    buckets : ndarray (n-grams,), int32
        Each in [0, buckets), in the order of `ngram_hashes`.
    """

    starts: NDArray[np.int64]
    buckets: NDArray[np.int32]


def ngram_hashes(word: str | bytes, shortest: int, longest: int, buckets: int) -> NDArray[np.int32]:
    """Return the buckets of a word's n-grams.

    Parameters
    ----------
    word : str or bytes
        Bytes are UTF-8, and need not be valid.
    shortest, longest : int
        Characters of an n-gram, ``<`` and ``>`` included; 3 and 6 in fastText. A longest below
        the shortest, or 0, gives none.
    buckets : int
        How many there are; 2,000,000 in fastText.

    Returns
    -------
    ndarray (n-grams,), int32
        Each in [0, buckets); by where the n-gram begins, then by its length. One that is there
        twice counts twice. ``</s>``, the end of a sentence, has none.

    Raises
    ------
    InputError
        If the word is neither str nor bytes or is no Unicode text, a length is negative or
        above 1,000, or buckets is not in [1, 2**31 - 1].

    Notes
    -----
    Plain Python, and the oracle of `ngrams_of`; about 25 us a word.

    Examples
    --------
    >>> ngram_hashes("as", 3, 6, 2_000_000).tolist()  # <as, <as>, as>
    [1429031, 419163, 1039177]
    """
    shortest, longest, buckets = _check_sizes(shortest, longest, buckets)
    text = _as_bytes(word)
    if text == END_OF_SENTENCE.encode():
        return np.empty(0, np.int32)
    text = b"<" + text + b">"
    # where each character begins, and where the last one ends
    edges = [at for at, byte in enumerate(text) if byte & 0xC0 != 0x80] + [len(text)]
    found = []
    for first in range(len(edges) - 1):
        value = _START
        for length in range(1, min(longest, len(edges) - 1 - first) + 1):
            last = first + length
            value = _mixed(value, text[edges[last - 1] : edges[last]])
            mark = length == 1 and (first == 0 or last == len(edges) - 1)
            if length >= shortest and not mark:
                found.append(value % buckets)
    return np.array(found, np.int32)


def _mixed(value: int, character: bytes) -> int:
    for byte in character:
        value = (value ^ (byte if byte < 128 else byte | _SIGN)) * _PRIME & _MASK
    return value


def ngrams_of(words: Sequence[str | bytes], shortest: int, longest: int, buckets: int) -> NGrams:
    """Return the buckets of the n-grams of many words, all words at once.

    Parameters
    ----------
    words : sequence of str or bytes, n of them
    shortest, longest, buckets : int
        As in `ngram_hashes`.

    Returns
    -------
    NGrams
        For each word what `ngram_hashes` gives.

    Raises
    ------
    InputError
        As `ngram_hashes`.

    Notes
    -----
    All words go forward one character at a time: 100,000 English-like words (2.6 million
    n-grams of 3 to 6 characters) take about half a second, five times faster than one by one,
    and some 100 bytes of memory for each byte of the words. Pass millions of words in pieces.

    Examples
    --------
    >>> starts, buckets = ngrams_of(["as", "</s>", "a"], 3, 6, 2_000_000)
    >>> starts.tolist(), buckets.tolist()
    ([0, 3, 3, 4], [1429031, 419163, 1039177, 1087600])
    """
    shortest, longest, buckets = _check_sizes(shortest, longest, buckets)
    end = END_OF_SENTENCE.encode()
    texts = [b"" if text == end else b"<" + text + b">" for text in map(_as_bytes, words)]
    characters = _characters(texts)
    # n-grams of one character leave out the marks, which a word begins and ends with
    lone = characters.marks if shortest <= 1 else np.zeros_like(characters.marks)
    smallest = max(shortest, 1)
    counts = np.maximum(np.minimum(characters.left, longest) - smallest + 1, 0)
    counts -= lone & (counts > 0)
    first = np.zeros(len(counts) + 1, np.int64)  # where the n-grams of each character go
    np.cumsum(counts, out=first[1:])
    found = np.empty(first[-1], np.int32)
    for length, (at, values) in enumerate(_prefixes(characters, longest), start=1):
        if length >= smallest:
            place = first[at] + (length - smallest) - lone[at]
            kept = place >= first[at]  # where a mark alone would lie
            found[place[kept]] = values[kept] % buckets
    return NGrams(first[characters.words], found)


class _Characters(NamedTuple):
    """The characters of many words, one word after the other.

    Attributes
    ----------
    data : ndarray (bytes,), uint32
        The bytes, read as negative above 127.
    edges : ndarray (characters + 1,), int64
        Where each begins in ``data``, and where the last ends.
    left : ndarray (characters,), int64
        How many characters the word still has, this one included.
    marks : ndarray (characters,), bool
        Whether it is the first or the last of its word.
    words : ndarray (words + 1,), int64
        The first character of each word, and the number of all.
    """

    data: NDArray[np.uint32]
    edges: NDArray[np.int64]
    left: NDArray[np.int64]
    marks: NDArray[np.bool_]
    words: NDArray[np.int64]


def _characters(texts: list[bytes]) -> _Characters:
    data = np.frombuffer(b"".join(texts), np.uint8)
    begins = data & 0xC0 != 0x80
    edges = np.append(np.flatnonzero(begins), len(data))
    ends = np.cumsum([0, *map(len, texts)])
    words = np.searchsorted(edges, ends)  # a word begins with <, which begins a character
    sizes = np.diff(words)
    left = np.repeat(words[1:], sizes) - np.arange(len(edges) - 1)
    marks = left == 1
    marks[words[:-1][sizes > 0]] = True
    signed = data.view(np.int8).astype(np.int32).view(np.uint32)
    return _Characters(signed, edges, left, marks, words)


def _prefixes(
    characters: _Characters, longest: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.uint32]]]:
    """Yield for 1, 2, ... characters: which characters have as many, and the hashes of those."""
    data, edges = characters.data, characters.edges
    at = np.arange(len(edges) - 1)
    values = np.full(len(at), _START, np.uint32)
    for length in range(1, longest + 1):
        more = characters.left[at] >= length
        at, values = at[more], values[more]
        if not at.size:
            return
        byte, stop = edges[at + length - 1], edges[at + length]
        values = (values ^ data[byte]) * np.uint32(_PRIME)
        within = np.flatnonzero(stop - byte > 1)
        while within.size:
            byte[within] += 1
            values[within] = (values[within] ^ data[byte[within]]) * np.uint32(_PRIME)
            within = within[stop[within] - byte[within] > 1]
        yield at, values


def _as_bytes(word: str | bytes) -> bytes:
    if isinstance(word, bytes):
        return word
    if not isinstance(word, str):
        raise InputError(f"A word must be a str; got {word!r}. Pass str(...) of it.")
    try:
        return word.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"A word must be valid Unicode; got {word!r}, which holds half a surrogate pair. "
            "Decode the bytes it came from with the right encoding, or pass them as they are."
        ) from error


def _check_sizes(shortest: int, longest: int, buckets: int) -> tuple[int, int, int]:
    for name, value, least, most in (
        ("shortest", shortest, 0, _LONGEST),
        ("longest", longest, 0, _LONGEST),
        ("buckets", buckets, 1, _MOST_BUCKETS),
    ):
        whole = isinstance(value, (int, np.integer)) and not isinstance(value, (bool, np.bool_))
        if not whole or not least <= value <= most:
            raise InputError(
                f"{name} must be an int in [{least}, {most}]; got {value!r}. "
                "fastText takes n-grams of 3 to 6 characters and 2,000,000 buckets."
            )
    return int(shortest), int(longest), int(buckets)
