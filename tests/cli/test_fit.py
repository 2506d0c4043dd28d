"""The laws of `embedry fit`: what was learned is written, and what was left out is told."""

import gzip
import json
import re

import pytest

from embedry.learn.modelfile import load
from embedry.learn.taste.als import ALS
from embedry.learn.taste.bpr import BPR
from embedry.learn.taste.popularity import Popularity

EDGES = "café/λ b\nb c\nc café/λ\nc d\nd d\ncafé/λ b\nc b\n# said\n"


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt.gz"
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write("die Straße nach café\nder Weg nach 東京\n\nonce\n" * 20)
    return path


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "uses.csv"
    path.write_text("user,item,value\nann,b1,2\nann,b2,1\nann,b2,1\nbob,b2,3\nbob,b3,0\nbob,b1,1\n")
    return path


def test_fit_word2vec_learns_what_it_says(embedry, text, tmp_path):
    """It writes a model that loads, and tells words, tokens and what was left out."""
    out = tmp_path / "words.model"
    done = embedry(
        "fit", "word2vec", text, "-o", out, "--dims", 8, "--min-count", 20, "--epochs", 1,
        "--seed", 3, "--threads", 1, "--json",
    )  # fmt: skip
    facts = json.loads(done.out)
    assert done.code == 0
    assert facts == {
        "words": 8, "tokens": 180, "left_out": 0, "empty_lines": 20, "undecodable": 0,
        "file": str(out),
    }  # fmt: skip
    words = load(out)
    assert words.embeddings_.dims == 8
    assert "straße" in words.embeddings_
    assert words.get_params()["seed"] == 3
    assert "Learned" in embedry("fit", "word2vec", text, "-o", out, "--threads", 1).out


def test_fit_als_learns_what_it_says(embedry, table, tmp_path):
    """It writes a model that loads, and tells pairs, merged ones and dropped ones."""
    out = tmp_path / "taste.model"
    words = ["fit", "als", table, "-o", out, "--dims", 2, "--regularization", 0.5, "--alpha", 2]
    facts = json.loads(embedry(*words, "--iterations", 3, "--seed", 1, "--json").out)
    assert set(facts) == {"users", "items", "pairs", "merged", "dropped", "file"}
    assert (facts["users"], facts["pairs"], facts["merged"]) == (2, 4, 1)
    assert facts["dropped"] == {"header line": 1, "value of zero": 1}
    taste = ALS.load(out)
    assert taste.get_params() == {
        "dims": 2, "regularization": 0.5, "alpha": 2.0, "iterations": 3, "frequency_scaling": 1.0,
        "steps": 3, "seed": 1, "threads": None,
    }  # fmt: skip
    shown = embedry(*words).out
    assert "Learned the taste of 2 users" in shown
    assert "1 for value of zero" in shown


@pytest.mark.parametrize("learner", ["als", "bpr", "ease", "itemvec"])
def test_fit_takes_ratings_from_any_columns(embedry, tmp_path, learner):
    """Columns by name, another delimiter, ratings below the least left out and counted."""
    rows = ["when|stars|who|what", *(f"{i}|{i % 5 + 1}|u{i % 4}|i{i % 9}" for i in range(28))]
    (tmp_path / "t").write_text("\n".join([*rows, "29|1|u1|i1"]))
    words = ["fit", learner, tmp_path / "t", "-o", tmp_path / "m"]
    words += ["--delimiter", "|", "--columns", "who,what,stars"]
    words += [] if learner == "itemvec" else ["--regularization", 0.01]
    facts = json.loads(embedry(*words, "--json").out)
    assert (facts["users"], facts["items"], facts["pairs"], facts["merged"]) == (4, 9, 28, 1)
    facts = json.loads(embedry(*words, "--least", 2, "--json").out)
    below = 6 + 1  # every fifth, and the pair that was rated 1 the second time
    assert (facts["pairs"], facts["merged"]) == (28 - below, 1)
    assert facts["dropped"]["value below 2"] == below


