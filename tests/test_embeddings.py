"""Embeddings: exact search against plain NumPy, immutability, and a file that is not believed."""

from __future__ import annotations

import json
import pickle
import struct
import subprocess
import sys
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from gensim.models import KeyedVectors
from hypothesis import given, settings
from hypothesis import strategies as st

from embedry import atomic
from embedry.card import Card, Probes, Relation
from embedry.embeddings import Embeddings
from embedry.errors import (
    EmbedryError,
    FileFormatError,
    ForeignSpaceError,
    InputError,
    UnknownIdError,
)

METRICS = ["cosine", "dot", "euclidean"]
plain_ids = st.one_of(st.text(), st.integers(-(2**63), 2**63 - 1))


def made(n=30, dims=7, metric="cosine", seed=0):
    """Make embeddings with ids of both kinds, and some equal rows far apart."""
    rows = np.random.default_rng(seed).standard_normal((n, dims)).astype(np.float32)
    rows[n // 2] = rows[n - 1] = rows[1]
    return Embeddings([i if i % 2 else f"w{i}" for i in range(n)], rows, metric=metric)


def scores_of(query, rows, metric):
    """Score by the formula, in float64."""
    query, rows = np.float64(query), np.float64(rows)
    if metric == "euclidean":
        return -np.linalg.norm(rows - query, axis=1)
    scores = rows @ query
    if metric == "cosine":
        scores /= np.linalg.norm(rows, axis=1) * np.linalg.norm(query)
    return scores


def assert_nearest(hits, query, emb, k, without=()):
    """Hold hits against a stable sort of all rows."""
    scores = np.round(scores_of(query, emb.vectors, emb.card.metric), 5)
    order = [i for i in np.argsort(-scores, kind="stable") if emb.ids[i] not in without][:k]
    assert hits.ids == tuple(emb.ids[i] for i in order)
    np.testing.assert_allclose(hits.scores, scores[order], atol=2e-5)


# --- search -------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", METRICS)
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 99), k=st.integers(1, 40), place=st.integers(0, 29))
def test_nearest_equals_the_oracle(metric, seed, k, place):
    """By id, vector and embeddings: the k nearest of a stable sort of all rows."""
    emb = made(metric=metric, seed=seed)
    name, query = emb.ids[place], emb.vectors[place]
    assert_nearest(emb.nearest(id=name, k=k), query, emb, k, without={name})
    assert_nearest(emb.nearest(vector=query, k=k), query, emb, k)
    assert (
        emb.nearest(vector=emb.subset([name]), k=k).scores == emb.nearest(vector=query, k=k).scores
    )


