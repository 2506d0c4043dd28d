"""What an encoder is tuned on: pairs, triplets, or pairs with a score.

What it is: rows, checked, with what was left out counted. What it is not: the parting of them into
what is learned and what is asked; see ``parting``.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, ClassVar, TypeAlias, cast, final

import numpy as np

from embedry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

__all__ = ["Examples", "Pairs", "Row", "ScoredPairs", "Triplets", "as_examples", "text_key"]

Row: TypeAlias = tuple[str | float, ...]


def text_key(text: str) -> str:
    """Return what two texts share that differ in case and blanks only.

    Parameters
    ----------
    text : str

    Returns
    -------
    str

    Examples
    --------
    >>> text_key("  The  CAT sat. ") == text_key("the cat sat.")
    True
    """
    return " ".join(text.split()).casefold()


@dataclass(frozen=True, eq=False, init=False, repr=False)
class Examples:
    """Rows of texts; see `Pairs`, `Triplets` and `ScoredPairs`.

    Attributes
    ----------
    rows : tuple of tuples
        In the order in which they came, without those left out.
    dropped : dict of str to int
        Rows left out, by the reason: ``"empty text"``, ``"duplicate"``; only where there were any.
    """

    KIND: ClassVar[str] = ""
    COLUMNS: ClassVar[tuple[str, ...]] = ()
    TEXTS: ClassVar[int] = 2

    rows: tuple[Row, ...]
    dropped: dict[str, int]

    def __init__(self, rows: Iterable[Iterable[object]]) -> None:
        kept, dropped = _parsed(rows, self._checked)
        if not kept:
            left = f"; left out: {_told(dropped)}" if dropped else ""
            raise InputError(f"{self.KIND} must hold at least one row; got none{left}.")
        self._check_together(kept)
        # a frozen value is set the only way there is
        object.__setattr__(self, "rows", kept)
        object.__setattr__(self, "dropped", dropped)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __repr__(self) -> str:
        left = f", left out: {_told(self.dropped)}" if self.dropped else ""
        return f"{type(self).__name__}({len(self):,} rows{left})"

    def texts(self, row: Row) -> tuple[str, ...]:
        """Return the texts of a row, without its score."""
        return cast("tuple[str, ...]", row[: self.TEXTS])

    def keys(self, row: Row) -> tuple[Hashable, ...]:
        """Return what a row must not share with a row on the other side of a split.

        Parameters
        ----------
        row : tuple

        Returns
        -------
        tuple
            Its pair of texts, in whichever order; where the first is asked for the second, the
            first too.
        """
        first, second = map(text_key, self.texts(row)[:2])
        return (frozenset((first, second)), first)

    def _checked(self, row: Row, number: int) -> Row:
        """Return a row as it is kept, or refuse it."""
        texts = row[: self.TEXTS]
        if len(row) != len(self.COLUMNS) or not all(isinstance(text, str) for text in texts):
            raise InputError(
                f"A row of {self.KIND} must be ({', '.join(self.COLUMNS)}); row {number} is "
                f"{row!r:.80}. Mend it, or leave it out."
            )
        return row

    def _check_together(self, rows: tuple[Row, ...]) -> None:
        """Refuse rows for what they are together."""


@final
class Pairs(Examples):
    """Texts that belong together: what is asked, and what answers it.

    Use it for search (question and passage, title and text) and for texts that mean the same. All
    other answers of a batch count as wrong ones.

    Parameters
    ----------
    rows : iterable of (anchor, positive)
        Both str. Rows with an empty text, and such as came before but for case and blanks, are
        left out and counted.

    Raises
    ------
    InputError
        If a row is not such (by its number, from 0), or none is left.

    Examples
    --------
    >>> Pairs([("who wrote Emma?", "Jane Austen"), ("who wrote Emma?", ""), ("2 + 2", "4")])
    Pairs(2 rows, left out: 1 empty text)
    """

    KIND = "pairs"
    COLUMNS = ("anchor", "positive")


@final
class Triplets(Examples):
    """Pairs, each with a text that looks right and is wrong.

    Parameters
    ----------
    rows : iterable of (anchor, positive, negative)
        All str; left out are those that `Pairs` leaves out.

    Raises
    ------
    InputError
        As `Pairs`; and if the positive and the negative of a row are the same.

    Examples
    --------
    >>> Triplets([("river bank", "shore", "loan")])
    Triplets(1 rows)
    """

    KIND = "triplets"
    COLUMNS = ("anchor", "positive", "negative")
    TEXTS = 3

    def _checked(self, row: Row, number: int) -> Row:
        row = super()._checked(row, number)
        _, positive, negative = map(text_key, self.texts(row))
        if positive and positive == negative:
            raise InputError(
                f"A negative must differ from its positive; in row {number} both are "
                f"{row[1]!r:.60}. Leave the row out."
            )
        return row


@final
class ScoredPairs(Examples):
    """Pairs of texts that people graded: the larger, the more alike.

    Any scale will do: the lowest score is taught as a cosine of 0, the highest as one of 1. Of a
    model of metric dot only the order counts.

    Parameters
    ----------
    rows : iterable of (first, second, score)
        Two str and a finite number; left out are those that `Pairs` leaves out. A pair that comes
        again with another score is kept.

    Raises
    ------
    InputError
        As `Pairs`; and if a score is no finite number, or all are equal.

    Examples
    --------
    >>> ScoredPairs([("a cat", "a kitten", 4.2), ("a cat", "a loan", 0)])
    ScoredPairs(2 rows)
    """

    KIND = "scored pairs"
    COLUMNS = ("first", "second", "score")

    @property
    def scores(self) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """The scores, (n,) float64."""
        return np.array([row[2] for row in self.rows], np.float64)

    @property
    def shares(self) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """The scores between the lowest and the highest, (n,) float64 in [0, 1]."""
        low = self.scores.min()
        return np.asarray((self.scores - low) / max(self.scores.max() - low, 1e-300))

    def keys(self, row: Row) -> tuple[Hashable, ...]:
        """Return the pair of texts, in whichever order; see `Examples.keys`."""
        return super().keys(row)[:1]

    def _checked(self, row: Row, number: int) -> Row:
        row = super()._checked(row, number)
        score = row[2]
        if isinstance(score, str) or not _is_number(score) or not math.isfinite(score):
            raise InputError(
                f"A score must be a finite number; that of row {number} is {score!r:.40}. Mend it, "
                "or leave the row out."
            )
        return (row[0], row[1], float(score))

    def _check_together(self, rows: tuple[Row, ...]) -> None:
        if len(rows) > 1 and len({row[2] for row in rows}) == 1:
            raise InputError(
                f"Scores must differ; all {len(rows):,} are {rows[0][2]}. Pass (anchor, positive) "
                "pairs where all are alike."
            )


def as_examples(examples: Examples | Iterable[Iterable[object]]) -> Examples:
    """Return examples as they are, or read them from rows.

    Parameters
    ----------
    examples : Examples, or iterable of tuples
        (text, text) are pairs; (text, text, text) triplets; (text, text, number) scored pairs: the
        first row says which.

    Returns
    -------
    Pairs, Triplets or ScoredPairs

    Raises
    ------
    InputError
        If the first row is none of these, or as `Pairs`, `Triplets` and `ScoredPairs`.

    Examples
    --------
    >>> as_examples([("a cat", "a kitten", 4.2), ("a cat", "a loan", 0.1)])
    ScoredPairs(2 rows)
    """
    if isinstance(examples, Examples):
        return examples
    rows = list(_rows(examples))
    if not rows:
        raise InputError("At least one example must be passed; got none.")
    first = rows[0]
    kind: type[Examples] | None = Pairs if len(first) == 2 else None
    if len(first) == 3:
        kind = Triplets if isinstance(first[2], str) else ScoredPairs
    if kind is None:
        raise InputError(
            "A row must be (text, text), (text, text, text) or (text, text, number); the first is "
            f"{first!r:.80}."
        )
    return kind(rows)


def _parsed(
    rows: object, check: Callable[[Row, int], Row]
) -> tuple[tuple[Row, ...], dict[str, int]]:
    """Return the rows that count, and why others do not."""
    kept: list[Row] = []
    seen: set[Hashable] = set()
    dropped: Counter[str] = Counter()
    for number, came in enumerate(_rows(rows)):
        row = check(came, number)
        key = tuple(text_key(part) if isinstance(part, str) else part for part in row)
        if "" in key:
            dropped["empty text"] += 1
        elif key in seen:
            dropped["duplicate"] += 1
        else:
            seen.add(key)
            kept.append(row)
    return tuple(kept), dict(dropped)


def _rows(rows: object) -> Iterator[Row]:
    if isinstance(rows, (str, bytes, dict)) or not isinstance(rows, Iterable):
        raise InputError(f"Examples must be rows, such as [(text, text)]; got {rows!r:.60}.")
    for number, row in enumerate(rows):
        if isinstance(row, (str, bytes, dict)) or not isinstance(row, Iterable):
            raise InputError(f"A row must be a tuple of texts; row {number} is {row!r:.60}.")
        yield tuple(row)


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, (bool, np.bool_, np.timedelta64))


def _told(dropped: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {reason}" for reason, count in dropped.items())
