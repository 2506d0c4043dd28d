"""The laws of measures of many lists: a hand count, the plain functions, public libraries."""

import json
import math
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedry import ranking
from embedry.trust.evaluate.recommenders import rows
from embedry.trust.evaluate.recommenders.measures import MEASURES, list_measures

PLAIN = {
    "hit_rate": ranking.hit_rate,
    "recall": ranking.recall,
    "precision": ranking.precision,
    "ndcg": ranking.ndcg,
    "mrr": ranking.reciprocal_rank,
    "map": ranking.average_precision,
}
problems = st.fixed_dictionaries(
    {"users": st.integers(1, 6), "places": st.integers(1, 12), "seed": st.integers(0, 2**32 - 1)}
)


def make_problem(users, places, seed):
    """Return hits, and how many are wanted: those found and some that were not."""
    rng = np.random.default_rng(seed)
    hits = rng.random((users, places)) < rng.random()
    wanted = hits.sum(axis=1) + rng.integers(0, 2 * places, users)
    return hits, np.maximum(wanted, 1)


def test_measures_counted_by_hand():
    """Three users, worked out on paper.

    The first took 4 items and has them at places 2 and 3; the second took 1 and has it first;
    the third took 2 and has none.
    """
    hits = np.array([[0, 1, 1, 0], [1, 0, 0, 0], [0, 0, 0, 0]], bool)
    found = list_measures(hits, np.array([4, 1, 2]), (2, 4))
    best = 1 + 1 / math.log2(3) + 1 / 2 + 1 / math.log2(5)
    expected = {
        "hit_rate@2": [1, 1, 0],
        "hit_rate@4": [1, 1, 0],
        "recall@2": [1 / 4, 1, 0],
        "recall@4": [2 / 4, 1, 0],
        "precision@2": [1 / 2, 1 / 2, 0],
        "precision@4": [2 / 4, 1 / 4, 0],
        "ndcg@2": [(1 / math.log2(3)) / (1 + 1 / math.log2(3)), 1, 0],
        "ndcg@4": [(1 / math.log2(3) + 1 / 2) / best, 1, 0],
        "mrr@2": [1 / 2, 1, 0],
        "mrr@4": [1 / 2, 1, 0],
        "map@2": [(1 / 2) / 2, 1, 0],
        "map@4": [(1 / 2 + 2 / 3) / 4, 1, 0],
    }
    assert list(found) == list(expected)
    for name, values in expected.items():
        assert found[name].tolist() == pytest.approx(values), name


@given(problems)
@settings(max_examples=80, deadline=None)
def test_measures_are_those_of_ranking(problem):
    """Each is what the function of `embedry.ranking` gives for each user, at every cutoff.

    Also at cutoffs beyond the list, however far: there are no hits, and precision still divides.
    """
    hits, wanted = make_problem(**problem)
    cutoffs = [*range(1, hits.shape[1] + 4), 10**12]
    found = list_measures(hits, wanted, cutoffs)
    for row, (mine, count) in enumerate(zip(hits, wanted.tolist(), strict=True)):
        ranked = list(range(len(mine)))
        relevant = np.flatnonzero(mine).tolist()
        relevant += range(-1, -1 - (count - len(relevant)), -1)  # taken, and never recommended
        for name in MEASURES:
            for k in cutoffs:
                value = PLAIN[name](ranked, relevant, k=k)
                assert found[f"{name}@{k}"][row] == pytest.approx(value), (name, k)


def test_measures_do_not_depend_on_the_blocks(monkeypatch):
    """Users one by one give the same as all at once."""
    hits, wanted = make_problem(40, 7, 3)
    whole = list_measures(hits, wanted, (2, 7, 9))
    monkeypatch.setattr(rows, "_NUMBERS_AT_ONCE", 1)
    for name, values in list_measures(hits, wanted, (2, 7, 9)).items():
        np.testing.assert_array_equal(values, whole[name])


def ranking_problem(seed, wanted=None, users=30, items=15):
    """Return what users took, the scores of a model, hits and counts as it ranks all items."""
    rng = np.random.default_rng(seed)
    scores = rng.permuted(np.tile(np.arange(float(items)), (users, 1)), axis=1)
    counts = rng.integers(1, 6, users) if wanted is None else np.full(users, wanted)
    taken = rng.permuted(np.arange(items) < counts[:, None], axis=1)
    hits = np.take_along_axis(taken, np.argsort(-scores, axis=1), axis=1)
    return taken, scores, hits, counts


