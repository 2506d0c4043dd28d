"""Edges held out of a graph, so that what is learned from the rest can be asked for them.

A split draws test edges, takes them out of the graph, and draws pairs that are no edges, for
testing and for training, all of them different. Learn from ``split.graph`` and nothing else:
then nothing leaks. Opposite arcs of a directed graph, (a, b) and (b, a), go together. What it is
not: a split in time, or one that asks for directions.

References
----------
Liben-Nowell, Kleinberg 2007, The Link-Prediction Problem for Social Networks. Grover, Leskovec
2016, node2vec, section 4.4 (half of the edges, the rest stays connected).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from embedry.data.graph import Graph
from embedry.errors import InputError
from embedry.learn.learner import real_number, whole_number
from embedry.trust.evaluate.graphs.logistic import check_extra

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["EdgeSplit", "split_edges"]

_FEW_PAIRS = 2**22  # so many pairs of nodes are written out rather than drawn


@dataclass(frozen=True, eq=False)
class EdgeSplit:
    """A graph without some of its edges, the edges, and pairs that are none.

    Attributes
    ----------
    graph : Graph
        All nodes and the training edges: learn from this graph alone.
    test_edges : ndarray (m, 2), int64
        The edges taken out, in places of ``graph.ids``; undirected ones with the smaller first, of
        directed ones both where both were there.
    test_non_edges : ndarray (m, 2), int64
        Pairs of different nodes that the whole graph joins in neither direction, uniformly drawn,
        each in one order alone: at random if directed, else with the smaller first.
    train_non_edges : ndarray (t, 2), int64
        Further such pairs, one a training edge, or fewer where the graph is too dense.
    connected : bool
        Whether nodes that a path joined are still joined in ``graph``.
    seed : int
    """

    graph: Graph
    test_edges: NDArray[np.int64]
    test_non_edges: NDArray[np.int64]
    train_non_edges: NDArray[np.int64]
    connected: bool
    seed: int

    @property
    def train_edges(self) -> NDArray[np.int64]:
        """The edges of ``graph`` but for self loops, (e, 2) int64."""
        return _pairs(edge_keys(self.graph)[0], len(self.graph))

    def __str__(self) -> str:
        kept = ", connected as before" if self.connected else ""
        return (
            f"{len(self.train_edges):,} edges to learn from{kept}, and "
            f"{len(self.train_non_edges):,} non-edges; {len(self.test_edges):,} of both to test"
        )


def split_edges(
    graph: Graph, *, test: float = 0.5, connected: bool = True, seed: int = 0
) -> EdgeSplit:
    """Take edges out of a graph at random, and draw as many pairs that are no edges.

    Parameters
    ----------
    graph : Graph
        Self loops stay where they are: they are no pair to be asked for.
    test : float
        The share of the edges to take out, in (0, 1); of a directed graph, the share of the pairs
        of nodes that an edge joins in one direction or both.
    connected : bool
        Keep a random spanning forest, so that nodes that a path joins (whatever its directions)
        stay joined, as in the node2vec paper. Else any edge may go, and nodes may be left alone.
    seed : int
        The same seed gives the same split.

    Returns
    -------
    EdgeSplit

    Raises
    ------
    InputError
        If an argument is not such, the graph has no two edges to split, fewer edges than asked
        for can go without taking the graph apart (the message says how many can), or it lacks so
        many non-edges.
    MissingExtraError
        If ``connected`` and SciPy is not installed: ``pip install 'embedry[evaluate]'``.

    Notes
    -----
    O(edges log edges) time and O(edges) memory. All operators of `link_prediction` are symmetric:
    they cannot tell (b, a) from (a, b), which so would give each other away. No pair of nodes,
    whatever its direction, is therefore of two kinds: both arcs are taken out together, and where
    (a, b) is an edge (b, a) is no non-edge.

    References
    ----------
    Grover, Leskovec 2016, section 4.4.
    """
    if not isinstance(graph, Graph):
        raise InputError(f"graph must be a Graph; got {type(graph).__name__}.")
    if not isinstance(connected, (bool, np.bool_)):
        raise InputError(f"connected must be True or False; got {connected!r}.")
    if connected:
        check_extra("split_edges with connected=True")
    share = real_number("test", test, 0, 1)
    generator = np.random.default_rng(whole_number("seed", seed, 0))
    keys, places = edge_keys(graph)
    nodes = len(graph)
    # an undirected edge is a pair; of a directed graph, the arcs a -> b and b -> a are one
    either, pair_of = np.unique(_keys(_pairs(keys, nodes), nodes), return_inverse=True)
    free = np.arange(len(either))
    if connected:
        free = np.flatnonzero(~_spanning_forest(either, nodes, generator))
    apart = nodes * (nodes - 1) // 2 - len(either)
    arcs = 2 if len(keys) > len(either) else 1  # to a pair, at most
    count = _count(share, len(either), len(free), (apart - 1) // arcs)
    out = np.zeros(len(either), bool)
    out[generator.choice(free, count, replace=False)] = True
    taken = np.flatnonzero(out[pair_of])
    test_pairs, train_pairs = _non_edges(
        either, nodes, (len(taken), len(keys)), generator, directed=graph.directed
    )
    return EdgeSplit(
        graph.without_edges(places[taken]),
        _pairs(keys[taken], nodes),
        test_pairs,
        train_pairs,
        bool(connected),
        int(seed),
    )


def _count(share: float, pairs: int, free: int, askable: int) -> int:
    """Return how many of the joined pairs are to test: some, as many as can be, and not all.

    So many are free to go, and for so many there are as many non-edges, and one more to learn from.
    """
    if pairs < 2:
        raise InputError(
            f"A graph must join two pairs of nodes, or more, to be split; it joins {pairs}. Pass a "
            "larger graph."
        )
    if askable < 1:
        raise InputError(
            "A graph must have more non-edges than test edges; it is complete or nearly so, and no "
            "test is small enough. Pass a sparser graph."
        )
    if not free:
        raise InputError(
            f"To stay connected the graph must keep all of its {pairs} joined pairs: it has no "
            "cycle, and none is free to test. Pass connected=False."
        )
    count = round(share * pairs)
    advice = _rounded_down(min(free, askable, pairs - 1) / pairs)
    if not 0 < count < pairs:
        raise InputError(
            f"test must leave edges on both sides; {share:g} of {pairs} joined pairs leaves "
            f"{pairs - count} and {count}. Pass test={min(0.5, advice):g}."
        )
    if count > free:
        raise InputError(
            f"To stay connected the graph must keep {pairs - free} of its {pairs} joined pairs; "
            f"test asks for {count}. Pass test={advice:g} at most, or connected=False."
        )
    if count > askable:
        raise InputError(
            f"A graph must have more non-edges than test edges, which here are {askable} of its "
            f"{pairs} joined pairs at most; test asks for {count}. Pass test={advice:g} at most."
        )
    return count


def _rounded_down(share: float) -> float:
    """Return a share to three digits, rounded down: at least 0.99 of it, and so never 0."""
    scale = 10.0 ** (2 - math.floor(math.log10(share)))
    return math.floor(share * scale) / scale


def edge_keys(graph: Graph) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return a number for each edge but self loops: first node times the nodes plus second.

    Parameters
    ----------
    graph : Graph

    Returns
    -------
    keys : ndarray (edges,), int64
        Ascending; undirected edges once, with the smaller node first.
    places : ndarray (edges,), int64
        Where each stands in ``graph.edges()``.
    """
    sources, targets, _ = graph.edges()
    places = np.flatnonzero(sources != targets)
    keys = sources[places].astype(np.int64) * len(graph) + targets[places]
    return keys, places


