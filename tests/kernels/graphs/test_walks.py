"""Laws of random walks: each step an arc, with the probability that is written out."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedry.errors import InputError
from embedry.kernels.graphs.alias import alias_shares, alias_table
from embedry.kernels.graphs.biased import hashed_rows
from embedry.kernels.graphs.plainwalks import next_probabilities, walk_plain
from embedry.kernels.graphs.walks import WalkPlan, start_state, walk


def rows_of(matrix):
    """Return indptr, indices and weights of a square matrix."""
    sources, targets = np.nonzero(matrix)
    indptr = np.zeros(len(matrix) + 1, np.int64)
    np.cumsum(np.bincount(sources, minlength=len(matrix)), out=indptr[1:])
    return indptr, targets.astype(np.int32), matrix[sources, targets].astype(np.float32)


def random_matrix(seed, *, nodes=12, edges=30, directed=False, loops=False):
    """Return weights of random edges; the last node has none."""
    rng = np.random.default_rng(seed)
    matrix = np.zeros((nodes, nodes), np.float32)
    for start, end in rng.integers(nodes - 1, size=(edges, 2)):
        if start != end or loops:
            matrix[start, end] = rng.random() * 3 + 0.05
            if not directed:
                matrix[end, start] = matrix[start, end]
    return matrix


def plan_of(matrix, *, weighted=False, directed=False, **settings):
    indptr, indices, weights = rows_of(matrix)
    return WalkPlan(
        indptr, indices, weights if weighted else None, symmetric=not directed, **settings
    )


def state_of(seed=0):
    return start_state(np.random.default_rng(seed))


def as_table(walked, length):
    """Return walks as rows (walks, length), -1 behind the end of each."""
    lengths = np.diff(walked.offsets)
    table = np.full((len(lengths), length), -1)
    table[np.arange(length) < lengths[:, None]] = walked.tokens
    return table


def surprise(plan, table):
    """Return how many deviations the steps are from their probabilities (chi-square)."""
    squares = freedom = 0
    for step in range(table.shape[1] - 1):
        before = table[:, step - 1] if step else np.full(len(table), -1)
        pairs = np.stack([before, table[:, step]], 1)
        for came, node in np.unique(pairs[pairs[:, 1] >= 0], axis=0).tolist():
            taken = table[(pairs == (came, node)).all(axis=1), step + 1]
            nexts, probabilities = next_probabilities(plan, None if came < 0 else came, node)
            if not len(nexts):
                assert (taken == -1).all()
                continue
            assert np.isin(taken, nexts).all()
            expected = probabilities * len(taken)
            if expected.min() >= 5:
                counts = (taken[:, None] == nexts).sum(axis=0)
                squares += ((counts - expected) ** 2 / expected).sum()
                freedom += len(nexts) - 1
    assert freedom > 30
    return (squares - freedom) / np.sqrt(2 * freedom)


BIASES = [(1, 1), (0.25, 4), (4, 0.25), (0.2, 0.5), (0.2, 1), (3, 1)]


@pytest.mark.parametrize("loops", [False, True], ids=["", "loops"])
@pytest.mark.parametrize("directed", [False, True], ids=["undirected", "directed"])
@pytest.mark.parametrize("extended", [None, False, True], ids=["even", "weighted", "extended"])
@pytest.mark.parametrize(("p", "q"), BIASES)
def test_walk_steps_have_their_probabilities(p, q, extended, directed, loops):
    """Steps occur as often as p, q, weights and the distance to the node before say."""
    matrix = random_matrix(3, directed=directed, loops=loops, edges=40 if directed else 30)
    plan = plan_of(
        matrix,
        weighted=extended is not None,
        directed=directed,
        p=p,
        q=q,
        extended=bool(extended),
        gamma=0.5 if loops else 0.0,
    )
    starts = np.resize(np.flatnonzero(np.diff(plan.indptr)), 60_000).astype(np.int32)
    table = as_table(walk(plan, starts, 4, state_of(1)), 4)
    assert abs(surprise(plan, table)) < 4


def test_walk_plain_steps_have_their_probabilities():
    """The plain walk draws from the same probabilities."""
    plan = plan_of(random_matrix(3), weighted=True, p=0.5, q=2)
    starts = np.resize(np.flatnonzero(np.diff(plan.indptr)), 4000).astype(np.int32)
    table = as_table(walk_plain(plan, starts, 3, np.random.default_rng(0)), 3)
    assert abs(surprise(plan, table)) < 4


def test_probabilities_by_hand():
    """From 0 to 1: back to 0 weighs 1/p, to 2 beside 0 1, to 3 away from it 1/q."""
    matrix = np.zeros((4, 4), np.float32)
    for start, end, weight in [(0, 1, 1), (0, 2, 3), (1, 2, 2), (1, 3, 6)]:
        matrix[start, end] = matrix[end, start] = weight
    even, weighted = (plan_of(matrix, weighted=w, p=0.5, q=4) for w in (False, True))
    nexts, probabilities = next_probabilities(even, 0, 1)
    assert nexts.tolist() == [0, 2, 3]
    np.testing.assert_allclose(probabilities, np.array([2, 1, 0.25]) / 3.25)
    _, probabilities = next_probabilities(weighted, 0, 1)
    np.testing.assert_allclose(probabilities, np.array([2, 2, 1.5]) / 5.5)


def test_extended_probabilities_by_hand():
    """A weak edge from the node before counts in part; a weak edge ahead is held back."""
    matrix = np.zeros((6, 6), np.float32)
    edges = [(0, 1, 2), (0, 2, 1), (1, 2, 4), (1, 3, 4), (1, 4, 1), (2, 5, 4)]
    for start, end, weight in edges:
        matrix[start, end] = matrix[end, start] = weight
    # node 1 has edges 2, 4, 4, 1: mean 2.75. Node 2 has 1, 4, 4: mean 3, so 0-2 is a third.
    plan = plan_of(matrix, weighted=True, p=2, q=0.5, extended=True)
    nexts, probabilities = next_probabilities(plan, 0, 1)
    assert nexts.tolist() == [0, 2, 3, 4]
    masses = np.array([2 / 2, 4 * (2 + (1 - 2) / 3), 4 * 2, 1 * 1])
    np.testing.assert_allclose(probabilities, masses / masses.sum(), rtol=1e-6)


def test_extended_without_weights_is_node2vec():
    """Where all edges weigh the same, all are strong."""
    matrix = (random_matrix(5) > 0) * np.float32(0.1)
    plain = plan_of(matrix, weighted=True, p=0.5, q=2)
    extended = plan_of(matrix, weighted=True, p=0.5, q=2, extended=True, gamma=1)
    for came, node in zip(*np.nonzero(matrix), strict=True):
        ours = next_probabilities(extended, came, node)[1]
        np.testing.assert_allclose(ours, next_probabilities(plain, came, node)[1], rtol=1e-6)


@settings(deadline=None, max_examples=60)
@given(
    nodes=st.integers(1, 40),
    edges=st.integers(0, 120),
    length=st.integers(1, 50),
    walks=st.integers(0, 150),
    directed=st.booleans(),
    weighted=st.booleans(),
    extended=st.booleans(),
    bias=st.sampled_from([(1.0, 1.0), (1e-3, 1.0), (1e-2, 1e2), (1e2, 1e-2), (1.0, 3.0)]),
    seed=st.integers(0, 2**32),
)
def test_walk_every_step_is_an_arc(
    nodes, edges, length, walks, directed, weighted, extended, bias, seed
):
    """On any graph, with isolated nodes, loops and dead ends, a walk takes arcs until it must
    end, whatever the settings."""
    matrix = random_matrix(seed, nodes=nodes + 1, edges=edges, directed=directed, loops=True)
    plan = plan_of(
        matrix, weighted=weighted, directed=directed, p=bias[0], q=bias[1], extended=extended
    )
    starts = np.random.default_rng(seed).integers(nodes + 1, size=walks).astype(np.int32)
    walked = walk(plan, starts, length, state_of(seed))
    assert walked.tokens.dtype == np.int32
    assert len(walked.offsets) == walks + 1
    assert walked.offsets[-1] == len(walked.tokens)
    for start, (begin, end) in zip(starts, itertools.pairwise(walked.offsets), strict=True):
        steps = walked.tokens[begin:end]
        assert steps[0] == start
        assert (matrix[steps[:-1], steps[1:]] > 0).all()
        assert len(steps) == length or (len(steps) < length and not matrix[steps[-1]].any())


@pytest.mark.parametrize(("p", "q"), [(1, 1), (0.5, 2)])
def test_walk_in_parts_is_walk_at_once(p, q):
    """A walk does not depend on those beside it: calls of any size give the same bytes."""
    plan = plan_of(random_matrix(7, directed=True), weighted=True, directed=True, p=p, q=q)
    starts = np.arange(300, dtype=np.int32) % 11
    whole = walk(plan, starts, 20, state_of())
    state = state_of()
    parts = [walk(plan, part, 20, state) for part in np.split(starts, [1, 70, 200])]
    tokens = np.concatenate([part.tokens for part in parts])
    assert tokens.tobytes() == whole.tokens.tobytes()


def test_walk_same_state_same_bytes():
    """The state alone decides."""
    plan = plan_of(random_matrix(7), q=2)
    starts = np.arange(11, dtype=np.int32)
    one, two, three = (walk(plan, starts, 30, state_of(seed)) for seed in (4, 4, 5))
    assert one.tokens.tobytes() == two.tokens.tobytes() != three.tokens.tobytes()


def test_walk_without_arcs_stays():
    """A graph of isolated nodes gives walks of one node."""
    plan = WalkPlan(np.zeros(4, np.int64), np.empty(0, np.int32), q=2)
    walked = walk(plan, np.array([2, 0], np.int32), 9, state_of())
    assert walked.tokens.tolist() == [2, 0]
    assert walked.offsets.tolist() == [0, 1, 2]


@settings(deadline=None)
@given(st.lists(st.floats(2**-13, 2**13, width=32), min_size=1, max_size=40))
def test_alias_shares_are_the_weights(weights):
    """The slots of a row give each arc its share."""
    weights = np.array(weights, np.float32)
    table = alias_table(np.array([0, len(weights)]), weights)
    shares = weights / weights.sum(dtype=np.float64)
    np.testing.assert_allclose(alias_shares(table), shares, atol=1e-8)


def test_hashed_rows_hold_each_node_once():
    """Each row's slots hold its nodes, and as many empty ones."""
    indptr, indices, _ = rows_of(random_matrix(2, nodes=200, edges=3000))
    table = hashed_rows(indptr, indices)
    for begin, end in itertools.pairwise(indptr):
        held = np.sort(table[2 * begin : 2 * end])
        assert held[end - begin :].tolist() == indices[begin:end].tolist()
        assert (held[: end - begin] == -1).all()


