"""The laws of `embedry evaluate`: what the library measures, on small truths."""

import json
import re

import numpy as np
import pytest

from embedry.data.graph import Graph
from embedry.data.interactions import Interactions
from embedry.embeddings import Embeddings
from embedry.errors import MissingExtraError
from embedry.learn.graph import DeepWalk
from embedry.learn.taste.als import ALS
from embedry.trust.evaluate import (
    Sampled,
    compare_recommenders,
    link_prediction,
    node_classification,
    recommend,
    split_edges,
)

IDS = [f"λ{place}" for place in range(40)]
SMALL = ["--dims", 8, "--walks", 2, "--length", 10, "--window", 2, "--threads", 1]


@pytest.fixture
def nodes(tmp_path):
    """Return 40 nodes in two groups that a line parts, and files of them and their labels."""
    rows = np.random.default_rng(1).normal(size=(40, 3))
    rows[:, 0] = np.where(np.arange(40) < 20, -3, 3)
    embeddings = Embeddings(IDS, rows)
    embeddings.save(tmp_path / "nodes.any")
    lines = [f"{id} {'left' if place < 20 else 'right'}" for place, id in enumerate(IDS)]
    (tmp_path / "labels.txt").write_text("\n".join([*lines, "stranger left"]), encoding="utf-8")
    return embeddings, tmp_path / "nodes.any", tmp_path / "labels.txt"


@pytest.fixture
def edges(tmp_path):
    """Return a file of two groups of 20 nodes, all joined within, three edges between them."""
    pairs = [(one, two) for one in range(40) for two in range(one) if (one < 20) == (two < 20)]
    lines = [f"λ{one} λ{two}" for one, two in [*pairs, (0, 20), (1, 21), (2, 22)]]
    (tmp_path / "edges.txt").write_text("\n".join(lines), encoding="utf-8")
    return tmp_path / "edges.txt"


def test_evaluate_graph_is_the_librarys_answer(embedry, nodes):
    """F1 by its mean and spread over the splits, and what was left out."""
    pytest.importorskip("sklearn")
    embeddings, model, labels = nodes
    groups = {id: "left" if place < 20 else "right" for place, id in enumerate(IDS)}
    expected = node_classification(embeddings, groups, train=0.25, splits=3, seed=2)
    words = ["evaluate", "graph", model, labels, "--train", 0.25, "--splits", 3, "--seed", 2]
    facts = json.loads(embedry(*words, "--json").out)
    assert facts["micro_f1"]["values"] == pytest.approx(list(expected.micro.values))
    assert facts["macro_f1"]["mean"] == pytest.approx(expected.macro.mean)
    assert facts["macro_f1"]["deviation"] == pytest.approx(expected.macro.deviation)
    assert (facts["nodes"], facts["labels"], facts["without_vector"]) == (40, 2, 1)
    assert str(expected.micro) in embedry(*words).out


