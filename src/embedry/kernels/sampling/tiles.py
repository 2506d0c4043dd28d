"""The micro-kernels of training: score vectors against targets, move both, add rows up.

What it is: intrinsics that become part of the kernel that calls them. Each works on a tile of
rows, written out once for each row, a few columns at a time, so that what is summed stays in
registers. Rows are named by the flat offset of their first number. What it is not: callable from
Python, nor checked; what is passed must lie within the tables.

References
----------
K. Goto, R. van de Geijn, "Anatomy of high-performance matrix multiplication", 2008 (tiles that
fill the registers).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numba import extending

from embedry.kernels.emit import LANES, Writer, written
from embedry.kernels.sampling.plan import CACHE_LINE, COUPLE_GROUP, GROUP, SLOTS

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "add_row",
    "add_up",
    "keep_move",
    "move_couple",
    "score",
    "score_couple",
    "spread",
    "update",
]

# An intrinsic is called without the typing context, which Numba's annotation does not say.
intrinsic: Any = extending.intrinsic

BLOCK = 4  # vectors of columns whose sums rows are added to, or that are added to rows, at once


@intrinsic
def score(
    _typing: Any,
    words: Any,
    contexts: Any,
    width: Any,
    around: Any,
    first: Any,
    last: Any,
    targets: Any,
    start: Any,
    labels: Any,
    rates: Any,
    slot: Any,
    steps: Any,
) -> Any:
    """Write the step of every word around along each of six targets: rate * (label - guess).

    Two words at a time, from ``first`` to before ``last``: their twelve sums keep both
    multipliers of the CPU busy, and each target row is loaded once for the two. Of an odd number
    the last is paired with what stands behind it in ``around``, and that has a step in ``steps``.
    """
    kinds = (words, contexts, width, around, first, last, targets, start, labels, rates, slot)
    return written(_score, *kinds, steps)


def _score(
    pen: Writer,
    words: Any,
    contexts: Any,
    width: Any,
    around: Any,
    first: Any,
    last: Any,
    targets: Any,
    start: Any,
    labels: Any,
    rates: Any,
    slot: Any,
    steps: Any,
) -> None:
    rows = pen.wholes(targets, start, GROUP)
    label, rate = pen.load(labels, slot, lanes=SLOTS), pen.load(rates, slot, lanes=SLOTS)
    with pen.loop(first, last, 2) as pair:
        two = pen.wholes(around, pair, 2)
        for word, scores in enumerate(_products(pen, words, two, contexts, rows, width)):
            step = pen.steps(scores, label, rate)
            pen.store(step, steps, pen.times(pen.sum_of(pair, word), SLOTS))


@intrinsic
def score_couple(
    _typing: Any,
    vectors: Any,
    contexts: Any,
    width: Any,
    targets: Any,
    start: Any,
    labels: Any,
    rates: Any,
    slot: Any,
    steps: Any,
) -> Any:
    """Write the step of each of two bags along each of seven targets: rate * (label - guess).

    The bags are the first two rows of ``vectors``. Labels, rates and steps have eight places for
    the first bag, then eight for the second.
    """
    kinds = (vectors, contexts, width, targets, start, labels, rates, slot, steps)
    return written(_score_couple, *kinds)


def _score_couple(
    pen: Writer,
    vectors: Any,
    contexts: Any,
    width: Any,
    targets: Any,
    start: Any,
    labels: Any,
    rates: Any,
    slot: Any,
    steps: Any,
) -> None:
    rows = pen.wholes(targets, start, COUPLE_GROUP)
    two = [pen.times(width, 0), width]
    for bag, scores in enumerate(_products(pen, vectors, two, contexts, rows, width)):
        place = pen.sum_of(slot, bag * SLOTS)
        label, rate = pen.load(labels, place, lanes=SLOTS), pen.load(rates, place, lanes=SLOTS)
        pen.store(pen.steps(scores, label, rate), steps, bag * SLOTS)


def _products(
    pen: Writer,
    vectors: Any,
    rows: Sequence[Any],
    contexts: Any,
    targets: Sequence[Any],
    width: Any,
) -> list[Any]:
    """Return for each row eight lanes: its products with up to eight targets."""
    sums = [pen.running_sums(len(targets)) for _ in rows]
    with pen.loop(0, width, LANES) as at:
        lanes = [pen.load(vectors, row, at) for row in rows]
        for place, target in enumerate(targets):
            context = pen.load(contexts, target, at)
            for mine, own in zip(lanes, sums, strict=True):
                own[place].add_product(mine, context)
    return [pen.sums_of_eight([each.value for each in own]) for own in sums]


@intrinsic
def update(
    _typing: Any,
    words: Any,
    contexts: Any,
    width: Any,
    around: Any,
    first: Any,
    last: Any,
    targets: Any,
    start: Any,
    steps: Any,
    following: Any,
    ahead: Any,
) -> Any:
    """Move the words around and six targets along each other, and ask for the next rows.

    A few columns at a time, so that the targets as they were and the sums of their moves stay
    in registers. The sums are added at the end: a target that is there twice gets both. Rows
    of the next window are asked for one cache line at a time; all at once they would fill the
    queue of outstanding loads and stall it.
    """
    kinds = (words, contexts, width, around, first, last, targets, start, steps, following, ahead)
    return written(_update, *kinds)


def _update(
    pen: Writer,
    words: Any,
    contexts: Any,
    width: Any,
    around: Any,
    first: Any,
    last: Any,
    targets: Any,
    start: Any,
    steps: Any,
    following: Any,
    ahead: Any,
) -> None:
    rows = pen.wholes(targets, start, GROUP)
    coming = pen.wholes(targets, following, GROUP)
    with pen.loop(0, width, CACHE_LINE) as line:
        _ask_for(pen, words, [ahead], contexts, coming, line)
        for column in range(0, CACHE_LINE, LANES):
            at = pen.sum_of(line, column)
            before = [pen.load(contexts, row, at) for row in rows]
            sums = pen.running_sums(GROUP)
            with pen.loop(first, last, 1) as word:
                row = pen.whole(around, word)
                mine = pen.load(words, row, at)
                step = pen.times(word, SLOTS)
                moved = [mine, None]  # a second, shorter chain of sums
                for place, context in enumerate(before):
                    gain = pen.spread(steps, pen.sum_of(step, place))
                    chain = place // 3
                    moved[chain] = pen.product(gain, context, moved[chain])
                    sums[place].add_product(gain, mine)
                pen.store(pen.add(*moved), words, row, at)
            for row, more in zip(rows, sums, strict=True):
                pen.store(pen.add(pen.load(contexts, row, at), more.value), contexts, row, at)


@intrinsic
def move_couple(
    _typing: Any,
    vectors: Any,
    contexts: Any,
    width: Any,
    targets: Any,
    start: Any,
    steps: Any,
    following: Any,
    source: Any,
    ahead: Any,
    beside: Any,
) -> Any:
    """Move seven targets along both bags, add up both errors, and ask for the next rows.

    The errors are the third and fourth row of ``vectors``. No two targets may be one row, but for
    that of zeros. Rows are asked for as in `update`.
    """
    kinds = (vectors, contexts, width, targets, start, steps, following, source, ahead, beside)
    return written(_move_couple, *kinds)


def _move_couple(
    pen: Writer,
    vectors: Any,
    contexts: Any,
    width: Any,
    targets: Any,
    start: Any,
    steps: Any,
    following: Any,
    source: Any,
    ahead: Any,
    beside: Any,
) -> None:
    rows = pen.wholes(targets, start, COUPLE_GROUP)
    coming = pen.wholes(targets, following, COUPLE_GROUP)
    gains = [
        [pen.spread(steps, bag * SLOTS + place) for place in range(COUPLE_GROUP)] for bag in (0, 1)
    ]
    with pen.loop(0, width, CACHE_LINE) as line:
        _ask_for(pen, source, [ahead, beside], contexts, coming, line)
        for column in range(0, CACHE_LINE, LANES):
            at = pen.sum_of(line, column)
            places = [pen.sum_of(pen.times(width, row), at) for row in range(4)]
            bags = [pen.load(vectors, place) for place in places[:2]]
            errors = [[pen.load(vectors, place), None] for place in places[2:]]  # two chains each
            for number, row in enumerate(rows):
                context = moved = pen.load(contexts, row, at)
                for bag, error, own in zip(bags, errors, gains, strict=True):
                    chain = number % 2
                    error[chain] = pen.product(own[number], context, error[chain])
                    moved = pen.fma(own[number], bag, moved)
                pen.store(moved, contexts, row, at)
            for error, place in zip(errors, places[2:], strict=True):
                pen.store(pen.add(*error), vectors, place)


def _ask_for(
    pen: Writer, source: Any, ahead: Sequence[Any], contexts: Any, coming: Sequence[Any], line: Any
) -> None:
    for row in ahead:
        pen.prefetch(source, row, line)
    for row in coming:
        pen.prefetch(contexts, row, line)


@intrinsic
def add_up(
    _typing: Any,
    source: Any,
    entries: Any,
    weights: Any,
    begin: Any,
    count: Any,
    factor: Any,
    sums: Any,
    to: Any,
    width: Any,
) -> Any:
    """Write ``factor`` times the weighted sum of ``count`` rows to the flat offset ``to``."""
    return written(_add_up, source, entries, weights, begin, count, factor, sums, to, width)


def _add_up(
    pen: Writer,
    source: Any,
    entries: Any,
    weights: Any,
    begin: Any,
    count: Any,
    factor: Any,
    sums: Any,
    to: Any,
    width: Any,
) -> None:
    scale = pen.lanes_of(factor)
    for columns, at in pen.blocks(width, BLOCK):
        totals = pen.running_sums(len(columns))
        with pen.loop(begin, pen.sum_of(begin, count), 1) as entry:
            row, weight = pen.whole(entries, entry), pen.spread(weights, entry)
            for total, column in zip(totals, columns, strict=True):
                total.add_product(weight, pen.load(source, row, pen.sum_of(at, column)))
        for total, column in zip(totals, columns, strict=True):
            pen.store(pen.multiply(scale, total.value), sums, to, pen.sum_of(at, column))


@intrinsic
def spread(
    _typing: Any,
    source: Any,
    entries: Any,
    begin: Any,
    count: Any,
    errors: Any,
    origin: Any,
    part: Any,
    width: Any,
) -> Any:
    """Add a part of an error to every row of a bag; a row that is there twice gets it twice."""
    return written(_spread, source, entries, begin, count, errors, origin, part, width)


def _spread(
    pen: Writer,
    source: Any,
    entries: Any,
    begin: Any,
    count: Any,
    errors: Any,
    origin: Any,
    part: Any,
    width: Any,
) -> None:
    share = pen.lanes_of(part)
    for columns, at in pen.blocks(width, BLOCK):
        places = [pen.sum_of(at, column) for column in columns]
        moves = [pen.multiply(share, pen.load(errors, origin, place)) for place in places]
        with pen.loop(begin, pen.sum_of(begin, count), 1) as entry:
            row = pen.whole(entries, entry)
            for move, place in zip(moves, places, strict=True):
                pen.store(pen.add(move, pen.load(source, row, place)), source, row, place)


@intrinsic
def add_row(_typing: Any, source: Any, row: Any, more: Any, other: Any, width: Any) -> Any:
    """Add the row ``other`` of one table to a row of another."""
    return written(_add_row, source, row, more, other, width)


def _add_row(pen: Writer, source: Any, row: Any, more: Any, other: Any, width: Any) -> None:
    with pen.loop(0, width, LANES) as at:
        pen.store(pen.add(pen.load(source, row, at), pen.load(more, other, at)), source, row, at)


@intrinsic
def keep_move(_typing: Any, near: Any, row: Any, before: Any, part: Any, width: Any) -> Any:
    """Replace a row by a part of how far it is from another row of the same table."""
    return written(_keep_move, near, row, before, part, width)


def _keep_move(pen: Writer, near: Any, row: Any, before: Any, part: Any, width: Any) -> None:
    share = pen.lanes_of(part)
    with pen.loop(0, width, LANES) as at:
        moved = pen.subtract(pen.load(near, row, at), pen.load(near, before, at))
        pen.store(pen.multiply(share, moved), near, row, at)
