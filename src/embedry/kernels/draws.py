"""Random numbers for kernels: which words are kept, how far a window looks, what is drawn.

What it is: a small generator whose state lies in an array, so that compiled loops may stop and
go on, and the tables that turn its bits into words. What it is not: a substitute for NumPy's
generators, which seed it.

References
----------
T. Mikolov, I. Sutskever, K. Chen, G. Corrado, J. Dean, "Distributed representations of words
and phrases and their compositionality", 2013, sections 2.2 (negative sampling), 2.3 (keeping).
G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators", 2014 (SplitMix64).
D. Lemire, "Fast random integer generation in an interval", 2019, algorithm 5 (unbiased).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from embedry.errors import InputError
from embedry.kernels.compiler import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "Dice",
    "below",
    "draw",
    "draw_long",
    "draw_many",
    "keep_thresholds",
    "negative_table",
    "share",
    "start_state",
]

ALWAYS = np.uint32(0xFFFFFFFF)

_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX_A, _MIX_B = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_SHIFT_A, _SHIFT_B, _SHIFT_C = np.uint64(30), np.uint64(27), np.uint64(31)
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)


def negative_table(
    counts: NDArray[np.int64], exponent: float, rng: np.random.Generator, *, size: int = 1 << 22
) -> NDArray[np.int32]:
    """Lay out ids in random order, each in proportion to ``counts ** exponent``.

    Read one after the other from any place on, the table gives random words without the cost of
    drawing them.

    Parameters
    ----------
    counts : ndarray, shape (vocabulary,), int64
        How often each word occurs; at least 0.
    exponent : float
        0.75 for text (Mikolov 2013); 0 draws all words alike.
    rng : Generator
        Shuffles the table.
    size : int, default 4,194,304
        About how many entries; each takes 4 bytes.

    Returns
    -------
    ndarray, shape (about size,), int32
        Every word with a count is there at least once, words with none are not.

    Raises
    ------
    InputError
        If a count is negative, all are 0, or the exponent is not finite.

    Examples
    --------
    >>> table = negative_table(np.array([8, 1, 0]), 1.0, np.random.default_rng(0), size=9)
    >>> np.bincount(table).tolist()
    [8, 1]
    """
    counts = np.asarray(counts)
    seen = counts > 0
    if not seen.any() or counts.min() < 0:
        raise InputError("counts must be at least 0, and one above; count the words that occur.")
    if not np.isfinite(exponent):
        raise InputError(f"exponent must be finite; got {exponent}. Try 0.75.")
    weights = np.zeros(counts.size)
    logs = exponent * np.log(counts[seen])
    weights[seen] = np.exp(logs - logs.max())  # whatever the exponent, the largest is 1
    copies = np.where(seen, np.maximum(1, np.rint(weights / weights.sum() * size)), 0)
    table = np.repeat(np.arange(counts.size, dtype=np.int32), copies.astype(np.int64))
    rng.shuffle(table)
    return table


def keep_thresholds(counts: NDArray[np.int64], sample: float) -> NDArray[np.uint32]:
    """Say how often each word is kept, so that frequent words do not drown the others.

    A word of frequency f stays with probability ``sqrt(sample / f) + sample / f``, as in
    word2vec.c (the formula of the paper lacks the second term).

    Parameters
    ----------
    counts : ndarray, shape (vocabulary,), int64
        How often each word occurs.
    sample : float
        Words more frequent than this are thinned out; 0 keeps every token. 1e-3 to 1e-5.

    Returns
    -------
    ndarray, shape (vocabulary,), uint32
        The probability in units of 2**-32; 2**32 - 1 keeps always.

    Raises
    ------
    InputError
        If ``sample`` is negative or not finite.

    Examples
    --------
    >>> (keep_thresholds(np.array([9999, 1]), 1e-3) / 2**32).round(3).tolist()
    [0.033, 1.0]
    """
    if not 0 <= sample < np.inf:
        raise InputError(f"sample must be at least 0; got {sample}. Try 0.001, or 0 to keep all.")
    frequency = np.maximum(counts, 1) / max(int(np.sum(counts)), 1)
    ratio = sample / frequency if sample else np.ones(len(counts))
    share = np.minimum(np.sqrt(ratio) + ratio, 1.0)
    return np.asarray(np.rint(share * int(ALWAYS)), np.uint32)


def start_state(rng: np.random.Generator) -> NDArray[np.uint64]:
    """Make the state that training carries on from call to call.

    Parameters
    ----------
    rng : Generator
        Gives the first random number. Threads that share tables need states of their own.

    Returns
    -------
    ndarray, shape (2,), uint64
        The state of the random numbers, and the tokens done, which the learning rate falls
        with. Threads set the second to their place in the whole before each call.
    """
    return np.array([rng.integers(1 << 64, dtype=np.uint64), 0], np.uint64)


@compiled(inline=True)
def draw(state: NDArray[np.uint64], at: int = 0) -> Any:
    """Return the next 32 random bits, as uint64; ``at`` says which of many states."""
    return draw_long(state, at) >> _HALF


@compiled(inline=True)
def draw_long(state: NDArray[np.uint64], at: int = 0) -> Any:
    """Return the next 64 random bits, as uint64 (SplitMix64)."""
    state[at] += _STEP
    bits = state[at]
    bits = (bits ^ (bits >> _SHIFT_A)) * _MIX_A
    bits = (bits ^ (bits >> _SHIFT_B)) * _MIX_B
    return bits ^ (bits >> _SHIFT_C)


@compiled(inline=True)
def share(bits: Any, bound: Any) -> Any:
    """Return 64 random bits as a uint64 in [0, bound), bound at most 2**32.

    Without a branch, so that many are worked out at once; numbers differ in probability by at
    most 2**-64.
    """
    return ((bits >> _HALF) * bound + (((bits & _LOW) * bound) >> _HALF)) >> _HALF


@compiled(inline=True)
def below(state: NDArray[np.uint64], bound: int) -> Any:
    """Return a random int64 in [0, bound), all alike (Lemire, algorithm 5)."""
    limit = np.uint64(bound)
    product = draw(state) * limit
    if product & _LOW < limit:
        unfair = (_LOW + np.uint64(1) - limit) % limit
        while product & _LOW < unfair:
            product = draw(state) * limit
    return np.int64(product >> _HALF)


def draw_many(state: NDArray[np.uint64], count: int) -> NDArray[np.uint64]:
    """Return the next ``count`` numbers of `draw_long`, (count,) uint64, outside of kernels."""
    states = np.arange(count + 1, dtype=np.uint64) * _STEP + state[0]
    state[0] = states[-1]
    bits = states[1:]
    bits = (bits ^ (bits >> _SHIFT_A)) * _MIX_A
    bits = (bits ^ (bits >> _SHIFT_B)) * _MIX_B
    return np.asarray(bits ^ (bits >> _SHIFT_C))


class Dice:
    """The numbers of `draw` and `below` in Python's integers, their oracle."""

    def __init__(self, state: int) -> None:
        self.state = state

    def draw(self) -> int:
        """Return 32 random bits."""
        self.state = (self.state + int(_STEP)) % 2**64
        bits = self.state
        bits = (bits ^ bits >> 30) * int(_MIX_A) % 2**64
        bits = (bits ^ bits >> 27) * int(_MIX_B) % 2**64
        return (bits ^ bits >> 31) >> 32

    def below(self, bound: int) -> int:
        """Return a number in [0, bound)."""
        while True:
            product = self.draw() * bound
            if product % 2**32 >= 2**32 % bound:
                return product >> 32
