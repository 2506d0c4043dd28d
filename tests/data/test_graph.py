"""Graphs against SciPy's sparse matrices, networkx and plain dicts."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from embedry.data.graph import Graph
from embedry.errors import InputError

ROOT = Path(__file__).parents[2].parent
DATA = Path(os.environ.get("EMBEDRY_DATA", ROOT / "shared" / "data")) / "graphs"

plain_ids = st.one_of(st.integers(-3, 3), st.sampled_from(["1", "a", "b", "é"]))
# multiples of 1/4 add up exactly
weighted = st.lists(st.tuples(plain_ids, plain_ids, st.integers(0, 9).map(lambda n: n / 4))).map(
    lambda edges: [*edges, ("u", "v", 1.25)]
)


def as_dense(graph):
    """Turn a graph into a table by way of SciPy, which checks the rows."""
    weights = np.ones(graph.arc_count) if graph.weights is None else graph.weights
    matrix = sparse.csr_array(
        (weights, graph.indices, graph.indptr), shape=(len(graph), len(graph))
    )
    matrix.check_format()
    assert matrix.has_canonical_format
    return matrix.toarray()


def as_dict(graph):
    """Return the weight of each edge by the names of its ends."""
    columns = (column.tolist() for column in graph.edges())
    return {(graph.ids[s], graph.ids[t]): w for s, t, w in zip(*columns, strict=True)}


def same(one, other):
    """Tell whether two graphs are equal, counts and all."""
    facts = ("ids", "directed", "merged", "dropped", "is_weighted")
    return all(getattr(one, fact) == getattr(other, fact) for fact in facts) and all(
        (a is None and b is None) or (np.array_equal(a, b) and a.dtype == b.dtype)
        for a, b in (
            (one.indptr, other.indptr),
            (one.indices, other.indices),
            (one.weights, other.weights),
        )
    )


@settings(max_examples=50, deadline=None)
@given(weighted, st.lists(plain_ids, max_size=3), st.booleans())
def test_graph_from_weighted_directed_edges_equals_a_dict(edges, nodes, keep):
    """Names in order of appearance, weights added up; loops, zeros and repeats counted."""
    sources, targets, weights = zip(*edges, strict=True)
    loops = "keep" if keep else "drop"
    made = Graph.from_edges(
        list(zip(sources, targets, strict=True)), weights, directed=True, nodes=nodes,
        self_loops=loops,
    )  # fmt: skip
    expected = defaultdict(float)
    dropped = defaultdict(int)
    for source, target, weight in edges:
        if not weight:
            dropped["weight of zero"] += 1
        elif source == target and not keep:
            dropped["self loop"] += 1
        else:
            expected[source, target] += weight
    ends = (end for edge in edges for end in edge[:2])
    assert made.ids == tuple(dict.fromkeys([*nodes, *ends]))
    assert as_dict(made) == expected
    assert made.dropped == dropped
    assert made.merged == len(edges) - sum(dropped.values()) - len(expected)
    assert made.edge_count == made.arc_count == len(expected)
    as_dense(made)


@settings(max_examples=50, deadline=None)
@given(weighted, st.booleans())
def test_graph_from_plain_undirected_edges_equals_a_set(edges, keep):
    """Without weights an edge is there or not, in whichever direction and however often."""
    pairs = [edge[:2] for edge in edges]
    made = Graph.from_edges(pairs, self_loops="keep" if keep else "drop")
    expected = {frozenset(pair) for pair in pairs if keep or pair[0] != pair[1]}
    assert {frozenset(pair) for pair in as_dict(made)} == expected
    assert made.weights is None
    assert made.edge_count == len(expected)
    assert made.merged == len(pairs) - made.dropped.get("self loop", 0) - len(expected)
    dense = as_dense(made)
    np.testing.assert_array_equal(dense, dense.T)
    np.testing.assert_array_equal(made.degrees, dense.sum(axis=1))
    assert made.degrees.dtype == np.int64
    alone = [name for name, row in zip(made.ids, dense, strict=True) if not row.any()]
    assert list(made.isolated) == alone


@settings(max_examples=50, deadline=None)
@given(weighted)
def test_graph_undirected_adds_up_both_directions(edges):
    """What SciPy gives for the matrix plus its mirror image, with the diagonal once."""
    sources, targets, weights = zip(*edges, strict=True)
    arcs = Graph.from_edges(
        (list(sources), list(targets)), weights, directed=True, self_loops="keep"
    )
    both = arcs.undirected()
    dense = as_dense(arcs)
    np.testing.assert_array_equal(as_dense(both), dense + dense.T - np.diag(np.diag(dense)))
    assert not both.directed
    assert both.undirected() is both
    assert both.merged == arcs.merged + arcs.edge_count - both.edge_count


@settings(max_examples=50, deadline=None)
@given(weighted)
def test_graph_from_undirected_edges_in_both_directions_is_that_of_one(edges):
    """Each edge listed there and back with one weight is the edge listed once."""
    once = {}
    for source, target, weight in edges:
        once.setdefault(frozenset((source, target)), (source, target, weight))
    sources, targets, weights = zip(*once.values(), strict=True)
    one = Graph.from_edges((list(sources), list(targets)), weights)
    there_and_back = ([*sources, *targets], [*targets, *sources])
    two = Graph.from_edges(there_and_back, [*weights, *weights])
    assert as_dict(two) == as_dict(one)
    assert two.merged == one.edge_count
    np.testing.assert_array_equal(as_dense(two), as_dense(two).T)


def test_graph_refuses_directions_that_differ():
    """Nobody can say whether 2 there and 3 back make 5, so nobody guesses."""
    edges, weights = [("a", "b"), ("c", "b"), ("b", "c"), ("b", "a")], [2, 1, 1, 3]
    with pytest.raises(InputError, match="1 do not, the first from 'a' to 'b': 2 and back 3"):
        Graph.from_edges(edges, weights)
    made = Graph.from_edges(edges, weights, directed=True).undirected()
    assert as_dict(made) == {("a", "b"): 5, ("b", "c"): 2}
    assert made.merged == 2


def test_graph_takes_sums_in_another_order_for_the_same():
    """Weights that differ by a rounding alone are one weight."""
    made = Graph.from_edges([(1, 2)] * 3 + [(2, 1)] * 3, [0.1, 0.2, 0.3, 0.3, 0.2, 0.1])
    assert made.edge_count == 1
    np.testing.assert_allclose(made.weights, 0.6, rtol=1e-6)
    assert made.weights[0] == made.weights[1]


ends = st.integers(-5, 5).map(lambda n: n * 10**12) | st.integers(-5, 5)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(ends, ends)), st.lists(ends, max_size=3))
def test_graph_from_arrays_of_integers_equals_that_from_names(pairs, nodes):
    """Integers in arrays, near each other or not, are numbered as a dict does it."""
    pairs = [*pairs, (7, 8)]
    arrays = Graph.from_edges(np.array(pairs), nodes=np.array(nodes, np.int64))
    lists = Graph.from_edges(pairs, nodes=nodes)
    texts = Graph.from_edges(
        [(str(a), str(b)) for a, b in pairs], nodes=[str(node) for node in nodes]
    )
    assert same(arrays, lists)
    assert arrays.ids == tuple(map(int, texts.ids))
    assert all(type(node) is int for node in arrays.ids)
    np.testing.assert_array_equal(arrays.indices, texts.indices)
    np.testing.assert_array_equal(arrays.indptr, texts.indptr)