def test_fit_bpr_learns_what_it_says(embedry, table, tmp_path):
    """Settings that are given are kept, the others are the learner's own."""
    out = tmp_path / "taste.model"
    words = ["fit", "bpr", table, "-o", out, "--dims", 2, "--learning-rate", 0.1, "--threads", 1]
    facts = json.loads(embedry(*words, "--epochs", 9, "--seed", 1, "--json").out)
    assert (facts["users"], facts["pairs"], facts["merged"]) == (2, 4, 1)
    assert BPR.load(out).get_params() == {
        "dims": 2, "learning_rate": 0.1, "regularization": 0.006, "epochs": 9, "seed": 1,
        "threads": 1,
    }  # fmt: skip
    assert "Learned the taste of 2 users" in embedry(*words).out


def test_fit_ease_and_itemvec_learn_what_they_say(embedry, table, tmp_path):
    """Settings that are given are kept, the others are the learners' own."""
    out = tmp_path / "taste.model"
    done = embedry("fit", "ease", table, "-o", out, "--regularization", 2, "--json")
    assert json.loads(done.out)["pairs"] == 4
    assert load(out).get_params() == {"regularization": 2.0, "memory": None}
    words = ["--dims", 4, "--window", 3, "--epochs", 2, "--ns-exponent", 0.5, "--seed", 1]
    assert "2 users" in embedry("fit", "itemvec", table, "-o", out, *words, "--threads", 1).out
    assert load(out).get_params() == {
        "dims": 4, "window": 3, "negative": 5, "sample": 0.0, "epochs": 2, "learning_rate": 0.0125,
        "ns_exponent": 0.5, "seed": 1, "threads": 1,
    }  # fmt: skip


@pytest.fixture
def edges(tmp_path):
    path = tmp_path / "edges.txt"
    path.write_text(EDGES, encoding="utf-8")
    return path


def test_fit_word2vec_takes_every_setting(embedry, text, tmp_path):
    """Architecture, subwords, rate, sample and tokenizer reach the learner and the corpus."""
    out = tmp_path / "words.model"
    done = embedry(
        "fit", "word2vec", text, "-o", out, "--dims", 4, "--architecture", "cbow", "--subwords",
        "2-3", "--learning-rate", 0.1, "--sample", 0, "--tokenizer", "whitespace", "--threads", 1,
        "--epochs", 1,
    )  # fmt: skip
    assert (done.code, done.err) == (0, "")
    words = load(out)
    assert words.architecture == "cbow"
    assert (words.subwords.shortest, words.subwords.longest) == (2, 3)
    assert (words.learning_rate, words.sample) == (0.1, 0)
    assert "Straße" in words.embeddings_  # whitespace keeps capitals
    assert words.encode(["Straßen"], role="word").placed.all()


@pytest.mark.parametrize(
    ("learner", "more", "expected"),
    [
        ("deepwalk", [], {}),
        ("node2vec", ["--p", 0.5, "--q", 2, "--extended"], {"p": 0.5, "q": 2.0}),
    ],
)
def test_fit_nodes_learns_what_it_says(embedry, edges, tmp_path, learner, more, expected):
    """It writes a model that loads, and tells nodes, edges, merged and dropped ones."""
    out = tmp_path / "nodes.model"
    words = ["fit", learner, edges, "-o", out, "--dims", 4, "--walks", 2, "--length", 5]
    words += ["--window", 2, "--epochs", 2, "--seed", 3, "--threads", 1, *more]
    done = embedry(*words, "--json")
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out) == {
        "nodes": 4, "edges": 4, "weighted": False, "directed": False, "merged": 2,
        "dropped": {"self loop": 1, "comment line": 1}, "unplaced": 0, "file": str(out),
    }  # fmt: skip
    nodes = load(out)
    assert set(nodes.embeddings_.ids) == {"café/λ", "b", "c", "d"}
    assert (nodes.dims, nodes.walks, nodes.length, nodes.window) == (4, 2, 5, 2)
    assert (nodes.epochs, nodes.seed) == (2, 3)
    assert {name: getattr(nodes, name) for name in expected} == expected
    assert bool(getattr(nodes, "extended", False)) == (learner == "node2vec")
    assert "Learned 4 nodes" in embedry(*words).out


