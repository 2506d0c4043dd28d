"""The laws of splits: nothing lost, nothing twice, nothing leaks, nothing falls apart."""

import re
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from embedry.data.graph import Graph
from embedry.errors import InputError, MissingExtraError
from embedry.trust.evaluate import split_edges


def random_graph(nodes=40, edges=150, seed=0, **settings):
    ends = np.random.default_rng(seed).integers(0, nodes, (edges, 2))
    return Graph.from_edges(ends, nodes=range(nodes), **settings)


def named(pairs, directed=False):
    """Return pairs as a set in which an undirected pair has no order."""
    return {tuple(pair) if directed else frozenset(pair) for pair in pairs.tolist()}


def edges_of(graph):
    sources, targets, _ = graph.edges()
    apart = sources != targets
    return named(np.stack([sources[apart], targets[apart]], axis=1), graph.directed)


def components(graph):
    shape = (len(graph), len(graph))
    matrix = csr_array((np.ones(graph.arc_count), graph.indices, graph.indptr), shape=shape)
    return connected_components(matrix, directed=False)[0]


@settings(deadline=None)
@given(
    st.integers(0, 2**31),
    st.integers(5, 30),
    st.floats(0.1, 0.6),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["drop", "keep"]),
)
def test_split_edges_loses_nothing_and_repeats_nothing(
    seed, nodes, test, directed, connected, loops
):
    """Training and test edges are all edges; no pair is of two kinds or joins a node to itself.

    A pair of nodes is one pair in a directed graph too: its two arcs are on the same side, and
    neither order of it is a non-edge.
    """
    graph = random_graph(nodes, 2 * nodes, seed, directed=directed, self_loops=loops)
    try:
        split = split_edges(graph, test=test, connected=connected, seed=seed)
    except InputError as error:
        if not re.search("stay connected|both sides|non-edges", str(error)):
            raise
        return
    whole = edges_of(graph)
    kinds = [
        named(pairs, directed)
        for pairs in (
            split.train_edges, split.test_edges, split.test_non_edges, split.train_non_edges
        )
    ]  # fmt: skip
    trained, tested, *none = kinds
    assert trained | tested == whole
    assert edges_of(split.graph) == trained
    assert not whole & (none[0] | none[1])
    pairs = [split.train_edges, split.test_edges, split.test_non_edges, split.train_non_edges]
    assert sum(map(len, kinds)) == sum(map(len, pairs)) == len(set().union(*kinds))
    either = [named(each) for each in pairs]
    assert sum(map(len, either)) == len(set().union(*either))
    assert list(map(len, either[2:])) == list(map(len, pairs[2:]))
    assert len(either[1]) == round(test * len(either[0] | either[1]))
    assert len(split.test_non_edges) == len(split.test_edges)
    assert all(len(set(pair)) == 2 for kind in kinds for pair in kind)
    assert split.graph.ids == graph.ids
    loops_before, loops_after = (
        each.edge_count - len(edges_of(each)) for each in (graph, split.graph)
    )
    assert loops_before == loops_after
    if connected:
        assert components(split.graph) == components(graph)


@pytest.mark.parametrize("directed", [False, True])
def test_split_edges_draws_non_edges_evenly(monkeypatch, directed):
    """Each pair that is no edge comes about as often, drawn from a list or one by one."""
    graph = random_graph(12, 30, directed=directed)
    counts = np.zeros((2, 12, 12))
    for way, few in enumerate((2**22, 0)):
        monkeypatch.setattr("embedry.trust.evaluate.graphs.edges._FEW_PAIRS", few)
        for seed in range(400):
            drawn = split_edges(graph, test=0.3, connected=False, seed=seed).test_non_edges
            np.add.at(counts[way], tuple(drawn.T), 1)
    apart = 12 * 11 // 2 - len({frozenset(pair) for pair in edges_of(graph)})
    for way in counts:
        possible = way > 0
        assert possible.sum() == apart * (2 if directed else 1)
        assert stats.chisquare(way[possible]).pvalue > 1e-3


def test_split_edges_takes_opposite_arcs_out_together():
    """A random graph with both arcs of each pair: the arc left would give the other away."""
    ends = np.argwhere(np.triu(np.random.default_rng(3).random((60, 60)) < 0.2, 1))
    graph = Graph.from_edges(np.concatenate([ends, ends[:, ::-1]]), directed=True)
    for connected in (False, True):
        split = split_edges(graph, test=0.4, connected=connected)
        left = edges_of(split.graph)
        assert len(split.test_edges) == 2 * round(0.4 * len(ends))
        assert not left & {(b, a) for a, b in split.test_edges.tolist()}
        assert all((b, a) in left for a, b in left)


