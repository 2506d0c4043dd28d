"""The planner: what was asked is read whole, answered from one moment, and told in the plan."""

import threading
from unittest import mock

import numpy as np
import pytest

import embedry as em
from embedry.errors import (
    EncoderMissingError,
    FilterError,
    ForeignSpaceError,
    InputError,
    UnknownIdError,
)
from embedry.store.collection import Collection
from embedry.store.indexes.text_index import TextIndex
from embedry.store.memory.calibration import Background
from embedry.store.memory.mirror import searchable
from embedry.store.planner import DENSE_SHARE, DENSE_SHARES

NAMES = ["fox", "wolf", "wood", "gold", "knight", "mountain", "rides", "red", "grey", "dragon"]


def texts(n, seed=0):
    random = np.random.default_rng(seed)
    return [" ".join(random.choice(NAMES, random.integers(2, 7))) for _ in range(n)]


@pytest.fixture
def library(books, word_sum):
    """Sixty items: some without a vector, some without a document."""
    books.add_field("content", encoder=word_sum())
    documents = texts(60)
    documents[5] = "qq gold qq"
    documents[6] = "qq"
    documents[7] = None
    books.upsert(range(60), documents, [{"n": n, "even": n % 2 == 0} for n in range(60)])
    return books


def by_hand(library, encoder, query, allowed):
    """Score all items by both parts, in plain loops, with the stored calibration."""
    items = library.get(range(60))
    index = TextIndex()
    index.add(range(60), [searchable(item.id, item.document) for item in items])
    words = index.scores(query, range(60)).astype(float)
    best = max((words[i] for i in range(60) if allowed(i)), default=0) or 1.0
    background = Background.from_dict(library.field("content").row.background["query"])
    asked = encoder.encode([query], role="query").vectors[0].astype(float)
    found = []
    for i, item in enumerate(items):
        row = encoder.encode([item.document or ""]).vectors[0].astype(float)
        placed = row.any() and asked.any()
        cosine = row @ asked / np.linalg.norm(row) / np.linalg.norm(asked) if placed else np.nan
        dense = DENSE_SHARE * (cosine - background.low) / background.spread if placed else 0.0
        text = (1 - DENSE_SHARE) * words[i] / best
        if allowed(i) and (placed or words[i] > 0):
            found.append((-(dense + text), i, dense, text))
    return [(i, -score, dense, text) for score, i, dense, text in sorted(found)]


# --- hybrid -------------------------------------------------------------------------------------


FILTERS = {
    "none": (None, lambda i: i < 60),
    "some": ({"n": {"$lt": 20}}, lambda i: i < 20),
    "even": ({"even": True}, lambda i: i % 2 == 0),
}


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("query", ["red fox", "gold", "mountain qq knight", "castle", "q1 q2"])
def test_hybrid_equals_a_plain_sum_of_both_parts(library, word_sum, query, name):
    """All items scored by both parts, the sum sorted: the same ids, scores and parts."""
    where, allowed = FILTERS[name]
    expected = by_hand(library, word_sum(), query, allowed)
    hits = library.search(query, k=60, where=where)
    assert hits.plan.mode == "hybrid"
    assert sorted(hits.ids) == sorted(i for i, *_ in expected)
    score_of = {i: (score, dense, text) for i, score, dense, text in expected}
    for hit in hits:
        score, dense, text = score_of[hit.id]
        assert hit.score == pytest.approx(score, abs=1e-5)
        assert hit.parts == pytest.approx({"content": dense, "text": text}, abs=1e-5)
        assert sum(hit.parts.values()) == pytest.approx(hit.score, abs=1e-6)
    assert list(hits.scores) == sorted(hits.scores, reverse=True)


def test_hybrid_fills_the_missing_part_of_a_candidate(library):
    """A hit by words alone has its exact dense part and the other way round, at every k."""
    whole = {hit.id: hit for hit in library.search("red fox", k=60)}
    for hit in library.search("red fox", k=3):
        assert (hit.score, hit.parts) == (whole[hit.id].score, whole[hit.id].parts)
    assert whole.keys() >= set(range(60)) - {6, 7}


