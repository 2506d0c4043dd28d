"""The tables of Word2Vec in training: rows of words, and of n-grams where there are subwords.

What it is: which rows make up a word, the kernel that fits the architecture, and what is kept
of the tables in a file, so that training can go on. What it is not: a word space; see
``embedry.learn.words.space``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from embedry.kernels.sampling.bags import Bags, steady_bags, train_bags
from embedry.learn.tables import Tables, random_rows
from embedry.learn.words.ngrams import NGramRows, composed, rows_of_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from embedry.kernels.sampling.plan import SkipGram
    from embedry.learn.trainer import TableTrainer
    from embedry.learn.words.ngrams import Subwords

__all__ = ["WordTables"]


@dataclass(frozen=True, eq=False)
class Pieces:
    """Which rows make up each word.

    Attributes
    ----------
    subwords : Subwords
    offsets : ndarray (words + 1,), int64
        Word i is made of ``rows[offsets[i]:offsets[i + 1]]``.
    rows : ndarray, int32
    buckets : ndarray (n,), int32
        The bucket of each row that follows those of the words.
    """

    subwords: Subwords
    offsets: NDArray[np.int64]
    rows: NDArray[np.int32]
    buckets: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class WordTables:
    """Tables of words in training.

    Attributes
    ----------
    tables : Tables
        Rows of words, then of n-grams; contexts of words.
    words : int
    dims : int
    architecture : str
    pieces : Pieces or None
        None without subwords: a word is its row.
    """

    tables: Tables
    words: int
    dims: int
    architecture: str
    pieces: Pieces | None

    @classmethod
    def started(
        cls,
        words: Sequence[str],
        dims: int,
        architecture: str,
        subwords: Subwords | None,
        generator: np.random.Generator,
        threads: int,
    ) -> WordTables:
        """Make tables for words that nothing is known of yet."""
        pieces = None if subwords is None else Pieces(subwords, *rows_of_words(words, subwords))
        rows = len(words) + (0 if pieces is None else len(pieces.buckets))
        tables = Tables.empty(rows, len(words), dims, threads)
        tables.vectors[:, :dims] = random_rows(rows, dims, generator)
        return cls(tables, len(words), dims, architecture, pieces)

    def grown(
        self, words: Sequence[str], generator: np.random.Generator, threads: int
    ) -> WordTables:
        """Return tables for more words, the first of which are ours and go on as they are.

        Random numbers are drawn for what is new alone: words, then n-grams.
        """
        old, pieces = self.pieces, None
        if old is not None:
            pieces = Pieces(old.subwords, *rows_of_words(words, old.subwords, old.buckets))
        rows = len(words) + (0 if pieces is None else len(pieces.buckets))
        tables = Tables.empty(rows, len(words), self.dims, threads)
        ours = self.tables.vectors[:, : self.dims]
        parts = (ours[: self.words], 0, len(words)), (ours[self.words :], len(words), rows)
        for known, start, end in parts:  # of words, then of n-grams: the known, then the new
            new = start + len(known)
            tables.vectors[start:new, : self.dims] = known
            tables.vectors[new:end, : self.dims] = random_rows(end - new, self.dims, generator)
        tables.contexts[: self.words, : self.dims] = self.tables.contexts[:, : self.dims]
        return WordTables(tables, len(words), self.dims, self.architecture, pieces)

    def in_threads(
        self, plan: SkipGram, counts: NDArray[np.int64], threads: int
    ) -> Sequence[TableTrainer]:
        """Return what each thread trains, by the kernel of the architecture."""
        if self.architecture == "skipgram" and self.pieces is None:
            return self.tables.in_threads(plan, counts, threads)
        bags = Bags(self.architecture)
        if self.pieces is not None:
            bags = Bags(self.architecture, self.pieces.offsets, self.pieces.rows)
        steady = steady_bags(bags, counts, plan)
        tables = replace(self.tables, kernel=partial(train_bags, bags=steady))
        if self.pieces is None:
            return tables.in_threads(plan, counts, threads)
        return [tables] * threads  # rows of n-grams are no rows of words, and have no copies

    def word_vectors(self) -> NDArray[np.float32]:
        """Return the vector of each word, (words, dims) float32."""
        rows = self.tables.vectors[:, : self.dims]
        if self.pieces is None:
            return rows.copy()
        return composed(rows, self.pieces.offsets, self.pieces.rows)

    def ngram_rows(self) -> NGramRows | None:
        """Return the n-grams that were learned, by bucket; None without subwords."""
        if self.pieces is None:
            return None
        rows = self.tables.vectors[self.words :, : self.dims]
        return NGramRows.by_bucket(self.pieces.subwords, self.pieces.buckets, rows)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a file needs beside the vectors of the words; `from_arrays` reads it."""
        kept: dict[str, NDArray[Any]] = {
            "contexts": np.ascontiguousarray(self.tables.contexts[:, : self.dims])
        }
        if self.pieces is not None:
            kept["rows"] = np.ascontiguousarray(self.tables.vectors[:, : self.dims])
            kept["buckets"] = self.pieces.buckets
        return kept

    @classmethod
    def from_arrays(
        cls,
        arrays: Mapping[str, NDArray[Any]],
        words: Sequence[str],
        architecture: str,
        subwords: Subwords | None,
    ) -> WordTables:
        """Read what `arrays` gave; ``KeyError`` or ``ValueError`` where it is damaged.

        Nothing is copied, so the rows are not padded as kernels want them: call `grown`.
        """
        pieces = None
        if subwords is not None:
            pieces = Pieces(subwords, *rows_of_words(words, subwords, arrays["buckets"]))
        rows = arrays["vectors" if pieces is None else "rows"]
        count, dims = len(words), rows.shape[1]
        more = 0 if pieces is None else len(pieces.buckets)
        if len(rows) != count + more or arrays["contexts"].shape != (count, dims):
            raise ValueError("the tables do not fit the words")
        tables = Tables(rows, arrays["contexts"], len(rows), count)
        return cls(tables, count, dims, architecture, pieces)