def test_fit_nodes_reads_tables_as_told(embedry, tmp_path):
    """Columns, delimiter, direction and weights are taken; nodes no walk meets are counted."""
    table = tmp_path / "edges.tsv"
    table.write_text("when\tto\tfrom\tw\n1\tb\ta\t2\n2\tc\tb\t1\n3\tx\tx\t1\n")
    out = tmp_path / "nodes.model"
    done = embedry(
        "fit", "deepwalk", table, "-o", out, "--dims", 4, "--columns", "from,to,w", "--delimiter",
        "\\t", "--directed", "--threads", 1, "--json",
    )  # fmt: skip
    facts = json.loads(done.out)
    assert (facts["nodes"], facts["edges"], facts["unplaced"]) == (4, 2, 1)
    assert facts["directed"]
    assert facts["weighted"]
    assert facts["dropped"] == {"self loop": 1, "header line": 1}


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["deepwalk", "--dims", "0"], "dims must"),
        (["deepwalk", "--seed", "-1"], "seed must"),
        (["node2vec", "--dims", "0"], "dims must"),
        (["node2vec", "--p", "0"], "p must"),
        (["node2vec", "--q", "nan", "--extended"], "q must"),
    ],
)
def test_fit_nodes_checks_settings_before_it_reads(embedry, tmp_path, words, match):
    """A file that is not there is not yet looked for, let alone a large one read."""
    learner, *settings = words
    done = embedry("fit", learner, tmp_path / "none", "-o", tmp_path / "m", *settings)
    assert done.code == 1
    assert re.search(match, done.err)


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["word2vec", "{folder}/none", "-o", "{folder}/m"], "no file|No such file"),
        (["word2vec", "{code}", "-o", "{folder}/no/m"], "--out"),
        (["word2vec", "{code}", "-o", "{folder}"], "--out"),
        (["word2vec", "{code}", "-o", "{folder}/m", "--dims", "0"], "dims"),
        (["word2vec", "{code}", "-o", "{folder}/m", "--architecture", "glove"], "skipgram, cbow"),
        (["word2vec", "{code}", "-o", "{folder}/m", "--subwords", "3"], "such as 3-6"),
        (["word2vec", "{code}", "-o", "{folder}/m", "--subwords", "6-3"], "longest"),
        (["word2vec", "{code}", "-o", "{folder}/m", "--tokenizer", "bpe"], "tokenizer"),
        (["word2vec", "{code}", "-o", "{folder}/m", "--learning-rate", "nan"], "learning_rate"),
        (["word2vec", "{empty}", "-o", "{folder}/m"], "no token|at least"),
        (["als", "{folder}/none", "-o", "{folder}/m"], "no file"),
        (["als", "{code}", "-o", "{folder}/no/m"], "--out"),
        (["bpr", "{code}", "-o", "{folder}/no/m"], "--out"),
        (["ease", "{folder}/none", "-o", "{folder}/m"], "no file"),
        (["ease", "{edges}", "-o", "{folder}/m", "--memory", "1"], "must fit into memory"),
        (["itemvec", "{edges}", "-o", "{folder}/m", "--window", "0"], "window must"),
        (["deepwalk", "{folder}/none", "-o", "{folder}/m"], "no file"),
        (["deepwalk", "{empty}", "-o", "{folder}/m"], "empty"),
        (["deepwalk", "{edges}", "-o", "{folder}/no/m"], "--out"),
        (["deepwalk", "{edges}", "-o", "{folder}/m", "--columns", "0,9"], "column|line 1"),
        (["deepwalk", "{edges}", "-o", "{folder}/m", "--walks", "0"], "walks"),
        (["node2vec", "{edges}", "-o", "{folder}/m", "--p", "nan"], "p must"),
        (["node2vec", "{edges}", "-o", "{folder}/m", "--q", "0"], "q must"),
        (["node2vec", "{nan}", "-o", "{folder}/m"], "line 1"),
    ],
)  # fmt: skip
def test_fit_refuses_with_one_line(embedry, tmp_path, edges, words, match):
    """What cannot be learned ends with 1 and one line on standard error; nothing is written."""
    (tmp_path / "empty").touch()
    (tmp_path / "nan").write_text("a b nan\nb c 1\n")
    places = {"folder": tmp_path, "code": __file__, "edges": edges}
    places |= {"empty": tmp_path / "empty", "nan": tmp_path / "nan"}
    done = embedry("fit", *(word.format(**places) for word in words))
    assert done.code == 1
    assert done.out == ""
    assert done.err.startswith("embedry: ")
    assert done.err.count("\n") == 1
    assert re.search(match, done.err)
    assert not (tmp_path / "m").exists()