def test_evaluate_graph_knows_nodes_that_are_numbers(embedry, tmp_path):
    """Labels of text are those of nodes named by numbers, and one split has no deviation."""
    pytest.importorskip("sklearn")
    Embeddings(range(8), [[n // 4, 1] for n in range(8)]).save(tmp_path / "nodes")
    (tmp_path / "labels").write_text("".join(f"{n} {n // 4}\n" for n in range(8)))
    done = embedry("evaluate", "graph", tmp_path / "nodes", tmp_path / "labels",
                   "--splits", 1, "--json")  # fmt: skip
    facts = json.loads(done.out)
    assert (facts["nodes"], facts["without_vector"]) == (8, 0)
    assert facts["micro_f1"]["deviation"] is None


def test_evaluate_graph_reads_labels_as_told(embedry, nodes):
    """What can be read in two ways is refused with advice, which the option follows."""
    pytest.importorskip("sklearn")
    _, model, labels = nodes
    labels.write_text(
        labels.read_text(encoding="utf-8").replace("left", "left,1"), encoding="utf-8"
    )
    assert "two ways" in embedry("evaluate", "graph", model, labels).err
    facts = json.loads(
        embedry("evaluate", "graph", model, labels, "--delimiter", " ", "--json").out
    )
    assert (facts["nodes"], facts["labels"]) == (40, 2)


def test_evaluate_graph_tells_1_from_01(embedry, tmp_path):
    """Of labels for 1 and for 01, those of 01 are no node's, and counted so."""
    pytest.importorskip("sklearn")
    Embeddings(range(8), [[n // 4, 1] for n in range(8)]).save(tmp_path / "nodes")
    lines = [f"{n} {n // 4}\n0{n} other\n-{n} other\n" for n in range(8)]
    (tmp_path / "labels").write_text("".join(lines))
    done = embedry("evaluate", "graph", tmp_path / "nodes", tmp_path / "labels", "--json")
    facts = json.loads(done.out)
    assert (facts["nodes"], facts["labels"], facts["without_vector"]) == (8, 2, 16)


@pytest.mark.parametrize("operator", ["hadamard", "cosine"])
def test_evaluate_links_learns_from_what_was_not_held_out(embedry, edges, operator):
    """Each split is that of split_edges, learned from its graph alone by a learner of its seed."""
    pytest.importorskip("sklearn")
    held = [split_edges(Graph.from_file(edges), test=0.3, seed=seed) for seed in (5, 6)]
    spaces = [
        DeepWalk(8, walks=2, length=10, window=2, seed=seed, threads=1).fit(split.graph)
        for seed, split in zip((5, 6), held, strict=True)
    ]
    expected = link_prediction(
        [each.embeddings_ for each in spaces], held, operator=operator, seed=5
    )
    words = ["evaluate", "links", edges, *SMALL, "--splits", 2, "--seed", 5, "--test", 0.3]
    facts = json.loads(embedry(*words, "--operator", operator, "--json").out)
    assert facts["auc"]["values"] == pytest.approx(list(expected.auc.values))
    assert facts["average_precision"]["mean"] == pytest.approx(expected.average_precision.mean)
    assert facts["tested"] == sum(expected.tested)
    assert facts["operator"] == operator


def test_evaluate_links_with_node2vec(embedry, edges):
    """Node2vec takes p and q, and finds groups that are joined within."""
    pytest.importorskip("sklearn")
    words = ["evaluate", "links", edges, *SMALL, "--learner", "node2vec", "--p", 2, "--q", 0.5]
    done = embedry(*words, "--splits", 1, "--operator", "cosine")
    assert (done.code, done.err) == (0, "")
    assert "told by node2vec" in done.out


@pytest.mark.parametrize(
    "words", [["graph", "{nodes}", "{labels}"], ["links", "{edges}", *map(str, SMALL)]]
)
def test_evaluate_without_the_extra_says_how_to_install_it(
    embedry, monkeypatch, nodes, edges, words
):
    """Where scikit-learn is missing, the one line is the one to type."""

    def missing(what):
        raise MissingExtraError(what, extra="evaluate")

    for module in ("nodes", "edges", "links"):
        monkeypatch.setattr(f"embedry.trust.evaluate.graphs.{module}.check_extra", missing)
    places = {"nodes": nodes[1], "labels": nodes[2], "edges": edges}
    done = embedry("evaluate", *(word.format(**places) for word in words))
    assert done.code == 1
    assert "pip install 'embedry[evaluate]'" in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["--operator", "L2"], "operator must be one of"),
        (["--p", "2"], "--learner node2vec"),
        (["--learner", "node2vec", "--p", "0"], "p must"),
        (["--dims", "0"], "dims must"),
        (["--test", "nan"], "test must"),
        (["--seed", "-1"], "seed must"),
        (["--splits", "0"], "--splits must"),
    ],
)
def test_evaluate_links_checks_settings_before_it_reads(embedry, tmp_path, words, match):
    """A file that is not there is not yet looked for, let alone a large one read and split."""
    pytest.importorskip("sklearn")
    done = embedry("evaluate", "links", tmp_path / "none", *words)
    assert done.code == 1
    assert re.search(match, done.err)


@pytest.mark.parametrize(
    ("words", "match"), [(["--train", "nan"], "train must"), (["--splits", "0"], "splits must")]
)
def test_evaluate_graph_checks_settings_before_it_reads(embedry, tmp_path, words, match):
    """A file that is not there is not yet looked for."""
    done = embedry("evaluate", "graph", tmp_path / "none", tmp_path / "none", *words)
    assert done.code == 1
    assert re.search(match, done.err)


def test_evaluate_links_help_tells_of_sparse_graphs(embedry):
    """With half of the edges held out a sparse graph falls apart: the help says what to pass."""
    words = " ".join(re.sub(r"[^\w\s-]", " ", embedry("evaluate", "links", "--help").out).split())
    assert "sparse graph needs a smaller" in words


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["graph", "{folder}/none", "{labels}"], "no file"),
        (["graph", "{nodes}", "{folder}/none"], "no file"),
        (["graph", "{nodes}", "{empty}"], "at least one node"),
        (["graph", "{nodes}", "{alone}"], "line 1"),
        (["graph", "{nodes}", "{foreign}"], "two labels"),
        (["graph", "{nodes}", "{labels}", "--train", "nan"], "train"),
        (["graph", "{nodes}", "{labels}", "--train", "1"], "train"),
        (["graph", "{nodes}", "{labels}", "--splits", "0"], "splits"),
        (["links", "{folder}/none"], "no file"),
        (["links", "{empty}"], "empty"),
        (["links", "{edges}", "--splits", "0"], "--splits"),
        (["links", "{edges}", "--test", "nan"], "test"),
        (["links", "{edges}", "--test", "0.99"], "test"),
        (["links", "{edges}", "--p", "2"], "--learner node2vec"),
        (["links", "{edges}", "--operator", "dot", "--splits", "1"], "operator"),
        (["links", "{edges}", "--dims", "0"], "dims"),
    ],
)  # fmt: skip
def test_evaluate_refuses_with_one_line(embedry, tmp_path, nodes, edges, words, match):
    """What cannot be measured ends with 1 and one line on standard error."""
    pytest.importorskip("sklearn")
    (tmp_path / "empty").touch()
    (tmp_path / "alone").write_text("λ1\n", encoding="utf-8")
    (tmp_path / "foreign").write_text("a left\nb right\n")
    places = {"nodes": nodes[1], "labels": nodes[2], "edges": edges, "folder": tmp_path}
    places |= {name: tmp_path / name for name in ("empty", "alone", "foreign")}
    done = embedry("evaluate", *(word.format(**places) for word in words))
    assert done.code == 1
    assert done.out == ""
    assert done.err.startswith("embedry: ")
    assert done.err.count("\n") == 1
    assert re.search(match, done.err)


