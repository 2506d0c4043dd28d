"""Laws of DeepWalk and Node2Vec: what they learn is true, the same each time, kept as it is."""

import numpy as np
import pytest

import embedry
from embedry.data.graph import Graph
from embedry.errors import FileFormatError, InputError, NotFittedError, UnknownIdError
from embedry.learn.graph import DeepWalk, Node2Vec
from embedry.learn.nodes.walks import Extended

GROUPS, SIZE = 4, 30


def planted(seed=0, within=0.4, across=0.01, skip=()):
    """Four groups of thirty nodes, dense within and sparse across; names say the group."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(GROUPS), SIZE)
    chance = np.where(groups[:, None] == groups, within, across)
    edges = np.argwhere(np.triu(rng.random(chance.shape) < chance, 1)).tolist()
    names = [f"g{group}n{node}" for node, group in enumerate(groups)]
    return [(names[a], names[b]) for a, b in edges if names[a] not in skip and names[b] not in skip]


@pytest.fixture(scope="module")
def groups():
    return Graph.from_edges(planted())


def small(kind=Node2Vec, **settings):
    few = {"dims": 16, "walks": 3, "length": 20, "window": 5, "threads": 1}
    return kind(**(few | settings))


@pytest.fixture(scope="module")
def fitted(groups):
    return small(walks=10, length=40, epochs=3).fit(groups)


def share_of_own(embeddings):
    """Share of the ten nearest nodes of each node that are of its group."""
    hits = embeddings.nearest(id=list(embeddings.ids), k=10)
    return np.mean([
        near[:2] == id[:2]
        for id, hit in zip(embeddings.ids, hits, strict=True)
        for near in hit.ids
    ])  # fmt: skip


@pytest.mark.parametrize(
    "learner",
    [small(DeepWalk, walks=10, epochs=3), small(walks=10, epochs=3, p=0.5, q=2)],
    ids=["deepwalk", "node2vec"],
)
def test_fit_puts_nodes_of_a_group_together(groups, learner):
    """Planted groups: the nearest nodes of each node are those of its own group."""
    embeddings = learner.fit(groups).embeddings_
    assert embeddings.ids == groups.ids
    assert embeddings.dims == 16
    assert share_of_own(embeddings) > 0.95


def test_fit_reads_weights():
    """Where all pairs have an edge, heavy ones alone make the groups."""
    names = [f"g{node % 3}n{node}" for node in range(45)]
    pairs = [(a, b) for at, a in enumerate(names) for b in names[:at]]
    weights = [1 if a[:2] == b[:2] else 0.01 for a, b in pairs]
    graph = Graph.from_edges(pairs, weights)
    for learner in (small(DeepWalk), small(p=0.5, q=0.5, extended=True)):
        learner.set_params(walks=20, epochs=2)
        assert share_of_own(learner.fit(graph).embeddings_) > 0.9


@pytest.mark.parametrize("kind", [DeepWalk, Node2Vec])
def test_fit_same_seed_same_bytes(groups, kind):
    """With one thread, the seed decides every byte; another seed gives another space."""
    one, two, three = (small(kind, seed=seed).fit(groups) for seed in (1, 1, 2))
    assert one.embeddings_.vectors.tobytes() == two.embeddings_.vectors.tobytes()
    assert one.card == two.card
    assert one.card.fingerprint != three.card.fingerprint


def test_node2vec_without_bias_is_deepwalk(groups):
    """p = q = 1 walks evenly: the same vectors, in a space of another kind."""
    one, two = small(Node2Vec).fit(groups), small(DeepWalk).fit(groups)
    assert one.embeddings_.vectors.tobytes() == two.embeddings_.vectors.tobytes()
    assert (one.card.kind, two.card.kind) == ("node2vec", "deepwalk")


def test_fit_threads_learn_as_well(groups):
    """Several threads find the groups too."""
    learner = small(walks=10, epochs=3, threads=3).fit(groups)
    assert share_of_own(learner.embeddings_) > 0.95
    assert dict(learner.card.settings)["threads"] == 3


@pytest.mark.parametrize("window", [10, 50])
@pytest.mark.parametrize(
    "edges",
    [
        [("hub", node) for node in range(200)],
        [(2 * pair, 2 * pair + 1) for pair in range(100)],
        [(3 * three + a, 3 * three + b) for three in range(60) for a, b in ((0, 1), (1, 2))],
        [("a", "a"), ("b", "c")],
    ],
    ids=["star", "pairs", "paths", "loop"],
)
def test_fit_is_steady_where_walks_turn_in_circles(edges, window):
    """Walks that see few nodes again and again do not make vectors grow without bound."""
    graph = Graph.from_edges(edges, self_loops="keep")
    for rate in (0.05, 0.1):
        learner = DeepWalk(dims=16, window=window, learning_rate=rate, threads=1).fit(graph)
        assert np.abs(learner.embeddings_.vectors).max() < 10


def test_fit_chooses_a_rate_by_how_often_edges_are_walked(groups, tmp_path):
    """The more steps an edge, the lower; what is given is taken, and either is kept."""
    learners = [small(DeepWalk, walks=walks, length=10).fit(groups) for walks in (2, 60)]
    rates = [learner.learning_rate_ for learner in learners]
    assert rates == pytest.approx([0.05, 1.2 * len(groups.indices) / (60 * 10 * len(groups))])
    dead_ends = Graph.from_edges([(f"a{n}", f"b{n}") for n in range(90)], directed=True)
    assert small(DeepWalk, walks=20, length=80).fit(dead_ends).learning_rate_ == pytest.approx(0.03)
    given = small(DeepWalk, learning_rate=0.03).fit(groups)
    assert given.learning_rate_ == dict(given.card.settings)["learning_rate"] == 0.03
    learner = small(DeepWalk, walks=100).fit(groups)
    learner.save(tmp_path / "n")
    loaded = embedry.load(tmp_path / "n")
    assert (loaded.learning_rate, loaded.learning_rate_) == (None, 0.0175)


def test_fit_says_when_the_rate_is_too_high():
    """Vectors that grew without bound are no result."""
    graph = Graph.from_edges([(2 * pair, 2 * pair + 1) for pair in range(100)])
    with pytest.raises(InputError, match="learning_rate must be low enough"):
        small(learning_rate=1.0, walks=50, window=50).fit(graph)


def test_fit_says_which_nodes_got_no_vector():
    """Nodes without an edge, and sinks that no walk found, are named, not placed."""
    graph = Graph.from_edges([("a", "b"), ("b", "c")], nodes=["x", "y"])
    learner = small().fit(graph)
    assert learner.unplaced_ == ("x", "y")
    assert learner.embeddings_.ids == ("a", "b", "c")
    chances = Graph.from_edges(
        [("a", "b"), ("b", "a"), ("b", "rare")], weights=[1, 1, 1e-9], directed=True
    )
    assert small().fit(chances).unplaced_ == ("rare",)


def test_card_says_what_the_space_is(fitted):
    """Kind, metric, role and settings stand on the card."""
    card = fitted.card
    assert (card.kind, card.dims, card.metric, card.roles) == ("node2vec", 16, "cosine", ("node",))
    settings = dict(card.settings)
    assert (settings["q"], settings["extended"], settings["threads"]) == (1.0, None, 1)


def test_walk_gives_the_walks_of_fit(groups):
    """`walk` is `embedry.walks` with the learner's settings."""
    learner = small(q=2, seed=5)
    ours = [walk for batch in learner.walk(groups) for walk in batch]
    same = embedry.walks(groups, walks=3, length=20, q=2, seed=5)
    assert ours == [walk for batch in same for walk in batch]


