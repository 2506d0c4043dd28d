"""Questions about words: pairs that people graded, and analogies; and the files they come in.

What it is not: the answers of a space; see `word_pairs` and `analogies`.

References
----------
Finkelstein et al. 2002, Placing Search in Context (WordSim-353). Hill, Reichart, Korhonen 2015,
SimLex-999. Mikolov, Chen, Corrado, Dean 2013 (questions-words.txt).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import chain
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embedry.data.tables.lines import open_source
from embedry.data.text.encoding import read_text
from embedry.errors import InputError
from embedry.exchange.words import is_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

__all__ = [
    "Analogies",
    "Question",
    "WordPair",
    "WordPairs",
    "holds_analogies",
    "read_analogies",
    "read_word_pairs",
]

_LOOKED_AT = 20  # lines that tell what a file holds

WordPair = tuple[str, str, float]
Question = tuple[str, str, str, str]


@dataclass(frozen=True)
class WordPairs:
    """Pairs of words with the grade that people gave them.

    Parameters
    ----------
    pairs : sequence of (str, str, float)
        Two words and how near they are, larger is nearer; the scale does not matter.
    header_lines : int
        Lines of a file that named its columns and were left out.

    Raises
    ------
    InputError
        If they are no list, there are none, or one is not two words and a finite number: the
        message names it.

    Examples
    --------
    >>> len(WordPairs([("coast", "shore", 3.7), ("noon", "string", 0.08)]))
    2
    """

    pairs: Sequence[WordPair]
    header_lines: int = 0

    def __post_init__(self) -> None:
        checked = tuple(_pair(at, pair) for at, pair in enumerate(_listed("pairs", self.pairs)))
        if not checked:
            raise InputError("There must be at least one word pair; got none.")
        object.__setattr__(self, "pairs", checked)

    @property
    def grades(self) -> NDArray[np.float64]:
        """The grades, (pairs,) float64."""
        return np.array([grade for *_, grade in self.pairs], np.float64)

    def __len__(self) -> int:
        return len(self.pairs)

    def __iter__(self) -> Iterator[WordPair]:
        return iter(self.pairs)

    def __repr__(self) -> str:
        return f"WordPairs({len(self):,} pairs{skipped(self.header_lines)})"


@dataclass(frozen=True)
class Analogies:
    """Questions of the form: a is to b as c is to which word.

    Parameters
    ----------
    categories : sequence of (str, sequence of (str, str, str, str))
        Names and questions; the fourth word is the answer.

    Raises
    ------
    InputError
        If they do not come in categories, there is no question, or one is not four words: the
        message names it.

    Examples
    --------
    >>> asked = Analogies([("tense", [("go", "went", "see", "saw")])])
    >>> len(asked), asked.categories[0][0]
    (1, 'tense')
    """

    categories: Sequence[tuple[str, Sequence[Question]]]

    def __post_init__(self) -> None:
        given = _listed("categories", self.categories)
        checked = tuple(_category(place, category) for place, category in enumerate(given))
        if not any(questions for _, questions in checked):
            raise InputError("There must be at least one analogy; got none.")
        object.__setattr__(self, "categories", checked)

    def spans(self) -> Iterator[tuple[str, slice]]:
        """Yield the name of each category, and where its questions stand among all."""
        first = 0
        for name, questions in self.categories:
            yield name, slice(first, first + len(questions))
            first += len(questions)

    def __len__(self) -> int:
        return sum(len(questions) for _, questions in self.categories)

    def __iter__(self) -> Iterator[Question]:
        return chain.from_iterable(questions for _, questions in self.categories)

    def __repr__(self) -> str:
        return f"Analogies({len(self):,} questions in {len(self.categories)} categories)"


def skipped(header_lines: int) -> str:
    """Return how many header lines were left out, for what prints; nothing where none was."""
    plural = "" if header_lines == 1 else "s"
    return f", {header_lines:,} header line{plural} skipped" if header_lines else ""


def as_word_pairs(pairs: Iterable[WordPair]) -> WordPairs:
    """Return pairs as `WordPairs`, checked."""
    return pairs if isinstance(pairs, WordPairs) else WordPairs(pairs)  # type: ignore[arg-type]


def as_analogies(questions: Iterable[Question]) -> Analogies:
    """Return questions as `Analogies`, checked; those without categories come in one."""
    if isinstance(questions, Analogies):
        return questions
    return Analogies([("all", _listed("questions", questions))])


def _listed(what: str, items: Iterable[tuple[object, ...]]) -> list[Any]:
    if isinstance(items, (str, bytes, Path)) or not hasattr(items, "__iter__"):
        reader = "read_word_pairs" if what == "pairs" else "read_analogies"
        raise InputError(f"{what} must be a list of tuples; got {items!r}. For a file: {reader}.")
    return list(items)


def _pair(place: int, pair: object) -> WordPair:
    if isinstance(pair, (tuple, list)) and len(pair) == 3:
        first, second, grade = pair
        words = isinstance(first, str) and isinstance(second, str)
        number = isinstance(grade, Real) and not isinstance(grade, bool)
        if words and number and math.isfinite(grade):
            return first, second, float(grade)
    raise InputError(f"A word pair must be (word, word, finite number); pair {place} is {pair!r}.")


def _category(place: int, category: object) -> tuple[str, tuple[Question, ...]]:
    if isinstance(category, (tuple, list)) and len(category) == 2:
        name, questions = category
        many = hasattr(questions, "__iter__") and not isinstance(questions, (str, bytes))
        if isinstance(name, str) and many:
            return name, tuple(_question(name, at, words) for at, words in enumerate(questions))
    raise InputError(
        f"Analogies come in categories, each a name and questions; category {place} is "
        f"{category!r:.80}. Pass [('all', [(a, b, c, d), ...])]."
    )


def _question(name: str, place: int, words: object) -> Question:
    if (
        isinstance(words, (tuple, list))
        and len(words) == 4
        and all(isinstance(word, str) for word in words)
    ):
        return tuple(words)
    raise InputError(f"An analogy must be four words; question {place} of {name!r} is {words!r}.")


def read_word_pairs(path: str | Path, *, columns: tuple[int, int, int] = (0, 1, 2)) -> WordPairs:
    """Read graded word pairs from a text file, a pair a line.

    The lines are cut at tabs, ``::``, semicolons or commas, whichever the first line holds, or
    else at white space; but for white space and ``::``, a cell may stand in double quotes. Empty
    lines and those that begin with ``#`` are passed over.

    Parameters
    ----------
    path : str or Path
        UTF-8, gzipped or not.
    columns : three different ints
        Where the two words and the grade stand, from 0: ``(0, 1, 3)`` for SimLex-999 as
        published. Further columns are not looked at.

    Returns
    -------
    WordPairs
        A first line is a header, and counted, where in place of the grade stands a name: letters
        without a digit, such as ``Human (mean)``, or two letters first, such as ``SimLex999``;
        not ``nan`` or ``inf``. Any other that is no number is refused.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    InputError
        If it is not UTF-8 or holds no pair, or a line is short or its grade no number: the
        message names the line. If ``columns`` are not such.
    FileFormatError
        If it is UTF-16 or UTF-32, packed by another tool than gzip, or gzipped and damaged.
    """
    columns = _three_places(columns)
    rows = list(open_source(Path(path), None, "#").numbered())
    if not rows:
        raise InputError(f"{path} must hold at least one word pair; it is empty.")
    header = len(rows[0][1]) > max(columns) and _is_name(rows[0][1][columns[2]])
    return WordPairs(
        [_row(path, number, cells, columns) for number, cells in rows[header:]], int(header)
    )


def _is_name(grade: str) -> bool:
    """Say whether a grade names its column: no mistyped number begins with two letters."""
    letters = [character.isalpha() for character in grade]
    named = any(letters) and not any(map(str.isdigit, grade))
    return (named or (all(letters[:2]) and len(letters) > 1)) and not is_number(grade.encode())


def _three_places(columns: object) -> tuple[int, int, int]:
    if isinstance(columns, (tuple, list)) and len(columns) == 3 and all(map(_is_place, columns)):
        first, second, grade = map(int, columns)
        if len({first, second, grade}) == 3:
            return first, second, grade
    raise InputError(
        f"columns must be three different ints of at least 0; got {columns!r}. Pass (0, 1, 2) for "
        "two words and a grade in the first three columns."
    )


def _is_place(column: object) -> bool:
    whole = isinstance(column, (int, np.integer)) and not isinstance(column, bool)
    return whole and column >= 0  # type: ignore[operator]


def _row(path: str | Path, number: int, cells: list[str], columns: Sequence[int]) -> WordPair:
    if len(cells) <= max(columns):
        raise InputError(
            f"{path}, line {number}: must hold two words and a grade; got {' '.join(cells)!r}. "
            "Mend the line, or pass columns=."
        )
    first, second, grade = (cells[column] for column in columns)
    if not _is_finite(grade) or not (first and second):
        raise InputError(
            f"{path}, line {number}: must hold two words and a finite number; got {first!r}, "
            f"{second!r} and {grade!r}. Mend the line, pass columns=, or put # before it if it "
            "says something else."
        )
    return first, second, float(grade)


def read_analogies(path: str | Path) -> Analogies:
    """Read analogies from a text file: four words a line, ``: name`` before each category.

    Parameters
    ----------
    path : str or Path
        UTF-8, gzipped or not. Empty lines and those that begin with ``#`` are passed over.

    Returns
    -------
    Analogies
        Categories in the order of the file; questions before the first are in one called
        ``"all"``.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    InputError
        If it is not UTF-8 or holds no question, or a line is not four words: the message names
        the line.
    FileFormatError
        If it is UTF-16 or UTF-32, packed by another tool than gzip, or gzipped and damaged.
    """
    categories: dict[str, list[Question]] = {}
    name = "all"
    for number, line in _lines(path):
        if line.startswith(":"):
            name = line[1:].strip()
            continue
        words = line.split()
        if len(words) != 4:
            raise InputError(
                f"{path}, line {number}: must hold four words, or ': name'; got {line!r}."
            )
        categories.setdefault(name, []).append((words[0], words[1], words[2], words[3]))
    if not categories:
        raise InputError(f"{path} must hold at least one analogy; it holds none.")
    return Analogies(tuple(categories.items()))


def holds_analogies(path: str | Path) -> bool:
    """Tell by its first lines what a file of questions is for.

    Parameters
    ----------
    path : str or Path
        UTF-8.

    Returns
    -------
    bool
        True for `read_analogies`: a category comes first, or each line is four words, none of
        them a number. False for `read_word_pairs`.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    InputError
        If it is not UTF-8.
    FileFormatError
        As `read_word_pairs`.
    """
    lines = [line for _, line in _lines(path)[:_LOOKED_AT]]
    if lines and lines[0].startswith(":"):
        return True
    rows = [line.split() for line in lines]
    fours = bool(rows) and all(len(words) == 4 for words in rows)
    return fours and not any(is_number(word.encode()) for words in rows for word in words)


def _lines(path: str | Path) -> list[tuple[int, str]]:
    """Return the lines that say something, each with its number."""
    text = read_text(path)
    lines = ((number, line.strip("\r\n ")) for number, line in enumerate(text.split("\n"), 1))
    return [(number, line) for number, line in lines if line.strip() and line[0] != "#"]


def _is_finite(text: str) -> bool:
    return is_number(text.encode()) and math.isfinite(float(text))
