"""WordPiece: the tokenizer of BERT and its kin, uncased.

What it is: a vocabulary, checked, and what cuts texts by it; the same pieces and offsets as the
package `tokenizers` gives (normaliser, pre-tokenizer and model of BERT, uncased), many times
faster. What it is not: a template. ``[CLS]`` and ``[SEP]`` are put around pieces by who needs them,
and read in a text they are text; nothing is cut off.

References
----------
J. Devlin, M. Chang, K. Lee, K. Toutanova, "BERT", 2019, section 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from embedry.errors import FileFormatError, InputError
from embedry.files import existing_file
from embedry.threads import thread_count

if TYPE_CHECKING:
    from pathlib import Path

    from embedry.kernels.text.wordpiece import Cut, PieceCutter, Spans

__all__ = ["WordPiece"]


class WordPiece:
    """Cut texts into the pieces of a vocabulary.

    Parameters
    ----------
    pieces : sequence of n str
        The vocabulary, in order of the numbers. Those that continue a word begin with ``##``.
    unknown : str, default "[UNK]"
        The piece that stands for a word that cannot be cut, or is longer than 100 characters.

    Attributes
    ----------
    pieces : tuple of n str

    Raises
    ------
    InputError
        If a piece is no str, empty or there twice, or ``unknown`` is not among them.

    Notes
    -----
    Some 8 million pieces a second and thread, of English text; the kernels are compiled at the
    first use (some seconds) and cached. Safe to use from several threads.

    Examples
    --------
    >>> cutter = WordPiece(["[UNK]", "un", "##want", "##ed", "!"])
    >>> cut = cutter.cut(["Unwanted!", "hm"])
    >>> [cutter.pieces[piece] for piece in cut.pieces], cut.starts.tolist()
    (['un', '##want', '##ed', '!', '[UNK]'], [0, 4, 5])
    """

    def __init__(self, pieces: Sequence[str], unknown: str = "[UNK]") -> None:
        self.pieces = _checked(pieces)
        if unknown not in self._numbers:
            raise InputError(
                f"unknown must be one of the pieces; got {unknown!r}. Add it to the vocabulary."
            )
        self.unknown = unknown

    @classmethod
    def from_file(cls, path: str | Path, unknown: str = "[UNK]") -> WordPiece:
        """Read a vocabulary: a piece a line, in UTF-8, as ``vocab.txt`` of BERT.

        Parameters
        ----------
        path : str or Path
        unknown : str

        Returns
        -------
        WordPiece

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        FileFormatError
            If it is not UTF-8, or its lines are no vocabulary.
        InputError
            If ``path`` is no path, or that of a folder.
        """
        place = existing_file(path, "the file of a vocabulary")
        try:
            lines = place.read_text(encoding="utf-8").removesuffix("\n").split("\n")
            return cls(lines, unknown)
        except ValueError as error:  # of UTF-8, too
            raise FileFormatError(
                f"{place} must hold a piece a line, in UTF-8: {error}", path=place
            ) from error

    def number(self, piece: str) -> int | None:
        """Return the number of a piece, or None where it is not in the vocabulary."""
        return self._numbers.get(piece)

    def cut(self, texts: Sequence[str], threads: int | None = 1) -> Cut:
        """Cut texts into pieces.

        Parameters
        ----------
        texts : sequence of str
        threads : int or None
            None takes the cores allowed. The result does not depend on it.

        Returns
        -------
        Cut
            ``pieces`` (n,) int32, the numbers of all, and ``starts`` (texts + 1,) int64: those of
            text i are ``pieces[starts[i]:starts[i + 1]]``.

        Raises
        ------
        InputError
            If ``texts`` is a single str, something in it is no str, or threads is below 1.
        """
        self.check(texts)
        return self._cutter.cut(texts, thread_count(threads))

    @staticmethod
    def check(texts: Sequence[str]) -> None:
        """Refuse what ``cut`` cannot take.

        Parameters
        ----------
        texts : sequence of str

        Raises
        ------
        InputError
            If ``texts`` is a single str, or something in it is no str.
        """
        if isinstance(texts, str):
            raise InputError(f"texts must be a sequence of str; got one str. Pass [{texts!r:.40}].")
        if (others := set(map(type, texts)) - {str}) and not all(
            issubclass(k, str) for k in others
        ):
            place = next(place for place, text in enumerate(texts) if not isinstance(text, str))
            kind = type(texts[place]).__name__
            raise InputError(f"Texts must be str; text {place} is {kind}.")

    def spans(self, text: str) -> Spans:
        """Cut one text into pieces, and say where each stands in it.

        Parameters
        ----------
        text : str

        Returns
        -------
        Spans
            ``pieces`` (n,) int32; ``begins`` and ``ends`` (n,) int32: piece i was made of
            ``text[begins[i]:ends[i]]``. What was taken out, such as an accent behind its letter,
            is in no span unless it stands within a piece.

        Raises
        ------
        InputError
            If ``text`` is no str.
        """
        if not isinstance(text, str):
            raise InputError(f"text must be a str; got {type(text).__name__}.")
        return self._cutter.spans(text)

    def unknown_words(self, texts: Sequence[str], cut: Cut | None = None) -> tuple[str, ...]:
        """Return the words that are not made of pieces, each once, in order of appearance.

        Parameters
        ----------
        texts : sequence of str
        cut : Cut, optional
            What ``cut`` gave for them, where it is there already.

        Returns
        -------
        tuple of str
            As they stand in the texts.

        Raises
        ------
        InputError
            As ``cut``.
        """
        cut, number = cut or self.cut(texts), self._numbers[self.unknown]
        rows = (cut.starts[1:].searchsorted((cut.pieces == number).nonzero()[0], "right")).tolist()
        words: dict[str, None] = {}
        for row in dict.fromkeys(rows):
            spans = self.spans(texts[row])
            for place in (spans.pieces == number).nonzero()[0].tolist():
                words.setdefault(texts[row][spans.begins[place] : spans.ends[place]])
        return tuple(words)

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {piece: number for number, piece in enumerate(self.pieces)}

    @cached_property
    def _cutter(self) -> PieceCutter:
        from embedry.kernels.text.wordpiece import PieceCutter  # brings the compiler: some 0.3 s

        return PieceCutter(self.pieces, self._numbers[self.unknown])


def _checked(pieces: Sequence[str]) -> tuple[str, ...]:
    if isinstance(pieces, str) or not isinstance(pieces, Sequence):
        raise InputError(f"pieces must be a sequence of str; got {pieces!r:.60}.")
    seen: dict[str, int] = {}
    for number, piece in enumerate(pieces):
        if not isinstance(piece, str) or not piece:
            raise InputError(f"Pieces must be str and not empty; piece {number} is {piece!r}.")
        if (first := seen.setdefault(piece, number)) != number:
            raise InputError(
                f"Each piece must be there once; {piece!r} is number {first} and {number}."
            )
    return tuple(pieces)