def test_hybrid_of_unknown_words_alone_is_text(library):
    """A query the encoder cannot place is answered by BM25, and the words are named."""
    hits = library.search("qq", k=60)
    assert set(hits.ids) == {5, 6}
    assert (hits.unknown, hits.plan.method) == (("qq",), "bm25")
    assert all(hit.parts["content"] == 0 for hit in hits)
    assert hits[0].score == pytest.approx(1 - DENSE_SHARE)


def test_hybrid_without_a_match_of_words_is_dense(library):
    """Words that no text holds leave the order to the vectors."""
    hits = library.search("castle", k=60)
    assert hits.ids == library.search("castle", k=60, mode="dense").ids
    assert {hit.parts["text"] for hit in hits} == {0.0}


def test_hybrid_of_an_empty_collection_is_empty(books, word_sum):
    """No items, no hits, no division by zero."""
    books.add_field("content", encoder=word_sum())
    assert len(books.search("red fox")) == 0


# --- modes, plans -------------------------------------------------------------------------------


def test_search_tells_its_plan(library):
    """Mode, field, method, how many passed, the relation, and the keys that no item has."""
    where = {"n": {"$lt": 10}, "color": {"$exists": False}}
    plan = library.search("red fox", where=where).plan
    assert (plan.mode, plan.field, plan.method) == ("hybrid", "content", "exact on filtered + bm25")
    assert (plan.passed, plan.relation, plan.unknown_keys) == (10, "same", ("color",))
    plan = library.search("red fox", mode="text").plan
    assert (plan.mode, plan.field, plan.method, plan.passed) == ("text", None, "bm25", 60)
    plan = library.search(id=1).plan
    assert (plan.mode, plan.method, plan.effort) == ("dense", "exact scan", None)


def test_search_says_what_was_asked(library):
    """In words, for each way of asking."""
    vector = em.Embeddings(["q"], np.ones((1, 6)), card=library.field("content").card)
    assert library.search("red fox").asked == "'red fox'"
    assert library.search(id=3).asked == "id 3"
    assert library.search(vector=vector).asked == "a vector"


def test_search_dense_of_unknown_words_finds_nothing(library):
    """And says why."""
    hits = library.search("qx qy", mode="dense")
    assert (len(hits), hits.unknown, hits.plan.method) == (
        0,
        ("qx", "qy"),
        "no vector for the query",
    )


def test_search_auto_is_text_where_no_field_has_an_encoder(books):
    """With no field at all, with dims= fields, and with one named."""
    books.upsert(["a"], ["red fox"])
    assert books.search("fox").plan.mode == "text"
    books.add_field("free", dims=2)
    assert books.search("fox").plan.mode == "text"
    assert books.search("fox", field="free").plan.mode == "text"
    assert books.search("fox", field="free").ids == ("a",)


def test_search_needs_no_field_where_one_alone_can_answer(library, word_sum):
    """A text goes to the only field with an encoder; an id to the only field; else it is asked."""
    assert library.search(id=1).plan.field == "content"
    library.add_field("free", dims=2)
    assert library.search("fox").plan.field == "content"
    with pytest.raises(InputError, match="pass field=, one of: content, free"):
        library.search(id=1)
    library.add_field("second", encoder=word_sum(seed=2))
    with pytest.raises(InputError, match="one of: content, second"):
        library.search("fox")
    assert library.search("fox", mode="text").plan.mode == "text"


def test_search_by_id_leaves_the_item_out_unless_asked(library):
    """With include_self it comes first, also before its equals that were inserted earlier."""
    library.upsert(["twin"], [library.get([3])[0].document])
    assert "twin" not in library.search(id="twin", k=60).ids
    hits = library.search(id="twin", k=5, include_self=True)
    assert hits.ids[:2] == ("twin", 3)
    assert hits[0].score == pytest.approx(1)
    assert library.search(id="twin", k=4).ids == hits.ids[1:]


def test_search_by_id_comes_first_where_others_score_higher(books):
    """By dot product a longer vector scores higher than the item itself."""
    books.add_field("free", dims=2, metric="dot")
    books.upsert(["long", "short"], vectors={"free": [[5, 0], [1, 0]]})
    assert books.search(id="short", include_self=True).ids == ("short", "long")
    assert books.search(id="short", include_self=True, k=1).ids == ("short",)


