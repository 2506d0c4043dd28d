"""Walks on a graph, streamed: rounds over all nodes, batch by batch.

What it is: where walks start and in which order, and batches of bounded size for training or
for whoever wants the walks themselves. What it is not: the walking (``embedry.kernels``), nor
the learning (``embedry.learn.graph``).

References
----------
Perozzi, Al-Rfou, Skiena 2014, DeepWalk, algorithm 1 (rounds over the nodes in random order).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from embedry.data.graph import Graph
from embedry.errors import InputError
from embedry.learn.learner import real_number, whole_number
from embedry.learn.trainer import Part, Sentences

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from embedry.ids import Id
    from embedry.kernels.graphs.walks import WalkPlan

__all__ = ["LONGEST", "Extended", "Walker", "Walks", "check_bias", "walks"]

LONGEST = 10_000  # nodes of a walk
_BITE = 150_000  # tokens of a batch, about
_IN_STEP = 64  # walks of a batch at least: fewer would wait for memory


@dataclass(frozen=True)
class Extended:
    """node2vec+: on weighted graphs, a weak edge is less of an edge.

    Attributes
    ----------
    gamma : float
        An edge is strong from the mean of its node's weights plus this many standard deviations
        on; at least 0.

    Raises
    ------
    InputError
        If gamma is not in [0, 100].

    References
    ----------
    Liu, Hirn, Krishnan 2023, Accurately modeling biased random walks on weighted networks using
    node2vec+, equations 3 to 6.
    """

    gamma: float = 0.0

    def __post_init__(self) -> None:
        real_number("gamma", self.gamma, 0, 100)


def check_bias(p: float, q: float, extended: bool | Extended) -> tuple[float, float]:
    """Return what biases a walk, or refuse it.

    Parameters
    ----------
    p, q : float
        In [1e-6, 1e6].
    extended : bool or Extended

    Returns
    -------
    tuple of float
        p and q.

    Raises
    ------
    InputError
        If a number is out of range, or ``extended`` is something else.
    """
    if not isinstance(extended, (bool, Extended)):
        raise InputError(f"extended must be a bool or Extended(gamma); got {extended!r}.")
    return real_number("p", p, 1e-6, 1e6), real_number("q", q, 1e-6, 1e6)


@dataclass(frozen=True, eq=False)
class Walks:
    """Some walks.

    Iterating gives each walk as a tuple of ids; ``len`` counts them.

    Attributes
    ----------
    tokens : ndarray (tokens,), int32
        The numbers of the nodes, walk after walk.
    offsets : ndarray (walks + 1,), int64
        Walk i is ``tokens[offsets[i]:offsets[i + 1]]``.
    ids : tuple of str or int
        The name of each node, by its number.
    """

    tokens: NDArray[np.int32]
    offsets: NDArray[np.int64]
    ids: tuple[Id, ...]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __iter__(self) -> Iterator[tuple[Id, ...]]:
        for begin, end in pairwise(self.offsets.tolist()):
            yield tuple(self.ids[node] for node in self.tokens[begin:end].tolist())


def walks(
    graph: Graph,
    *,
    walks: int = 10,
    length: int = 80,
    p: float = 1.0,
    q: float = 1.0,
    extended: bool | Extended = False,
    seed: int = 0,
) -> Iterator[Walks]:
    """Walk on a graph at random, from every node, and yield the walks in batches.

    For training of one's own, or to look at what `Node2Vec` learns from: with the same settings
    and ``threads=1``, these are the walks of its first epoch.

    Parameters
    ----------
    graph : Graph
    walks : int
        From each node that an edge leaves, at least 1. Each round visits all of them once, in
        random order.
    length : int
        Nodes of a walk, the first included, in [1, 10000]. A walk is shorter where it comes to
        a node that no edge leaves.
    p, q : float
        In [1e-6, 1e6]. From u came the walk to v: a step back to u weighs ``1 / p``, to a node
        that an edge of u leads to 1, to any other ``1 / q``, times the weight of the edge.
    extended : bool or Extended
        node2vec+, for weighted graphs: weak edges from u count in part, weak edges of v are held
        back. True is ``Extended(gamma=0)``.
    seed : int

    Yields
    ------
    Walks
        About 150,000 nodes each: memory does not grow with the number of walks.

    Raises
    ------
    InputError
        If ``graph`` is no graph or has no edge, or a setting is out of range; at the call, not
        when the first batch is taken.

    Notes
    -----
    The tables of the walks take 8 bytes an edge and direction with weights, 8 more for
    ``q != 1``, and 8 more for node2vec+.

    References
    ----------
    Grover, Leskovec 2016, section 3.2. Liu, Hirn, Krishnan 2023 (node2vec+).

    Examples
    --------
    >>> from embedry import Graph
    >>> graph = Graph.from_edges([("ann", "bob")])
    >>> sorted(walk for batch in walks(graph, walks=1, length=3) for walk in batch)
    [('ann', 'bob', 'ann'), ('bob', 'ann', 'bob')]
    """
    rounds, steps = whole_number("walks", walks, 1), whole_number("length", length, 1, LONGEST)
    walker = Walker.on(graph, rounds, steps, p=p, q=q, extended=extended, seed=seed)
    return walker.named()


@dataclass(frozen=True, eq=False)
class Walker:
    """Walks from every node, as often as asked for.

    Attributes
    ----------
    graph : Graph
    plan : WalkPlan
    starts : ndarray (n,), int32
        The nodes that an edge leaves.
    rounds, length, seed : int
    met : ndarray (nodes,), bool
        Where walks of `parts` have come so far.
    """

    graph: Graph
    plan: WalkPlan
    starts: NDArray[np.int32]
    rounds: int
    length: int
    seed: int
    met: NDArray[np.bool_]

    @classmethod
    def on(
        cls,
        graph: Graph,
        rounds: int,
        length: int,
        *,
        p: float = 1.0,
        q: float = 1.0,
        extended: bool | Extended = False,
        seed: int = 0,
    ) -> Walker:
        """Make a walker; see `walks` for what is checked."""
        from embedry.kernels.graphs.walks import WalkPlan

        if not isinstance(graph, Graph):
            raise InputError(
                f"Walks need a Graph; got {type(graph).__name__}. "
                "Make one with Graph.from_edges(pairs) or Graph.from_file(path)."
            )
        starts = np.flatnonzero(graph.degrees).astype(np.int32)
        if not len(starts):
            raise InputError(f"A graph must have an edge to walk on; {graph!r} has none.")
        p, q = check_bias(p, q, extended)
        plan = WalkPlan(
            graph.indptr,
            graph.indices,
            graph.weights,
            p=p,
            q=q,
            extended=bool(extended),
            gamma=float(extended.gamma) if isinstance(extended, Extended) else 0.0,
            symmetric=not graph.directed,
        )
        whole_number("seed", seed, 0)
        return cls(graph, plan, starts, rounds, length, int(seed), np.zeros(len(graph), bool))

    def named(self) -> Iterator[Walks]:
        """Yield all walks in batches, as `walks` does."""
        for sentences in self._sentences(self.starts, 0, 0):
            yield Walks(sentences.tokens, sentences.offsets, self.graph.ids)

    def pilot(self) -> NDArray[np.int64]:
        """Walk one round, the first of training with one thread, and count the visits.

        Returns
        -------
        ndarray (nodes,), int64
            How often walks come to each node; 1 at least with an edge, 0 without.
        """
        visits = np.zeros(len(self.graph), np.int64)
        for some in self._round(self.starts, np.random.default_rng([self.seed, 0, 0])):
            visits += np.bincount(some.tokens, minlength=len(visits))
        has_edge = np.zeros(len(self.graph), np.int64)
        has_edge[self.graph.indices] = has_edge[self.starts] = 1
        return np.maximum(visits, has_edge)

    def parts(self, threads: int, generator: np.random.Generator) -> list[Part]:
        """Return what each thread walks and trains on: nodes of its own, drawn at random."""
        shares = [self.starts]
        if threads > 1:
            shares = np.array_split(generator.permutation(self.starts), threads)
        return [
            Part(
                self.rounds * len(share) * self.length,
                partial(self._marked, share, number),
                own,
            )
            for number, (share, own) in enumerate(
                zip(shares, generator.spawn(threads), strict=True)
            )
            if len(share)
        ]

    def _marked(self, starts: NDArray[np.int32], thread: int, epoch: int) -> Iterator[Sentences]:
        """Yield the walks of an epoch, and mark in ``met`` where they came."""
        for sentences in self._sentences(starts, thread, epoch):
            self.met[sentences.tokens] = True
            yield sentences

    def _sentences(self, starts: NDArray[np.int32], thread: int, epoch: int) -> Iterator[Sentences]:
        """Yield the walks of an epoch from some starts, anew each epoch."""
        generator = np.random.default_rng([self.seed, thread, epoch])
        for _ in range(self.rounds):
            yield from self._round(starts, generator)

    def _round(
        self, starts: NDArray[np.int32], generator: np.random.Generator
    ) -> Iterator[Sentences]:
        from embedry.kernels.graphs.walks import start_state, walk

        state = start_state(generator)
        order = generator.permutation(starts)
        size = max(_IN_STEP, _BITE // self.length)
        for begin in range(0, len(order), size):
            some = order[begin : begin + size]
            walked = walk(self.plan, some, self.length, state)
            yield Sentences(walked.tokens, walked.offsets, len(some) * self.length)