def _pairs(keys: NDArray[np.int64], nodes: int) -> NDArray[np.int64]:
    return np.stack(np.divmod(keys, nodes), axis=1)  # (m,) -> (m, 2)


def _keys(pairs: NDArray[np.int64], nodes: int) -> NDArray[np.int64]:
    """Return the keys of pairs, the smaller node first, (m, 2) -> (m,)."""
    return np.asarray(pairs.min(axis=1) * nodes + pairs.max(axis=1))


def _is_among(keys: NDArray[np.int64], ascending: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Say of each key whether it is among some that ascend."""
    places = np.minimum(np.searchsorted(ascending, keys), len(ascending) - 1)
    return np.asarray(ascending[places] == keys)


def _spanning_forest(
    pairs: NDArray[np.int64], nodes: int, generator: np.random.Generator
) -> NDArray[np.bool_]:
    """Mark pairs that hold the graph together: a tree a component, of least random weight."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import minimum_spanning_tree

    weights = 1 + generator.random(len(pairs))
    matrix = coo_array((weights, _pairs(pairs, nodes).T), shape=(nodes, nodes)).tocsr()
    tree = minimum_spanning_tree(matrix).tocoo()
    held = _keys(np.stack([tree.row, tree.col], axis=1).astype(np.int64), nodes)
    return _is_among(pairs, np.sort(held))


def _non_edges(
    joined: NDArray[np.int64],
    nodes: int,
    counts: tuple[int, int],
    generator: np.random.Generator,
    *,
    directed: bool,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draw pairs that are no edges: as many as are to test, and of all as many as there can be."""
    count, most = counts
    free = nodes * (nodes - 1) // 2 - len(joined)
    wanted = min(most, free)
    if free + len(joined) <= _FEW_PAIRS or wanted > free // 2:
        drawn = _drawn_from_all(joined, nodes, wanted, generator)
    else:
        drawn = _drawn_apart(joined, nodes, wanted, generator)
    pairs = _pairs(drawn, nodes)
    if directed:
        turned = generator.random(len(pairs)) < 0.5
        pairs[turned] = pairs[turned, ::-1]
    return pairs[:count], pairs[count:]


def _drawn_from_all(
    joined: NDArray[np.int64], nodes: int, count: int, generator: np.random.Generator
) -> NDArray[np.int64]:
    """Draw from a list of all pairs that are no edges."""
    first, second = np.triu_indices(nodes, 1)
    pairs = first * nodes + second
    return generator.choice(pairs[~_is_among(pairs, joined)], count, replace=False)


def _drawn_apart(
    joined: NDArray[np.int64], nodes: int, count: int, generator: np.random.Generator
) -> NDArray[np.int64]:
    """Draw pairs of nodes, pass over edges, self pairs and repetitions, until there are enough."""
    drawn = np.empty(0, np.int64)
    while len(drawn) < count:
        pairs = generator.integers(0, nodes, (2, 2 * (count - len(drawn)) + 16))
        pairs = pairs[:, pairs[0] != pairs[1]]
        new = _keys(pairs.T, nodes)
        drawn = np.concatenate([drawn, new[~_is_among(new, joined)]])
        _, places = np.unique(drawn, return_index=True)
        drawn = drawn[np.sort(places)]  # the first of each, in the order drawn
    return drawn[:count]