@pytest.mark.parametrize("metric", METRICS)
def test_nearest_of_a_batch_equals_one_by_one(metric):
    """Asking for many gives to the bit what asking for each gives."""
    emb = made(200, 33, metric)
    names = list(emb.ids[:20])
    assert emb.nearest(id=names, k=9) == [emb.nearest(id=name, k=9) for name in names]
    rows = emb.vectors[:20]
    assert emb.nearest(vector=rows, k=9) == [emb.nearest(vector=row, k=9) for row in rows]
    assert emb.nearest(vector=emb.subset(names), k=9) == emb.nearest(vector=rows, k=9)
    assert emb.nearest(id=[]) == []


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("n", [100, 5_000])
def test_nearest_keeps_ties_in_the_order_of_ids(metric, n):
    """Equal rows far apart score the same to the bit, and come in the order of ids."""
    rows = np.random.default_rng(3).standard_normal((n, 31)).astype(np.float32)
    twins = [2, n // 3, n // 2 + 1, n - 1]
    rows[twins] = rows[2] * 3
    emb = Embeddings(range(n), rows, metric=metric)
    hits = emb.nearest(vector=rows[2], k=3)
    assert hits.ids == tuple(twins[:3])
    assert len(set(hits.scores)) == 1
    assert emb.nearest(id=twins[1], k=3).ids == (twins[0], twins[2], twins[3])


@pytest.mark.parametrize("metric", METRICS)
def test_nearest_with_include_self_finds_itself_first(metric):
    """An item finds itself first, before its equals, and without it never."""
    emb = made(metric=metric)
    for name in emb.ids:
        with_self = emb.nearest(id=name, k=5, include_self=True)
        assert with_self.ids[0] == name
        assert with_self.scores[0] == pytest.approx(emb.similarity(name, name))
        assert with_self[1:] == emb.nearest(id=name, k=4).hits
        assert name not in emb.nearest(id=name, k=len(emb)).ids
    assert [hits.ids[0] for hits in emb.nearest(id=list(emb.ids), k=1, include_self=True)] == list(
        emb.ids
    )


def test_nearest_gives_all_where_k_is_larger():
    """K above n gives n, or n - 1 where the item itself may not answer."""
    emb = made(10)
    assert len(emb.nearest(vector=emb.vectors[0], k=99)) == 10
    assert len(emb.nearest(id="w0", k=99)) == 9
    assert len(emb.nearest(id="w0", k=99, include_self=True)) == 10
    assert len(emb.nearest(like=["w0"], unlike=[1], k=99)) == 8


def test_nearest_like_and_unlike_is_3cosadd():
    """The mean of unit vectors, those of unlike negated; computed by hand."""
    emb = made()
    units = emb.vectors / np.linalg.norm(emb.vectors, axis=1, keepdims=True)
    query = (units[0] + units[2] - units[3]) / 3
    given_names = {"w0", "w2", 3}
    hits = emb.nearest(like=["w0", "w2"], unlike=[3], k=10)
    assert_nearest(hits, query, emb, 10, without=given_names)
    assert given_names <= set(
        emb.nearest(like=["w0", "w2"], unlike=[3], k=30, include_self=True).ids
    )


@settings(max_examples=15, deadline=None)
@given(st.permutations(range(30)), st.integers(0, 3), st.integers(0, 3))
def test_nearest_like_and_unlike_equals_gensim(order, likes, unlikes):
    """The same words and scores as gensim's most_similar."""
    if likes + unlikes == 0:
        likes = 1
    rows = np.random.default_rng(5).standard_normal((30, 6)).astype(np.float32)
    words = [f"w{i}" for i in range(30)]
    peer = KeyedVectors(6)
    peer.add_vectors(words, rows)
    like = [words[i] for i in order[:likes]]
    unlike = [words[i] for i in order[likes : likes + unlikes]]
    expected = peer.most_similar(positive=like, negative=unlike, topn=8)
    hits = Embeddings(words, rows).nearest(like=like, unlike=unlike, k=8)
    assert list(hits.ids) == [word for word, _ in expected]
    np.testing.assert_allclose(hits.scores, [score for _, score in expected], atol=1e-5)


def test_nearest_tells_what_was_asked():
    """The hits carry the question in words and the plan."""
    emb = made()
    assert emb.nearest(id=1).asked == "id 1"
    assert emb.nearest(like=["w0"], unlike=[1]).asked == "like ['w0'], unlike [1]"
    plan = emb.nearest(id=1).plan
    assert (plan.mode, plan.method, plan.passed, plan.relation) == (
        "dense",
        "exact scan",
        30,
        "same",
    )


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ({}, "exactly one"),
        ({"id": 1, "vector": np.ones(7)}, "exactly one"),
        ({"id": 1, "like": [1]}, "exactly one"),
        ({"id": 1, "k": 0}, "k must be"),
        ({"id": True}, "An id must be"),
        ({"id": 1.0}, "list of ids"),
        ({"id": [1, None]}, "An id must be"),
        ({"like": "w0"}, "list of ids"),
        ({"like": [1], "unlike": [1]}, "cancel out"),
        ({"vector": np.ones(6)}, "shape"),
        ({"vector": [[1, 2], [3]]}, "same length"),
        ({"vector": [np.nan] * 7}, "finite"),
        ({"vector": ["a"] * 7}, "real numbers"),
        ({"vector": np.zeros(7)}, "no zero vectors"),
        ({"vector": np.zeros((2, 3, 7))}, "shape"),
    ],
)
def test_nearest_refuses_bad_questions(question, message):
    """Each wrong question is an error that says what must hold."""
    with pytest.raises(InputError, match=message):
        made().nearest(**question)


@pytest.mark.parametrize(
    "question", [{"id": "1"}, {"id": ["w0", "x"]}, {"like": ["x"]}, {"like": [1], "unlike": ["x"]}]
)
def test_nearest_refuses_unknown_ids(question):
    """An id that is not there is named; "1" is not 1."""
    with pytest.raises(UnknownIdError) as caught:
        made().nearest(**question)
    assert caught.value.ids in {("1",), ("x",)}


def test_nearest_refuses_vectors_of_another_space():
    """Vectors of the same width but another space never meet."""
    emb, other = made(), made(seed=1)
    with pytest.raises(ForeignSpaceError) as caught:
        emb.nearest(vector=other.subset([1]))
    assert (caught.value.have, caught.value.want) == (other.card, emb.card)
    with pytest.raises(ForeignSpaceError, match="truncated"):
        emb.nearest(vector=emb.truncate(3))


