"""Codes of runs turned into codes of words, and words counted: the second half of reading.

What it is: one compiled pass over a block that ``tokens`` has split, `expand`, and beside it
the same in plain NumPy. What it is not: a dictionary. What each run means is found out before,
and comes as arrays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from embedry.kernels.compiler import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embedry.kernels.text.tokens import Split

__all__ = ["Meaning", "expand", "expand_plain"]


class Meaning(NamedTuple):
    """The words that runs stand for.

    Attributes
    ----------
    single : ndarray (distinct runs,), int32
        The word of a run that is one word; -1 for others.
    firsts : ndarray (distinct runs + 1,), int64
        The words of run ``code`` are ``words[firsts[code]:firsts[code + 1]]``.
    words : ndarray (n,), int32
    """

    single: NDArray[np.int32]
    firsts: NDArray[np.int64]
    words: NDArray[np.int32]


def expand(
    split: Split, meaning: Meaning, counts: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Put words in place of the runs of a block, and count them.

    Parameters
    ----------
    split : Split
    meaning : Meaning
        Of all runs that the splitter knows.
    counts : ndarray (distinct words,), int64
        How often each word occurs, added to.

    Returns
    -------
    tokens : ndarray (tokens,), int32
    ends : ndarray (line ends,), int64
        How many tokens stand before each line end.
    """
    tokens = np.empty(_count(split.codes, *meaning[:2]), np.int32)
    ends = np.empty_like(split.ends)
    _expand(split.codes, split.ends, *meaning, counts, tokens, ends)
    return tokens, ends


@compiled
def _count(codes: Any, single: Any, firsts: Any) -> Any:
    total = codes.size
    for code in codes:
        if single[code] < 0:
            total += firsts[code + 1] - firsts[code] - 1
    return total


@compiled
def _expand(
    codes: Any,
    ends: Any,
    single: Any,
    firsts: Any,
    words: Any,
    counts: Any,
    tokens: Any,
    new_ends: Any,
) -> None:
    place = made = 0
    for line in range(ends.size + 1):
        end = ends[line] if line < ends.size else codes.size
        while place < end:
            code = codes[place]
            word = single[code]
            if word >= 0:
                tokens[made] = word
                counts[word] += 1
                made += 1
            else:
                for which in range(firsts[code], firsts[code + 1]):
                    tokens[made] = words[which]
                    counts[words[which]] += 1
                    made += 1
            place += 1
        if line < ends.size:
            new_ends[line] = made


def expand_plain(
    split: Split, meaning: Meaning, counts: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Do what `expand` does in plain NumPy: the oracle of the tests."""
    words = np.split(meaning.words, meaning.firsts[1:-1])
    parts = [words[code] for code in split.codes.tolist()]
    tokens = np.concatenate([np.zeros(0, np.int32), *parts])
    counts += np.bincount(tokens, minlength=len(counts))
    return tokens, np.cumsum([0, *map(len, parts)])[split.ends]
