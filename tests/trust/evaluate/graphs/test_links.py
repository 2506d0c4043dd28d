"""The laws of link prediction: the papers' operators, planted links, and no leak by training."""

import dataclasses
import sys

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score

from embedry.data.graph import Graph
from embedry.embeddings import Embeddings
from embedry.errors import InputError, MissingExtraError
from embedry.trust.evaluate import link_prediction, split_edges

OPERATORS = {
    "hadamard": lambda u, v: u * v,
    "average": lambda u, v: (u + v) / 2,
    "l1": lambda u, v: abs(u - v),
    "l2": lambda u, v: (u - v) ** 2,
}


@pytest.fixture(scope="module")
def blocks():
    """Two blocks of nodes, joined within, and vectors that tell the block, with some noise."""
    generator = np.random.default_rng(0)
    block = np.arange(60) % 2
    same = block[:, None] == block[None]
    ends = np.argwhere(np.triu(generator.random((60, 60)) < np.where(same, 0.4, 0.02), 1))
    graph = Graph.from_edges(ends, nodes=range(60))
    rows = np.eye(2)[block][:, [0, 0, 1, 1]] + 0.4 * generator.normal(size=(60, 4))
    return graph, Embeddings(range(60), rows)


@pytest.mark.parametrize("operator", OPERATORS)
def test_link_prediction_is_that_of_the_papers(blocks, operator):
    """Scikit-learn's liblinear on rows joined one by one gives the same scores."""
    graph, space = blocks
    split = split_edges(graph, test=0.4)
    found = link_prediction(space, split, operator=operator, train_pairs=10_000)

    def joined(pairs):
        return [OPERATORS[operator](space[u].astype(float), space[v]) for u, v in pairs.tolist()]

    rows = joined(split.train_edges) + joined(split.train_non_edges)
    truth = [1] * len(split.train_edges) + [0] * len(split.train_non_edges)
    model = LogisticRegression(solver="liblinear", tol=1e-8).fit(rows, truth)
    scores = model.decision_function(joined(split.test_edges) + joined(split.test_non_edges))
    truth = np.arange(len(scores)) < len(split.test_edges)
    assert found.auc.mean == pytest.approx(roc_auc_score(truth, scores), abs=1e-3)
    expected = average_precision_score(truth, scores)
    assert found.average_precision.mean == pytest.approx(expected, abs=1e-3)
    assert found.tested == (len(scores),)
    assert found.trained == (len(rows),)


def test_link_prediction_by_cosine_learns_nothing(blocks):
    """The score is that of the space."""
    graph, space = blocks
    split = split_edges(graph)
    found = link_prediction(space, split, operator="cosine")
    pairs = np.concatenate([split.test_edges, split.test_non_edges]).tolist()
    truth = np.arange(len(pairs)) < len(split.test_edges)
    expected = roc_auc_score(truth, [space.similarity(u, v) for u, v in pairs])
    assert found.auc.mean == pytest.approx(expected, abs=1e-6)
    assert found.trained == (0,)


def test_link_prediction_tells_planted_links_from_noise(blocks):
    """Blocks are found by products and differences; random vectors are near one half."""
    graph, space = blocks
    splits = [split_edges(graph, seed=seed) for seed in range(3)]
    noise = Embeddings(range(60), np.random.default_rng(1).normal(size=(60, 4)))
    for operator in ("hadamard", "l1", "l2", "cosine"):
        good = link_prediction([space] * 3, splits, operator=operator)
        bad = link_prediction([noise] * 3, splits, operator=operator)
        assert good.auc.mean > 0.75 > 0.62 > bad.auc.mean > 0.38
        assert len(good.average_precision.values) == 3
    assert "3 splits" in str(good)


def test_link_prediction_never_learns_from_test_pairs(blocks):
    """With test edges and non-edges changed over, all scores stay and the area turns round."""
    graph, space = blocks
    split = split_edges(graph)
    turned = dataclasses.replace(
        split, test_edges=split.test_non_edges, test_non_edges=split.test_edges
    )
    one, two = (link_prediction(space, each) for each in (split, turned))
    assert one.auc.mean == pytest.approx(1 - two.auc.mean)