@pytest.mark.parametrize("k", [1, 4, 10, 15])
def test_ndcg_is_that_of_scikit_learn(k):
    """At every cutoff, of users who took several items."""
    metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    taken, scores, hits, counts = ranking_problem(3)
    mine = list_measures(hits, counts, [k])[f"ndcg@{k}"]
    assert mine.mean() == pytest.approx(metrics.ndcg_score(taken, scores, k=k))


def test_map_is_that_of_scikit_learn():
    """Of the whole list, the mean of average precisions is what it ranks labels by."""
    metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    taken, scores, hits, counts = ranking_problem(5)
    mine = list_measures(hits, counts, [15])["map@15"]
    theirs = metrics.label_ranking_average_precision_score(taken, scores)
    assert mine.mean() == pytest.approx(theirs)
    each = [metrics.average_precision_score(*pair) for pair in zip(taken, scores, strict=True)]
    assert mine == pytest.approx(each)


@pytest.mark.parametrize("k", [1, 3, 7, 14])
def test_measures_of_one_item_are_those_of_scikit_learn(k):
    """Who took one item: MRR is the average precision of the list, HR the accuracy of the top k."""
    metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    taken, scores, hits, counts = ranking_problem(6, wanted=1)
    found = list_measures(hits, counts, [k, 15])
    labels = taken.argmax(axis=1)
    accuracy = metrics.top_k_accuracy_score(labels, scores, k=k, labels=np.arange(15))
    assert found[f"hit_rate@{k}"].mean() == pytest.approx(accuracy)
    whole = metrics.label_ranking_average_precision_score(taken, scores)
    assert found["mrr@15"].mean() == pytest.approx(whole)
    cut = found["mrr@15"][found[f"hit_rate@{k}"] > 0].sum() / len(labels)
    assert found[f"mrr@{k}"].mean() == pytest.approx(cut)


@pytest.mark.parametrize("k", [1, 4, 10])
def test_precision_and_recall_are_those_of_scikit_learn(k):
    """Where the k best are what is foretold: of these what was taken, and of what was taken."""
    metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    taken, scores, hits, counts = ranking_problem(7)
    best = scores >= np.sort(scores, axis=1)[:, [-k]]
    found = list_measures(hits, counts, [k])
    for name in ("precision", "recall"):
        theirs = getattr(metrics, f"{name}_score")(taken, best, average="samples")
        assert found[f"{name}@{k}"].mean() == pytest.approx(theirs)


RANX = """
import json, sys
from ranx import Qrels, Run, evaluate
asked = json.load(sys.stdin)
run = {user: {item: float(-place) for place, item in enumerate(items)}
       for user, items in asked["lists"].items()}
qrels = {user: dict.fromkeys(items, 1) for user, items in asked["taken"].items()}
names = [f"{name}@{k}" for name in asked["names"] for k in asked["cutoffs"]]
print(json.dumps({name: float(value) for name, value in
      evaluate(Qrels(qrels), Run(run), names).items()}))
"""


def test_measures_are_those_of_ranx():
    """All six, at three cutoffs. It divides the precisions by all taken, where k can be fewer."""
    if find_spec("ranx") is None:
        pytest.skip("ranx is not installed: pip install ranx")
    rng = np.random.default_rng(4)
    lists = {f"u{n}": [f"i{item}" for item in rng.permutation(60)[:20]] for n in range(30)}
    taken = {
        user: sorted({f"i{item}" for item in rng.integers(0, 60, rng.integers(1, 6))})
        for user in lists
    }
    cutoffs = (5, 10, 20)  # never fewer than taken
    asked = {"lists": lists, "taken": taken, "names": MEASURES, "cutoffs": cutoffs}
    # in a process of its own: what it loads warns, and warnings are errors here
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", RANX],
        input=json.dumps(asked), capture_output=True, text=True, check=True,
    )  # fmt: skip
    theirs = json.loads(done.stdout.splitlines()[-1])
    hits = np.array([[item in taken[user] for item in items] for user, items in lists.items()])
    wanted = np.array([len(taken[user]) for user in lists])
    ours = list_measures(hits, wanted, cutoffs)
    for name in MEASURES:
        for k in cutoffs:
            mean = ours[f"{name}@{k}"].mean()
            assert mean == pytest.approx(theirs[f"{name}@{k}"]), (name, k)
