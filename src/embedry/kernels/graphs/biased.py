"""The biased walks of node2vec and node2vec+: by rejection, and exactly where that takes too long.

What it is: the compiled loop and the hash tables it looks nodes up in. What it is not: a check of
its arrays; see ``embedry.kernels.graphs.walks``, which calls it.

A step from v, reached from u, proposes an arc of v by weight and takes it with a probability in
proportion to its bias. Where random bits are below the smallest bias, it is taken whatever it
is; else whether u leads there must be looked up. A hash table lies in twice the room of each row,
so that a look-up reads one cache line where a binary search would read ten.

Where nearly every arc is refused (one arc outweighs the others and its bias is small), proposals
would go on for long. After about as many refusals as the row has arcs, one is drawn exactly: in
one pass over the row, each arc replaces the one held so far with its share of all masses up to
there (Chao 1982). Refusals before say nothing of which arc would be taken, so that the
distribution is the same, and a step costs O(degree) at most. Masses are weights of float32 times
biases in [1e-12, 1e6], summed in float64, which they cannot overflow.

References
----------
A. Grover, J. Leskovec, "node2vec: scalable feature learning for networks", 2016, section 3.2.
K. Yang et al., "KnightKing: a fast distributed graph random walk engine", 2019, section 4
(rejection, taking without a look, outliers set apart). R. Liu, M. Hirn, A. Krishnan, "Accurately
modeling biased random walks on weighted networks using node2vec+", 2023, equations 3 to 6.
M. T. Chao, "A general purpose unequal probability sampling plan", 1982 (one pass, sample of 1).
D. Knuth, The Art of Computer Programming 3, section 6.4 (linear probing, hashing by the golden
ratio).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from embedry.kernels.compiler import compiled
from embedry.kernels.draws import draw, draw_long, share

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ROOMS", "draw_exactly", "hashed_rows", "strengths_of", "walk_biased"]

ROOMS = 11  # numbers that are kept of a walker, and two that are no whole ones
EMPTY = -1
_NOWHERE = -1  # the node before the first
_BACK, _ENDED = -1, -2  # instead of the place of an arc
_REFUSED, _TAKEN, _FINISHED = 0, 1, 2
_FEWEST, _MOST = 16, 4096  # refusals, between which the degree says when to draw exactly
_GOLDEN = np.uint64(0x9E3779B1)
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_COIN = 2.0**-32  # 32 random bits times this are in [0, 1)
_FINE_BITS, _FINE_COIN = np.uint64(11), 2.0**-53  # 64 bits, less 11, times this are, too


def hashed_rows(indptr: NDArray[np.int64], indices: NDArray[np.int32]) -> NDArray[np.int32]:
    """Lay out each row as a hash table of twice its size.

    Parameters
    ----------
    indptr : ndarray (rows + 1,), int64
    indices : ndarray (arcs,), int32

    Returns
    -------
    ndarray (2 * arcs,), int32
        The nodes of row v lie in slots ``2 * indptr[v]`` to ``2 * indptr[v + 1]``, half of which
        hold -1.

    Notes
    -----
    8 bytes an arc; 20 million arcs take 0.2 s.
    """
    table = np.full(2 * len(indices), EMPTY, np.int32)
    _hash(indptr, indices, table)
    return table


def strengths_of(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    weights: NDArray[np.float32],
    thresholds: NDArray[np.float32],
    table: NDArray[np.int32],
) -> NDArray[np.float32]:
    """Return how strong the arc of each slot of `hashed_rows` is: from 1 on it is near.

    Parameters
    ----------
    indptr : ndarray (rows + 1,), int64
    indices : ndarray (arcs,), int32
    weights : ndarray (arcs,), float32
    thresholds : ndarray (rows,), float32
        What a strong arc weighs, at the node it leads to. A node that no arc leaves has 0: all
        arcs to it are strong.
    table : ndarray (2 * arcs,), int32

    Returns
    -------
    ndarray (2 * arcs,), float32
        0 in empty slots.
    """
    strengths = np.zeros(len(table), np.float32)
    _spread(indptr, indices, weights, thresholds, table, strengths)
    return strengths


@compiled(inline=True)
def _slot(node: Any, begin: int, end: int) -> Any:
    """Return the slot that a node goes to first, from ``begin`` to before ``end``."""
    spread = (np.uint64(node) * _GOLDEN) & _LOW
    return begin + np.int64((spread * np.uint64(end - begin)) >> _HALF)


@compiled(inline=True)
def _find(table: NDArray[np.int32], node: Any, begin: int, end: int) -> Any:
    """Return the slot that holds a node, or the empty one where it would go."""
    slot = _slot(node, begin, end)
    while table[slot] != node and table[slot] != EMPTY:
        slot = slot + 1 if slot + 1 < end else begin
    return slot


@compiled
def _hash(indptr: NDArray[np.int64], indices: NDArray[np.int32], table: NDArray[np.int32]) -> None:
    for row in range(indptr.size - 1):
        begin, end = indptr[row], indptr[row + 1]
        for place in range(begin, end):
            node = np.int64(indices[place])
            table[_find(table, node, 2 * begin, 2 * end)] = node


@compiled
def _spread(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    weights: NDArray[np.float32],
    thresholds: NDArray[np.float32],
    table: NDArray[np.int32],
    strengths: NDArray[np.float32],
) -> None:
    for row in range(indptr.size - 1):
        begin, end = indptr[row], indptr[row + 1]
        for place in range(begin, end):
            node = np.int64(indices[place])
            slot = _find(table, node, 2 * begin, 2 * end)
            strengths[slot] = weights[place] / thresholds[node]


@compiled(inline=True)
def _extended_bias(
    found: Any, strength: Any, weight: Any, threshold: Any, near: Any, far: Any
) -> Any:
    """Return the bias of node2vec+ for an arc: ``found`` is whether the node before leads there.

    ``strength`` is that of the arc from the node before, and counts where it is there.
    """
    if found and strength >= 1:
        return near
    if weight < threshold:
        return near if near < far else far
    return far + (near - far) * strength if found else far


@compiled
def draw_exactly(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    weights: NDArray[np.float32] | None,
    table: NDArray[np.int32],
    strengths: NDArray[np.float32] | None,
    thresholds: NDArray[np.float32],
    biases: NDArray[np.float64],
    node: int,
    start: int,
    seeds: NDArray[np.uint64],
    walker: int,
) -> int:
    """Return the place of an arc of a node reached from ``start``, drawn in one pass over all.

    Arguments are as in `walk_biased`; random bits are those of ``seeds[walker]``.
    """
    back, near, far = biases[0], biases[1], biases[2]
    total = 0.0
    chosen = indptr[node]
    for place in range(indptr[node], indptr[node + 1]):
        target = np.int64(indices[place])
        mass = back if target == start else near
        if target != start and near != far:  # else there is no table
            slot = _find(table, target, 2 * indptr[start], 2 * indptr[start + 1])
            found = table[slot] != EMPTY
            mass = near if found else far
            if strengths is not None and weights is not None:
                weight, threshold = weights[place], thresholds[node]
                mass = _extended_bias(found, strengths[slot], weight, threshold, near, far)
        if weights is not None:
            mass *= weights[place]
        total += mass
        coin = (draw_long(seeds, walker) >> _FINE_BITS) * _FINE_COIN
        if coin * total < mass:
            chosen = place
    return int(chosen)


@compiled
def walk_biased(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    weights: NDArray[np.float32] | None,
    aliases: NDArray[np.uint32] | None,
    totals: NDArray[np.float64],
    table: NDArray[np.int32],
    strengths: NDArray[np.float32] | None,
    thresholds: NDArray[np.float32],
    biases: NDArray[np.float64],
    starts: NDArray[np.int32],
    seeds_of: NDArray[np.uint64],
    length: int,
    tokens: NDArray[np.int32],
    lengths: NDArray[np.int64],
    seeds: NDArray[np.uint64],
    whole_rooms: tuple[NDArray[np.int64], ...],
    other_rooms: tuple[NDArray[np.float64], ...],
    progress: NDArray[np.int64],
    block: int,
) -> bool:
    """Walk from each start, ``length`` at least 2; walk i goes to ``tokens[i * length:]``.

    Returns, about every ``block`` proposals and arcs looked at, whether there is more to do:
    call it again with the same rooms. Between calls Python hears a keyboard interrupt.
    ``progress`` holds the starts used so far, the walkers on their way and the rounds they made:
    before the first call 0, as many as there are seeds or starts, and 0.

    ``biases`` are those of the step back, to near and to far nodes, divided by the most that an
    arc is taken with; where the first is above 1, the excess is set apart: the row is drawn from
    as if it had one more arc, that leads back and weighs the excess.

    What is known of each walker is written to ``seeds`` and the rooms. Numba leaves out what
    `None` switches off: ``weights`` and ``aliases`` are there together, ``strengths`` for
    node2vec+.
    """
    back, near, far = biases[0], biases[1], biases[2]
    low, high = (near, far) if near < far else (far, near)
    excess = back - 1
    nodes, before, ends, begins, places, nexts, verdicts, asked, slots, rooms, since = whole_rooms
    came, coins = other_rooms  # the weight of the arc from the node before; random bits
    walks, walkers, rounds = progress[0], progress[1], progress[2]
    if walks == 0:
        for walker in range(walkers):
            verdicts[walker] = _FINISHED
    fresh = 1
    work = 0
    while walkers and work < block:
        if fresh:  # put walkers whose walk is over, or who have none yet, on the next starts
            walker = 0
            while walker < walkers:
                if verdicts[walker] != _FINISHED:
                    walker += 1
                elif walks < starts.size:
                    seeds[walker] = seeds_of[walks]
                    nodes[walker] = starts[walks]
                    before[walker] = _NOWHERE
                    tokens[walks * length] = starts[walks]
                    rooms[walker] = walks * length + 1  # where the next node is written
                    ends[walker] = (walks + 1) * length
                    verdicts[walker] = _REFUSED
                    since[walker] = rounds
                    walks += 1
                    walker += 1
                else:
                    walkers -= 1
                    seeds[walker] = seeds[walkers]
                    nodes[walker] = nodes[walkers]
                    before[walker] = before[walkers]
                    came[walker] = came[walkers]
                    rooms[walker] = rooms[walkers]
                    ends[walker] = ends[walkers]
                    verdicts[walker] = verdicts[walkers]
                    since[walker] = since[walkers]
            fresh = 0
        work += walkers
        # propose an arc
        for walker in range(walkers):
            begin = indptr[nodes[walker]]
            degree = indptr[nodes[walker] + 1] - begin
            coin = draw(seeds, walker) * _COIN
            if degree == 0:
                places[walker] = _ENDED
                continue
            if degree == 1:
                coin = -1.0  # there is no other arc: it is taken whatever its bias
            elif excess > 0 and before[walker] >= 0:
                total = np.float64(degree) if weights is None else totals[nodes[walker]]
                if coin * (total + excess * came[walker]) >= total:
                    places[walker] = _BACK
                    continue
                coin = draw(seeds, walker) * _COIN
            coins[walker] = coin
            begins[walker] = begin
            places[walker] = begin + np.int64(share(draw_long(seeds, walker), np.uint64(degree)))
        if aliases is not None:
            for walker in range(walkers):
                place = places[walker]
                if place >= 0:
                    other = begins[walker] + np.int64(aliases[place, 1])
                    own = draw(seeds, walker) <= np.uint64(aliases[place, 0])
                    places[walker] = place if own else other
        # take it, refuse it, or ask whether it is near
        looks = 0
        for walker in range(walkers):
            place = places[walker]
            if place < 0:
                nexts[walker] = before[walker]
                verdicts[walker] = _TAKEN if place == _BACK else _FINISHED
                continue
            node = np.int64(indices[place])
            coin = coins[walker]
            first = before[walker] == _NOWHERE
            returns = node == before[walker]
            nexts[walker] = node
            verdicts[walker] = first | (coin < (back if returns else low))
            asked[looks] = walker
            looks += (not first) & (not returns) & (coin >= low) & (coin < high)
        for look in range(looks):
            walker = asked[look]
            start = before[walker]
            slots[walker] = _slot(nexts[walker], 2 * indptr[start], 2 * indptr[start + 1])
        while looks:
            again = 0
            for look in range(looks):
                walker = asked[look]
                slot = slots[walker]
                held = table[slot]
                found = held == nexts[walker]
                bias = near if found else far
                if strengths is not None and weights is not None:
                    weight, threshold = weights[places[walker]], thresholds[nodes[walker]]
                    bias = _extended_bias(found, strengths[slot], weight, threshold, near, far)
                verdicts[walker] = coins[walker] < bias
                start = before[walker]
                slot = slot + 1 if slot + 1 < 2 * indptr[start + 1] else 2 * indptr[start]
                slots[walker] = slot
                asked[again] = walker
                again += (not found) & (held != EMPTY)
            looks = again
        # draw exactly where too many were refused
        late = 0
        rounds += 1
        for walker in range(walkers):
            late += rounds - since[walker] >= _FEWEST
        if late:
            for walker in range(walkers):
                if rounds - since[walker] >= _FEWEST and verdicts[walker] == _REFUSED:
                    degree = indptr[nodes[walker] + 1] - indptr[nodes[walker]]
                    if rounds - since[walker] >= (degree if degree < _MOST else _MOST):
                        places[walker] = draw_exactly(
                            indptr, indices, weights, table, strengths, thresholds, biases,
                            nodes[walker], before[walker], seeds, walker,
                        )  # fmt: skip
                        nexts[walker] = indices[places[walker]]
                        verdicts[walker] = _TAKEN
                        work += degree
        # go on where it was taken
        for walker in range(walkers):
            verdict = verdicts[walker]
            if verdict == _TAKEN:
                since[walker] = rounds
                tokens[rooms[walker]] = nexts[walker]
                rooms[walker] += 1
                before[walker] = nodes[walker]
                nodes[walker] = nexts[walker]
                if places[walker] >= 0:  # the arc back weighs the same
                    came[walker] = 1.0 if weights is None else weights[places[walker]]
                if rooms[walker] == ends[walker]:
                    verdicts[walker] = _FINISHED
                    fresh = 1
            elif verdict == _FINISHED:
                lengths[ends[walker] // length - 1] = rooms[walker] + length - ends[walker]
                fresh = 1
    progress[0], progress[1], progress[2] = walks, walkers, rounds
    return bool(walkers > 0)
