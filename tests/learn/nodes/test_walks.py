"""Laws of streamed walks: rounds over all nodes, bounded batches, the same each time."""

import itertools

import numpy as np
import pytest

import embedry
from embedry.data.graph import Graph
from embedry.errors import InputError
from embedry.learn.nodes import walks as walks_module
from embedry.learn.nodes.walks import Extended, Walker, walks


def ring(nodes=50, **settings):
    """A ring of named nodes, with one that stands alone."""
    names = [f"n{node}" for node in range(nodes)]
    return Graph.from_edges(
        list(zip(names, names[1:] + names[:1], strict=True)), nodes=["alone"], **settings
    )


def test_walks_are_edges_by_name():
    """Each walk is a tuple of ids, and each step an edge."""
    graph = ring()
    found = [walk for batch in walks(graph, walks=2, length=7) for walk in batch]
    assert len(found) == 100
    for walk in found:
        assert len(walk) == 7
        assert all(graph.has_edge(*step) for step in itertools.pairwise(walk))


def test_walks_round_visits_each_node_once_in_random_order():
    """Each round starts once from every node that has an edge; orders differ."""
    starts = [walk[0] for batch in walks(ring(), walks=3, length=2) for walk in batch]
    rounds = [starts[:50], starts[50:100], starts[100:]]
    assert all(sorted(one) == sorted(ring().ids[1:]) for one in rounds)
    assert rounds[0] != rounds[1] != rounds[2]


def test_walks_same_seed_same_walks():
    """The seed decides, nothing else."""
    one, two, three = (list(next(walks(ring(), seed=seed))) for seed in (1, 1, 2))
    assert one == two != three


def test_walks_come_in_batches_of_bounded_size(monkeypatch):
    """Memory does not grow with walks; the size of a batch changes no walk."""
    whole = [walk for batch in walks(ring(200), walks=4, length=5) for walk in batch]
    monkeypatch.setattr(walks_module, "_BITE", 500)
    batches = list(walks(ring(200), walks=4, length=5))
    assert max(len(batch.tokens) for batch in batches) == 500
    assert [walk for batch in batches for walk in batch] == whole
    assert sum(map(len, batches)) == 800


def test_walks_end_early_where_no_edge_leaves():
    """On a directed path, walks stop at its end."""
    graph = Graph.from_edges([("a", "b"), ("b", "c")], directed=True)
    found = {walk for batch in walks(graph, walks=5, length=9) for walk in batch}
    assert found == {("a", "b", "c"), ("b", "c")}


def test_walks_follow_p_q_and_weights():
    """On a path, p far above 1 never turns back in the middle; heavy edges are taken."""
    names = list(range(30))
    graph = Graph.from_edges(list(itertools.pairwise(names)))
    found = (walk for batch in walks(graph, walks=20, length=3, p=1e6) for walk in batch)
    assert all(walk[0] != walk[2] for walk in found if 0 < walk[1] < 29)
    graph = Graph.from_edges([("a", "b"), ("a", "c")], weights=[1e-6, 1])
    found = [walk for batch in walks(graph, walks=100, length=2) for walk in batch]
    assert ("a", "b") not in found


def test_pilot_counts_one_round():
    """Visits are those of the first round; a node with an edge has 1 at least, others 0."""
    graph = Graph.from_edges([(node, "sink") for node in range(99)], directed=True, nodes=["x"])
    walker = Walker.on(graph, 3, 4)
    counts = dict(zip(graph.ids, walker.pilot().tolist(), strict=True))
    assert counts.pop("x") == 0
    assert counts.pop("sink") == 99
    assert set(counts.values()) == {1}
    assert not walker.met.any()


@pytest.mark.parametrize("threads", [1, 3])
def test_walker_parts_share_the_nodes(threads):
    """Threads walk from nodes of their own, together from all; each epoch anew."""
    graph = ring(80)
    parts = Walker.on(graph, 2, 5).parts(threads, np.random.default_rng(0))
    assert len(parts) == threads
    starts, seen = [], 0
    for part in parts:
        first, again, second = (
            np.concatenate([some.tokens for some in part.sentences(epoch)]) for epoch in (0, 0, 1)
        )
        assert first.tobytes() == again.tobytes() != second.tobytes()
        starts += first[::5].tolist()
        seen += part.seen
    assert sorted(starts) == sorted([*range(1, 81)] * 2)
    assert seen == 2 * 80 * 5


def test_walker_seen_counts_whole_walks():
    """Walks cut short count in full, so that the learning rate falls to its end."""
    graph = Graph.from_edges([("a", "b"), ("b", "c")], directed=True)
    (part,) = Walker.on(graph, 4, 50).parts(1, np.random.default_rng(0))
    assert sum(some.seen for some in part.sentences(0)) == part.seen == 2 * 4 * 50


BAD = [
    ({"walks": 0}, "walks must be"),
    ({"length": 0}, "length must be"),
    ({"length": 10_001}, "length must be"),
    ({"p": 0}, "p must be"),
    ({"q": -1}, "q must be"),
    ({"extended": 0.5}, "extended must be"),
    ({"seed": -1}, "seed must be"),
]


@pytest.mark.parametrize(("settings", "words"), BAD)
def test_walks_refuse_settings_at_the_call(settings, words):
    """What is out of range is refused before a batch is asked for."""
    with pytest.raises(InputError, match=words):
        walks(ring(), **settings)


def test_walks_refuse_what_is_no_graph():
    """A list of edges is no graph, and a graph without an edge cannot be walked."""
    with pytest.raises(InputError, match=r"Graph\.from_edges"):
        walks([("a", "b")])
    empty = Graph(("a",), np.zeros(2, np.int64), np.empty(0, np.int32))
    with pytest.raises(InputError, match="must have an edge"):
        walks(empty)
    with pytest.raises(InputError, match="gamma"):
        Extended(-1)


def test_walks_are_public():
    """`embedry.walks` is the function."""
    assert embedry.walks is walks
