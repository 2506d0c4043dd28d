"""Training on bags of rows: CBOW, and words made of subwords, with negative sampling.

What it is: one pass over sentences of ids, `train_bags`, for three architectures, each compiled;
beside it, in ``kernels.sampling.plainbags``, the same in plain NumPy. What it is not: skip-gram
of whole words, which ``embedry.kernels.sampling.sgns`` has; nor the hashing of n-grams.

CBOW: the mean of the words around learns to tell the centre from ``negative`` words drawn at
random. The whole error is added to every word of the bag, as word2vec.c and gensim do, and not
divided among them. A word that is in the bag twice counts twice in both. Two bags learn side by
side from the same negatives, one from each half of a sentence; see ``kernels.sampling.cbow``.

Subwords: a word is the mean of its rows: its own and those of its n-grams. Words within a block
of neighbouring positions are gathered once, each word in one place; all positions of the block
learn on these few vectors, which stay in the nearest cache; then what each word has learned is
added to all its rows. fastText gathers and adds anew for every pair. In CBOW a bag is the mean of
all rows of all words around; in skip-gram each word around learns by itself.

References
----------
T. Mikolov, K. Chen, G. Corrado, J. Dean, "Efficient estimation of word representations in vector
space", 2013, section 3.1 (CBOW).
T. Mikolov, I. Sutskever, K. Chen, G. Corrado, J. Dean, "Distributed representations of words
and phrases and their compositionality", 2013, section 2.2 (negative sampling).
P. Bojanowski, E. Grave, A. Joulin, T. Mikolov, "Enriching word vectors with subword
information", 2017, section 3.2.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from embedry.errors import InputError
from embedry.kernels.arrays import check_array, read_only
from embedry.kernels.sampling.cbow import room_for_couples, train_cbow
from embedry.kernels.sampling.plan import CACHE_LINE, SkipGram, Trained, check_sentences
from embedry.kernels.sampling.sgns import longest_sentence, room_for_targets, train
from embedry.kernels.sampling.subword_sgns import train_subwords
from embedry.kernels.simd import aligned

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Bags", "check_tables", "steady_bags", "train_bags"]

ARCHITECTURES = ("cbow", "skipgram")
POSITIONS = 32
MOST_POSITIONS = 1024
WORDS_AT_ONCE = 10_000  # whose lists are looked at together, as each entry takes 40 bytes then
STEADY = 0.5  # the sum of the rates of the steps that a row takes before any is seen; 2 diverges


@dataclass(frozen=True, eq=False)
class Bags:
    """What an input of training is made of.

    Attributes
    ----------
    architecture : {"cbow", "skipgram"}, default "cbow"
        One bag of all words around, or each word around by itself.
    subword_offsets : ndarray (vocabulary + 1,), int64, optional
        Word i is the mean of ``subword_rows[subword_offsets[i]:subword_offsets[i + 1]]``.
        Without, word i is row i.
    subword_rows : ndarray, int32, optional
        Rows of the table of inputs; at least one a word. One may be there twice and then counts
        twice in the mean.
    positions : int, default 32
        With subwords, how many neighbouring positions learn before rows are updated; in CBOW two
        at least.
    damping : float, default 1.0
        What the error is multiplied by when it is added to the words of a bag of CBOW; above 0,
        and at most 1. Less where few words make up the text; see `steady_bags`.

    Raises
    ------
    InputError
        If the architecture is another, an array has another shape or dtype, one is there without
        the other, offsets do not start at 0, rise and end at the last row, a row is negative, or
        positions are not in [1, 1024] or damping not in (0, 1].
    """

    architecture: str = "cbow"
    subword_offsets: NDArray[np.int64] | None = None
    subword_rows: NDArray[np.int32] | None = None
    positions: int = POSITIONS
    damping: float = 1.0

    def __post_init__(self) -> None:
        if self.architecture not in ARCHITECTURES:
            raise InputError(
                f"architecture must be 'cbow' or 'skipgram'; got {self.architecture!r}."
            )
        if not 1 <= self.positions <= MOST_POSITIONS:
            raise InputError(
                f"positions must be in [1, {MOST_POSITIONS}]; got {self.positions}. Try 32."
            )
        if not 0 < self.damping <= 1:
            raise InputError(f"damping must be in (0, 1]; got {self.damping}. Use steady_bags.")
        if self.subword_offsets is not None and self.subword_rows is not None:
            _check_subwords(self.subword_offsets, self.subword_rows)
        elif self.subword_offsets is not None or self.subword_rows is not None:
            raise InputError("subword_offsets and subword_rows must come together, or neither.")

    @property
    def of_subwords(self) -> bool:
        """Whether words are made of subwords."""
        return self.subword_offsets is not None

    @property
    def lists(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """The offsets and rows of subwords; empty without."""
        if self.subword_offsets is None or self.subword_rows is None:
            return np.empty(0, np.int64), np.empty(0, np.int32)
        return self.subword_offsets, self.subword_rows

    @cached_property
    def rows_needed(self) -> int:
        """How many rows the table of inputs must have at least."""
        return int(self.lists[1].max(initial=-1)) + 1

    @cached_property
    def longest_list(self) -> int:
        """How many rows the word of most rows is made of; 0 without subwords."""
        return int(np.diff(self.lists[0]).max(initial=0))

    @cached_property
    def shares(self) -> NDArray[np.float32]:
        """What part of a word's move each entry of its list takes, float32 (vocabulary,).

        1 where no row repeats. Where row r is there c_r times, it takes c_r parts, and the mean
        would move ``sum(c_r ** 2) / sum(c_r)`` times as far as the word did; the share makes up
        for that.
        """
        offsets, rows = self.lists
        if not offsets.size:
            return np.empty(0, np.float32)
        found = np.empty(offsets.size - 1, np.float32)
        for first in range(0, found.size, WORDS_AT_ONCE):
            last = min(first + WORDS_AT_ONCE, found.size)
            part = offsets[first : last + 1]
            found[first:last] = _shares(part - part[0], rows[part[0] : part[-1]])
        return found


def _shares(offsets: NDArray[np.int64], rows: NDArray[np.int32]) -> NDArray[np.float64]:
    lengths = np.diff(offsets)
    owners = np.repeat(np.arange(lengths.size), lengths)
    beyond = int(rows.max()) + 1
    pairs, times = np.unique(owners * beyond + rows, return_counts=True)
    squares = np.bincount(pairs // beyond, weights=times.astype(float) ** 2)
    return np.asarray(lengths / squares)


def _check_subwords(offsets: NDArray[np.int64], rows: NDArray[np.int32]) -> None:
    check_array("subword_offsets", offsets, np.int64, 1)
    check_array("subword_rows", rows, np.int32, 1)
    if not offsets.size or offsets[0] != 0 or offsets[-1] != rows.size:
        raise InputError(
            f"subword_offsets must start at 0 and end at {rows.size}, the number of subword_rows."
        )
    lacks = np.flatnonzero(offsets[1:] <= offsets[:-1])
    if lacks.size:
        raise InputError(
            f"subword_offsets must rise: each word has a row at least; word {lacks[0]} has none. "
            "Give it a row of its own."
        )
    if rows.size and rows.min() < 0:
        at = int(np.flatnonzero(rows < 0)[0])
        raise InputError(f"subword_rows must be at least 0; got {rows[at]} at {at}.")


def steady_bags(bags: Bags, counts: NDArray[np.int64], plan: SkipGram) -> Bags:
    """Let few rows that make up a text learn in smaller steps, so that training is steady.

    A word that is in a bag of CBOW many times gets the error as often, and that of the bag
    beside it. An n-gram that many words
    share gets what all of them learned, each from where it was when the block began. In a text
    of a few words, with wide windows or at a high learning rate, these overshoot, and vectors
    run away. So this dampens the error, and shortens the blocks.

    Parameters
    ----------
    bags : Bags
    counts : ndarray, shape (vocabulary,), int64
        How often each word occurs.
    plan : SkipGram
        Says how often a word is kept, the window and the highest learning rate.

    Returns
    -------
    Bags
        Unchanged for any usual text: English of 4 million words, thinned out at 1e-3, with
        n-grams of 3 to 6 and a window of 5, has room for fifteen times the usual rate.

    Notes
    -----
    A block of one position is the shortest. Where a hundred words are made of the same three
    rows, the window is 50 and the rate .25, even that may diverge.

    Examples
    --------
    >>> keep, negatives = np.full(2, 2**32 - 1, np.uint32), np.array([0, 1], np.int32)
    >>> plan = SkipGram(keep, negatives, 100, window=49, learning_rate=0.1)
    >>> steady_bags(Bags("cbow"), np.array([50, 50]), plan).damping
    0.1
    """
    kept = counts * (plan.keep / 2**32)
    parts = kept / max(kept.sum(), 1)
    strength = plan.learning_rate * (plan.window + 1)  # of all steps of a position
    damping = bags.damping
    if bags.architecture == "cbow":
        repeats = 2 * float(parts.max(initial=0)) * strength  # two bags learn side by side
        damping = min(damping, STEADY / max(repeats, STEADY))
    shared = _shared(bags, parts) * strength
    positions = max(1, int(STEADY / max(shared, STEADY / bags.positions)))
    if (positions, damping) == (bags.positions, bags.damping):
        return bags
    return replace(bags, positions=positions, damping=damping)


def _shared(bags: Bags, parts: NDArray[np.float64]) -> float:
    """Return how far a step of one word moves another, on average over pairs of words."""
    if not bags.of_subwords:
        return 0.0
    offsets, rows = bags.lists
    seen, moved = np.zeros((2, bags.rows_needed))
    for first in range(0, offsets.size - 1, WORDS_AT_ONCE):
        part = offsets[first : first + WORDS_AT_ONCE + 1]
        lengths, mine = np.diff(part), rows[part[0] : part[-1]]
        some = parts[first : first + WORDS_AT_ONCE]
        shares = bags.shares[first : first + WORDS_AT_ONCE]
        np.add.at(seen, mine, np.repeat(some / lengths, lengths))
        np.add.at(moved, mine, np.repeat(some * shares, lengths))
    return max(0.0, float(seen @ moved - parts @ parts))


def train_bags(
    words: NDArray[np.float32],
    contexts: NDArray[np.float32],
    tokens: NDArray[np.int32],
    offsets: NDArray[np.int64],
    first: int,
    last: int,
    plan: SkipGram,
    state: NDArray[np.uint64],
    bags: Bags,
) -> Trained:
    """Train on the sentences from ``first`` to before ``last``, in place.

    Call `kernels.sampling.plan.check_ids` once before. Training a corpus in parts, one call after
    the other with one state, gives the same bytes as one call. Threads may train parts of their
    own at the same time (Hogwild): each with its own state; the bytes then differ from run to
    run.

    Parameters
    ----------
    words : ndarray, shape (rows, width), float32
        The table of inputs; from `embedry.kernels.simd.aligned`, columns from ``dims`` on zero.
        Without subwords a row for each word.
    contexts : ndarray, shape (vocabulary + 1, width), float32
        The vectors that targets are told apart by; zeros at first. The last row stays zero.
    tokens, offsets : ndarray
        As `embedry.kernels.sampling.plan.check_ids` wants them.
    first, last : int
        Sentences, ``0 <= first <= last < len(offsets)``.
    plan : SkipGram
        The settings. ``batch`` is for skip-gram alone.
    state : ndarray, shape (2,), uint64
        From `embedry.kernels.draws.start_state`; carried on in place.
    bags : Bags
        The architecture, and the subwords.

    Returns
    -------
    Trained
        How many tokens were kept, and how many pairs of a centre and a word around there were.

    Raises
    ------
    InputError
        If an array has another shape, dtype or order, ``first`` and ``last`` are outside, or
        ``words`` lacks a row that a subword names.

    Notes
    -----
    A position of CBOW takes ``2 * width * (3 * (negative + 2) + window + 1)`` floating-point
    operations on average; one of skip-gram as in `kernels.sampling.sgns.train`. With subwords
    there are two more for each number of each row, ``1 + 2 * window / positions`` times at most.
    Memory beside the tables is 16 bytes for each token of the longest sentence, and with subwords
    12 for each word and ``8 * width * (positions + 1 + 2 * window)``. A negative that happens to be
    the centre teaches nothing, as in word2vec.c. Numbers differ from ``train_bags_plain`` in the
    last bits alone.

    With subwords, words that share an n-gram see what the others taught it from the next block
    on. fastText lets a row that repeats in one word move as many times as far; here the word
    moves as far as it would without.
    """
    check_tables(words, contexts, plan, bags)
    check_sentences(tokens, offsets, first, last, state)
    if bags.architecture == "skipgram" and not bags.of_subwords:
        return train(words, contexts, tokens, offsets, first, last, plan, state)
    width = words.shape[1]
    longest = longest_sentence(offsets, first, last) + plan.window
    span = bags.positions + 1 + 2 * plan.window if bags.of_subwords else 0
    entries = max(4 * plan.window, bags.longest_list)
    subword_offsets, subword_rows = bags.lists
    common = (
        words,
        contexts,
        read_only(tokens),
        read_only(offsets),
        int(first),
        int(last),
        read_only(plan.keep),
        read_only(plan.negatives),
        int(plan.total_tokens),
        int(plan.window),
        int(plan.negative),
        float(plan.learning_rate),
        float(plan.min_learning_rate),
        state,
        read_only(subword_offsets) if bags.of_subwords else None,
        read_only(subword_rows),
        read_only(bags.shares),
        int(bags.positions),
        aligned(2 * span, width),
        np.empty(longest, np.int64),
        np.empty(longest, np.int64),
        np.empty(span, np.int64),
        np.full(plan.keep.size if bags.of_subwords else 0, -1),
        np.empty(entries, np.int64),
        np.ones(entries, np.float32),
    )
    kernel: Any  # mypy cannot count arguments behind a star
    if bags.architecture == "cbow":
        kernel, targets = train_cbow, room_for_couples(plan.negative, contexts)
        kept, pairs = kernel(*common, *targets, aligned(4, width), np.float32(bags.damping))
    else:
        kernel, targets = train_subwords, room_for_targets(plan, contexts)
        around = np.empty(2 * plan.window + 1, np.int64)
        kept, pairs = kernel(*common, *targets, around, int(plan.batch))
    return Trained(int(kept), int(pairs))


def check_tables(
    words: NDArray[np.float32], contexts: NDArray[np.float32], plan: SkipGram, bags: Bags
) -> None:
    """Refuse tables that do not fit the plan and the subwords.

    Parameters
    ----------
    words, contexts, plan, bags
        As `train_bags` takes them.

    Raises
    ------
    InputError
        If a table has another shape, dtype or order, lacks rows, or the last row of contexts is
        not zero.
    """
    check_array("words", words, np.float32, 2)
    check_array("contexts", contexts, np.float32, 2)
    rows, width = words.shape
    vocabulary = plan.keep.size
    if width % CACHE_LINE or not width or contexts.shape != (vocabulary + 1, width):
        raise InputError(
            f"words must be (rows, width) and contexts ({vocabulary + 1}, width), width a multiple "
            f"of 16; got {words.shape} and {contexts.shape}. Make them with aligned()."
        )
    if contexts[-1].any():
        raise InputError(
            "the last row of contexts must be zero, as it stands for no word. Where training has "
            "left it, the learning rate was too high: pass a lower one."
        )
    if not bags.of_subwords and rows != vocabulary:
        raise InputError(
            f"words must have {vocabulary} rows, as plan.keep has entries; got {rows}."
        )
    if bags.of_subwords and bags.lists[0].size != vocabulary + 1:
        raise InputError(
            f"subword_offsets must have {vocabulary + 1} entries, one more than plan.keep; got "
            f"{bags.lists[0].size}."
        )
    if bags.rows_needed > rows:
        raise InputError(
            f"words must have a row for each of subword_rows, {bags.rows_needed}; got {rows}."
        )