def test_search_by_id_obeys_the_filter(library):
    """An item that the filter does not let pass does not answer, self or not."""
    where = {"n": {"$lt": 10}}
    assert 20 not in library.search(id=20, include_self=True, where=where, k=60).ids
    assert library.search(id=2, include_self=True, where=where).ids[0] == 2


def test_search_where_gives_as_many_as_pass(library):
    """A filter never empties an answer that it should not: the best of those that pass."""
    everything = library.search("red fox", k=60, mode="dense").ids
    for limit in (1, 10, 50):
        found = library.search("red fox", k=60, mode="dense", where={"n": {"$lt": limit}}).ids
        assert found == tuple(id for id in everything if id < limit)


def test_search_gives_documents_and_metadata(library):
    """As they are stored."""
    (hit,) = library.search(id=0, k=1, include_self=True)
    (item,) = library.get([0])
    assert (hit.document, hit.metadata) == (item.document, item.metadata)


WRONG = {
    "nothing": {},
    "two": {"query": "fox", "id": 1},
    "two others": {"id": 1, "vector": [1]},
    "empty": {"query": ""},
    "blank": {"query": " \n"},
    "no text": {"query": 3},
    "bytes": {"query": b"fox"},
    "k 0": {"query": "fox", "k": 0},
    "k True": {"query": "fox", "k": True},
    "k 1.5": {"query": "fox", "k": 1.5},
    "k None": {"query": "fox", "k": None},
    "k text": {"query": "fox", "k": "10"},
    "mode": {"query": "fox", "mode": "nonsense"},
    "mode None": {"query": "fox", "mode": None},
    "text by id": {"id": 1, "mode": "text"},
    "hybrid by vector": {"vector": [1], "mode": "hybrid"},
    "field": {"query": "fox", "field": "nowhere"},
    "field list": {"query": "fox", "field": ["content"]},
    "id of no type": {"id": 1.0},
    "id bool": {"id": True},
    "where list": {"query": "fox", "where": []},
    "where operator": {"query": "fox", "where": {"n": {"$near": 1}}},
    "where type": {"query": "fox", "where": {"n": {"$gt": "x"}}},
    "bare vector": {"vector": [1] * 6},
}


@pytest.mark.parametrize("what", WRONG)
def test_search_refuses_a_question_that_is_not_whole(library, what):
    """With an error that says what must hold."""
    with pytest.raises(InputError) as caught:
        library.search(**WRONG[what])
    assert len(str(caught.value)) > 20
    assert isinstance(caught.value, FilterError) == what.startswith("where")


def test_search_for_an_unknown_id_says_so(library):
    """1 is there, "1" is not."""
    with pytest.raises(UnknownIdError, match="no item '1'") as caught:
        library.search(id="1")
    assert caught.value.ids == ("1",)


def test_search_refuses_a_vector_of_a_foreign_space(library):
    """Of the same width, with no card of ours."""
    with pytest.raises(ForeignSpaceError):
        library.search(vector=em.Embeddings(["q"], np.ones((1, 6))))


def test_search_dense_without_an_encoder_says_how(books):
    """There is nothing that can place the text."""
    with pytest.raises(InputError, match="no field that can answer"):
        books.search("fox", mode="dense")
    books.add_field("free", dims=2)
    with pytest.raises(EncoderMissingError, match="has no encoder"):
        books.search("fox", field="free", mode="dense")
    with pytest.raises(InputError, match="no field that can answer"):
        books.search("fox", mode="hybrid")


# --- threads ------------------------------------------------------------------------------------


def writes_after(mirror, name, write):
    """Let somebody write each time right after a part of the memory was asked for."""
    original = getattr(mirror, name)

    def asked(*args):
        answer = original(*args)
        write()
        return answer

    return mock.patch.object(mirror, name, asked)


@pytest.mark.parametrize("mode", ["text", "hybrid", "dense"])
@pytest.mark.parametrize("part", ["text", "columns", "allowed"])
def test_search_answers_from_one_moment_when_somebody_writes_amid(library, word_sum, mode, part):
    """What is written between two parts of a search is in none of them."""
    encoders, versions = {"content": word_sum()}, iter(range(99))

    def write():
        version = next(versions)
        library.upsert(["moving"], [f"fox version{version}"], [{"v": version}])
        library.upsert([f"new{version}"], ["fox fox"], [{"v": -1}])

    write()
    with em.Collection.open(library.path, encoders=encoders) as other:
        with writes_after(other.mirror, part, write):
            hits = other.search("fox", k=99, where={"v": {"$gte": 0}}, mode=mode, field="content")
        assert hits.ids == ("moving",)
        shown = hits[0].metadata["v"]
        hits = other.search(f"version{shown}", where={"v": shown}, mode=mode, field="content")
        assert hits.ids == ("moving",)