def test_nearest_tells_the_relation_of_the_query():
    """Quantized and proven queries may ask; the plan says what they were."""
    rows = np.eye(3, dtype=np.float32)
    probes = Probes.of(("a", "b"), rows[:2])
    card = Card("encoder", 3, "cosine", "f" * 64, probes=probes)
    emb = Embeddings(["a", "b", "c"], rows, card)
    for change in ({"precision": "int8"}, {"runtime": "openvino"}):
        other = Embeddings(["q"], rows[:1], replace(card, **change))
        hits = emb.nearest(vector=other, k=1)
        assert hits.ids == ("a",)
        assert hits.plan.relation == other.card.relation_to(card).value
        assert hits.plan.relation != Relation.SAME.value


@pytest.mark.parametrize("metric", METRICS)
def test_similarity_equals_the_oracle(metric):
    """The score of two ids is that of the formula, and of the search."""
    emb = made(metric=metric)
    expected = scores_of(emb[3], emb["w2"][None], metric)[0]
    assert emb.similarity(3, "w2") == pytest.approx(expected, abs=1e-5)
    assert emb.similarity(3, "w2") == pytest.approx(emb.similarity("w2", 3))
    hits = emb.nearest(id=3, k=30)
    assert emb.similarity(3, "w2") == pytest.approx(hits[hits.ids.index("w2")].score)
    with pytest.raises(UnknownIdError):
        emb.similarity(3, "x")


def test_zero_vectors_have_no_direction():
    """A cosine search over zero vectors is refused, the other metrics take them."""
    rows = np.array([[0, 0], [1, 0]])
    with pytest.raises(InputError, match="no zero vectors"):
        Embeddings(["a", "b"], rows).nearest(id="b")
    assert Embeddings(["a", "b"], rows, metric="dot").nearest(
        like=["a", "b"], k=1, include_self=True
    )


# --- analogies and the odd one out --------------------------------------------------------------

CAPITALS = ["man", "woman", "king", "queen", "uncle", "aunt", "boy", "girl"]


def planted():
    """Make pairs that differ by one direction, each pair with a direction of its own."""
    rows = np.zeros((8, 5), np.float32)
    for pair in range(4):
        rows[2 * pair : 2 * pair + 2, pair] = 1
    rows[1::2, 4] = 0.8
    return Embeddings(CAPITALS, rows)


@pytest.mark.parametrize("method", ["add", "multiply"])
def test_analogy_finds_what_was_planted(method):
    """Man is to woman as king is to queen, either way round, for every pair of pairs."""
    words = planted()
    for one in range(0, 8, 2):
        for other in range(0, 8, 2):
            if one == other:
                continue
            a, b, c, d = (CAPITALS[i] for i in (one, one + 1, other, other + 1))
            assert words.analogy(a, b, c, k=1, method=method).ids == (d,)
            assert words.analogy(b, a, d, k=1, method=method).ids == (c,)
            assert not {a, b, c} & set(words.analogy(a, b, c, k=99, method=method).ids)
            assert len(words.analogy(a, b, c, k=99, method=method)) == 5


@settings(max_examples=15, deadline=None)
@given(st.permutations(range(30)))
def test_analogy_equals_gensim(order):
    """The words and scores of most_similar, to the bit those of like and unlike."""
    rows = np.random.default_rng(5).standard_normal((30, 6)).astype(np.float32)
    words = [f"w{i}" for i in range(30)]
    peer = KeyedVectors(6)
    peer.add_vectors(words, rows)
    a, b, c = (words[i] for i in order[:3])
    emb = Embeddings(words, rows)
    expected = peer.most_similar(positive=[b, c], negative=[a], topn=8)
    added = emb.analogy(a, b, c, k=8)
    assert list(added.ids) == [word for word, _ in expected]
    np.testing.assert_allclose(added.scores, [score for _, score in expected], atol=1e-5)
    assert added.hits == emb.nearest(like=[b, c], unlike=[a], k=8).hits


