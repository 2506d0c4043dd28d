"""Laws of biased walks at the ends of what p, q and weights may be: exact, and soon done."""

import numpy as np
import pytest
from tests.kernels.graphs.test_walks import as_table, plan_of, random_matrix, state_of

from embedry.kernels.arrays import read_only
from embedry.kernels.graphs import walks as walks_module
from embedry.kernels.graphs.biased import draw_exactly
from embedry.kernels.graphs.plainwalks import next_probabilities
from embedry.kernels.graphs.walks import WalkPlan, walk

EXTREMES = [(1e6, 1e-6), (1e-6, 1e6), (1e6, 1e6), (1e-6, 1e-6), (1e6, 1), (1e3, 1e-3)]


def spread_matrix(seed, *, directed=False, even=False):
    """Return twelve small graphs, each with a leaf and a scale of its own, over 60 orders.

    Within each, weights differ by 1, 1e6 or 1e12: times biases of 1e-6, 1 or 1e6, arcs are often
    equally likely. The last is a triangle of the most, the least and 1.
    """
    rng = np.random.default_rng(seed)
    matrix = np.zeros((75, 75))
    for part, scale in enumerate(np.linspace(-24, 24, 12)):
        powers = rng.choice([-6, -6, 0, 6], size=(6, 6)) * (not even) + scale * (not even)
        held = np.where(rng.random((6, 6)) < 0.8, 10.0**powers, 0)
        held[0, 1] = held[1, 0] = held[1, 2]
        held[0, 2:] = held[2:, 0] = 0
        np.fill_diagonal(held, 0)
        matrix[6 * part : 6 * part + 6, 6 * part : 6 * part + 6] = held
    matrix[[72, 73, 74], [73, 74, 72]] = 1 if even else [1e30, 1e-30, 1]
    if not directed:
        matrix = np.triu(matrix) + np.triu(matrix, 1).T
        matrix[74, 72] = matrix[72, 74] = 1
    return matrix.astype(np.float32)


def surprise(plan, steps):
    """Return how many deviations steps (n, 3) from nodes before are from their probabilities.

    Chi-square, arcs of less than 5 expected steps taken together; those that together expect
    less than 1e-5 must have none.
    """
    squares = freedom = 0
    pairs, which = np.unique(steps[:, :2], axis=0, return_inverse=True)
    order = np.argsort(which, kind="stable")
    groups = np.split(steps[order, 2], np.cumsum(np.bincount(which))[:-1])
    for (came, node), taken in zip(pairs.tolist(), groups, strict=True):
        nexts, probabilities = next_probabilities(plan, came, node)
        assert np.isin(taken, nexts).all()
        expected = probabilities * len(taken)
        counts = (taken[:, None] == nexts).sum(axis=0)
        rare = expected < 5
        assert counts[rare].sum() == 0 or expected[rare].sum() > 1e-5
        if expected[rare].sum() >= 5:
            expected = np.append(expected[~rare], expected[rare].sum())
            counts = np.append(counts[~rare], counts[rare].sum())
        else:
            expected, counts = expected[~rare], counts[~rare]
        if len(expected) > 1:
            squares += ((counts - expected) ** 2 / expected).sum()
            freedom += len(expected) - 1
    # at the far ends every step may be certain; then nothing but the rare ones could be wrong
    return (squares - freedom) / np.sqrt(2 * max(freedom, 1))


@pytest.mark.parametrize("directed", [False, True], ids=["undirected", "directed"])
@pytest.mark.parametrize("extended", [None, False, True], ids=["even", "weighted", "extended"])
@pytest.mark.parametrize(("p", "q"), EXTREMES)
def test_walk_steps_have_their_probabilities_at_the_extremes(p, q, extended, directed):
    """With any p, q and weights, with leaves and node2vec+, walks end and steps are exact."""
    plan = plan_of(
        spread_matrix(5, directed=directed, even=extended is None),
        weighted=extended is not None,
        directed=directed,
        p=p,
        q=q,
        extended=bool(extended),
    )
    starts = np.resize(np.flatnonzero(np.diff(plan.indptr)), 30_000).astype(np.int32)
    table = as_table(walk(plan, starts, 4, state_of(1)), 4)
    steps = np.concatenate([table[:, place : place + 3] for place in range(2)])
    assert abs(surprise(plan, steps[steps[:, 2] >= 0])) < 4