GOOD = {
    "indptr": np.array([0, 1, 2]),
    "indices": np.array([1, 0], np.int32),
    "weights": np.ones(2, np.float32),
}
BAD = [
    ({"indptr": np.array([0, 1, 3])}, "indptr must begin with 0 and end with 2"),
    ({"indptr": np.array([0, 3, 2])}, "must not fall"),
    ({"indptr": np.array([0, 1, 2], np.int32)}, "C-contiguous int64 of 1"),
    ({"indices": np.array([1, 2], np.int32)}, "indices must be nodes"),
    ({"indices": np.array([1, -1], np.int32)}, "indices must be nodes"),
    ({"weights": np.array([1, 0], np.float32)}, "above 0"),
    ({"weights": np.array([1, np.inf], np.float32)}, "finite"),
    ({"weights": np.ones(3, np.float32)}, "a weight for each of 2 arcs"),
    ({"p": 0.0}, "p must be in"),
    ({"q": np.nan}, "q must be in"),
    ({"gamma": -1.0}, "gamma must be"),
]


@pytest.mark.parametrize(("change", "words"), BAD)
def test_walk_plan_refuses_what_is_no_graph(change, words):
    """Rows that would lead out of memory, and settings out of range, are refused."""
    WalkPlan(**GOOD)
    with pytest.raises(InputError, match=words):
        WalkPlan(**{**GOOD, **change})


def test_walk_refuses_what_it_cannot_walk():
    """Starts, length and state are checked."""
    plan, starts = WalkPlan(**GOOD), np.zeros(1, np.int32)
    for arguments, words in [
        ((np.array([2], np.int32), 5, state_of()), "starts must be nodes"),
        ((np.array([0]), 5, state_of()), "C-contiguous int32 of 1"),
        ((starts, 0, state_of()), "length must be"),
        ((starts, 5, np.zeros(1, np.uint64)), "2 entries"),
    ]:
        with pytest.raises(InputError, match=words):
            walk(plan, *arguments)
