"""Graphs against SciPy's sparse matrices, networkx and plain dicts."""

from __future__ import annotations

import copy
import pickle
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from embedry.data.graph import Graph
from embedry.errors import InputError, UnknownIdError

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


def test_graph_of_edges_takes_any_usual_form():
    """Pairs, an array of them, a tuple of columns and a generator are the same edges."""
    pairs = [(3, 1), (1, 2), (3, 2)]
    expected = Graph.from_edges(pairs)
    assert expected.ids == (3, 1, 2)
    array = np.array(pairs)
    for edges in (
        array, array.astype(np.int16), array.astype(np.uint64), iter(pairs), tuple(pairs),
        tuple(array.T), tuple(map(list, array.T.tolist())), [list(pair) for pair in pairs],
        (array[:, 0].tolist(), array[:, 1]), [(np.int64(a), b) for a, b in pairs],
    ):  # fmt: skip
        assert same(Graph.from_edges(edges), expected)
    assert Graph.from_edges((("a", "b"), ("b", "c"))).edge_count == 2  # pairs, not columns
    assert Graph.from_edges((["a", "b"], ["c", "d"])).neighbours("a") == ("c",)  # columns
    assert Graph.from_edges(pairs, nodes=range(5)).ids == (0, 1, 2, 3, 4)


def test_graph_tells_one_from_its_text():
    """1 and "1" are two nodes; NumPy's 1 is 1; True and 1.0 are none."""
    graph = Graph.from_edges([(1, "1"), ("1", 2)])
    assert graph.neighbours(np.int64(1)) == ("1",)
    assert graph.neighbours("1") == (1, 2)
    for node in (True, 1.0, None, [1], (1, 2)):
        with pytest.raises(InputError, match="An id must be"):
            graph.neighbours(node)
        with pytest.raises(InputError, match="An id must be"):
            graph.has_edge(1, node)
    with pytest.raises(UnknownIdError, match="1 are not, such as 3") as caught:
        graph.has_edge(1, 3)
    assert caught.value.ids == (3,)


def test_graph_keeps_nodes_without_edges():
    """Nodes named apart, of self loops and of edges of weight zero are there; they are told."""
    edges = [("a", "b"), ("c", "c"), ("d", "a")]
    graph = Graph.from_edges(edges, [2, 1, 0], nodes=["e", "b"])
    assert graph.ids == ("e", "b", "a", "c", "d")
    assert graph.isolated == ("e", "c", "d")
    assert graph.dropped == {"weight of zero": 1, "self loop": 1}
    assert repr(graph) == "Graph(5 nodes, 1 edges, weighted)"
    kept = Graph.from_edges([("c", "c"), ("a", "b")], self_loops="keep")
    assert kept.isolated == ()
    assert kept.neighbours("c") == ("c",)
    assert (kept.edge_count, kept.arc_count) == (2, 3)


def test_graph_directed_is_entered_and_left():
    """Neighbours and degrees are of arcs that leave; a node that is entered is not alone."""
    graph = Graph.from_edges([("a", "b"), ("a", "c")], directed=True, nodes=["d"])
    assert graph.neighbours("a") == ("b", "c")
    assert graph.neighbours("b") == ()
    assert graph.degrees.tolist() == [0, 2, 0, 0]
    assert graph.isolated == ("d",)
    assert graph.has_edge("a", "b")
    assert not graph.has_edge("b", "a")
    assert repr(graph) == "Graph(4 nodes, 2 edges, directed)"


@settings(max_examples=50, deadline=None)
@given(weighted, st.booleans(), st.data())
def test_graph_edges_build_the_graph_again(edges, directed, data):
    """Edges by number give back the graph; without some of them, it is that of the others."""
    sources, targets, weights = zip(*edges, strict=True)
    graph = Graph.from_edges((list(sources), list(targets)), weights, directed=True)
    graph = graph if directed else graph.undirected()
    starts, ends, values = graph.edges()
    assert (starts.dtype, ends.dtype, values.dtype) == (np.int32, np.int32, np.float32)
    assert len(starts) == graph.edge_count
    again = Graph.from_edges((starts, ends), values, directed=directed, nodes=np.arange(len(graph)))
    np.testing.assert_array_equal(as_dense(again), as_dense(graph))
    keep = data.draw(st.lists(st.booleans(), min_size=len(starts), max_size=len(starts)))
    keep = np.array(keep)
    keep[0] = True
    fewer = graph.without_edges(np.flatnonzero(~keep))
    named = list(as_dict(graph).items())
    assert as_dict(fewer) == {edge: w for (edge, w), kept in zip(named, keep, strict=True) if kept}
    assert same(fewer, graph.without_edges(~keep))
    assert (fewer.ids, fewer.merged, fewer.dropped) == (graph.ids, graph.merged, graph.dropped)


