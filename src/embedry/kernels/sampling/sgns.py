"""Skip-gram with negative sampling: the training loop of word2vec and of walks on graphs.

What it is: one compiled pass over sentences of ids, `train`; the same in plain NumPy lies beside
it, in ``plainsgns``. What it is not: a learner (see ``embedry.learn``), nor a check of every id:
the learner calls `check_ids` once before it trains.

Around each word, the centre, lies a window of words. The vector of each word around learns to
tell the centre from ``negative`` words drawn at random. The negatives are drawn once for the
whole window, so that its dot products and its updates are small matrix products, and the
updates wait until the window is scored. That, rows that start at cache lines, and asking for
the rows of the next window while this one is updated, make the speed.

Threads that share the tables do better with copies of the hottest rows; see
``embedry.kernels.sampling.sgns_threads``.

References
----------
T. Mikolov, I. Sutskever, K. Chen, G. Corrado, J. Dean, "Distributed representations of words
and phrases and their compositionality", 2013, sections 2.2 (negative sampling), 2.3 (keeping).
S. Ji, N. Satish, S. Li, P. Dubey, "Parallelizing word2vec in shared and distributed memory",
2016, section III (negatives shared in a window).
B. Recht, C. Re, S. Wright, F. Niu, "Hogwild!", 2011 (threads that share the tables unlocked).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from embedry.errors import InputError
from embedry.kernels.compiler import compiled
from embedry.kernels.draws import (
    below,
    draw,
    keep_thresholds,
    negative_table,
    start_state,
)
from embedry.kernels.simd import (
    LANES,
    add,
    aligned,
    fma,
    load,
    load_eight,
    logistic,
    multiply,
    prefetch,
    splat,
    store,
    subtract,
    sums_of_eight,
    zero,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "SkipGram",
    "Trained",
    "check_ids",
    "check_sentences",
    "check_tables",
    "keep_thresholds",
    "longest_sentence",
    "negative_table",
    "room_for_targets",
    "start_state",
    "steady_batch",
    "train",
]

# Targets (the centre and its negatives) are learnt six at a time: six rows and the six sums of
# their updates fill the 16 registers of AVX2 to the last. Eight slots hold the six, so that one
# vector takes their scores.
GROUP = 6
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
        _check_array("keep", self.keep, np.uint32, 1)
        _check_array("negatives", self.negatives, np.int32, 1)
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
    _check_array("tokens", tokens, np.int32, 1)
    _check_array("offsets", offsets, np.int64, 1)
    _check_range("tokens", tokens, vocabulary_size)
    if not offsets.size or offsets[0] < 0 or offsets[-1] > tokens.size:
        raise InputError(f"offsets must start at 0 or later and end by {tokens.size}, the tokens.")
    falls = np.flatnonzero(offsets[1:] < offsets[:-1])
    if falls.size:
        raise InputError(f"offsets must not fall; they do behind sentence {falls[0]}.")


def train(
    words: NDArray[np.float32],
    contexts: NDArray[np.float32],
    tokens: NDArray[np.int32],
    offsets: NDArray[np.int64],
    first: int,
    last: int,
    plan: SkipGram,
    state: NDArray[np.uint64],
) -> Trained:
    """Train on the sentences from ``first`` to before ``last``, in place.

    Call `check_ids` once before. Training a corpus in parts, one call after the other with one
    state, gives the same bytes as one call. Threads may train parts of their own at the same
    time (Hogwild): each with its own state; the bytes then differ from run to run.

    Parameters
    ----------
    words : ndarray, shape (vocabulary, width), float32
        The vectors that are wanted; from `embedry.kernels.simd.aligned`, columns from
        ``dims`` on zero.
    contexts : ndarray, shape (vocabulary + 1, width), float32
        The vectors the words are told apart by; zeros at first. The last row stays zero.
    tokens, offsets : ndarray
        As `check_ids` wants them.
    first, last : int
        Sentences, ``0 <= first <= last < len(offsets)``.
    plan : SkipGram
        The settings.
    state : ndarray, shape (2,), uint64
        From `start_state`; carried on in place.

    Returns
    -------
    Trained
        How many tokens were kept, and how many pairs learnt.

    Raises
    ------
    InputError
        If an array has another shape, dtype or order, or ``first`` and ``last`` are outside.

    Notes
    -----
    Time is ``6 * width * (negative + 1)`` floating-point operations a pair; a token makes about
    ``window + 1`` pairs. Memory beside the tables is 8 bytes for each token of the longest
    sentence. A negative that happens to be the centre teaches nothing, as in word2vec.c.
    Numbers differ from `plainsgns.train_plain` in the last bits alone.
    """
    check_tables(words, contexts, plan)
    check_sentences(tokens, offsets, first, last, state)
    kept, pairs = _train(
        words,
        contexts,
        _read_only(tokens),
        _read_only(offsets),
        int(first),
        int(last),
        _read_only(plan.keep),
        _read_only(plan.negatives),
        int(plan.total_tokens),
        int(plan.window),
        int(plan.negative),
        float(plan.learning_rate),
        float(plan.min_learning_rate),
        int(plan.batch),
        state,
        np.empty(longest_sentence(offsets, first, last), np.int64),
        np.empty(2 * plan.window, np.int64),
        *room_for_targets(plan, contexts),
    )
    return Trained(int(kept), int(pairs))


def longest_sentence(offsets: NDArray[np.int64], first: int, last: int) -> int:
    """Return the most tokens of one of the sentences; 0 where there are none."""
    return int(np.diff(offsets[first : last + 1]).max(initial=0))


def room_for_targets(
    plan: SkipGram, contexts: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Make the arrays that kernels write targets and their steps to.

    Made here, as Numba would compile ``np.empty`` and its like for a third of a second.

    Returns
    -------
    targets : ndarray (2 * slots,), int64
        Flat offsets of this window's targets and of the next one's, in turns. What is not used
        stays at the last row, which stands for no word.
    labels : ndarray (slots,), float32
        1 for the centre.
    rates : ndarray (slots,), float32
        Zeros at first.
    steps : ndarray (2 * window * 8,), float32
        These three start at cache lines: vectors across two of them are slow to store.
    """
    slots = (plan.negative // GROUP + 1) * SLOTS
    targets = np.full(2 * slots, contexts[:-1].size, np.int64)
    labels, rates = aligned(2, slots)[:, :slots]
    labels[0] = 1
    return targets, labels, rates, aligned(1, 2 * plan.window * SLOTS)[0]


def _check_array(name: str, array: NDArray[Any], dtype: type[np.generic], dimensions: int) -> None:
    """Refuse what the kernel would read as something else."""
    good = (
        isinstance(array, np.ndarray)
        and array.dtype == dtype
        and array.ndim == dimensions
        and array.flags.c_contiguous
        and array.flags.aligned
    )
    if not good:
        wanted = f"a C-contiguous array of {dimensions} dimensions and dtype {dtype.__name__}"
        came = f"{getattr(array, 'dtype', type(array).__name__)} {getattr(array, 'shape', '')}"
        raise InputError(f"{name} must be {wanted}; got {came}. Use np.ascontiguousarray.")


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
    _check_array("words", words, np.float32, 2)
    _check_array("contexts", contexts, np.float32, 2)
    rows, width = words.shape
    if width % CACHE_LINE or not width or contexts.shape != (rows + 1, width):
        raise InputError(
            "words must be (n, width) and contexts (n + 1, width), width a multiple of 16; got "
            f"{words.shape} and {contexts.shape}. Make them with aligned()."
        )
    if plan.keep.size != rows:
        raise InputError(f"plan.keep must have {rows} entries, as words has; got {plan.keep.size}.")
    if contexts[-1].any():
        raise InputError("the last row of contexts must be zero: it stands for no word.")


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
    _check_array("tokens", tokens, np.int32, 1)
    _check_array("offsets", offsets, np.int64, 1)
    _check_array("state", state, np.uint64, 1)
    if state.size != 2:
        raise InputError(f"state must have 2 entries; got {state.size}. Use start_state(rng).")
    if not 0 <= first <= last < offsets.size:
        raise InputError(
            f"0 <= first <= last <= {offsets.size - 1} must hold; got {first} and {last}."
        )


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    """Make one kernel serve arrays that may be written and arrays that may not."""
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view


@compiled(inline=True)
def _thin_out(
    kept: NDArray[np.int64],
    tokens: NDArray[np.int32],
    begin: int,
    end: int,
    keep: NDArray[np.uint32],
    width: int,
    state: NDArray[np.uint64],
) -> Any:
    """Write the flat offsets of the rows of the words that are kept; return how many."""
    count = 0
    for place in range(begin, end):
        word = tokens[place]
        kept[count] = np.int64(word) * width
        count += draw(state) <= np.uint64(keep[word])  # no branch to guess wrongly
    return count


@compiled(inline=True)
def _aim(
    targets: NDArray[np.int64],
    start: int,
    centre: int,
    negatives: NDArray[np.int32],
    cursor: int,
    negative: int,
    width: int,
) -> Any:
    """Write the flat offsets of the centre and the next negatives; return the moved cursor."""
    targets[start] = centre
    for target in range(1, negative + 1):
        slot = start + target // GROUP * SLOTS + target % GROUP
        targets[slot] = np.int64(negatives[cursor]) * width
        cursor += 1
        if cursor == negatives.size:
            cursor = 0
    return cursor


@compiled(inline=True)
def _set_rates(
    rates: NDArray[np.float32],
    targets: NDArray[np.int64],
    start: int,
    negative: int,
    rate: Any,
) -> None:
    """Give every target the learning rate, and a negative that is the centre none."""
    rates[0] = rate
    for target in range(1, negative + 1):
        slot = target // GROUP * SLOTS + target % GROUP
        rates[slot] = np.float32(0) if targets[start + slot] == targets[start] else rate


@compiled(inline=True)
def _look_around(
    around: NDArray[np.int64], kept: NDArray[np.int64], count: int, position: int, reach: int
) -> Any:
    """Write the rows of the words around the centre; return how many."""
    first = position - reach if position > reach else 0
    last = position + reach if position + reach < count else count - 1
    near = 0
    for place in range(first, position):
        around[near] = kept[place]
        near += 1
    for place in range(position + 1, last + 1):
        around[near] = kept[place]
        near += 1
    if near % 2:
        around[near] = around[near - 1]  # words are scored two by two
    return near


@compiled(inline=True)
def _score(
    words: NDArray[np.float32],
    contexts: NDArray[np.float32],
    around: NDArray[np.int64],
    first: int,
    last: int,
    targets: NDArray[np.int64],
    start: int,
    labels: NDArray[np.float32],
    rates: NDArray[np.float32],
    slot: int,
    steps: NDArray[np.float32],
) -> None:
    """Write the step of every word around along each of six targets: rate * (label - guess).

    Two words at a time: their twelve sums keep both multipliers of the CPU busy, and each
    target row is loaded once for the two.
    """
    label = load_eight(labels, slot)
    rate = load_eight(rates, slot)
    nothing = zero()
    t0 = targets[start]
    t1 = targets[start + 1]
    t2 = targets[start + 2]
    t3 = targets[start + 3]
    t4 = targets[start + 4]
    t5 = targets[start + 5]
    for pair in range(first, last, 2):
        left = around[pair]
        right = around[pair + 1]
        a0 = a1 = a2 = a3 = a4 = a5 = zero()
        b0 = b1 = b2 = b3 = b4 = b5 = zero()
        for at in range(0, words.shape[1], LANES):
            a = load(words, left + at)
            b = load(words, right + at)
            target = load(contexts, t0 + at)
            a0 = fma(a, target, a0)
            b0 = fma(b, target, b0)
            target = load(contexts, t1 + at)
            a1 = fma(a, target, a1)
            b1 = fma(b, target, b1)
            target = load(contexts, t2 + at)
            a2 = fma(a, target, a2)
            b2 = fma(b, target, b2)
            target = load(contexts, t3 + at)
            a3 = fma(a, target, a3)
            b3 = fma(b, target, b3)
            target = load(contexts, t4 + at)
            a4 = fma(a, target, a4)
            b4 = fma(b, target, b4)
            target = load(contexts, t5 + at)
            a5 = fma(a, target, a5)
            b5 = fma(b, target, b5)
        scores = sums_of_eight(a0, a1, a2, a3, a4, a5, nothing, nothing)
        store(multiply(subtract(label, logistic(scores)), rate), steps, pair * SLOTS)
        scores = sums_of_eight(b0, b1, b2, b3, b4, b5, nothing, nothing)
        store(multiply(subtract(label, logistic(scores)), rate), steps, pair * SLOTS + SLOTS)


@compiled(inline=True)
def _update(
    words: NDArray[np.float32],
    contexts: NDArray[np.float32],
    around: NDArray[np.int64],
    first: int,
    last: int,
    targets: NDArray[np.int64],
    start: int,
    steps: NDArray[np.float32],
    following: int,
    ahead: int,
) -> None:
    """Move the words around and six targets along each other, and ask for the next rows.

    A few columns at a time, so that the targets as they were and the sums of their moves stay
    in registers. The sums are added at the end: a target that is there twice gets both. Rows
    of the next window are asked for one cache line at a time; all at once they would fill the
    queue of outstanding loads and stall it.
    """
    t0 = targets[start]
    t1 = targets[start + 1]
    t2 = targets[start + 2]
    t3 = targets[start + 3]
    t4 = targets[start + 4]
    t5 = targets[start + 5]
    n0 = targets[following]
    n1 = targets[following + 1]
    n2 = targets[following + 2]
    n3 = targets[following + 3]
    n4 = targets[following + 4]
    n5 = targets[following + 5]
    for line in range(0, words.shape[1], CACHE_LINE):
        prefetch(words, ahead + line)
        prefetch(contexts, n0 + line)
        prefetch(contexts, n1 + line)
        prefetch(contexts, n2 + line)
        prefetch(contexts, n3 + line)
        prefetch(contexts, n4 + line)
        prefetch(contexts, n5 + line)
        for at in range(line, line + CACHE_LINE, LANES):
            c0 = load(contexts, t0 + at)
            c1 = load(contexts, t1 + at)
            c2 = load(contexts, t2 + at)
            c3 = load(contexts, t3 + at)
            c4 = load(contexts, t4 + at)
            c5 = load(contexts, t5 + at)
            s0 = s1 = s2 = s3 = s4 = s5 = zero()
            for word in range(first, last):
                row = around[word] + at
                step = word * SLOTS
                old = load(words, row)
                g = splat(steps[step])
                new = fma(g, c0, old)
                s0 = fma(g, old, s0)
                g = splat(steps[step + 1])
                new = fma(g, c1, new)
                s1 = fma(g, old, s1)
                g = splat(steps[step + 2])
                new = fma(g, c2, new)
                s2 = fma(g, old, s2)
                g = splat(steps[step + 3])
                more = multiply(g, c3)  # a second, shorter chain of sums
                s3 = fma(g, old, s3)
                g = splat(steps[step + 4])
                more = fma(g, c4, more)
                s4 = fma(g, old, s4)
                g = splat(steps[step + 5])
                more = fma(g, c5, more)
                s5 = fma(g, old, s5)
                store(add(new, more), words, row)
            store(add(load(contexts, t0 + at), s0), contexts, t0 + at)
            store(add(load(contexts, t1 + at), s1), contexts, t1 + at)
            store(add(load(contexts, t2 + at), s2), contexts, t2 + at)
            store(add(load(contexts, t3 + at), s3), contexts, t3 + at)
            store(add(load(contexts, t4 + at), s4), contexts, t4 + at)
            store(add(load(contexts, t5 + at), s5), contexts, t5 + at)


@compiled
def _train(
    words: NDArray[np.float32],
    contexts: NDArray[np.float32],
    tokens: NDArray[np.int32],
    offsets: NDArray[np.int64],
    first: int,
    last: int,
    keep: NDArray[np.uint32],
    negatives: NDArray[np.int32],
    total_tokens: int,
    window: int,
    negative: int,
    learning_rate: float,
    min_learning_rate: float,
    batch: int,
    state: NDArray[np.uint64],
    kept: NDArray[np.int64],
    around: NDArray[np.int64],
    targets: NDArray[np.int64],
    labels: NDArray[np.float32],
    rates: NDArray[np.float32],
    steps: NDArray[np.float32],
) -> tuple[int, int]:
    """Train on sentences; see `train`. Rows are named by the flat offset of their first number.

    The last six arrays are room to write to; see `room_for_targets`.
    """
    width = words.shape[1]
    slots = labels.size
    following = slots  # where the targets of the next window start, in one half or the other
    all_kept = 0
    pairs = 0
    for sentence in range(first, last):
        begin = offsets[sentence]
        length = offsets[sentence + 1] - begin
        done = state[1]
        state[1] += np.uint64(length)
        count = _thin_out(kept, tokens, begin, begin + length, keep, width, state)
        all_kept += count
        if count < 2:
            continue
        cursor = below(state, negatives.size)
        cursor = _aim(targets, following, kept[0], negatives, cursor, negative, width)
        final = count - 1
        for position in range(count):
            now, following = following, slots - following
            upcoming = kept[position + 1 if position < final else final]
            cursor = _aim(targets, following, upcoming, negatives, cursor, negative, width)
            further = position + 1 + window
            ahead = kept[further if further < final else final]
            progress = (done + length * position / count) / total_tokens
            rate = learning_rate - (learning_rate - min_learning_rate) * progress
            rate = rate if rate > min_learning_rate else min_learning_rate
            _set_rates(rates, targets, now, negative, np.float32(rate))
            reach = 1 + below(state, window)
            near = _look_around(around, kept, count, position, reach)
            pairs += near
            for begun in range(0, near, batch):
                end = begun + batch if begun + batch < near else near
                for slot in range(0, slots, SLOTS):
                    _score(
                        words,
                        contexts,
                        around,
                        begun,
                        end,
                        targets,
                        now + slot,
                        labels,
                        rates,
                        slot,
                        steps,
                    )
                    _update(
                        words,
                        contexts,
                        around,
                        begun,
                        end,
                        targets,
                        now + slot,
                        steps,
                        following + slot,
                        ahead,
                    )
    return all_kept, pairs