def test_analogy_by_products_is_equation_5():
    """Scores of 3CosMul are those of the formula, with the epsilon of the paper."""
    emb = made()
    units = np.float64(emb.vectors) / np.linalg.norm(emb.vectors, axis=1, keepdims=True)
    moved = (1 + units @ units[[0, 2, 3]].T) / 2  # a, b, c
    expected = moved[:, 1] * moved[:, 2] / (moved[:, 0] + 0.001)
    hits = emb.analogy("w0", "w2", 3, k=5, method="multiply")
    places = [emb.ids.index(name) for name in hits.ids]
    order = [i for i in np.argsort(-expected.round(5), kind="stable") if i not in {0, 2, 3}]
    assert places == order[:5]
    np.testing.assert_allclose(hits.scores, expected[places], rtol=1e-4)
    assert hits.asked == "what is to 3 as 'w2' is to 'w0'"
    assert hits.plan.passed == 30


def test_odd_one_out_is_the_stranger():
    """The id of another group comes first, with the smallest score; order does not matter."""
    words = planted()
    for names in (["man", "woman", "king"], ["king", "woman", "man"]):
        hits = words.odd_one_out(names)
        assert hits.ids[0] == "king"
        assert set(hits.ids) == set(names)
        assert list(hits.scores) == sorted(hits.scores)


def test_odd_one_out_keeps_ties_in_the_order_given():
    """What fits equally badly comes as it was asked."""
    words = planted()
    assert words.odd_one_out(["boy", "man", "king"]).ids == ("boy", "man", "king")
    assert words.odd_one_out(np.array(["king", "man", "boy"])).ids == ("king", "man", "boy")


@pytest.mark.parametrize(
    ("ask", "error", "message"),
    [
        (lambda e: e.analogy("w0", "w2", "x"), UnknownIdError, "'x'"),
        (lambda e: e.analogy("w0", "w2", "1"), UnknownIdError, "'1'"),
        (lambda e: e.analogy("w0", "w2", True), InputError, "An id must be"),
        (lambda e: e.analogy("w0", "w2", 1, k=0), InputError, "k must be"),
        (lambda e: e.analogy("w0", "w2", 1, method="mul"), InputError, "'add' or 'multiply'"),
        (lambda e: e.odd_one_out(["w0", 1]), InputError, "at least 3"),
        (lambda e: e.odd_one_out(["w0", 1, 1]), InputError, "must differ"),
        (lambda e: e.odd_one_out("w0"), InputError, "list of ids"),
        (lambda e: e.odd_one_out(["w0", 1, "x"]), UnknownIdError, "'x'"),
    ],
)
def test_analogy_and_odd_one_out_refuse(ask, error, message):
    """Each wrong question is an error that says what must hold."""
    with pytest.raises(error, match=message):
        ask(made())


@pytest.mark.parametrize("metric", ["dot", "euclidean"])
def test_analogy_and_odd_one_out_need_cosines(metric):
    """No other metric is read as a cosine; the error says what to do."""
    emb = made(metric=metric)
    for ask in (lambda: emb.analogy("w0", 1, "w2"), lambda: emb.odd_one_out(["w0", 1, "w2"])):
        with pytest.raises(InputError, match="needs a cosine space"):
            ask()


# --- the value ----------------------------------------------------------------------------------


def test_embeddings_tell_one_from_its_text():
    """1 and "1" are two items; NumPy's 1 is 1; True and 1.0 are nothing."""
    emb = Embeddings([1, "1"], [[1, 0], [0, 1]])
    np.testing.assert_array_equal(emb[1], [1, 0])
    np.testing.assert_array_equal(emb["1"], [0, 1])
    np.testing.assert_array_equal(emb[np.int8(1)], [1, 0])
    assert 1 in emb
    assert np.int64(1) in emb
    assert "1" in emb
    assert all(other not in emb for other in (True, 1.0, None, b"1", 2, [1], np.True_))
    with pytest.raises(InputError, match="An id must be"):
        emb[True]


def test_embeddings_normalise_numpy_ids():
    """Ids from arrays are plain Python values."""
    for ids in (np.arange(2), np.array(["a", "b"]), [np.int32(5), np.str_("x")]):
        emb = Embeddings(ids, np.eye(2))
        assert {type(id) for id in emb.ids} <= {int, str}


@pytest.mark.parametrize("id", [True, 1.0, None, b"a", np.float64(2), 2**63])
def test_embeddings_refuse_other_ids(id):
    """A bool, float, None, bytes or too large an int is no id."""
    with pytest.raises(InputError, match="id must"):
        Embeddings(["a", id], np.eye(2))