def test_search_of_words_sees_documents_and_metadata_of_one_moment(library):
    """An item that changed both amid a search is found by both of one moment, or by neither."""

    def write():
        library.upsert(["moving"], ["griffin"], [{"v": 2}])

    library.upsert(["moving"], ["fox"], [{"v": 1}])
    with em.Collection.open(library.path) as other, writes_after(other.mirror, "text", write):
        assert other.search("fox", mode="text", where={"v": 2}).ids == ()


def test_search_answers_from_one_moment_while_others_write(books, word_sum):
    """No error, nothing half written: each item's parts belong together, whatever is asked."""
    books.add_field("content", encoder=word_sum())
    books.add_field("free", dims=2)
    done, errors, answered = threading.Event(), [], [0, 0, 0, 0]

    def write():
        for n in range(40):
            angle = 2 * np.pi * n / 40
            ids = [f"{n}-{i}" for i in range(3)] + ["moving"]
            vectors = {"free": [[np.cos(angle), np.sin(angle)]] * 4}
            books.upsert(ids, [f"fox {n}"] * 4, [{"n": n, "new": n > 20}] * 4, vectors)
            books.delete([f"{n - 2}-0"])

    def look(place, **question):
        while not done.is_set():
            for hit in books.search(**question):
                n = hit.metadata["n"]
                assert hit.document == f"fox {n}"
                assert hit.id == "moving" or hit.id.startswith(f"{n}-")
            answered[place] += 1

    def guarded(work, *args, **kwargs):
        try:
            work(*args, **kwargs)
        except BaseException as error:  # noqa: BLE001  # shown by the assert below
            errors.append(error)

    questions = [
        {"query": "fox 7", "k": 50},
        {"vector": [1, 0], "field": "free", "where": {"n": {"$gte": 0}}, "k": 50},
        {"query": "fox", "mode": "text", "where": {"new": True}, "k": 50},
        {"query": "fox 9", "mode": "dense", "field": "content", "where": {"n": {"$lt": 99}}},
    ]
    threads = [
        threading.Thread(target=guarded, args=[look, place], kwargs=question)
        for place, question in enumerate(questions)
    ]
    for thread in threads:
        thread.start()
    guarded(write)
    done.set()
    for thread in threads:
        thread.join()
    assert errors == []
    assert all(answered)
    assert len(books) == 40 * 3 + 1 - 38


@pytest.mark.parametrize("metric", ["cosine", "dot", "euclidean"])
def test_search_include_self_comes_first_among_equals_and_longer_ones(tmp_path, metric):
    """The item asked about is first, also where 40 others score as high or higher."""
    with Collection.open(tmp_path / "c") as items:
        items.add_field("v", dims=2, metric=metric)
        rows = np.ones((40, 2), np.float32) * (np.arange(1, 41)[:, None] if metric == "dot" else 1)
        items.upsert(range(40), vectors={"v": rows}, metadata=[{"n": n} for n in range(40)])
        assert items.search(id=30, field="v", k=5, include_self=True).ids[0] == 30
        assert 30 not in items.search(id=30, field="v", k=40).ids
        assert len(items.search(id=30, field="v", k=40, include_self=True)) == 40
        there = items.search(id=30, field="v", k=5, include_self=True, where={"n": {"$lt": 9}})
        assert 30 not in there.ids


def test_hybrid_weighs_a_field_by_what_made_it(tmp_path):
    """The best by words alone has what is left of the share of the static encoder."""
    with Collection.open(tmp_path / "things") as things:
        things.upsert(["a"], documents=["apples and pears"])
        things.add_field("content", encoder=em.TextEncoder())
        hit = things.search("apples", field="content")[0]
        assert hit.parts["text"] == pytest.approx(1 - DENSE_SHARES["static"])