@settings(max_examples=50, deadline=None)
@given(weighted, st.booleans(), st.randoms(use_true_random=False))
def test_graph_subgraph_is_the_table_of_some_rows(edges, directed, random):
    """Rows and columns of the chosen nodes, in the order chosen."""
    sources, targets, weights = zip(*edges, strict=True)
    graph = Graph.from_edges((list(sources), list(targets)), weights, directed=True)
    graph = graph if directed else graph.undirected()
    others = [node for node in graph.ids if node not in {"u", "v"}]
    chosen = ["v", *random.sample(others, random.randint(0, len(others))), "u"]
    part = graph.subgraph(chosen)
    numbers = graph.numbers(chosen)
    assert part.ids == tuple(chosen)
    np.testing.assert_array_equal(as_dense(part), as_dense(graph)[np.ix_(numbers, numbers)])
    assert part.directed == directed


@pytest.mark.parametrize(
    ("edges", "weights", "message"),
    [
        ([], None, "at least one edge; got none"),
        (
            [("a", "a"), ("a", "b")],
            [1, 0],
            "none, after leaving out 1 of weight",
        ),
        ("ab", None, "edges must be pairs"),
        (7, None, "edges must be pairs"),
        (["ab"], None, "pair of ids; got 'ab' at place 0"),
        ([("a", "b"), ("a", "b", 3)], None, "at place 1. Pass weights apart"),
        ([{1, 2}], None, "must be a pair"),
        ([("a", None)], None, "An id must be"),
        ([(1, True)], None, "An id must be"),
        ([(1, 2**63)], None, "must fit 64 bits"),
        (np.array([[1, 2**63]], np.uint64), None, "must fit 64 bits"),
        (np.array([[1.0, 2.0]]), None, "An id must be"),
        (np.array([[1, 2]], "m8[s]"), None, "An id must be"),
        (np.array([1, 2]), None, r"shape \(edges, 2\)"),
        (np.ones((2, 5), int), None, r"shape \(edges, 2\).*\(sources, targets\)"),
        ((np.ones((2, 2), int), [1, 2]), None, "must be flat"),
        ((["a", "b"], ["c"]), None, "equally long; got 2 and 1"),
        ((["a", "b"], 3), None, "A column of ids"),
        ([("a", "\ud800")], None, "valid Unicode"),
        ([("a", "b")], [1, 2], "one an edge"),
        ([("a", "b")], ["1"], "weights must be numbers"),
        ([("a", "b")], np.array(["1"], object), "weights must be numbers; got '1' of type str"),
        ([("a", "b")], [1j], "weights must be numbers"),
        ([("x", "y"), ("a", "b")], [1, -1], "edge 1, 'a' to 'b': -1"),
        ([("x", "y"), ("a", "b")], [1, np.nan], "1 are not, the first at edge 1"),
        ([("a", "b")], [np.inf], "inf"),
        ([("a", "b")], [1e31], "1e\\+31"),
        ([("a", "b")], [1e-31], "1e-31"),
        ([("a", "b")], [None], "nan"),
    ],
)
def test_graph_refuses_what_is_no_edge(edges, weights, message):
    """What must not be is refused; a wrong weight with its edge."""
    with pytest.raises(InputError, match=message):
        Graph.from_edges(edges, weights)


def test_graph_refuses_wrong_settings():
    """Words that mean nothing, places that are not there, graphs that would be empty."""
    graph = Graph.from_edges([("a", "b"), ("b", "c")])
    with pytest.raises(InputError, match="self_loops must be 'drop' or 'keep'"):
        Graph.from_edges([("a", "b")], self_loops="both")
    for places in ([2], [-1], [0.5], [[0]], [True], ["a"]):
        with pytest.raises(InputError, match="places must be"):
            graph.without_edges(places)
    assert same(graph.without_edges([]), graph)
    for fewer in (lambda: graph.without_edges([0, 1]), lambda: graph.subgraph(["a", "c"])):
        with pytest.raises(InputError, match="at least one edge"):
            fewer()
    with pytest.raises(InputError, match="must differ"):
        graph.subgraph(["a", "b", "a"])
    with pytest.raises(UnknownIdError):
        graph.subgraph(["a", "x"])


