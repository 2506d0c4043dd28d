"""What a file of somebody else's embeddings held, and which of its words could be kept.

Real files break their own rules: the vectors of Common Crawl repeat words and cut some in the
middle of a character. Such files are refused until the reader says what to do, and what was done
is counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np

from embedry.errors import FileFormatError, InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from embedry.card import Card
    from embedry.ids import Id

__all__ = ["Errors", "Found", "GrowingRows", "Kept", "Mending", "Repeats"]

Errors: TypeAlias = Literal["strict", "replace", "skip"]
Repeats: TypeAlias = Literal["refuse", "skip"]


@dataclass(frozen=True, eq=False)
class Found:
    """What a file held.

    Attributes
    ----------
    ids : sequence of str or int, n of them
    vectors : ndarray (n, dims), float32
    mended : mapping of str to int
        What was changed on reading, and how often.
    card : Card or None
        The identity of the space, where the file tells it.
    """

    ids: Sequence[Id]
    vectors: NDArray[np.float32]
    mended: Mapping[str, int] = field(default_factory=dict)
    card: Card | None = None


@dataclass(frozen=True, eq=False)
class Kept:
    """The words of a file that may stay.

    Attributes
    ----------
    words : sequence of str, n of them
    places : sequence of int, n of them
        Where they stood among all, ascending.
    among : int
        How many words there were.
    mended : mapping of str to int
    """

    words: Sequence[str]
    places: Sequence[int]
    among: int
    mended: Mapping[str, int]

    def found(self, rows: NDArray[np.float32]) -> Found:
        """Return the words with their rows, of those of all words, (among, dims) float32."""
        return Found(
            self.words, rows if len(self.places) == self.among else rows[self.places], self.mended
        )


@dataclass(frozen=True)
class Mending:
    """What to do about words that break the rules of their file.

    Attributes
    ----------
    errors : {"strict", "replace", "skip"}
        A word that is not UTF-8 is refused, gets U+FFFD for its wrong bytes, or is left out.
    repeats : {"refuse", "skip"}
        A word that came before is refused or left out.

    Raises
    ------
    InputError
        If one is another value.
    """

    errors: Errors = "strict"
    repeats: Repeats = "refuse"

    def __post_init__(self) -> None:
        for name, kind in (("errors", Errors), ("repeats", Repeats)):
            if (value := getattr(self, name)) not in get_args(kind):
                known = ", ".join(map(repr, get_args(kind)))
                raise InputError(f"{name} must be one of {known}; got {value!r}.")

    def kept(self, path: Path, words: Sequence[bytes]) -> Kept:
        """Return the words that may stay, and count the others.

        Parameters
        ----------
        path : Path
            For messages.
        words : sequence of bytes

        Returns
        -------
        Kept

        Raises
        ------
        FileFormatError
            If a word is not UTF-8 and ``errors`` is ``"strict"``.
        InputError
            If a word comes twice and ``repeats`` is ``"refuse"``.
        """
        counts: dict[str, int] = {}
        texts = self._decoded(path, words, counts)
        places = self._first_places(path, texts, counts)
        return Kept([texts[place] or "" for place in places], places, len(words), counts)

    def _decoded(
        self, path: Path, words: Sequence[bytes], counts: dict[str, int]
    ) -> list[str | None]:
        texts: list[str | None] = []
        for word in words:
            try:
                texts.append(word.decode())
            except UnicodeDecodeError as error:
                if self.errors == "strict":
                    raise FileFormatError(
                        f"Words must be UTF-8; the word {word[:40]!r} of {path} is not UTF-8. "
                        "Pass errors='replace' to have its wrong bytes replaced, or "
                        "errors='skip' to leave out such words; either is counted in .mended.",
                        path=path,
                    ) from error
                done = "replaced" if self.errors == "replace" else "left out"
                key = f"word not UTF-8, {done}"
                counts[key] = counts.get(key, 0) + 1
                texts.append(word.decode(errors="replace") if self.errors == "replace" else None)
        return texts

    def _first_places(
        self, path: Path, texts: Sequence[str | None], counts: dict[str, int]
    ) -> list[int]:
        first: dict[str, int] = {}
        for place, text in enumerate(texts):
            if text is not None:
                first.setdefault(text, place)
        again = len(texts) - texts.count(None) - len(first)
        if again and self.repeats == "refuse":
            example = next(
                t for place, t in enumerate(texts) if t is not None and first[t] != place
            )
            raise InputError(
                f"Words must differ from each other; {again} of {path} came again, such as "
                f"{example!r}. Pass repeats='skip' to keep the first of each; the others are "
                "counted in .mended."
            )
        if again:
            counts["word repeated, left out"] = again
        return list(first.values())


class GrowingRows:
    """Rows of a file whose number is not known, or not believed, beforehand.

    Parameters
    ----------
    dims : int
    """

    def __init__(self, dims: int) -> None:
        self._rows = np.empty((0, dims), np.float32)
        self._count = 0

    def add(self, rows: NDArray[np.float32]) -> None:
        """Append rows (n, dims) float32; memory grows by a quarter at a time."""
        end = self._count + len(rows)
        if end > len(self._rows):
            # in place: the memory is moved by its pages, not copied beside itself
            self._rows.resize((max(end, end * 5 // 4), self._rows.shape[1]), refcheck=False)
        self._rows[self._count : end] = rows
        self._count = end

    def take(self) -> NDArray[np.float32]:
        """Return all rows (n, dims) float32, and leave none."""
        rows, count = self._rows, self._count
        self._rows = np.empty((0, rows.shape[1]), np.float32)
        self._count = 0
        rows.resize((count, rows.shape[1]), refcheck=False)
        return rows