def test_link_prediction_counts_pairs_without_a_vector(blocks):
    """They are left out of both training and test."""
    graph, space = blocks
    split = split_edges(graph)
    found = link_prediction(space.subset(range(50)), split)
    pairs = np.concatenate([split.test_edges, split.test_non_edges])
    lacking = int((pairs >= 50).any(axis=1).sum())
    assert found.without_vector == (lacking,)
    assert found.tested == (len(pairs) - lacking,)
    assert f"{lacking} left out" in str(found)
    edges = int((split.test_edges < 50).all(axis=1).sum())
    assert found.chance == (edges / found.tested[0],)
    assert f"(chance {found.chance[0]:.3f})" in str(found)
    assert "chance" not in str(link_prediction(space, split))


def test_link_prediction_counts_zero_vectors_where_they_have_no_cosine(blocks):
    """A node with a zero vector is one without a vector; the operators that learn take it."""
    graph, space = blocks
    split = split_edges(graph)
    rows = np.array(space.vectors)
    rows[50:] = 0
    zeros = Embeddings(range(60), rows)
    found = link_prediction(zeros, split, operator="cosine")
    assert found == link_prediction(space.subset(range(50)), split, operator="cosine")
    assert link_prediction(zeros, split).without_vector == (0,)


def test_link_prediction_does_not_depend_on_blocks(blocks, monkeypatch):
    """A few pairs at a time give the same; the order of the rows in the space does not matter."""
    graph, space = blocks
    split = split_edges(graph)
    whole = link_prediction(space, split)
    monkeypatch.setattr("embedry.trust.evaluate.graphs.links._PAIRS_AT_ONCE", 7)
    turned = link_prediction(space.subset(space.ids[::-1]), split)
    assert turned.auc.mean == pytest.approx(whole.auc.mean, abs=1e-3)
    assert link_prediction(space, split, seed=3, train_pairs=20).trained == (40,)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"operator": "plus"}, "operator must be one of"),
        ({"train_pairs": 0}, "train_pairs"),
        ({"seed": -1}, "seed"),
        ({"embeddings": []}, "one embedding a split"),
        ({"embeddings": None}, "must be Embeddings.*got NoneType and EdgeSplit"),
        ({"split": None}, "got Embeddings and NoneType"),
        ({"split": 0.5}, "got Embeddings and float"),
        ({"embeddings": [[1.0, 2.0]]}, "must be Embeddings"),
        ({"split": "half"}, "an EdgeSplit"),
        ({"embeddings": Embeddings(["0", "1"], np.eye(2))}, "Training edges and non-edges"),
        (
            {"embeddings": Embeddings(["0", "1"], np.eye(2)), "operator": "cosine"},
            "1 and '1' differ",
        ),
    ],
)
def test_link_prediction_refuses_what_cannot_be_asked(blocks, change, message):
    """Unknown operators, nothing to learn from, ids of the other type."""
    graph, space = blocks
    given = {"embeddings": space, "split": split_edges(graph), **change}
    with pytest.raises(InputError, match=message):
        link_prediction(given.pop("embeddings"), given.pop("split"), **given)


def test_link_prediction_refuses_arguments_in_the_other_order(blocks):
    """A split first, alone or in a list, is told from embeddings."""
    graph, space = blocks
    split = split_edges(graph)
    for one, two in ((split, space), ([split], [space])):
        with pytest.raises(InputError, match="must be Embeddings and split an EdgeSplit"):
            link_prediction(one, two)


def test_link_prediction_by_cosine_needs_no_extra(blocks, monkeypatch):
    """The operators that learn say what to install."""
    graph, space = blocks
    split = split_edges(graph)
    monkeypatch.setitem(sys.modules, "sklearn", None)
    assert link_prediction(space, split, operator="cosine").tested
    with pytest.raises(MissingExtraError, match=r"embedry\[evaluate\]"):
        link_prediction(space, split)
