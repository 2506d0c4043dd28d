"""The laws of `embedry words`: what the library answers, for one file or anybody's."""

import json
import re

import numpy as np
import pytest

from embedry import Subwords
from embedry.cli.words import Kind, _told
from embedry.data.corpus import Corpus
from embedry.embeddings import Embeddings
from embedry.learn.word2vec import Word2Vec

WORDS = ["man", "woman", "king", "queen", "café", "東京"]
ROWS = [[1, 0, 0], [1, 1, 0], [3, 0.1, 0], [3, 2.9, 0], [0, 0, 1], [0, 0.1, 1]]


@pytest.fixture
def space(tmp_path):
    """Return six words, and the file they are in."""
    embeddings = Embeddings(WORDS, ROWS)
    embeddings.save(tmp_path / "space.any")
    return embeddings, tmp_path / "space.any"


@pytest.fixture(scope="module")
def with_ngrams(tmp_path_factory):
    """Return a fitted Word2Vec with n-grams, and its file."""
    lines = ["the Socket reads the text", "a socket writes the texts"] * 20
    learner = Word2Vec(8, min_count=1, epochs=2, threads=1, subwords=Subwords(3, 4, 500))
    words = learner.fit(Corpus.from_lines(lines))
    path = tmp_path_factory.mktemp("words") / "words.model"
    words.save(path)
    return words, path


def answers(done):
    """Return the ids and scores of each answer, from JSON."""
    assert (done.code, done.err) == (0, "")
    told = json.loads(done.out)
    assert set(told) == {"answers", "mended"}
    return [[(hit["id"], hit["score"]) for hit in each["hits"]] for each in told["answers"]]


def plain(found):
    return [(hit.id, pytest.approx(hit.score)) for hit in found]


def test_nearest_asks_for_each_word(embedry, space):
    """Each word has an answer of its own, in order, as Embeddings.nearest gives it."""
    embeddings, path = space
    done = embedry("words", "nearest", path, "café", "king", "-k", 2, "--json")
    expected = [plain(embeddings.nearest(id=word, k=2)) for word in ("café", "king")]
    assert answers(done) == expected
    shown = embedry("words", "nearest", path, "café", "king", "-k", 2).out
    assert shown.index("Near café") < shown.index("東京") < shown.index("Near king")


def test_nearest_finds_a_word_in_any_form(embedry, space):
    """Typed with its marks apart or in capitals, a word is the one that is known."""
    embeddings, path = space
    expected = [plain(embeddings.nearest(id="café", k=2))]
    for typed in ("cafe\u0301", "CAFE\u0301", "CAF\xc9"):
        assert answers(embedry("words", "nearest", path, typed, "-k", 2, "--json")) == expected


def test_nearest_by_examples(embedry, space):
    """--like and --unlike, repeated, are those of Embeddings.nearest."""
    embeddings, path = space
    done = embedry(
        "words", "nearest", path, "--like", "king", "--like", "woman", "--unlike", "man", "--json"
    )
    assert answers(done) == [plain(embeddings.nearest(like=["king", "woman"], unlike=["man"]))]


def test_nearest_with_k_above_all_gives_all(embedry, space):
    """A huge k gives every other word once."""
    _, path = space
    [found] = answers(embedry("words", "nearest", path, "man", "-k", 10**9, "--json"))
    assert sorted(id for id, _ in found) == sorted(set(WORDS) - {"man"})


def test_nearest_of_a_word_in_capitals_or_a_number(embedry, space, tmp_path):
    """Where only the lower case is known, or only the number, it is that which is meant."""
    embeddings, path = space
    done = embedry("words", "nearest", path, "CAFÉ", "--json")
    assert answers(done) == [plain(embeddings.nearest(id="café"))]
    Embeddings([7, 8, 9], np.eye(3)).save(tmp_path / "numbers")
    assert answers(embedry("words", "nearest", tmp_path / "numbers", 7, "--json"))


def test_nearest_of_an_unseen_word_goes_by_its_ngrams(embedry, with_ngrams):
    """The answer is that of encode(role="word"), and the title says how it was placed."""
    words, path = with_ngrams
    encoded = words.encode(["sockets"], role="word")
    expected = words.embeddings_.nearest(vector=encoded.vectors[0], k=3)
    done = embedry("words", "nearest", path, "sockets", "-k", 3, "--json")
    assert answers(done) == [plain(expected)]
    assert "sockets, placed by its n-grams" in embedry("words", "nearest", path, "sockets").out
    assert answers(embedry("words", "nearest", path, "Socket", "--json")) == [
        plain(words.embeddings_.nearest(id="socket"))
    ]


@pytest.mark.parametrize("method", ["add", "multiply"])
def test_analogy_is_the_librarys(embedry, space, method):
    """A, b and c stand in the library's order."""
    embeddings, path = space
    words = ["words", "analogy", path, "man", "woman", "king", "-k", 2, "--method", method]
    expected = embeddings.analogy("man", "woman", "king", k=2, method=method)
    assert expected.ids[0] == "queen"
    assert answers(embedry(*words, "--json")) == [plain(expected)]
    assert "What is to king as woman is to man" in embedry(*words).out


