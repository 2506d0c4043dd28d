"""Laws of before and after: planted truths are measured, and how sure they are."""

import numpy as np
import pytest
from scipy import stats

from embedry.intervals import Interval
from embedry.learn.finetune.examples import Pairs, ScoredPairs, Triplets
from embedry.learn.finetune.parting import Parts
from embedry.learn.finetune.scoring import POOL, Change, Vectors, task_of
from embedry.metrics import COSINE, DOT
from embedry.ranking import ndcg, reciprocal_rank


def vectors_of(task, vector):
    """Return what an encoder that knows each text's vector makes of a task."""
    sides = [np.array([vector(text) for text in side]) for side in (task.queries, task.documents)]
    sides = [side.reshape(-1, 8).astype(np.float32) for side in sides]
    return Vectors(*sides)


def planted(noise, seed=0):
    """Return an encoder: the number in a text is its place, and noise moves it."""
    rng = np.random.default_rng(seed)
    places = rng.standard_normal((500, 8))

    def vector(text):
        return places[int(text[1:])] + noise * rng.standard_normal(8)

    return vector


def retrieval(count=60, learned=300):
    pairs = [(f"q{n}", f"a{n}") for n in range(count + learned)]
    return task_of(Parts(Pairs(pairs[count:]), Pairs(pairs[:count]), 0), seed=3)


def test_retrieval_finds_what_became_better_and_what_became_worse():
    """Less noise is better beyond doubt, more is worse, the same noise is neither."""
    task = retrieval()
    clear, blurred = vectors_of(task, planted(0.1)), vectors_of(task, planted(1.0))
    for change in task.changes(blurred, clear, COSINE, 0):
        assert change.verdict == "better"
        assert change.interval.low <= change.difference <= change.interval.high
    assert [c.verdict for c in task.changes(clear, blurred, COSINE, 0)] == ["worse"] * 2
    same = task.changes(clear, clear, COSINE, 0)
    assert [c.verdict for c in same] == ["unclear"] * 2
    assert [c.measure for c in same] == ["nDCG@10", "MRR@10"]


def test_retrieval_is_that_of_a_plain_ranking():
    """The measures are the means of `ranking` over a full sort of the pool."""
    task = retrieval(20, 30)
    found = vectors_of(task, planted(0.8))
    scores = (found.queries / np.linalg.norm(found.queries, axis=1, keepdims=True)) @ (
        found.documents / np.linalg.norm(found.documents, axis=1, keepdims=True)
    ).T
    ranked = np.argsort(-scores, axis=1, kind="stable")[:, :10].tolist()
    right = [{task.documents.index(f"a{query[1:]}")} for query in task.queries]
    best, first = task.changes(found, found, COSINE, 0)
    pairs = list(zip(ranked, right, strict=True))
    assert best.after == pytest.approx(np.mean([ndcg(*pair, k=10) for pair in pairs]))
    assert first.after == pytest.approx(np.mean([reciprocal_rank(*pair, k=10) for pair in pairs]))


def test_retrieval_pools_positives_and_negatives_once_and_fills_up():
    """Texts that differ in case alone are one; an anchor may have several right answers."""
    asked = Triplets([("q", "A one", "no"), ("Q", "b", "NO "), ("r", "a  ONE", "c")])
    task = task_of(Parts(Triplets([("s", "d", "a one"), ("t", "e", "f")]), asked, 0), seed=0)
    assert task.queries == ("q", "r")
    assert task.documents[:4] == ("A one", "no", "b", "c")
    assert sorted(task.documents[4:]) == ["d", "e", "f"]
    assert task.right == (frozenset({0, 2}), frozenset({0}))


def test_retrieval_pool_is_filled_to_its_size_and_the_same_for_a_seed():
    """No more than a thousand where fewer are asked; all that are asked are in it."""
    pairs = [(f"q{n}", f"a{n}") for n in range(2 * POOL)]
    parts = Parts(Pairs(pairs[50:]), Pairs(pairs[:50]), 0)
    one, again, other = (task_of(parts, seed).documents for seed in (1, 1, 2))
    assert len(one) == len(set(one)) == POOL
    assert one == again != other
    assert one[:50] == tuple(f"a{n}" for n in range(50))
    many = Parts(Pairs(pairs[:1]), Pairs(pairs[1:1500]), 0)
    assert len(task_of(many, 0).documents) == 1499


@pytest.mark.parametrize("metric", [COSINE, DOT])
def test_likeness_is_the_rank_correlation_of_scores(metric):
    """SciPy's Spearman of the scores of the metric, before and after."""
    rng = np.random.default_rng(0)
    rows = [(f"a{n}", f"b{n}", float(n % 7)) for n in range(40)]
    task = task_of(Parts(ScoredPairs(rows[:2]), ScoredPairs(rows), 0), seed=0)
    old, new = (
        Vectors(np.empty((0, 8), np.float32), rng.standard_normal((80, 8)).astype(np.float32))
        for _ in range(2)
    )
    (change,) = task.changes(old, new, metric, 0)
    for vectors, found in ((old, change.before), (new, change.after)):
        at = [task.documents.index(f"{side}{n}") for n in range(40) for side in "ab"]
        first, second = metric.prepare(vectors.documents[at]).reshape(40, 2, 8).swapaxes(0, 1)
        expected = stats.spearmanr((first * second).sum(axis=1), [row[2] for row in rows])
        assert found == pytest.approx(expected.statistic, abs=1e-6)
    assert change.dims == 8


def test_likeness_of_an_encoder_that_collapsed_is_worse():
    """One vector for every text says nothing: 0, not undefined, so that it is told."""
    rows = [(f"a{n}", f"b{n}", float(n)) for n in range(40)]
    task = task_of(Parts(ScoredPairs(rows[:2]), ScoredPairs(rows), 0), seed=0)
    none, same = np.empty((0, 2), np.float32), np.ones((80, 2), np.float32)
    angles = np.array([n // 2 * 0.03 if n % 2 else 0.0 for n in range(80)])
    good = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    (change,) = task.changes(Vectors(none, good), Vectors(none, same), COSINE, 0)
    assert (change.before, change.after) == (pytest.approx(-1), 0.0)
    (change,) = task.changes(Vectors(none, -good), Vectors(none, same), COSINE, 0)
    assert change.verdict == "better"  # than the wrong way round
    rows = [(a, b, -score) for a, b, score in rows]
    task = task_of(Parts(ScoredPairs(rows[:2]), ScoredPairs(rows), 0), seed=0)
    (change,) = task.changes(Vectors(none, good), Vectors(none, same), COSINE, 0)
    assert (change.after, change.verdict) == (0.0, "worse")


def test_change_says_what_the_interval_allows():
    """Better and worse only where all of the interval is on one side of zero."""
    verdicts = [
        Change("m", 8, 0.5, 0.6, Interval(low, high)).verdict
        for low, high in [(0.01, 0.2), (0.0, 0.2), (-0.1, 0.2), (-0.2, -0.01), (-0.2, 0.0)]
    ]
    assert verdicts == ["better", "unclear", "unclear", "worse", "unclear"]
    told = str(Change("nDCG@10", 64, 0.5, 0.6, Interval(0.05, 0.15)))
    assert told == "nDCG@10, 64 dims: 0.500 -> 0.600 (+0.100, +0.050 .. +0.150): better"


def test_vectors_cut_keeps_the_first_dims():
    """Of both sides."""
    whole = Vectors(np.ones((2, 8), np.float32), np.ones((3, 8), np.float32))
    assert (whole.cut(3).dims, whole.cut(3).queries.shape) == (3, (2, 3))
    assert whole.together.shape == (5, 8)
