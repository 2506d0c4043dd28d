"""What training of skip-gram is told, and the checks of what it is given.

What it is: the plan that stays the same while vectors are trained, how far updates may wait, what
one call did, and the refusal of arrays that a kernel would read as something else. What it is
not: the training; see ``embedry.kernels.sampling.sgns`` and ``bags``.

References
----------
T. Mikolov, I. Sutskever, K. Chen, G. Corrado, J. Dean, "Distributed representations of words
and phrases and their compositionality", 2013, sections 2.2 (negative sampling), 2.3 (keeping).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from embedry.errors import InputError
from embedry.kernels.arrays import check_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "CACHE_LINE",
    "COUPLE_GROUP",
    "GROUP",
    "SLOTS",
    "SkipGram",
    "Trained",
    "check_ids",
    "check_sentences",
    "check_tables",
    "steady_batch",
]

# Targets (the centre and its negatives) are learnt six at a time: six rows and the six sums of
# their updates fill the 16 registers of AVX2 to the last. Eight slots hold the six, so that one
# vector takes their scores.
GROUP = 6
COUPLE_GROUP = 7  # of two bags side by side: two centres and negatives; their sums are fourteen
SLOTS = 8
CACHE_LINE = 16  # float32 numbers

# Updates wait until this many words around are scored; that is all of a window of up to 10. In
# wider windows of few different words, sums of more steps than that overshoot and diverge.
BATCH = 20
FEWEST = 2  # words are scored two by two
STEADY = 0.1  # the sum of the rates of a word's steps in one batch, on average; .17 can diverge


@dataclass(frozen=True, eq=False)
class SkipGram:
    """What stays the same while skip-gram vectors are trained.

    Attributes
    ----------
    keep : ndarray, shape (vocabulary,), uint32
        A word is kept where a random number of 32 bits is at most this; see `keep_thresholds`.
    negatives : ndarray, shape (draws,), int32
        Ids in random order, each as often as it is to be drawn; see `negative_table`.
    total_tokens : int
        The tokens that will be seen in all epochs together, those not kept included.
    window : int, default 5
        Each centre looks at most this far to both sides, 1 to 50; how far, is drawn evenly from
        1 to this.
    negative : int, default 5
        Words drawn for each window, 1 to 50. 5 is fast for its number, and so are 11, 17, ...
    learning_rate, min_learning_rate : float, default 0.025 and 0.0001
        The step at the first token and at the last; it falls evenly.
    batch : int, default 20
        Words around that are scored before any is moved: even, 2 to 20. Where few words make up
        the text, take fewer; see `steady_batch`.

    Raises
    ------
    InputError
        If an array has another shape or dtype, an id of ``negatives`` is outside the
        vocabulary, or a number is out of its range.
    """

    keep: NDArray[np.uint32]
    negatives: NDArray[np.int32]
    total_tokens: int
    window: int = 5
    negative: int = 5
    learning_rate: float = 0.025
    min_learning_rate: float = 0.0001
    batch: int = BATCH

    def __post_init__(self) -> None:
        check_array("keep", self.keep, np.uint32, 1)
        check_array("negatives", self.negatives, np.int32, 1)
        _check_range("negatives", self.negatives, self.keep.size)
        if not self.negatives.size:
            raise InputError("negatives must hold an id; got none. Use negative_table(counts).")
        for name in ("window", "negative"):
            if not 1 <= getattr(self, name) <= 50:
                raise InputError(f"{name} must be in [1, 50]; got {getattr(self, name)}. Try 5.")
        if self.batch not in range(FEWEST, BATCH + 1, 2):
            raise InputError(f"batch must be even, in [2, {BATCH}]; got {self.batch}.")
        if self.total_tokens < 1:
            raise InputError(f"total_tokens must be at least 1; got {self.total_tokens}.")
        if not 0 <= self.min_learning_rate <= self.learning_rate < np.inf:
            raise InputError(
                "0 <= min_learning_rate <= learning_rate must hold; got "
                f"{self.min_learning_rate} and {self.learning_rate}. Try 0.0001 and 0.025."
            )


def steady_batch(counts: NDArray[np.int64], keep: NDArray[np.uint32], learning_rate: float) -> int:
    """Say how many words around may be scored before any is moved, so that training is steady.

    A word that is there many times in one batch takes as many steps from where it was. In a text
    of a few words, or at a high learning rate, these overshoot, each batch more than the last.

    Parameters
    ----------
    counts : ndarray, shape (vocabulary,), int64
        How often each word occurs.
    keep : ndarray, shape (vocabulary,), uint32
        See `keep_thresholds`.
    learning_rate : float
        The highest.

    Returns
    -------
    int
        For `SkipGram`: 20 for any usual text, fewer where the most frequent word makes up more
        than a fifth of it at the usual rate.

    Examples
    --------
    >>> keep = np.full(3, 2**32 - 1, np.uint32)
    >>> steady_batch(np.array([60, 30, 10]), keep, 0.025)
    6
    """
    kept = counts * (keep / 2**32)
    share = kept.max(initial=0) / max(kept.sum(), 1)
    words = STEADY / max(share * learning_rate, STEADY / BATCH)
    return max(FEWEST, int(words) // 2 * 2)


class Trained(NamedTuple):
    """What one call of `train` did.

    Attributes
    ----------
    kept : int
        Tokens that were left after frequent words were thinned out.
    pairs : int
        Pairs of a centre and a word around it.
    """

    kept: int
    pairs: int


def check_ids(tokens: NDArray[np.int32], offsets: NDArray[np.int64], vocabulary_size: int) -> None:
    """Refuse sentences that would make `train` reach outside its tables.

    Parameters
    ----------
    tokens : ndarray, shape (tokens,), int32
        Word ids, sentence after sentence.
    offsets : ndarray, shape (sentences + 1,), int64
        Sentence i is ``tokens[offsets[i]:offsets[i + 1]]``.
    vocabulary_size : int
        Ids must be in [0, vocabulary_size).

    Raises
    ------
    InputError
        If an array is not C-contiguous or of another dtype or shape, an id is outside the
        vocabulary, or the offsets fall, start before 0 or end behind the last token.

    Notes
    -----
    One pass over the tokens: 1 to 2 ms a million.
    """
    check_array("tokens", tokens, np.int32, 1)
    check_array("offsets", offsets, np.int64, 1)
    _check_range("tokens", tokens, vocabulary_size)
    if not offsets.size or offsets[0] < 0 or offsets[-1] > tokens.size:
        raise InputError(f"offsets must start at 0 or later and end by {tokens.size}, the tokens.")
    falls = np.flatnonzero(offsets[1:] < offsets[:-1])
    if falls.size:
        raise InputError(f"offsets must not fall; they do behind sentence {falls[0]}.")


def _check_range(name: str, ids: NDArray[np.int32], bound: int) -> None:
    if ids.size and (ids.min() < 0 or ids.max() >= bound):
        at = int(np.flatnonzero((ids < 0) | (ids >= bound))[0])
        raise InputError(f"{name} must be ids in [0, {bound}); got {ids[at]} at {at}.")


def check_tables(words: NDArray[np.float32], contexts: NDArray[np.float32], plan: SkipGram) -> None:
    """Refuse tables that kernels would read as something else.

    Parameters
    ----------
    words, contexts, plan
        As `train` takes them.

    Raises
    ------
    InputError
        If a table has another shape, dtype or order, or the last row of ``contexts`` is not zero.
    """
    check_array("words", words, np.float32, 2)
    check_array("contexts", contexts, np.float32, 2)
    rows, width = words.shape
    if width % CACHE_LINE or not width or contexts.shape != (rows + 1, width):
        raise InputError(
            "words must be (n, width) and contexts (n + 1, width), width a multiple of 16; got "
            f"{words.shape} and {contexts.shape}. Make them with aligned()."
        )
    if plan.keep.size != rows:
        raise InputError(f"plan.keep must have {rows} entries, as words has; got {plan.keep.size}.")
    if contexts[-1].any():
        raise InputError(
            "the last row of contexts must be zero, as it stands for no word. Where training has "
            "left it, the learning rate was too high: pass a lower one."
        )


def check_sentences(
    tokens: NDArray[np.int32],
    offsets: NDArray[np.int64],
    first: int,
    last: int,
    state: NDArray[np.uint64],
) -> None:
    """Refuse what kernels would read as something else; ids are for `check_ids` to look at.

    Parameters
    ----------
    tokens, offsets, first, last, state
        As `train` takes them.

    Raises
    ------
    InputError
        If an array has another shape, dtype or order, or ``first`` and ``last`` are outside.
    """
    check_array("tokens", tokens, np.int32, 1)
    check_array("offsets", offsets, np.int64, 1)
    check_array("state", state, np.uint64, 1)
    if state.size != 2:
        raise InputError(f"state must have 2 entries; got {state.size}. Use start_state(rng).")
    if not 0 <= first <= last < offsets.size:
        raise InputError(
            f"0 <= first <= last <= {offsets.size - 1} must hold; got {first} and {last}."
        )
