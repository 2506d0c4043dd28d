"""Reading and writing the files of other tools, as methods of `embedry.Embeddings`.

What it is: the doors; each format has a module beside this one. What it is not: Embedry's own
file, which alone keeps everything (see `embedry.Embeddings.save`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

from embedry.errors import InputError
from embedry.exchange.binary import read_word2vec_binary, write_word2vec_binary
from embedry.exchange.fasttext import read_fasttext
from embedry.exchange.found import Errors, Found, Mending, Repeats
from embedry.exchange.parquet import read_parquet, write_parquet
from embedry.exchange.text import read_glove, read_word2vec_text, write_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from embedry.card import Card
    from embedry.ids import Id

__all__ = ["Exchangeable"]


class Exchangeable(ABC):
    """Ids and rows that other tools can read and write; abstract, see `embedry.Embeddings`."""

    _mended: Mapping[str, int] = MappingProxyType({})

    @abstractmethod
    def __init__(
        self,
        ids: Iterable[Id],
        vectors: ArrayLike,
        card: Card | None = None,
        *,
        metric: str | None = None,
    ) -> None: ...

    @property
    @abstractmethod
    def ids(self) -> tuple[Id, ...]:
        """The ids, in order."""

    @property
    @abstractmethod
    def vectors(self) -> NDArray[np.float32]:
        """The rows, (n, dims) float32, read-only."""

    @property
    @abstractmethod
    def card(self) -> Card:
        """The identity of the space."""

    @property
    def mended(self) -> Mapping[str, int]:
        """What reading a file of another tool had to change, and how often; empty for most.

        Such as ``{"word repeated, left out": 2}``. `subset`, `save` and the like do not keep it.
        """
        return self._mended

    @classmethod
    def _of_file(cls, found: Found, metric: str | None) -> Self:
        found.vectors.flags.writeable = False  # nobody else has them: no copy is made
        made = cls(found.ids, found.vectors, found.card, metric=metric)
        made._mended = MappingProxyType(dict(found.mended))
        return made

    def write_word2vec(self, path: str | Path, *, binary: bool = False) -> None:
        """Write the word2vec format, text or binary, which gensim and others read.

        Parameters
        ----------
        path : str or Path
            Gzipped where it ends in ``.gz``.
        binary : bool
            The text format keeps 9 digits, enough to read back the same float32.

        Raises
        ------
        InputError
            If an id holds white space or is empty or, in binary, is longer than 65,535 bytes, or
            ``1`` and ``"1"`` are both there: the format cannot tell them apart. The card is not
            kept by it.
        OSError
            If it cannot be written; what was there stays.
        """
        if binary:
            write_word2vec_binary(path, self.ids, self.vectors)
        else:
            write_text(path, self.ids, self.vectors, header=True)

    @classmethod
    def read_word2vec(
        cls,
        path: str | Path,
        *,
        binary: bool = False,
        metric: str = "cosine",
        errors: Errors = "strict",
        repeats: Repeats = "refuse",
    ) -> Self:
        """Read the word2vec format, text or binary; also the ``.vec`` files of fastText.

        Parameters
        ----------
        path : str or Path
            Gzipped or not: its first bytes tell.
        binary : bool
        metric : {"cosine", "dot", "euclidean"}
        errors : {"strict", "replace", "skip"}
            A word that is not UTF-8 is an error, gets U+FFFD for its wrong bytes, or is left
            out. What was done is counted in ``mended``.
        repeats : {"refuse", "skip"}
            A word that came before is an error, or left out and counted in ``mended``.

        Returns
        -------
        Embeddings
            All ids are str: the format cannot tell ``1`` from ``"1"``. The card is made from the
            ids and bytes.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        FileFormatError
            If the header promises more or less than the file holds, a line or row cannot be read
            (it is named), a word is not UTF-8 or, in binary, is empty, holds white space or is
            longer than 65,535 bytes, or the file is gzipped and damaged.
        InputError
            If a word repeats, a number is not finite, or there is no such metric, errors or
            repeats.

        Notes
        -----
        Memory: the vectors, and at most a quarter of them more while reading.
        """
        mending = Mending(errors, repeats)
        read = read_word2vec_binary if binary else read_word2vec_text
        return cls._of_file(read(path, mending), metric)

    def write_glove(self, path: str | Path) -> None:
        """Write the text format of GloVe: as word2vec's, without a first line.

        Parameters
        ----------
        path : str or Path
            Gzipped where it ends in ``.gz``.

        Raises
        ------
        InputError
            If an id holds white space or is empty, the first begins with U+FEFF, ``1`` and
            ``"1"`` are both there, or there are no ids: without a line nobody can tell the dims.
        OSError
            If it cannot be written; what was there stays.
        """
        if not self.ids:
            raise InputError(
                "A GloVe file must have a line that tells the dims; there are no ids. "
                "Use write_word2vec, or Embeddings.save."
            )
        write_text(path, self.ids, self.vectors, header=False)

    @classmethod
    def read_glove(
        cls,
        path: str | Path,
        *,
        metric: str = "cosine",
        errors: Errors = "strict",
        repeats: Repeats = "refuse",
    ) -> Self:
        """Read the text format of GloVe, which has no first line of sizes.

        Parameters
        ----------
        path : str or Path
            Gzipped or not: its first bytes tell.
        metric, errors, repeats
            As in `read_word2vec`.

        Returns
        -------
        Embeddings
            The first line tells the dims. On every line the last ``dims`` fields are the
            numbers: the words of some files hold spaces, such as ``". . ."``. All ids are str.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        FileFormatError
            If it has no line, a line cannot be read (it is named), a word is not UTF-8, or the
            file is gzipped and damaged.
        InputError
            As `read_word2vec`.

        References
        ----------
        Pennington, Socher, Manning 2014, GloVe: Global Vectors for Word Representation.
        """
        return cls._of_file(read_glove(path, Mending(errors, repeats)), metric)

    @classmethod
    def read_fasttext(
        cls,
        path: str | Path,
        words: Iterable[str] | None = None,
        *,
        metric: str = "cosine",
        errors: Errors = "strict",
        repeats: Repeats = "refuse",
    ) -> Self:
        """Read word vectors from a binary model of fastText (``.bin``).

        Parameters
        ----------
        path : str or Path
        words : iterable of str, optional
            The words to read; those that are not in the vocabulary are composed of their
            n-grams. All words of the vocabulary when left out.
        metric : {"cosine", "dot", "euclidean"}
        errors, repeats
            As in `read_word2vec`, for the words of the vocabulary.

        Returns
        -------
        Embeddings
            The vectors that fastText gives: the mean of a word's own row and those of its
            n-grams. The card is made from all of the model, so that words read apart, or
            composed later, lie in one space.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        FileFormatError
            If it is no such model, promises more than it holds, or is compressed (``.ftz``); or
            a word of it is not UTF-8.
        InputError
            If a word has neither a row nor an n-gram, comes twice or is no str; or as
            `read_word2vec`.

        Notes
        -----
        The model is mapped, not loaded: memory is that of the result. The whole file is read
        once for the card.

        References
        ----------
        Bojanowski, Grave, Joulin, Mikolov 2017, Enriching Word Vectors with Subword Information.
        """
        return cls._of_file(read_fasttext(path, words, metric, Mending(errors, repeats)), None)

    def to_parquet(self, path: str | Path) -> None:
        """Write a Parquet file with the columns ``id`` and ``vector``; needs the extra ``arrow``.

        Parameters
        ----------
        path : str or Path

        Raises
        ------
        InputError
            If some ids are str and some int: a column is of one type.
        MissingExtraError
            If pyarrow is not installed.
        OSError
            If it cannot be written; what was there stays.

        Notes
        -----
        ``id`` is string or int64, ``vector`` a fixed-size list of float32 with the card, as JSON,
        in the metadata of its field under ``embedry.card``. Other tools read both columns.
        """
        write_parquet(path, self.ids, self.vectors, self.card)

    @classmethod
    def from_parquet(
        cls, path: str | Path, *, id: str = "id", vector: str = "vector", metric: str | None = None
    ) -> Self:
        """Read ids and vectors from a Parquet file, ours or not; needs the extra ``arrow``.

        Parameters
        ----------
        path : str or Path
        id, vector : str
            The names of the columns: one of str or int, one of lists of numbers.
        metric : {"cosine", "dot", "euclidean"}, optional
            Where the file has no card; cosine when left out.

        Returns
        -------
        Embeddings
            With the card they were written with; else one is made from ids and bytes. Numbers
            of other types are rounded to float32.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        FileFormatError
            If it is no Parquet file, is damaged, lacks a column or has it of another type; if
            an id, a vector or a number is missing, or vectors differ in length (the row is
            named); or its card does not fit.
        InputError
            If an id repeats, a number is not finite, there is no such metric, or it is not that
            of the card.
        MissingExtraError
            If pyarrow is not installed.
        """
        return cls._of_file(read_parquet(path, id, vector), metric)