@pytest.mark.parametrize("scale", [1e-30, 1e-12, 1, 1e18])
@pytest.mark.parametrize("extended", [False, True])
@pytest.mark.parametrize(("p", "q"), [(1e6, 1e-6), (1e-6, 1e6)])
def test_walk_steps_back_near_and_far_balance(p, q, extended, scale):
    """From 0 to 1: weights of p, 1 and q times the same, back, near and far, are a third each."""
    matrix = np.zeros((4, 4))
    for start, end, weight in [(0, 1, p), (1, 2, 1), (1, 3, q), (0, 2, p), (2, 3, 1e-12)]:
        matrix[start, end] = matrix[end, start] = weight * scale * 1e6
    plan = plan_of(matrix.astype(np.float32), weighted=True, p=p, q=q, extended=extended)
    table = as_table(walk(plan, np.zeros(60_000, np.int32), 3, state_of()), 3)
    _, expected = next_probabilities(plan, 0, 1)
    counts = np.bincount(table[table[:, 1] == 1, 2], minlength=4)[[0, 2, 3]]
    if not extended:
        np.testing.assert_allclose(expected, 1 / 3, rtol=1e-5)
    deviations = np.sqrt(counts.sum() * expected * (1 - expected))
    assert (np.abs(counts - counts.sum() * expected) <= 4 * deviations + 1e-3).all()


@pytest.mark.parametrize("extended", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("p", "q"), [(0.25, 4), (1e6, 1e-6), (3, 1)])
def test_draw_exactly_has_the_probabilities(p, q, weighted, extended):
    """One pass over a node's arcs draws each as often as it is written out."""
    plan = plan_of(random_matrix(3), weighted=weighted, p=p, q=q, extended=extended)
    weights = read_only(plan.weights) if weighted else None
    strengths = plan.strengths if plan.is_extended else None
    biases = np.array([1 / p, 1, 1 / q]) / max(1 / p, 1, 1 / q)
    seeds, steps = state_of(2)[:1], []
    for came, node in [(4, 5), (5, 4), *np.argwhere(random_matrix(3)).tolist()[:20]]:
        row = plan.indices[plan.indptr[node] : plan.indptr[node + 1]]
        if came in row:
            places = [
                draw_exactly(
                    read_only(plan.indptr), read_only(plan.indices), weights, plan.hashed,
                    strengths, plan.thresholds, biases, node, came, seeds, 0,
                )
                for _ in range(3000)
            ]  # fmt: skip
            steps += [(came, node, end) for end in plan.indices[places]]
    assert abs(surprise(plan, np.array(steps))) < 4


def test_walk_of_a_leaf_goes_back_at_once():
    """A step back that is the only one takes no more proposals, whatever p: one a step."""
    star = np.zeros((301, 301), np.float32)
    star[0, 1:] = star[1:, 0] = 1
    plan = plan_of(star, p=1e6)
    walked = walk(plan, np.arange(301, dtype=np.int32), 80, state_of())
    assert len(walked.tokens) == 301 * 80
    table = as_table(walked, 80)
    assert ((table == 0).sum(axis=1) == 40).all()
    returns = table[0, 1:-2:2] == table[0, 3::2]
    assert not returns.any()


def test_walk_is_done_in_blocks(monkeypatch):
    """However long it takes, the kernel comes back to Python, where an interrupt is heard; the
    walks are the same."""
    plan = plan_of(spread_matrix(7), weighted=True, p=1e6, q=1e-6)
    starts = np.resize(np.flatnonzero(np.diff(plan.indptr)), 300).astype(np.int32)
    whole = walk(plan, starts, 20, state_of())
    kernel, calls = walks_module.walk_biased, []

    def counted(*arguments):
        calls.append(len(calls))
        return kernel(*arguments)

    monkeypatch.setattr(walks_module, "walk_biased", counted)
    monkeypatch.setattr(walks_module, "_BLOCK", 200)
    again = walk(plan, starts, 20, state_of())
    assert again.tokens.tobytes() == whole.tokens.tobytes()
    assert again.offsets.tobytes() == whole.offsets.tobytes()
    assert len(calls) > 300 * 19 // 400


def test_walk_in_blocks_can_be_interrupted(monkeypatch):
    """An interrupt between two blocks ends the walk."""
    plan = plan_of(random_matrix(7), p=1e3)
    kernel, calls = walks_module.walk_biased, []

    def interrupted(*arguments):
        if calls:
            raise KeyboardInterrupt
        calls.append(1)
        return kernel(*arguments)

    monkeypatch.setattr(walks_module, "walk_biased", interrupted)
    monkeypatch.setattr(walks_module, "_BLOCK", 100)
    with pytest.raises(KeyboardInterrupt):
        walk(plan, np.resize(np.arange(11), 500).astype(np.int32), 20, state_of())


def test_walks_beside_each_other_do_not_matter_at_the_extremes():
    """Walks in parts are walks at once, also where arcs are drawn exactly."""
    plan: WalkPlan = plan_of(spread_matrix(9), weighted=True, p=1e6, q=1e-6)
    starts = np.resize(np.flatnonzero(np.diff(plan.indptr)), 200).astype(np.int32)
    whole, state = walk(plan, starts, 20, state_of()), state_of()
    parts = [walk(plan, part, 20, state).tokens for part in np.split(starts, [1, 70, 150])]
    assert np.concatenate(parts).tobytes() == whole.tokens.tobytes()