def test_place_puts_held_out_nodes_in_their_group():
    """Nodes that were not learned go to their group by their edges alone."""
    held = [f"g{node // SIZE}n{node}" for node in range(0, GROUPS * SIZE, 10)]
    graph = Graph.from_edges(planted(skip=held))
    learner = small(walks=10, epochs=3).fit(graph)
    edges = [(a, b) for a, b in planted() if (a in held) != (b in held)]
    neighbours = [[a if b == one else b for a, b in edges if one in (a, b)] for one in held]
    placed = learner.place(held, neighbours=iter(neighbours))
    assert placed.embeddings.ids == tuple(held)
    assert placed.embeddings.card == learner.card
    hits = learner.embeddings_.nearest(vector=placed.embeddings.vectors, k=5)
    own = [near[:2] == one[:2] for one, hit in zip(held, hits, strict=True) for near in hit.ids]
    assert np.mean(own) > 0.95
    assert ((placed.confidence > 0) & (placed.confidence <= 1)).all()


def test_place_weighs_neighbours(fitted):
    """A mapping gives weights; alike weights are a list; more weight pulls nearer."""
    one, two = fitted.embeddings_.ids[0], fitted.embeddings_.ids[-1]

    def towards(neighbours):
        placed = fitted.place(["new"], neighbours=[neighbours]).embeddings.vectors
        hit = fitted.embeddings_.nearest(vector=placed, k=len(fitted.embeddings_))[0]
        scores = dict(zip(hit.ids, hit.scores, strict=True))
        return placed, scores[one] - scores[two]

    (listed, _), (mapped, _) = towards([one, two]), towards({one: 2.0, two: 2.0})
    np.testing.assert_allclose(listed, mapped, rtol=1e-5)
    assert towards({one: 9, two: 1})[1] > towards({one: 1, two: 9})[1]