@pytest.mark.parametrize(
    ("ids", "vectors", "message"),
    [
        (["a", "a"], np.eye(2), "must differ"),
        (["a"], np.eye(2), "one id a vector; got 1 and 2"),
        (["a", "b", "c"], np.eye(2), "got 3 and 2"),
        ("ab", np.eye(2), "list of ids"),
        (["a", "b"], [[1, 2], [3]], "same length"),
        (["a", "b"], [[1, np.nan], [0, 1]], "finite"),
        (["a", "b"], [[1, 0], [np.inf, 1]], "finite"),
        (["a", "b"], np.eye(2, dtype=object), "real numbers"),
        (["a", "b"], np.eye(2, dtype=complex), "real numbers"),
        (["a", "b"], np.eye(2, dtype=bool), "real numbers"),
        (["a", "b"], [["1", "2"], ["3", "4"]], "real numbers"),
        (["a", "b"], [1, 2], "shape"),
        ([], [], "shape"),
    ],
)
def test_embeddings_refuse_what_must_not_be(ids, vectors, message):
    """Each wrong argument is an error that says what must hold and what came."""
    with pytest.raises(InputError, match=message):
        Embeddings(ids, vectors)


def test_embeddings_refuse_a_card_of_another_width():
    """The card and the vectors agree in dims."""
    with pytest.raises(InputError, match=r"\(n, 3\)"):
        Embeddings(["a", "b"], np.eye(2), Card.declared(3))
    with pytest.raises(InputError, match="metric"):
        Embeddings(["a", "b"], np.eye(2), metric="hamming")


class Lender:
    """Something that is also an array, and lends its own."""

    def __init__(self, rows):
        self.rows = rows

    def __array__(self, dtype=None, *, copy=None):
        return self.rows


@pytest.mark.parametrize(
    "lend",
    [
        lambda rows: rows,
        lambda rows: rows[:],
        lambda rows: rows.view(),
        memoryview,
        Lender,
        lambda rows: Lender(rows.view()),
    ],
)
@pytest.mark.parametrize("read_only", [False, True])
def test_embeddings_are_apart_from_the_array_they_came_from(lend, read_only):
    """The caller's array is neither frozen nor aliased, whatever way it came."""
    theirs = np.eye(3, dtype=np.float32)
    lent = lend(theirs)
    if read_only and isinstance(lent, np.ndarray):
        lent = theirs.view()
        lent.flags.writeable = False
    emb = Embeddings(["a", "b", "c"], lent)
    theirs[:] = 7
    np.testing.assert_array_equal(emb.vectors, np.eye(3))


def test_embeddings_share_what_nobody_can_change():
    """Read-only rows are taken as they are: no copy of a mapped file or of other embeddings."""
    emb = made()
    again = Embeddings(emb.ids, emb.vectors, emb.card)
    assert np.shares_memory(again.vectors, emb.vectors)


def test_embeddings_are_immutable():
    """Neither vectors, nor a row, nor the array form can be written to; nothing can be set."""
    emb = made()
    for array in (emb.vectors, emb[1], np.asarray(emb)):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 5
    for name in ("ids", "vectors", "card", "dims"):
        with pytest.raises(AttributeError):
            setattr(emb, name, None)


def test_embeddings_are_an_array():
    """NumPy reads them; a dtype and a copy are given where asked."""
    emb = made()
    np.testing.assert_array_equal(np.asarray(emb), emb.vectors)
    assert np.asarray(emb, np.float64).dtype == np.float64
    copy = np.array(emb)
    copy[0] = 0
    assert emb.vectors[0].any()
    with pytest.raises(ValueError, match="copy"):
        np.array(emb, np.float64, copy=False)


def test_embeddings_card_is_made_from_the_content():
    """The same ids and bytes are the same space; any other content is foreign."""
    emb = made()
    assert Embeddings(emb.ids, emb.vectors.copy()).card == emb.card
    others = [
        Embeddings(emb.ids[::-1], emb.vectors),
        Embeddings(emb.ids, emb.vectors * 2),
        Embeddings(emb.ids, emb.vectors, metric="dot"),
    ]
    assert all(other.card.relation_to(emb.card) is Relation.FOREIGN for other in others)


def test_subset_keeps_order_and_card():
    """The rows of the ids asked for, in their order, in the same space."""
    emb = made()
    part = emb.subset([3, "w0", np.int64(1)])
    assert part.ids == (3, "w0", 1)
    np.testing.assert_array_equal(part.vectors, emb.vectors[[3, 0, 1]])
    assert part.card == emb.card
    assert len(emb.subset([])) == 0


