"""The words that are learned, and a corpus seen through them, bite by bite.

What it is: which words are frequent enough, in which order, and a stream of sentences in their
ids. The corpus may be larger than memory: a bite at a time is recoded, nothing else is copied.
What it is not: a tokenizer; see `embedry.Corpus`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from embedry.errors import InputError
from embedry.learn.trainer import Part, Sentences

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from embedry.data.corpus import Corpus

__all__ = ["Vocabulary", "parts_of", "sentences_of"]

BITE = 200_000  # tokens between two looks at the bar and at Ctrl-C; longer sentences are cut


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The words that are learned, and how the codes of one corpus become their ids.

    Attributes
    ----------
    words : tuple of str
        A word's place is its id.
    counts : ndarray (words,), int64
        How often each occurs.
    id_of : ndarray (words of the corpus,), int32
        The id of each code of the corpus; -1 for words that are left out.
    """

    words: tuple[str, ...]
    counts: NDArray[np.int64]
    id_of: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.words)

    @classmethod
    def of(cls, corpus: Corpus, min_count: int) -> Vocabulary:
        """Keep the words of a corpus that are frequent enough, most frequent first.

        Parameters
        ----------
        corpus : Corpus
        min_count : int

        Returns
        -------
        Vocabulary
            Ties in order of first appearance.

        Raises
        ------
        InputError
            If fewer than two words are left.
        """
        order = _frequent(corpus.counts, min_count)
        if len(order) < 2:
            raise InputError(
                f"At least two words must occur {min_count} times; {len(order)} do in {corpus!r}. "
                "Pass more text, or a lower min_count."
            )
        id_of = np.full(len(corpus.words), -1, np.int32)
        id_of[order] = np.arange(len(order), dtype=np.int32)
        words = tuple(corpus.words[code] for code in order.tolist())
        return cls(words, corpus.counts[order], id_of)

    @classmethod
    def grown(
        cls, words: Sequence[str], counts: NDArray[np.int64], corpus: Corpus, min_count: int
    ) -> Vocabulary:
        """Add the words of a corpus to some that are known.

        Parameters
        ----------
        words : sequence of str
            Those known keep their ids, also where the corpus lacks them.
        counts : ndarray (words,), int64
            How often they occurred before.
        corpus : Corpus
        min_count : int
            Rarer words of the corpus are left out, unless known.

        Returns
        -------
        Vocabulary
            Known words first, then new ones, most frequent first; counts added up.
        """
        known = {word: id for id, word in enumerate(words)}
        id_of = np.array([known.get(word, -1) for word in corpus.words], np.int32)
        new = corpus.counts.copy()
        new[id_of >= 0] = 0
        order = _frequent(new, min_count)
        id_of[order] = np.arange(len(words), len(words) + len(order), dtype=np.int32)
        total = np.concatenate([counts, np.zeros(len(order), np.int64)])
        present = id_of >= 0
        total[id_of[present]] += corpus.counts[present]
        added = (corpus.words[code] for code in order.tolist())
        return cls((*words, *added), total, id_of)


def _frequent(counts: NDArray[np.int64], min_count: int) -> NDArray[np.intp]:
    """Return the codes that occur often enough, most frequent first."""
    codes = np.flatnonzero(counts >= min_count)
    return codes[np.argsort(-counts[codes], kind="stable")]


def sentences_of(
    corpus: Corpus, vocabulary: Vocabulary, first: int, last: int
) -> Iterator[Sentences]:
    """Yield the tokens from ``first`` to before ``last`` of a corpus in ids, bite by bite.

    Parameters
    ----------
    corpus : Corpus
    vocabulary : Vocabulary
        Made for this corpus.
    first, last : int
        Tokens of the corpus.

    Yields
    ------
    Sentences
        Of at most 200,000 tokens, words that are left out dropped; whole sentences where they
        are shorter than that, or else pieces.
    """
    for begin, end in pairwise(_cuts(corpus.offsets, first, last)):
        ids = vocabulary.id_of[corpus.tokens[begin:end]]
        kept = ids >= 0
        before = np.zeros(len(ids) + 1, np.int64)
        np.cumsum(kept, out=before[1:])
        inner = slice(*np.searchsorted(corpus.offsets, [begin + 1, end]))
        borders = np.concatenate([[begin], corpus.offsets[inner], [end]])
        yield Sentences(ids[kept], before[borders - begin], end - begin)


def _cuts(offsets: NDArray[np.int64], first: int, last: int) -> Iterator[int]:
    """Yield where bites begin and end: at the last end of a sentence that a bite has room for."""
    yield first
    while first < last:
        end = int(offsets[np.searchsorted(offsets, first + BITE, side="right") - 1])
        first = min(end if end > first else first + BITE, last)
        yield first


def parts_of(
    corpus: Corpus, vocabulary: Vocabulary, threads: int, generator: np.random.Generator
) -> list[Part]:
    """Cut a corpus into a part for each thread, of about as many tokens.

    Parameters
    ----------
    corpus : Corpus
    vocabulary : Vocabulary
    threads : int
    generator : Generator
        Gives each part one of its own.

    Returns
    -------
    list of Part
        Cut between sentences; no part is empty, so there may be fewer than threads.
    """
    wanted = np.linspace(0, corpus.token_count, threads + 1)
    edges = corpus.offsets[np.searchsorted(corpus.offsets, wanted)].tolist()

    def part(first: int, last: int, own: np.random.Generator) -> Part:
        return Part(last - first, lambda _: sentences_of(corpus, vocabulary, first, last), own)

    cut = zip(pairwise(edges), generator.spawn(threads), strict=True)
    return [part(first, last, own) for (first, last), own in cut if first < last]