def test_fit_baselines_learn_what_they_say(embedry, table, tmp_path):
    """Neighbours take their settings, popularity has none, and both recommend when loaded."""
    out = tmp_path / "knn.model"
    options = ("--neighbours", 2, "--shrinkage", 0, "--json")
    facts = json.loads(embedry("fit", "itemknn", table, "-o", out, *options).out)
    assert (facts["users"], facts["items"], facts["pairs"]) == (2, 3, 4)
    taste = load(out)
    assert (type(taste).__name__, taste.neighbours, taste.shrinkage) == ("ItemKNN", 2, 0.0)
    assert taste.recommend("ann").ids == ()
    done = embedry("fit", "popularity", table, "-o", out, "--least", 1, "--json")
    assert json.loads(done.out)["pairs"] == facts["pairs"]
    assert load(out).recommend(history=[]).ids == ("b1", "b2")
    assert embedry("fit", "itemknn", table, "-o", out).code == 0
    assert load(out).get_params() == {"neighbours": 50, "shrinkage": 10.0}


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("strikes", ["fit", "save", "after"])
def test_fit_interrupted_says_what_became_of_the_file(
    embedry, table, tmp_path, monkeypatch, there, strikes
):
    """Ctrl-C tells whether a file was written, and that an old one is as it was."""
    out = tmp_path / "model"
    if there:
        out.write_text("old")
    saved = Popularity.save

    def interrupt(self, *given):
        if strikes == "after":
            saved(self, *given)
        raise KeyboardInterrupt

    monkeypatch.setattr(Popularity, "fit" if strikes == "fit" else "save", interrupt)
    done = embedry("fit", "popularity", table, "-o", out)
    assert (done.code, done.out) == (130, "")
    told = "no file was written" + (f"; {out} is as it was" if there else "")
    told = f"{out} was written whole" if strikes == "after" else told
    assert done.err == f"embedry: interrupted; {told}\n"
    assert out.exists() == (there or strikes == "after")
    if there and strikes != "after":
        assert out.read_text() == "old"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["als", "--dims", 0], "dims must be an int in [1, 4096]; got 0"),
        (["bpr", "--epochs", 0], "epochs must be"),
        (["ease", "--regularization", 0], "regularization must be"),
        (["itemvec", "--window", 51], "window must be an int in [1, 50]; got 51"),
        (["itemknn", "--neighbours", 0], "neighbours must be"),
        (["word2vec", "--negative", 0], "negative must be an int in [1, 50]; got 0"),
        (["deepwalk", "--length", 1], "length must be"),
        (["node2vec", "--p", 0], "p must be"),
    ],
)
def test_fit_refuses_settings_before_it_reads(embedry, tmp_path, command, message):
    """A setting out of range is told although the file is not even there."""
    kind, *options = command
    done = embedry("fit", kind, tmp_path / "none.csv", "-o", tmp_path / "out", *options)
    assert done.code == 1
    assert message in " ".join(done.err.split())


def test_fit_reads_parquet(embedry, table, tmp_path):
    """A Parquet file of the same pairs gives the same taste; its columns go by names."""
    pytest.importorskip("pyarrow", reason="the extra arrow is not installed")
    from pyarrow import csv, parquet

    columns = csv.ConvertOptions(column_types={"value": "float64"})
    parquet.write_table(csv.read_csv(table, convert_options=columns), tmp_path / "uses.parquet")
    options = ("--dims", 2, "--regularization", 0.1, "--threads", 1, "--json")
    outs = [tmp_path / name for name in ("a", "b")]
    text = embedry("fit", "als", table, "-o", outs[0], *options)
    names = ("--columns", "user,item,value")
    parquet_done = embedry("fit", "als", tmp_path / "uses.parquet", "-o", outs[1], *names, *options)
    assert (text.code, parquet_done.code) == (0, 0)
    told = [json.loads(done.out)["pairs"] for done in (text, parquet_done)]
    assert told[0] == told[1]
    first, second = (load(out) for out in outs)
    assert first.item_embeddings_.card.fingerprint == second.item_embeddings_.card.fingerprint
    done = embedry("fit", "als", tmp_path / "uses.parquet", "-o", outs[1], "--columns", "0,1")
    assert done.code == 1
    assert "--columns must be names where the file is Parquet" in " ".join(done.err.split())