def test_place_without_enough_nodes_is_the_mean():
    """Of a small graph no map can be fitted: the mean, and no confidence."""
    learner = small().fit(Graph.from_edges([("a", "b"), ("b", "c")]))
    placed = learner.place(["new"], neighbours=[["a", "b"]])
    mean = (learner.embeddings_["a"] + learner.embeddings_["b"]) / 2
    np.testing.assert_allclose(placed.embeddings["new"], mean, rtol=1e-5)
    assert placed.confidence is None


@pytest.mark.parametrize(
    ("nodes", "neighbours", "error", "words"),
    [
        (["x"], [], InputError, "one collection of ids for each of the 1 nodes"),
        (["x"], "a", InputError, "one collection"),
        (["x"], ["g0n0"], InputError, "must be ids in a list"),
        (["x"], [[]], InputError, "needs a neighbour"),
        (["x"], [["nobody"]], UnknownIdError, "nobody"),
        (["x"], [{"g0n0": 0}], InputError, "weight"),
        (["x"], [["g0n0", "g0n0"]], InputError, "came again"),
        (["x", "x"], [["g0n0"], ["g0n1"]], InputError, "came again"),
    ],
)
def test_place_refuses(fitted, nodes, neighbours, error, words):
    """What cannot be placed is refused, with the reason."""
    with pytest.raises(error, match=words):
        fitted.place(nodes, neighbours=neighbours)


@pytest.mark.parametrize("extended", [False, True, Extended(0.5)], ids=str)
def test_save_and_load_keep_all(tmp_path, extended):
    """A loaded learner has the same space, settings, unplaced nodes and map."""
    graph = Graph.from_edges(planted(), nodes=["alone", 7])
    learner = small(q=2, extended=extended).fit(graph)
    learner.save(tmp_path / "nodes")
    loaded = embedry.load(tmp_path / "nodes")
    assert type(loaded) is Node2Vec
    assert loaded.card == learner.card
    assert loaded.embeddings_.ids == learner.embeddings_.ids
    assert loaded.embeddings_.vectors.tobytes() == learner.embeddings_.vectors.tobytes()
    assert loaded.unplaced_ == ("alone", 7)
    assert loaded.q == 2
    assert bool(loaded.extended) == bool(extended)
    ask = {"nodes": ["new"], "neighbours": [["g0n1", "g1n40"]]}
    ours, theirs = learner.place(**ask), loaded.place(**ask)
    assert ours.embeddings.vectors.tobytes() == theirs.embeddings.vectors.tobytes()
    assert ours.confidence.tobytes() == theirs.confidence.tobytes()
    loaded.save(tmp_path / "again")
    assert repr(embedry.load(tmp_path / "again")) == repr(loaded)


def test_load_refuses_another_kind(tmp_path, groups):
    """A DeepWalk is no Node2Vec."""
    small(DeepWalk).fit(groups).save(tmp_path / "nodes")
    assert type(embedry.load(tmp_path / "nodes")) is DeepWalk
    with pytest.raises(FileFormatError):
        Node2Vec.load(tmp_path / "nodes")


BAD = [
    {"dims": 0}, {"walks": 0}, {"length": 1}, {"window": 51}, {"negative": 0}, {"epochs": 0},
    {"learning_rate": 0}, {"seed": -1}, {"threads": 0}, {"p": 0}, {"q": "1"}, {"extended": 1},
]  # fmt: skip


@pytest.mark.parametrize("settings", BAD, ids=str)
def test_fit_refuses_settings_out_of_range(groups, settings):
    """Each setting says its range when it is left."""
    (name,) = settings
    with pytest.raises(InputError, match=name):
        small(**settings).fit(groups)


def test_learner_before_fit_says_so(groups, tmp_path):
    """What only fit can give is refused before it."""
    for ask in (
        lambda: small().card,
        lambda: small().save(tmp_path / "nodes"),
        lambda: small().place(["x"], neighbours=[["a"]]),
    ):
        with pytest.raises(NotFittedError):
            ask()
    with pytest.raises(InputError, match="Graph"):
        small().fit(planted())
    assert small().set_params(q=3).get_params()["q"] == 3
    clone = pytest.importorskip("sklearn.base").clone
    assert repr(clone(small(q=3))) == repr(small(q=3))