def test_odd_puts_what_fits_least_first(embedry, space):
    """The order and scores are those of odd_one_out."""
    embeddings, path = space
    done = embedry("words", "odd", path, "man", "東京", "king", "--json")
    assert answers(done) == [plain(embeddings.odd_one_out(["man", "東京", "king"]))]
    shown = embedry("words", "odd", path, "man", "東京", "king").out
    assert shown.index("東京") < shown.index("man")


def test_evaluate_tells_pairs_from_analogies(embedry, space, tmp_path):
    """Each file is scored as what it holds, with the interval and what was unknown."""
    _, path = space
    pairs, asked = tmp_path / "pairs.tsv", tmp_path / "asked.txt"
    pairs.write_text(
        "word\tother\tkind\tgrade\nking\tqueen\tN\t9\nking\tcafé\tN\t1\nman\twoman\tN\t8\n"
        "man\t東京\tN\t2\nking\tzyzzyva\tN\t5\n"
    )
    asked.write_text(": people\nman woman king queen\n: none\nman woman zyzzyva king\n")
    done = embedry("words", "evaluate", path, pairs, asked, "--columns", "0,1,3", "--json")
    assert (done.code, done.err) == (0, "")
    first, second = json.loads(done.out)["scores"]
    assert (first["kind"], first["asked"], first["known"]) == ("pairs", 5, 4)
    assert first["unknown"] == ["zyzzyva"]
    assert first["header_lines"] == 1
    assert first["interval"]["low"] <= first["correlation"] <= first["interval"]["high"]
    assert (second["kind"], second["accuracy"]) == ("analogies", 1.0)
    assert (second["overall"]["known"], second["overall"]["asked"]) == (1, 2)
    shown = embedry("words", "evaluate", path, pairs, asked, "--columns", "0,1,3").out
    assert "on 4 of 5 pairs" in shown
    assert "\\n" not in shown
    assert "unknown words: zyzzyva" in shown
    assert "analogies: 1.000" in shown
    assert "  none: none of 1 known" in shown


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (": family\n", Kind.ANALOGIES),
        ("# said\n\n: family\nking queen man woman\n", Kind.ANALOGIES),
        ("\ufeffking queen man woman\n", Kind.ANALOGIES),
        ("king queen 9\n", Kind.PAIRS),
        ("king queen N 9\nman woman N 8\n", Kind.PAIRS),
        ("one two kind grade\nking queen N 9\n", Kind.PAIRS),
        ("king,queen,9\n", Kind.PAIRS),
        ("", Kind.PAIRS),
    ],
)
def test_told_by_content(tmp_path, text, kind):
    """Categories or lines of four words are analogies; a number among them makes pairs."""
    (tmp_path / "file").write_text(text, encoding="utf-8")
    assert _told(tmp_path / "file") is kind


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["nearest", "{space}"], "--like"),
        (["nearest", "{space}", "man", "--like", "king"], "not both"),
        (["nearest", "{space}", "zyzzyva"], "no id 'zyzzyva'"),
        (["nearest", "{space}", "東"], "no id '東'"),
        (["nearest", "{space}", "man", "-k", "0"], "k must"),
        (["nearest", "{space}", "--unlike", "zyzzyva"], "zyzzyva"),
        (["nearest", "{folder}/none", "man"], "no file"),
        (["nearest", "{folder}", "man"], "is a folder"),
        (["nearest", "{empty}", "man"], "--format"),
        (["nearest", "{nan}", "man"], "finite|line 1"),
        (["nearest", "{zero}", "man"], "zero"),
        (["nearest", "{space}", "man", "--format", "glove"], "."),
        (["analogy", "{space}", "man", "woman", "zyzzyva"], "no id 'zyzzyva'"),
        (["analogy", "{space}", "man", "woman", "king", "--method", "divide"], "method"),
        (["odd", "{space}", "man", "woman"], "at least 3"),
        (["odd", "{space}", "man", "man", "king"], "man"),
        (["evaluate", "{space}", "{folder}/none"], "no file"),
        (["evaluate", "{space}", "{empty}"], "empty"),
        (["evaluate", "{space}", "{pairs}", "--columns", "0,1"], "--columns"),
        (["evaluate", "{space}", "{pairs}", "--columns", "a,b,c"], "--columns"),
        (["evaluate", "{space}", "{pairs}", "--kind", "analogies"], "line 1"),
        (["evaluate", "{space}", "{pairs}"], "three pairs"),
    ],
)  # fmt: skip
def test_words_refuse_with_one_line(embedry, space, tmp_path, words, match):
    """What cannot be asked ends with 1 and one line on standard error, without a traceback."""
    (tmp_path / "empty").touch()
    (tmp_path / "nan.txt").write_text("man nan 1\nking 1 1\n")
    (tmp_path / "zero.vec").write_text("2 2\nman 0 0\nking 1 1\n")
    (tmp_path / "pairs").write_text("so many 1\nother words 2\nking queen 9\n")
    places = {"space": space[1], "folder": tmp_path, "empty": tmp_path / "empty"}
    places |= {"nan": tmp_path / "nan.txt", "zero": tmp_path / "zero.vec"}
    places |= {"pairs": tmp_path / "pairs"}
    done = embedry("words", *(word.format(**places) for word in words))
    assert done.code == 1
    assert done.out == ""
    assert done.err.startswith("embedry: ")
    assert done.err.count("\n") == 1
    assert re.search(match, done.err)
