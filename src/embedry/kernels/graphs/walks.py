"""Random walks on graphs: many walkers in lock-step, so that waiting for memory costs little.

What it is: walks that follow arcs alike or by weight, and the biased walks of node2vec (see
``embedry.kernels.graphs.biased``), over rows in compressed form. What it is not: a graph with names
(``embedry.data``), nor the choice of where walks start (``embedry.learn``).

A step waits for two reads at random places of memory, the row of the node and the arc in it.
One walker would wait for each; 64 walkers that all ask before the first one needs its answer
wait together. Each walk has random numbers of its own, whose seed is drawn in the order of the
walks: it does not matter which walkers went beside it.

References
----------
B. Perozzi, R. Al-Rfou, S. Skiena, "DeepWalk: online learning of social representations", 2014,
section 4.2 (walks). A. Grover, J. Leskovec, "node2vec: scalable feature learning for networks",
2016, section 3.2. K. Yang et al., "KnightKing: a fast distributed graph random walk engine",
2019. R. Liu, M. Hirn, A. Krishnan, "Accurately modeling biased random walks on weighted networks
using node2vec+", 2023.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from embedry.errors import InputError
from embedry.kernels.arrays import check_array, read_only
from embedry.kernels.compiler import compiled
from embedry.kernels.draws import draw, draw_long, draw_many, share, start_state
from embedry.kernels.graphs.alias import alias_table
from embedry.kernels.graphs.biased import ROOMS, hashed_rows, strengths_of, walk_biased

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["WalkPlan", "Walked", "start_state", "walk"]

WALKERS = 64  # in lock-step; 32 are slower on large graphs, 128 no faster
_NO_FLOATS, _NO_TABLE = np.empty(0, np.float32), np.empty((0, 2), np.uint32)
_SMALLEST, _LARGEST = 1e-6, 1e6  # of p and q
_BLOCK = 2**24  # proposals between two looks at the keyboard: some 0.3 s


@dataclass(frozen=True, eq=False)
class WalkPlan:
    """Rows to walk on, and how.

    Attributes
    ----------
    indptr : ndarray (nodes + 1,), int64
        The arcs of node ``v`` are ``indices[indptr[v]:indptr[v + 1]]``.
    indices : ndarray (arcs,), int32
        Where each arc leads; no node twice in a row.
    weights : ndarray (arcs,), float32, or None
        Finite and above 0; a step takes an arc in proportion. None: all alike.
    p, q : float, default 1
        In [1e-6, 1e6]. From u came the walk to v: a step back to u weighs ``1 / p``, to a node
        that an arc leads to from u 1, to any other ``1 / q`` (times the weight of the arc).
    extended : bool, default False
        node2vec+: whether an arc from u is near depends on its weight. Without weights there
        is no difference.
    gamma : float, default 0
        Of node2vec+: an arc is strong from the mean of its node's weights plus ``gamma``
        standard deviations on.
    symmetric : bool, default False
        Whether every arc has a counterpart of the same weight. Biased walks with ``p < 1`` are
        then faster; a wrong promise makes them step where no arc is.

    Raises
    ------
    InputError
        If an array has another shape or dtype, the rows are not those of a graph, a weight is
        not above 0, or a number is out of its range.

    Notes
    -----
    Tables are made at first use: 8 bytes an arc with weights, 8 more for ``q != 1``, and 8 more
    for node2vec+.
    """

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    weights: NDArray[np.float32] | None = None
    p: float = 1.0
    q: float = 1.0
    extended: bool = False
    gamma: float = 0.0
    symmetric: bool = False

    def __post_init__(self) -> None:
        check_array("indptr", self.indptr, np.int64)
        check_array("indices", self.indices, np.int32)
        _check_rows(self.indptr, self.indices)
        if self.weights is not None:
            check_array("weights", self.weights, np.float32)
            _check_weights(self.weights, self.indices.size)
        for name in ("p", "q"):
            if not _SMALLEST <= getattr(self, name) <= _LARGEST:
                raise InputError(f"{name} must be in [1e-6, 1e6]; got {getattr(self, name)}.")
        if not 0 <= self.gamma < np.inf:
            raise InputError(f"gamma must be finite and at least 0; got {self.gamma}. Try 0.")

    @property
    def nodes(self) -> int:
        """How many nodes there are."""
        return len(self.indptr) - 1

    @property
    def is_biased(self) -> bool:
        """Whether a step depends on the one before."""
        return not self.p == self.q == 1

    @property
    def is_extended(self) -> bool:
        """Whether weights decide what is near."""
        return self.extended and self.weights is not None and self.q != 1

    @cached_property
    def aliases(self) -> NDArray[np.uint32]:
        """The slots that draw arcs by weight, (arcs, 2); none without weights."""
        if self.weights is None:
            return _NO_TABLE
        return alias_table(read_only(self.indptr), read_only(self.weights))

    @cached_property
    def totals(self) -> NDArray[np.float64]:
        """The sum of weights of each row, (nodes,); none without weights."""
        if self.weights is None:
            return np.empty(0)
        sums = np.bincount(self._sources, self.weights, minlength=self.nodes)
        return sums.astype(np.float64)

    @cached_property
    def thresholds(self) -> NDArray[np.float32]:
        """The weight from which an arc is strong at each node, (nodes,); none unless extended.

        Means are rounded to float32, so that a node whose arcs weigh all the same has only
        strong ones.
        """
        if self.weights is None or not self.is_extended:
            return _NO_FLOATS
        degrees = np.maximum(np.diff(self.indptr), 1)
        means = self.totals / degrees
        squares = (self.weights - means[self._sources]) ** 2
        deviations = np.sqrt(np.bincount(self._sources, squares, minlength=self.nodes) / degrees)
        return np.asarray(means + self.gamma * deviations, np.float32)

    @cached_property
    def hashed(self) -> NDArray[np.int32]:
        """Each row as a hash table of the nodes it leads to, (2 * arcs,); none where q is 1."""
        if self.q == 1:
            return np.empty(0, np.int32)
        return hashed_rows(read_only(self.indptr), read_only(self.indices))

    @cached_property
    def strengths(self) -> NDArray[np.float32]:
        """The weight of each arc over the threshold of its end, beside ``hashed``."""
        if self.weights is None or not self.is_extended:
            return _NO_FLOATS
        return strengths_of(
            read_only(self.indptr), read_only(self.indices), read_only(self.weights),
            self.thresholds, self.hashed,
        )  # fmt: skip

    @cached_property
    def has_dead_ends(self) -> bool:
        """Whether some node has no arc to leave by."""
        return bool((np.diff(self.indptr) == 0).any())

    @property
    def _sources(self) -> NDArray[np.int64]:
        return np.repeat(np.arange(self.nodes), np.diff(self.indptr))


class Walked(NamedTuple):
    """What `walk` returns.

    Attributes
    ----------
    tokens : ndarray (tokens,), int32
        Nodes, walk after walk.
    offsets : ndarray (walks + 1,), int64
        Walk i is ``tokens[offsets[i]:offsets[i + 1]]``.
    """

    tokens: NDArray[np.int32]
    offsets: NDArray[np.int64]


def walk(
    plan: WalkPlan, starts: NDArray[np.int32], length: int, state: NDArray[np.uint64]
) -> Walked:
    """Walk from each start.

    Parameters
    ----------
    plan : WalkPlan
    starts : ndarray (walks,), int32
        Nodes; they may repeat.
    length : int
        Nodes of a walk, the start included. A walk ends early where no arc leads on.
    state : ndarray (2,), uint64
        From `start_state`; its random numbers are carried on in place. Walks in several calls
        are the same bytes as in one.

    Returns
    -------
    Walked
        In the order of ``starts``.

    Raises
    ------
    InputError
        If ``starts`` or ``state`` have another dtype or shape, a start is no node, or
        ``length`` is below 1.

    Notes
    -----
    ``4 * walks * length`` bytes, and as much again where walks end early. A biased walk proposes
    arcs by weight and takes each with the probability its bias asks for, often without looking
    whether it is near (Yang et al. 2019, section 4); the arc back is set apart when it would
    make all others be refused too often. Where refusals are as many as the node has arcs, 16 at
    least and 4096 at most, the next one is drawn from all of them: a step costs O(degree) at
    most, whatever p, q and the weights. Probabilities are exact but for 2**-32 a proposal, the
    step of the random numbers. Ctrl-C is heard about every 0.3 s.
    """
    check_array("starts", starts, np.int32)
    if starts.size and (starts.min() < 0 or starts.max() >= plan.nodes):
        raise InputError(f"starts must be nodes in [0, {plan.nodes}); got some outside.")
    if length < 1:
        raise InputError(f"length must be at least 1; got {length}. Try 80.")
    check_array("state", state, np.uint64)
    if state.size != 2:
        raise InputError(f"state must have 2 entries; got {state.size}. Use start_state(rng).")
    if not plan.indices.size:
        return Walked(starts.copy(), np.arange(starts.size + 1, dtype=np.int64))
    tokens = np.empty(starts.size * length, np.int32)
    lengths = np.full(starts.size, length, np.int64)
    _fill(plan, read_only(starts), length, tokens, lengths, state)
    offsets = np.zeros(starts.size + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    if offsets[-1] < tokens.size:
        there = np.arange(length) < lengths[:, None]  # (walks, length)
        tokens = tokens.reshape(there.shape)[there]
    return Walked(tokens, offsets)


def _fill(
    plan: WalkPlan,
    starts: NDArray[np.int32],
    length: int,
    tokens: NDArray[np.int32],
    lengths: NDArray[np.int64],
    state: NDArray[np.uint64],
) -> None:
    """Choose the kernel; walk i goes to ``tokens[i * length:]``.

    Kernels get the room they write to from here: Numba would compile ``np.empty`` for 0.2 s.
    """
    indptr, indices = read_only(plan.indptr), read_only(plan.indices)
    aliases = None if plan.weights is None else plan.aliases
    seeds = draw_many(state, starts.size)
    if not plan.is_biased or length < 3:
        room = np.empty((length, WALKERS), np.int32)
        walkers = tuple(np.empty((4, WALKERS), np.uint64))
        _walk_rows(indptr, indices, aliases, starts, seeds, length, tokens, room, walkers)
        if plan.has_dead_ends:
            _cut(indptr, tokens, length, lengths)
        return
    back, near, far = 1 / plan.p, 1.0, 1 / plan.q
    most = max(near, far) if plan.symmetric else max(near, far, back)
    biases = np.array([back, near, far]) / most
    weights = None if plan.weights is None else read_only(plan.weights)
    strengths = plan.strengths if plan.is_extended else None
    rooms = tuple(np.empty((ROOMS, WALKERS), np.int64)), tuple(np.empty((2, WALKERS)))
    own_seeds, progress = np.empty(WALKERS, np.uint64), np.array([0, min(WALKERS, starts.size), 0])
    while walk_biased(
        indptr, indices, weights, aliases, plan.totals, plan.hashed, strengths,
        plan.thresholds, biases, starts, seeds, length, tokens, lengths,
        own_seeds, *rooms, progress, _BLOCK,
    ):  # fmt: skip
        pass  # back in Python, where Ctrl-C is heard


@compiled
def _walk_rows(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    aliases: NDArray[np.uint32] | None,
    starts: NDArray[np.int32],
    seeds_of: NDArray[np.uint64],
    length: int,
    tokens: NDArray[np.int32],
    room: NDArray[np.int32],
    room_of_walkers: tuple[NDArray[np.uint64], ...],
) -> None:
    """Walk from 64 starts at a time, each step in passes: ask for the arc, follow it.

    The passes have no branch, and unsigned places spare Numba's test for negative ones, so that
    LLVM works on several walkers at once. That is why a walk goes on past a dead end, to
    whatever arc comes next in memory, and is cut there afterwards. Where ``aliases`` are None,
    Numba leaves out what draws by weight.
    """
    seeds, nodes, begins, places = room_of_walkers
    last = np.uint64(indices.size - 1)
    for first in range(0, starts.size, WALKERS):
        walkers = WALKERS if starts.size - first > WALKERS else starts.size - first
        for walker in range(walkers):
            seeds[walker] = seeds_of[first + walker]
            nodes[walker] = starts[first + walker]
            room[0, walker] = starts[first + walker]
        for step in range(1, length):
            for walker in range(walkers):
                begin = np.uint64(indptr[nodes[walker]])
                degree = np.uint64(indptr[nodes[walker] + np.uint64(1)]) - begin
                begins[walker] = begin
                place = begin + share(draw_long(seeds, walker), degree)
                places[walker] = place if place < last else last
            if aliases is not None:
                for walker in range(walkers):
                    place = places[walker]
                    other = begins[walker] + np.uint64(aliases[place, 1])
                    other = other if other < last else last
                    own = draw(seeds, walker) <= np.uint64(aliases[place, 0])
                    places[walker] = place if own else other
            for walker in range(walkers):
                node = indices[places[walker]]
                nodes[walker] = node
                room[step, walker] = node
        for walker in range(walkers):
            written = (first + walker) * length
            for step in range(length):
                tokens[written + step] = room[step, walker]


@compiled
def _cut(
    indptr: NDArray[np.int64], tokens: NDArray[np.int32], length: int, lengths: NDArray[np.int64]
) -> None:
    """Write how many nodes each walk has up to the first that no arc leaves, or ``length``."""
    for walk in range(lengths.size):
        step = 0
        node = tokens[walk * length]
        while indptr[node] < indptr[node + 1] and step < length - 1:
            step += 1
            node = tokens[walk * length + step]
        lengths[walk] = step + 1


def _check_rows(indptr: NDArray[np.int64], indices: NDArray[np.int32]) -> None:
    """Refuse rows that would lead a walk out of memory."""
    if not indptr.size or indptr[0] != 0 or indptr[-1] != indices.size:
        raise InputError(f"indptr must begin with 0 and end with {indices.size}, the arcs.")
    if (np.diff(indptr) < 0).any():
        raise InputError("indptr must not fall. Build the rows with embedry.Graph.")
    if indptr.size > 2**31:
        raise InputError(f"There must be fewer than 2**31 nodes; got {indptr.size - 1}.")
    nodes = indptr.size - 1
    if indices.size and (indices.min() < 0 or indices.max() >= nodes):
        raise InputError(f"indices must be nodes in [0, {nodes}); got some outside.")


def _check_weights(weights: NDArray[np.float32], arcs: int) -> None:
    if weights.size != arcs:
        raise InputError(f"There must be a weight for each of {arcs} arcs; got {weights.size}.")
    if not np.isfinite(weights).all() or (weights <= 0).any():
        raise InputError("weights must be finite and above 0. Leave out arcs of weight 0.")