HELD = "user,item\nann,b3\nbob,7\neve,b1\n42,b1\nstranger,b2\n"


@pytest.fixture
def taste(shelf, tmp_path):
    """Return a model of taste, its file, and a file of what its users took next."""
    (tmp_path / "held.csv").write_text(HELD)
    path = shelf.parent / "taste.embedry-model"
    return ALS.load(path), path, tmp_path / "held.csv"


def held_out():
    pairs = [("ann", "b3"), ("bob", 7), ("eve", "b1"), (42, "b1"), ("stranger", "b2")]
    return Interactions.from_triples(*zip(*pairs, strict=True))


def test_evaluate_recommend_is_the_librarys_answer(embedry, taste):
    """The measures and intervals, and what did not count; ids that are numbers are found."""
    model, path, held = taste
    expected = recommend(model, held_out(), k=(1, 2), seed=3)
    words = ["evaluate", "recommend", path, held, "-k", "2,1", "--seed", 3]
    facts = json.loads(embedry(*words, "--json").out)
    assert facts["users"] == 4
    assert not facts["sampled"]
    assert facts["left_out"]["unknown_users"] == ["stranger"]
    for name, estimate in expected.measures.items():
        assert facts["measures"][name]["value"] == pytest.approx(estimate.value)
    interval = expected.measures["ndcg@2"].interval
    assert facts["measures"]["ndcg@2"]["interval"]["low"] == pytest.approx(interval.low)
    assert embedry(*words).out.strip() == str(expected)


def test_evaluate_recommend_among_some_items(embedry, taste, tmp_path):
    """A file of items, one a line, numbers too."""
    model, path, held = taste
    (tmp_path / "items").write_text("b1\n7\n\nb1\n")
    expected = recommend(model, held_out(), k=1, among=["b1", 7])
    done = embedry("evaluate", "recommend", path, held, "-k", 1, "--among", tmp_path / "items")
    assert done.out.strip() == str(expected)