def test_subset_refuses_unknown_and_repeated_ids():
    """All the missing are named; a repeated one is refused."""
    with pytest.raises(UnknownIdError, match="2 ids are not there, such as 'x', '1'") as caught:
        made().subset(["x", 1, "1"])
    assert caught.value.ids == ("x", "1")
    with pytest.raises(InputError, match="must differ"):
        made().subset([1, 1])


def test_truncate_keeps_the_first_dims():
    """The first columns, with a card that tells the full width."""
    emb = made()
    cut = emb.truncate(3)
    np.testing.assert_array_equal(cut.vectors, emb.vectors[:, :3])
    assert (cut.dims, cut.card.full_dims) == (3, 7)
    assert cut.card.relation_to(emb.card) is Relation.TRUNCATED
    assert cut.truncate(2).nearest(vector=emb.truncate(2).subset([1]), k=1).ids == (1,)
    with pytest.raises(InputError, match="dims must be in"):
        emb.truncate(8)


def test_embeddings_of_no_items_answer_nothing():
    """No rows are a set too."""
    emb = Embeddings([], np.empty((0, 3), np.float32))
    assert len(emb.nearest(vector=[1, 0, 0])) == 0
    assert "x" not in emb
    assert repr(emb).startswith("Embeddings(0 x 3, array space")


# --- the file -----------------------------------------------------------------------------------


def same(one, other):
    """Tell whether two embeddings are equal to the bit."""
    return (
        [(type(id), id) for id in one.ids] == [(type(id), id) for id in other.ids]
        and one.vectors.tobytes() == other.vectors.tobytes()
        and one.card == other.card
    )


@settings(max_examples=50, deadline=None)
@given(st.lists(plain_ids, unique_by=lambda id: (type(id), id), max_size=8), st.integers(1, 4))
def test_embeddings_file_round_trip(tmp_path_factory, ids, dims):
    """Any ids, vectors and card come back to the bit, read or mapped, and verify."""
    path = tmp_path_factory.mktemp("file") / "some.embedry"
    rows = np.random.default_rng(0).standard_normal((len(ids), dims)).astype(np.float32)
    emb = Embeddings(ids, rows)
    emb.save(path)
    for mmap in (False, True):
        back = Embeddings.load(path, mmap=mmap)
        assert same(back, emb)
        back.verify()


def test_embeddings_file_keeps_the_card(tmp_path):
    """A card with everything in it comes back equal."""
    probes = Probes.of(("ä", "\U0001f600"), np.eye(2, 3, dtype=np.float32))
    card = Card("k", 3, "dot", "f", ("user", "item"), "tâche", {"a": 0.1, "b": None}, probes=probes)
    Embeddings(["a"], [[1, 2, 3]], card).save(tmp_path / "f")
    assert Embeddings.load(tmp_path / "f").card == card


def test_embeddings_mapped_are_read_when_touched(tmp_path):
    """A mapped file is not copied, cannot be written to, and answers as one that was read."""
    emb = made()
    emb.save(tmp_path / "f")
    mapped = Embeddings.load(tmp_path / "f", mmap=True)
    assert isinstance(mapped.vectors, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        mapped.vectors[0] = 1
    assert mapped.nearest(id=1, k=5) == emb.nearest(id=1, k=5)


def test_embeddings_load_reads_the_vectors_once(tmp_path):
    """Reading takes the memory of the vectors, not twice that."""
    rows = np.ones((1_000, 1_000), np.float32)
    Embeddings(range(1_000), rows).save(tmp_path / "f")
    tracemalloc.start()
    Embeddings.load(tmp_path / "f")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.5 * rows.nbytes


def test_embeddings_save_that_fails_keeps_the_old_file(tmp_path, monkeypatch):
    """An error while writing leaves what was there, and nothing beside it."""
    path = tmp_path / "f"
    emb = made()
    emb.save(path)

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        made(seed=1).save(path)
    assert same(Embeddings.load(path), emb)
    assert [left.name for left in tmp_path.iterdir()] == ["f"]


def written(path, n=3):
    """Save some embeddings and return the bytes of the file."""
    emb = Embeddings(["a", 1, "ü"][:n], [[1, 2], [3, 4], [5, 6]][:n], metric="euclidean")
    emb.save(path)
    return emb, path.read_bytes()


@pytest.mark.parametrize("mmap", [False, True])
def test_embeddings_file_cut_short_anywhere_is_refused(tmp_path, mmap):
    """At whatever byte the file ends too early, it is not taken for a whole one."""
    path = tmp_path / "f"
    _, data = written(path)
    for length in range(len(data)):
        path.write_bytes(data[:length])
        with pytest.raises(FileFormatError) as caught:
            Embeddings.load(path, mmap=mmap)
        assert caught.value.path == str(path)
    path.write_bytes(data + b"\0")
    with pytest.raises(FileFormatError):
        Embeddings.load(path, mmap=mmap)


@pytest.mark.parametrize("mmap", [False, True])
def test_embeddings_file_with_a_flipped_bit_is_found(tmp_path, mmap):
    """Whichever bit flips, load refuses, verify finds it, or nothing that is read has changed."""
    path = tmp_path / "f"
    emb, data = written(path)
    generator = np.random.default_rng(0)
    for place in range(len(data)):
        damaged = bytearray(data)
        damaged[place] ^= 1 << int(generator.integers(8))
        path.write_bytes(damaged)
        try:
            found = Embeddings.load(path, mmap=mmap)
            found.verify()
        except (FileFormatError, InputError):
            continue
        assert same(found, emb), f"byte {place}"


def rewritten(path, change_entries=None, change_header=None, change_metadata=None):
    """Write the file anew with parts of its header changed, the data left as it is."""
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    entries = json.loads(data[8 : 8 + length])
    if change_header is not None:
        header = json.loads(entries["__metadata__"]["header"])
        change_header(header)
        entries["__metadata__"]["header"] = json.dumps(header)
    if change_metadata is not None:
        change_metadata(entries["__metadata__"])
    if change_entries is not None:
        change_entries(entries)
    text = json.dumps(entries).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])


