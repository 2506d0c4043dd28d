"""The laws of node classification: liblinear's weights, the papers' rule, truth by construction."""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from embedry.embeddings import Embeddings
from embedry.errors import InputError, MissingExtraError
from embedry.trust.evaluate import node_classification
from embedry.trust.evaluate.graphs.logistic import logistic_weights, with_constant
from embedry.trust.evaluate.graphs.nodes import top_labels


def planted(nodes=120, labels=4, dims=6, noise=1.2, seed=0):
    """Nodes near the centres of the one or two labels that they carry."""
    generator = np.random.default_rng(seed)
    centres = 2 * generator.normal(size=(labels, dims))
    carried = {n: sorted({n % labels, int(generator.integers(labels))}) for n in range(nodes)}
    rows = [centres[found].mean(axis=0) for found in carried.values()]
    return Embeddings(range(nodes), rows + noise * generator.normal(size=(nodes, dims))), carried


def test_logistic_weights_are_those_of_liblinear():
    """The same problem, the intercept penalised: the optimum is the same."""
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(200, 5))
    truth = rows[:, 0] + generator.normal(size=200) > 1
    model = LogisticRegression(solver="liblinear", tol=1e-10).fit(rows, truth)
    expected = [*model.coef_[0], model.intercept_[0]]
    np.testing.assert_allclose(logistic_weights(with_constant(rows), truth), expected, atol=1e-3)


@settings(deadline=None)
@given(st.integers(1, 8), st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_top_labels_are_as_many_as_asked_and_the_highest(nodes, labels, seed):
    """No label left out scores above one taken; ties go to the first."""
    generator = np.random.default_rng(seed)
    scores = generator.integers(0, 4, (nodes, labels)).astype(float)
    sizes = generator.integers(0, labels + 1, nodes)
    for row, taken, size in zip(scores, top_labels(scores, sizes), sizes, strict=True):
        plain = sorted(range(labels), key=lambda label: (-row[label], label))[:size]
        assert np.flatnonzero(taken).tolist() == sorted(plain)


def test_node_classification_is_that_of_the_papers():
    """Split by split: scikit-learn's liblinear and F1, and the top labels, in a plain loop."""
    space, carried = planted()
    truth = np.array([[label in carried[n] for label in range(4)] for n in range(120)])
    found = node_classification(space, carried, train=0.6, splits=3, seed=9)
    generator = np.random.default_rng(9)
    for split in range(3):
        order = generator.permutation(120)
        known, asked = order[:72], order[72:]
        scores = np.array([
            LogisticRegression(solver="liblinear", tol=1e-8)
            .fit(space.vectors[known].astype(float), truth[known, label])
            .decision_function(space.vectors[asked])
            for label in range(4)
        ]).T  # fmt: skip
        guessed = np.zeros_like(truth[asked])
        for row, node in enumerate(asked):
            guessed[row, np.argsort(-scores[row])[: len(carried[node])]] = True
        for kind in ("micro", "macro"):
            expected = f1_score(truth[asked], guessed, average=kind)
            assert getattr(found, kind).values[split] == pytest.approx(expected, abs=0.02)


def test_node_classification_tells_planted_labels_from_noise():
    """Near the centres of their labels nodes are told apart; shuffled labels are not."""
    space, carried = planted()
    shuffled = np.random.default_rng(1).permutation(120).tolist()
    good = node_classification(space, carried, splits=4)
    bad = node_classification(space, {n: carried[shuffled[n]] for n in carried}, splits=4)
    assert good.macro.mean > 0.8 > 0.6 > bad.macro.mean
    assert good.micro.deviation < 0.1
    assert len(good.micro.values) == 4


@pytest.mark.parametrize("scale", [2.0**-60, 2.0**60])
def test_node_classification_does_not_depend_on_the_unit(scale):
    """Vectors of any length are classified as those that learners give."""
    space, carried = planted()
    found = node_classification(Embeddings(space.ids, space.vectors * scale), carried, splits=2)
    plain = node_classification(space, carried, splits=2)
    assert found.macro.mean == pytest.approx(plain.macro.mean, abs=0.02)


def test_node_classification_counts_what_is_left_out():
    """Ids without a vector, ids without a label."""
    space, carried = planted()
    labels = {**{n: carried[n] for n in range(100)}, "stranger": 1}
    found = node_classification(space, labels, splits=1)
    assert (found.nodes, found.labels) == (100, 4)
    assert (found.without_vector, found.without_label) == (1, 20)
    assert "1 without a vector, 20 without a label" in str(found)


def test_node_classification_survives_labels_that_are_never_learned():
    """A label of one node is missing from some training sets; one of all nodes from no node."""
    space, carried = planted(noise=0.1)
    labels = {n: [*found, "all"] for n, found in carried.items()}
    labels[5] = [*labels[5], "a rare one"]
    found = node_classification(space, labels, splits=12)
    assert set(found.untrained) == {0, 1}
    assert min(found.micro.values) > 0.9  # guessed first, it would take the place of a true one


def test_node_classification_same_seed_same_result():
    """Whatever the order in which labels are told; another seed splits otherwise."""
    space, carried = planted()
    backwards = {n: list(reversed(carried[n])) for n in reversed(carried)}
    one, two = (node_classification(space, each, splits=2) for each in (carried, backwards))
    assert one == two
    assert node_classification(space, carried, splits=2, seed=1) != one


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"train": 0.001}, "nodes on both sides"),
        ({"train": 1.0}, "nodes on both sides"),
        ({"train": 80}, "train"),
        ({"splits": 0}, "splits"),
        ({"seed": -1}, "seed"),
        ({"embeddings": [[1.0]]}, "must be Embeddings"),
    ],
)
def test_node_classification_refuses_what_cannot_be_split(settings, message):
    """Empty sides, percentages, no split."""
    space, carried = planted()
    with pytest.raises(InputError, match=message):
        node_classification(settings.pop("embeddings", space), carried, **settings)


def test_node_classification_says_which_extra_it_needs(monkeypatch):
    """Without scikit-learn the error carries the line that installs it."""
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'embedry\[evaluate\]'"):
        node_classification(*planted())