def test_evaluate_recommend_among_negatives_says_so(embedry, taste, tmp_path):
    """Drawn or from a file, in the first line and in JSON; both at once are refused."""
    model, path, held = taste
    words = ["evaluate", "recommend", path, held, "-k", 1]
    drawn = embedry(*words, "--sampled", 1, "--seed", 2).out
    protocol = Sampled(1, seed=2)
    assert drawn.strip() == str(recommend(model, held_out(), k=1, sampled=protocol, seed=2))
    assert drawn.startswith("SAMPLED METRIC")
    file = tmp_path / "negatives"
    file.write_text("(ann,b3)\t7\n(bob,7)\tb1\n(eve,b1)\tb2\tb3\n(42,b1)\tb2\n")
    facts = json.loads(embedry(*words, "--negatives", file, "--json").out)
    given = {"ann": [7], "bob": ["b1"], "eve": ["b2", "b3"], 42: ["b2"]}
    expected = recommend(model, held_out(), k=1, sampled=Sampled(given)).measures["mrr@1"].value
    assert facts["measures"]["mrr@1"]["value"] == pytest.approx(expected)
    assert facts["sampled"]
    both = embedry(*words, "--sampled", 1, "--negatives", file)
    assert both.code
    assert "Pass --sampled" in both.err


def test_evaluate_recommend_compares_two_models(embedry, taste, tmp_path):
    """Against another model: both means, the difference and a verdict."""
    model, path, held = taste
    other = ALS(dims=2, regularization=5.0, seed=4, threads=1).fit(model.interactions_)
    other.save(tmp_path / "other")
    expected = compare_recommenders(model, other, held_out(), k=2)
    words = ["evaluate", "recommend", path, held, "-k", 2, "--against", tmp_path / "other"]
    assert embedry(*words).out.strip() == str(expected)
    facts = json.loads(embedry(*words, "--json").out)["measures"]["ndcg@2"]
    assert facts["difference"] == pytest.approx(expected.measures["ndcg@2"].difference)
    assert facts["verdict"] == expected.measures["ndcg@2"].verdict


def test_evaluate_recommend_by_histories(embedry, taste, tmp_path):
    """Strangers are known by a table of what they had used, with values; numbers are found too."""
    model, path, _ = taste
    (tmp_path / "next.csv").write_text("user,item\nnew,b1\n99,b3\nnone,b1\n")
    (tmp_path / "before.csv").write_text("user,item,value\nnew,7,3\nnew,b2,1\n99,b1,2\n")
    test = Interactions.from_triples(["new", "99", "none"], ["b1", "b3", "b1"])
    before = Interactions.from_triples(["new", "new", "99"], [7, "b2", "b1"], [3, 1, 2])
    words = ["evaluate", "recommend", path, tmp_path / "next.csv", "-k", 2]
    words += ["--histories", tmp_path / "before.csv"]
    expected = recommend(model, test, histories=before, k=2)
    assert embedry(*words).out.strip() == str(expected)
    facts = json.loads(embedry(*words, "--json").out)
    assert facts["left_out"]["without_history"] == ["none"]
    other = ALS(dims=2, regularization=5.0, seed=4, threads=1).fit(model.interactions_)
    other.save(tmp_path / "other")
    expected = compare_recommenders(model, other, test, histories=before, k=2)
    assert embedry(*words, "--against", tmp_path / "other").out.strip() == str(expected)
    (tmp_path / "next.csv").write_text("user,item\nnew,7\n")
    refused = embedry(*words)
    assert refused.code
    assert "histories must hold no pair of the test" in refused.err


def test_evaluate_recommend_refuses_with_advice(embedry, taste, nodes, tmp_path):
    """A model that was taught the test, one of another kind, cutoffs that are words."""
    _, path, held = taste
    (tmp_path / "taught").write_text("user,item\nann,b1\n")
    taught = embedry("evaluate", "recommend", path, tmp_path / "taught")
    assert "('ann', 'b1')" in taught.err
    other = embedry("evaluate", "recommend", nodes[1], held)
    assert "must hold a model of taste" in other.err
    words = embedry("evaluate", "recommend", path, held, "-k", "ten")
    assert "--k must be whole numbers" in words.err
    assert all(done.code for done in (taught, other, words))