def setting(*keys, value):
    """Return a change that sets one value deep in a header."""

    def change(entries):
        *way, last = keys
        for key in way:
            entries = entries[key]
        entries[last] = value

    return change


HOSTILE = {
    "more rows": {"change_entries": setting("vectors", "shape", value=[2**40, 2])},
    "more dims": {"change_entries": setting("vectors", "shape", value=[3, 2**40])},
    "dims beyond int64": {"change_entries": setting("vectors", "shape", value=[0, 2**63])},
    "many axes": {"change_entries": setting("vectors", "shape", value=[3, 2] + [1] * 70)},
    "overflow": {"change_entries": setting("vectors", "shape", value=[2**62, 2**62])},
    "negative shape": {"change_entries": setting("vectors", "shape", value=[-3, -2])},
    "negative offset": {"change_entries": setting("vectors", "data_offsets", value=[-24, 0])},
    "far offset": {"change_entries": setting("vectors", "data_offsets", value=[0, 2**60])},
    "backwards": {"change_entries": setting("vectors", "data_offsets", value=[24, 0])},
    "overlap": {"change_entries": setting("vectors", "data_offsets", value=[0, 24])},
    "other type": {"change_entries": setting("vectors", "dtype", value="I32")},
    "unknown type": {"change_entries": setting("vectors", "dtype", value="F8_E4M3")},
    "no vectors": {"change_entries": lambda entries: entries.pop("vectors")},
    "numbers as floats": {"change_entries": setting("ids.numbers", "dtype", value="F64")},
    "entry is no table": {"change_entries": setting("vectors", value=5)},
    "card dims": {"change_header": setting("card", "dims", value=2**40)},
    "card dims below 1": {"change_header": setting("card", "dims", value=0)},
    "no card": {"change_header": lambda header: header.pop("card")},
    "card is no card": {"change_header": setting("card", value=[1])},
    "card of other metric": {"change_header": setting("card", "metric", value="hamming")},
    "no checksum": {"change_header": lambda header: header.pop("checksum")},
    "header is no table": {"change_metadata": setting("header", value="[]")},
    "header is no JSON": {"change_metadata": setting("header", value="{")},
    "deep header": {"change_metadata": setting("header", value="[" * 200_000)},
    "deep card": {
        "change_metadata": setting("header", value='{"card": ' + "[" * 900 + "]" * 900 + "}")
    },
    "no header": {"change_metadata": lambda metadata: metadata.pop("header")},
    "another kind": {"change_metadata": setting("embedry", value="model")},
    "no format": {"change_metadata": lambda metadata: metadata.pop("format")},
}


