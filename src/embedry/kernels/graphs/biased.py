"""The biased walks of node2vec and node2vec+, by rejection.

What it is: the compiled loop and the hash tables it looks nodes up in. What it is not: a check of
its arrays; see ``embedry.kernels.graphs.walks``, which calls it.

A step from v, reached from u, proposes an arc of v by weight and takes it with a probability in
proportion to its bias. Where random bits are below the smallest bias, it is taken whatever it
is; else whether u leads there must be looked up. A hash table lies in twice the room of each row,
so that a look-up reads one cache line where a binary search would read ten.

References
----------
A. Grover, J. Leskovec, "node2vec: scalable feature learning for networks", 2016, section 3.2.
K. Yang et al., "KnightKing: a fast distributed graph random walk engine", 2019, section 4
(rejection, taking without a look, outliers set apart). R. Liu, M. Hirn, A. Krishnan, "Accurately
modeling biased random walks on weighted networks using node2vec+", 2023, equations 3 to 6.
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

__all__ = ["ROOMS", "hashed_rows", "strengths_of", "walk_biased"]

ROOMS = 10  # numbers that are kept of a walker, and two that are no whole ones
EMPTY = -1
_NOWHERE = -1  # the node before the first
_BACK, _ENDED = -1, -2  # instead of the place of an arc
_REFUSED, _TAKEN, _FINISHED = 0, 1, 2
_GOLDEN = np.uint64(0x9E3779B1)
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_COIN = 2.0**-32  # 32 random bits times this are in [0, 1)


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
def _far_bias(strength: Any, weight: Any, threshold: Any, far: Any, low: Any) -> Any:
    """Return the bias of node2vec+ for an arc to a node that is near by its strength alone."""
    if strength >= 1:
        return 1.0
    if weight < threshold:
        return low
    return far + (1 - far) * strength


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
) -> None:
    """Walk from each start, ``length`` at least 2; walk i goes to ``tokens[i * length:]``.

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
    nodes, before, ends, begins, places, nexts, verdicts, asked, slots, rooms = whole_rooms
    came, coins = other_rooms  # the weight of the arc from the node before; random bits
    walks = 0
    walkers = seeds.size if starts.size > seeds.size else starts.size
    for walker in range(walkers):
        verdicts[walker] = _FINISHED
    fresh = walkers
    while walkers:
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
            fresh = 0
        # propose an arc
        for walker in range(walkers):
            begin = indptr[nodes[walker]]
            degree = indptr[nodes[walker] + 1] - begin
            coin = draw(seeds, walker) * _COIN
            if degree == 0:
                places[walker] = _ENDED
                continue
            if excess > 0 and before[walker] >= 0:
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
                    if found:
                        bias = near * _far_bias(
                            strengths[slot], weight, threshold, far / near, low / near
                        )
                    elif weight < threshold:
                        bias = low
                verdicts[walker] = coins[walker] < bias
                start = before[walker]
                slot = slot + 1 if slot + 1 < 2 * indptr[start + 1] else 2 * indptr[start]
                slots[walker] = slot
                asked[again] = walker
                again += (not found) & (held != EMPTY)
            looks = again
        # go on where it was taken
        for walker in range(walkers):
            verdict = verdicts[walker]
            if verdict == _TAKEN:
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
