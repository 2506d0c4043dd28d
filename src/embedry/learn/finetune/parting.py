"""What is learned from and what is asked, so that nothing asked was learned.

What it is: examples drawn to be held out, whole groups at a time, or the check of those that were
passed. What it is not: a guard against everything. A text may stand on both sides in different
pairs, as the passages of a search do; how many held-out rows have one is counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import compress
from typing import TYPE_CHECKING

import numpy as np

from embedry.errors import InputError
from embedry.learn.finetune.examples import Examples, ScoredPairs, as_examples, text_key
from embedry.settings import real_number

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from numpy.typing import NDArray

__all__ = ["FEWEST", "Parts", "part"]

FEWEST = 3  # a correlation of fewer is not defined


@dataclass(frozen=True, eq=False)
class Parts:
    """Examples in two parts that share nothing that would give an answer away.

    Attributes
    ----------
    learned, asked : Examples
        Of the same kind.
    shared : int
        Rows of ``asked`` with a text that is also in ``learned``, in another pair.
    """

    learned: Examples
    asked: Examples
    shared: int


def part(
    examples: Examples, held_out: float | Examples | Iterable[Iterable[object]], seed: int
) -> Parts:
    """Hold examples out.

    Parameters
    ----------
    examples : Examples
    held_out : float, or examples
        A share, in (0, 0.9]: groups are drawn until so many rows are held out. A group are the rows
        of one anchor, or of one pair of texts in either order. Else the rows to ask, which must
        share no such thing with ``examples``.
    seed : int

    Returns
    -------
    Parts

    Raises
    ------
    InputError
        If fewer than 3 rows are held out or none is left, the share is out of range, the rows are
        of another kind, or they leak: their anchor, or their pair, is also learned from.
    """
    if isinstance(held_out, (int, float, np.number)):
        learned, asked = _drawn(examples, real_number("held_out", held_out, 1e-6, 0.9), seed)
    else:
        learned, asked = examples, as_examples(held_out)
        _refuse_other_kind(learned, asked)
        _refuse_leak(learned, asked)
        _check_counts(len(learned), len(asked), asked)
    return Parts(learned, asked, _shared(learned, asked))


def groups(examples: Examples) -> list[int]:
    """Return the number of the group of each row: rows of a group are never parted.

    Parameters
    ----------
    examples : Examples

    Returns
    -------
    list of n int
        From 0, in order of first appearance.
    """
    roots = _Roots()
    firsts = []
    for row in examples:
        first, *others = examples.keys(row)
        for other in others:
            roots.join(first, other)
        firsts.append(first)
    numbers: dict[Hashable, int] = {}
    return [numbers.setdefault(roots.of(first), len(numbers)) for first in firsts]


class _Roots:
    """Things joined into groups, each with one that stands for all (union-find)."""

    def __init__(self) -> None:
        self._above: dict[Hashable, Hashable] = {}

    def of(self, thing: Hashable) -> Hashable:
        while (above := self._above.setdefault(thing, thing)) != thing:
            self._above[thing] = self._above[above]
            thing = above
        return thing

    def join(self, one: Hashable, other: Hashable) -> None:
        self._above[self.of(one)] = self.of(other)


def _drawn(examples: Examples, share: float, seed: int) -> tuple[Examples, Examples]:
    """Return rows to learn from and rows to ask; a group of half of all rows is never asked."""
    of_row = np.array(groups(examples))
    sizes = np.bincount(of_row)
    order = np.random.default_rng(seed).permutation(len(sizes))
    order = order[2 * sizes[order] <= len(of_row)]
    before = np.cumsum(sizes[order]) - sizes[order]
    wanted = max(FEWEST, round(share * len(of_row)))
    held = np.isin(of_row, order[before < wanted])
    _check_counts(int((~held).sum()), int(held.sum()), examples)
    return _some(examples, ~held), _some(examples, held)


def _some(examples: Examples, chosen: NDArray[np.bool_]) -> Examples:
    return type(examples)(compress(examples, chosen.tolist()))


def _check_counts(learned: int, asked: int, examples: Examples) -> None:
    if asked < FEWEST or not learned:
        raise InputError(
            f"At least {FEWEST} {examples.KIND} must be held out, and others be left; of "
            f"{len(examples):,}, {asked} can be held out and {learned} are left. Pass more that "
            "share no anchor, or a larger share: held_out=0.3."
        )


def _refuse_other_kind(learned: Examples, asked: Examples) -> None:
    if type(asked) is not type(learned):
        raise InputError(f"held_out must be {learned.KIND}, as the examples are; got {asked!r}.")


def _refuse_leak(learned: Examples, asked: Examples) -> None:
    """Refuse rows to ask whose answer is learned."""
    known = {key for row in learned for key in learned.keys(row)}
    leaked = [row for row in asked if not known.isdisjoint(asked.keys(row))]
    if leaked:
        what = "pair" if isinstance(learned, ScoredPairs) else "anchor or pair"
        raise InputError(
            f"Nothing held out may be learned from; the {what} of {len(leaked):,} of "
            f"{len(asked):,} held-out rows is among the examples, first {leaked[0]!r:.80}. Take "
            "them out of one."
        )


def _shared(learned: Examples, asked: Examples) -> int:
    known = {text_key(text) for row in learned for text in learned.texts(row)}
    return sum(any(text_key(text) in known for text in asked.texts(row)) for row in asked)