@pytest.mark.parametrize("mmap", [False, True])
@pytest.mark.parametrize("name", HOSTILE)
def test_embeddings_hostile_header_is_refused_in_little_memory(tmp_path, name, mmap):
    """A header that lies is a clear error, and makes nobody allocate what it promises."""
    path = tmp_path / "f"
    written(path)
    rewritten(path, **HOSTILE[name])
    tracemalloc.start()
    try:
        with pytest.raises(FileFormatError, match=r"damaged|must hold|format"):
            Embeddings.load(path, mmap=mmap)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20_000_000


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 7,
        b"\xff" * 8,
        struct.pack("<Q", 2**40) + b"{}",
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 2) + b"{}",
        struct.pack("<Q", 100_000) + b"[" * 100_000,
        b"PK\x03\x04 a zip file of pickles",
        b"\x80\x04\x95 a pickle ................",
    ],
)
def test_embeddings_load_refuses_other_files(tmp_path, data):
    """What is no file of ours is a clear error."""
    (tmp_path / "f").write_bytes(data)
    with pytest.raises(FileFormatError, match=r"damaged or not a file of|not one that"):
        Embeddings.load(tmp_path / "f")


LIMITED = """
import resource, sys
from embedry.embeddings import Embeddings
from embedry.errors import FileFormatError
import safetensors
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 2**28, used + 2**28))
try:
    Embeddings.load(sys.argv[1])
except FileFormatError as error:
    print("refused")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits the address space by /proc")
def test_embeddings_hostile_header_fits_a_limited_process(tmp_path):
    """With 256 MB to spare, a header that promises terabytes is refused, not died of."""
    path = tmp_path / "f"
    written(path)
    rewritten(path, change_entries=setting("vectors", "shape", value=[2**40, 2]))
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(path)], capture_output=True, text=True, check=False
    )
    assert done.stdout == "refused\n", done.stderr


def test_embeddings_load_refuses_a_newer_format(tmp_path):
    """A file of a later Embedry is not guessed at."""
    path = tmp_path / "f"
    written(path)
    rewritten(path, change_metadata=setting("format", value="2"))
    with pytest.raises(FileFormatError, match="has format 2; this Embedry reads format 1"):
        Embeddings.load(path)


def test_embeddings_load_refuses_a_foreign_safetensors_file(tmp_path):
    """Weights of somebody else are valid safetensors, and still not embeddings."""
    from safetensors.numpy import save_file

    save_file({"vectors": np.eye(3, dtype=np.float32)}, str(tmp_path / "f"))
    with pytest.raises(FileFormatError, match="not one that Embedry wrote"):
        Embeddings.load(tmp_path / "f")


def test_embeddings_load_refuses_vectors_that_must_not_be(tmp_path):
    """NaN in the file is refused on reading, and found by verify where it is mapped."""
    path = tmp_path / "f"
    _, data = written(path)
    number = np.array([3], "<f4").tobytes()
    path.write_bytes(data.replace(number, np.array([np.nan], "<f4").tobytes()))
    with pytest.raises(FileFormatError, match="finite"):
        Embeddings.load(path)
    with pytest.raises(InputError, match="finite"):
        Embeddings.load(path, mmap=True).verify()


def test_embeddings_load_of_no_file_says_so(tmp_path):
    """A missing file is FileNotFoundError, as everywhere; a folder is no file."""
    with pytest.raises(FileNotFoundError, match="There is no file"):
        Embeddings.load(tmp_path / "nothing")
    with pytest.raises(EmbedryError):
        Embeddings.load(tmp_path)


def test_embeddings_stay_frozen_through_pickle():
    """A copy out of another process is as immutable as the original."""
    made = Embeddings(["a", 1], [[1.0, 2.0], [3.0, 4.0]])
    found = pickle.loads(pickle.dumps(made))
    assert (found.ids, found.card) == (made.ids, made.card)
    assert not found.vectors.flags.writeable


def test_embeddings_refuse_a_metric_that_contradicts_the_card():
    """The card says the metric; another one beside it is no detail."""
    card = Embeddings(["a"], [[1.0]]).card
    assert Embeddings(["a"], [[1.0]], card, metric="cosine").card == card
    with pytest.raises(InputError, match="metric must be that of the card"):
        Embeddings(["a"], [[1.0]], card, metric="dot")
    with pytest.raises(InputError, match="card must be a Card"):
        Embeddings(["a"], [[1.0]], "cosine")


def test_embeddings_truncate_takes_numpy_ints_and_no_floats():
    """Dims are a whole number, of whatever make."""
    made = Embeddings(["a"], [[1.0, 2.0]])
    assert made.truncate(np.int64(1)).dims == 1
    with pytest.raises(InputError, match="dims must be in"):
        made.truncate(1.5)