def test_split_edges_keeps_weights_and_directions():
    """What stays weighs what it weighed."""
    ends = [(0, 1), (1, 2), (2, 3), (3, 0), (0, 2), (4, 5), (5, 0), (1, 4)]
    graph = Graph.from_edges(ends, np.arange(1, 9), directed=True)
    split = split_edges(graph, test=0.3)
    assert split.graph.directed
    whole = {(s, t): w for s, t, w in zip(*(c.tolist() for c in graph.edges()), strict=True)}
    for source, target, weight in zip(*(c.tolist() for c in split.graph.edges()), strict=True):
        assert whole[source, target] == weight


def ring(nodes, chords=0, **settings):
    """Return a ring of nodes and some chords, which are all that can go but for one edge."""
    ends = [(node, (node + 1) % nodes) for node in range(nodes)]
    ends += [(node, node + nodes // 2) for node in range(chords)]
    return Graph.from_edges(ends, **settings)


@pytest.mark.parametrize("test", [1e-9, 1e-3, 0.9, 1.0])
@pytest.mark.parametrize(
    "graph",
    [
        ring(4),
        ring(20),
        ring(2000, 1000),
        ring(3000),
        ring(3000, directed=True),
        ring(7, 3, directed=True),
        Graph.from_edges([(n, n + 1) for n in range(20)]),
        Graph.from_edges([(0, 1), (2, 3)]),
        Graph.from_edges([(0, 1), (1, 0), (2, 3)], directed=True),
        random_graph(),
        random_graph(20, 250),
        random_graph(20, 250, directed=True),
        random_graph(12, 150, directed=True),
    ],
    ids=repr,
)
def test_split_edges_advice_is_good_as_it_stands(graph, test):
    """What an error says to pass is passed: it gives a split at once, without a second error."""
    for connected in (True, False):
        try:
            split_edges(graph, test=test, connected=connected)
            continue
        except InputError as error:
            message = str(error)
        number = re.search(r"Pass test=([0-9.]*[0-9])", message)
        if number:
            assert split_edges(graph, test=float(number[1]), connected=connected)
        assert number or connected
        assert number or "Pass connected=False" in message


def test_split_edges_says_how_much_can_go():
    """A tree has no edge to spare; a cycle has one, and a ring with chords one more than chords."""
    tree = Graph.from_edges([(n, n + 1) for n in range(20)])
    with pytest.raises(InputError, match=r"keep all of its 20 .*none is free.*connected=False"):
        split_edges(tree, test=0.1)
    assert len(split_edges(tree, test=0.1, connected=False).test_edges) == 2
    assert len(split_edges(ring(20), test=0.05).test_edges) == 1
    with pytest.raises(InputError, match=r"keep 1999 of its 3000 .*test=0\.333 at most"):
        split_edges(ring(2000, 1000), test=0.9)
    with pytest.raises(InputError, match=r"test=0\.000333 at most"):
        split_edges(ring(3000), test=0.9)


def test_split_edges_same_seed_same_split():
    """And another seed takes others."""
    graph = random_graph()
    one, two, other = (split_edges(graph, seed=seed) for seed in (4, 4, 5))
    for name in ("test_edges", "test_non_edges", "train_non_edges"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
        assert named(getattr(one, name)) != named(getattr(other, name))
    np.testing.assert_array_equal(one.graph.indices, two.graph.indices)
    assert "connected as before" in str(one)


@pytest.mark.parametrize(
    ("graph", "settings", "message"),
    [
        ([(0, 1)], {}, "must be a Graph"),
        (Graph.from_edges([(0, 1)]), {}, "it joins 1. Pass a larger graph"),
        (Graph.from_edges([(0, 1), (1, 0)], directed=True), {}, "it joins 1. Pass a larger graph"),
        (Graph.from_edges([(0, 0)], self_loops="keep"), {}, "it joins 0"),
        (random_graph(), {"test": 1.0}, "both sides"),
        (random_graph(), {"test": 50}, "test must be a number"),
        (random_graph(), {"seed": -1}, "seed"),
        (random_graph(), {"connected": "no"}, "connected must be True or False; got 'no'"),
        (random_graph(), {"connected": 0}, "connected must be True or False; got 0"),
        (random_graph(6, 400), {"connected": False}, "no test is small enough"),
        (ring(3), {}, "no test is small enough"),
        (random_graph(20, 300), {"connected": False}, "more non-edges than test edges"),
    ],
)
def test_split_edges_refuses_what_cannot_be_split(graph, settings, message):
    """Bare pairs, one edge, percentages, and a graph without non-edges."""
    with pytest.raises(InputError, match=message):
        split_edges(graph, **settings)


def test_split_edges_needs_scipy_for_the_forest_alone(monkeypatch):
    """Without it the error says what to install; with connected=False nothing is missing."""
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(MissingExtraError, match=r"embedry\[evaluate\]"):
        split_edges(random_graph())
    assert len(split_edges(random_graph(), connected=False).test_edges)