def test_graph_weights_that_are_all_one_are_none():
    """A graph whose edges all weigh 1 is one without weights, however it was told."""
    made = Graph.from_edges([("a", "b"), ("b", "c")], [1, 1.0])
    assert made.weights is None
    assert not made.is_weighted
    assert same(made, Graph.from_edges([("a", "b"), ("b", "c")]))
    assert made.edges()[2].tolist() == [1, 1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"indptr": [0, 1]}, "indptr must be int64"),
        ({"indptr": np.array([0, 1, 2], np.int32)}, "indptr must be int64"),
        ({"indptr": [1, 1, 2]}, "indptr must ascend"),
        ({"indptr": [0, 3, 2]}, "indptr must ascend"),
        ({"indptr": [0, 1, 3]}, "indptr must ascend"),
        ({"indices": np.array([1, 0])}, "indices must be int32"),
        ({"indices": np.array([1, 2], np.int32)}, "got 1 to 2"),
        ({"indices": np.array([-1, 0], np.int32)}, "got -1 to 0"),
        ({"indices": np.array([1, 0], np.int32), "indptr": [0, 2, 2]}, "ascend within each row"),
        ({"indices": np.array([1, 1], np.int32), "indptr": [0, 2, 2]}, "ascend within each row"),
        ({"weights": np.array([1, 2.0])}, "weights must be float32"),
        ({"weights": np.array([1], np.float32)}, "weights must be float32"),
        ({"weights": np.array([1, 0], np.float32)}, "above 0"),
        ({"weights": np.array([1, np.nan], np.float32)}, "finite"),
        ({"ids": ("a",)}, "indptr must be int64"),
        ({"ids": ("a", "a")}, "must differ"),
        ({"ids": ("a", None)}, "An id must be"),
        ({"ids": None}, "list of ids"),
        ({"indptr": None}, "indptr must be an array of int64; got NoneType"),
        ({"indices": None}, "indices must be an array"),
        ({"weights": [1, 2]}, "weights must be an array of float32; got list"),
        ({"weights": np.array([1, 2], np.float32)}, "row 0, column 1: 1 there and 2 back"),
        ({"indptr": [0, 1, 1], "indices": np.array([1], np.int32)}, "row 0, column 1: .* 0 back"),
    ],
)
def test_graph_refuses_rows_that_a_walk_could_leave(change, message):
    """Arrays passed by hand are checked, for compiled walks do not look where they step."""
    parts = {"ids": ("a", "b"), "indptr": [0, 1, 2], "indices": np.array([1, 0], np.int32)}
    parts |= change
    if isinstance(parts["indptr"], list):
        parts["indptr"] = np.array(parts["indptr"], np.int64)
    with pytest.raises(InputError, match=message):
        Graph(**parts)


def test_graph_takes_rows_with_empty_ones_between():
    """Rows that are empty, at both ends and between, do not hide where the next begins."""
    indices = np.array([3, 1], np.int32)
    graph = Graph(tuple("abcde"), np.array([0, 0, 1, 1, 2, 2], np.int64), indices)
    assert graph.edge_count == 1
    assert graph.isolated == ("a", "c", "e")
    with pytest.raises(InputError, match="must differ"):
        Graph(tuple("aacde"), graph.indptr, indices)


def test_graph_undirected_by_hand_has_a_way_back():
    """A cycle is a directed graph; as an undirected one it must hold each arc twice."""
    ring = (np.arange(4), np.array([1, 2, 0], np.int32))
    with pytest.raises(InputError, match=r"must be symmetric.*row 0, column 1"):
        Graph(tuple("abc"), *ring)
    made = Graph(tuple("abc"), *ring, directed=True)
    both = made.undirected()
    again = Graph(both.ids, both.indptr, both.indices, both.weights, merged=both.merged)
    assert same(again, both)


@pytest.mark.parametrize("directed", [False, True])
def test_graph_cannot_be_changed(directed):
    """Its arrays and counts are read-only, without a copy, and what was passed is left alone."""
    made = Graph.from_edges([("a", "b"), ("b", "c"), ("c", "c")], [2, 3, 4], directed=directed)
    parts = [np.array(part) for part in (made.indptr, made.indices, made.weights)]
    dropped = {"self loop": 1}
    by_hand = Graph(made.ids, *parts, directed, 0, dropped)
    assert same(by_hand, made)
    dropped["self loop"] = 9
    copies = [pickle.loads(pickle.dumps(made)), copy.deepcopy(made), copy.copy(made)]
    for graph in (made, by_hand, made.without_edges([0]), *copies):
        assert graph.dropped == {"self loop": 1}
        with pytest.raises(TypeError):
            graph.dropped["self loop"] = 2
        for array in (graph.indptr, graph.indices, graph.weights):
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 1
    assert all(same(graph, made) for graph in copies)
    assert np.shares_memory(by_hand.indices, parts[1])
    assert all(part.flags.writeable for part in parts)
