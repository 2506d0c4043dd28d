"""The mirror: whatever happened, memory equals a fresh replay of the log; caches change nothing."""

import shutil
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import embedry as em
from embedry.store.indexes import vector_index
from embedry.store.indexes.text_index import TextIndex
from embedry.store.memory import mirror as mirror_module

IDS = [1, "1", "fox", "ünï", 7]
TEXTS = ["red fox", "grey wolf in the wood", "gold", "", "qq", "the fox hunts the wolf"]
ROWS = [{}, {"n": 1}, {"n": 2.5}, {"n": None}, {"tag": "a"}, {"tag": "b", "n": 3}]
PATCH = st.tuples(st.sampled_from([None, *TEXTS]), st.sampled_from(ROWS), st.integers(0, 9))
STEP = st.one_of(
    st.tuples(st.just("upsert"), st.dictionaries(st.sampled_from(IDS), PATCH, min_size=1)),
    st.tuples(st.just("vectors"), st.dictionaries(st.sampled_from(IDS), PATCH, min_size=1)),
    st.tuples(st.just("delete"), st.lists(st.sampled_from(IDS), unique=True)),
    st.tuples(st.just("look"), st.none()),
)


def do(collection, kind, what):
    if kind == "delete":
        collection.delete(what)
    elif kind == "look":
        answers(collection)
    else:
        patches = list(what.values())
        vectors = {"free": [[p[2] - 4.5, 1] for p in patches]} if kind == "vectors" else None
        documents, metadata = [p[0] for p in patches], [p[1] for p in patches]
        collection.upsert(list(what), documents, metadata, vectors)


def answers(collection):
    """Return all that a collection answers, scores to the bit."""
    asked = [
        *({"query": text, "mode": m} for text in TEXTS[:3] for m in ("text", "dense", "hybrid")),
        {"query": "fox wolf", "where": {"n": {"$gte": 2}}},
        {"query": "fox wolf", "where": {"tag": {"$ne": "a"}}},
        {"vector": [1, 1], "field": "free"},
        {"vector": [-1, 1], "field": "free", "where": {"n": {"$exists": True}}},
    ]
    found = []
    for kwargs in asked:
        field = None if kwargs.get("mode") == "text" else "content"
        hits = collection.search(**{"field": field, "k": 4, **kwargs})
        found.append([(h.id, h.score, h.document, h.metadata, h.parts) for h in hits])
    info = collection.info()
    return found, collection.get(IDS), info.items, info.change, info.fields["content"].vectors


@settings(max_examples=40, deadline=None)
@given(steps=st.lists(STEP, max_size=14))
def test_mirror_is_a_replay_of_the_log(word_sum, steps):
    """After any history a fresh opening answers every search exactly as who wrote, or looked on."""
    encoder = word_sum()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "c"
        with em.Collection.open(path, durability="os") as writer:
            writer.add_field("content", encoder=encoder)
            writer.add_field("free", dims=2)
            with em.Collection.open(path, encoders={"content": encoder}) as onlooker:
                for kind, what in steps:
                    do(onlooker if kind == "look" else writer, kind, what)
                expected = answers(writer)
                assert answers(onlooker) == expected
        with em.Collection.open(path, encoders={"content": encoder}) as fresh:
            assert answers(fresh) == expected


def test_mirror_sees_what_another_collection_wrote(tmp_path):
    """Items, fields and deletions of one are in the next search of the other."""
    with em.Collection.open(tmp_path / "c") as one, em.Collection.open(tmp_path / "c") as two:
        one.upsert(["a"], ["red fox"])
        assert two.search("fox").ids == ("a",)
        two.add_field("free", dims=2)
        two.upsert(["b"], ["fox"], vectors={"free": [[1, 0]]})
        assert one.search(vector=[1, 0]).ids == ("b",)
        assert set(one.search("fox").ids) == {"a", "b"}
        one.delete(["a"])
        assert two.search("fox").ids == ("b",)
        assert "a" not in two


def test_mirror_follows_a_column_that_changed_its_type_elsewhere(tmp_path):
    """What another process may write, having never seen the values that are gone, can be read."""
    with em.Collection.open(tmp_path / "c") as old:
        old.upsert(["a", "b"], metadata=[{"n": 1.5}, {"n": 2}])
        assert old.info().columns == {"n": "float"}
        old.delete(["a"])
        with em.Collection.open(tmp_path / "c") as young:
            young.upsert(["c"], metadata=[{"n": 2**60}])
            assert young.count({"n": {"$gt": 1}}) == 2
        assert old.count({"n": {"$gt": 1}}) == 2
        assert old.info().columns == {"n": "int"}


# --- the cached text index ----------------------------------------------------------------------

N = 40


@pytest.fixture
def replayed(monkeypatch):
    """How many texts each replay took in; from 10 on, a replay is cached."""
    counts = []
    add = TextIndex.add

    def counting(self, positions, texts):
        counts.append(len(texts))
        add(self, positions, texts)

    monkeypatch.setattr(TextIndex, "add", counting)
    monkeypatch.setattr(mirror_module, "TEXTS_WORTH_CACHING", 10)
    return counts


def texts(n):
    return [" ".join(np.random.default_rng(i).choice(TEXTS, 3)) for i in range(n)]


def ranked(collection):
    queries = ["fox", "grey wolf", "gold in the wood", "ünï", "nothing of it"]
    return [list(zip(h.ids, h.scores, strict=True)) for h in map(collection.search, queries)]


def cached(path):
    """Make a collection with a cached text index, and return where the cache is."""
    with em.Collection.open(path) as collection:
        collection.upsert([f"b{i}" for i in range(N)], texts(N))
        ranked(collection)
    return path / "indexes" / "text.safetensors"


def assert_replays(path, replayed, count):
    """A reopening takes in so many texts, and answers as one without a cache."""
    with em.Collection.open(path) as collection:
        replayed.clear()
        found = ranked(collection)
        assert replayed[0] == count
    shutil.rmtree(path / "indexes")
    with em.Collection.open(path) as collection:
        assert ranked(collection) == found


def test_text_cache_spares_the_replay(tmp_path, replayed):
    """Where nothing came since, no text is read again."""
    assert cached(tmp_path / "c").exists()
    assert_replays(tmp_path / "c", replayed, 0)


def test_text_cache_replays_what_came_since(tmp_path, replayed):
    """New items and changed documents alone are read, and the answers are those of all."""
    cached(tmp_path / "c")
    with em.Collection.open(tmp_path / "c") as collection:
        collection.upsert(["b3", "new"], ["gold gold gold", "a fox of gold"])
        collection.upsert(["b5"], metadata=[{"n": 1}])
    assert_replays(tmp_path / "c", replayed, 3)


def test_text_cache_is_ignored_where_the_log_was_put_back(tmp_path, replayed):
    """A file restored from a copy counts on with the same numbers: its cache is of another time."""
    path = tmp_path / "c"
    cached(path)
    shutil.copy(path / "collection.sqlite3", tmp_path / "copy")
    with em.Collection.open(path) as collection:
        collection.upsert([f"b{i}" for i in range(N)], ["a pear"] * N)
        ranked(collection)
    shutil.copy(tmp_path / "copy", path / "collection.sqlite3")
    with em.Collection.open(path) as collection:
        collection.upsert(["third"], ["a plum"])
    assert_replays(path, replayed, N + 1)


def test_text_cache_is_ignored_where_items_are_gone(tmp_path, replayed):
    """Rows that are no more have no position; all is read again, and cached again."""
    file = cached(tmp_path / "c")
    before = file.read_bytes()
    with em.Collection.open(tmp_path / "c") as collection:
        collection.delete(["b3"])
    with em.Collection.open(tmp_path / "c") as collection:
        ranked(collection)
    assert file.read_bytes() != before
    assert_replays(tmp_path / "c", replayed, 0)


def test_text_cache_of_the_future_is_ignored(tmp_path, replayed):
    """A log that was put back to an older copy is read anew."""
    path = tmp_path / "c"
    cached(path)
    shutil.copytree(path, tmp_path / "backup")
    with em.Collection.open(path) as collection:
        collection.upsert([f"b{i}" for i in range(20)], ["a fox of gold"] * 20)
        shutil.rmtree(path / "indexes")
        ranked(collection)
    with em.Collection.open(path) as collection:
        ranked(collection)
    shutil.copy(tmp_path / "backup" / "collection.sqlite3", path / "collection.sqlite3")
    assert_replays(path, replayed, N)


@pytest.mark.parametrize("harm", ["truncated", "flipped", "foreign", "emptied"])
def test_text_cache_that_is_not_whole_is_ignored(tmp_path, replayed, harm):
    """Half a file, one wrong bit, the file of another collection: all is read from the log."""
    file = cached(tmp_path / "c")
    raw = file.read_bytes()
    if harm == "truncated":
        file.write_bytes(raw[: len(raw) // 2])
    elif harm == "flipped":
        file.write_bytes(raw[:-9] + bytes([raw[-9] ^ 1]) + raw[-8:])
    elif harm == "foreign":
        shutil.copy(cached(tmp_path / "other"), file)
    else:
        file.write_bytes(b"")
    assert_replays(tmp_path / "c", replayed, N)


def test_text_cache_is_not_written_for_few_texts(tmp_path, replayed):
    """A short replay is not worth a file."""
    with em.Collection.open(tmp_path / "c") as collection:
        collection.upsert([f"b{i}" for i in range(9)], texts(9))
        ranked(collection)
    assert not (tmp_path / "c" / "indexes").exists()


def test_text_cache_that_cannot_be_written_is_no_error(tmp_path, replayed):
    """The search answers all the same."""
    with em.Collection.open(tmp_path / "c") as collection:
        (tmp_path / "c" / "indexes").write_text("in the way")
        collection.upsert([f"b{i}" for i in range(N)], texts(N))
        assert len(collection.search("fox")) == 10


# --- graphs -------------------------------------------------------------------------------------


@pytest.fixture
def built(monkeypatch):
    """How many slots each graph that was built took in; small sets get one."""
    sizes = []

    def counting(vectors):
        sizes.append(len(vectors.live))
        return vector_index.grown(vectors)

    monkeypatch.setattr(vector_index, "EXACT_BELOW", 500)
    monkeypatch.setattr(mirror_module, "grown", counting)
    return sizes


def rows(n, seed=0):
    return np.random.default_rng(seed).standard_normal((n, 4)).astype(np.float32)


def dense(collection):
    return [
        list(zip(hits.ids, hits.scores, strict=True))
        for hits in (collection.search(vector=row, k=3) for row in rows(10, seed=1))
    ]


def with_graph(path, n=300):
    collection = em.Collection.open(path)
    collection.add_field("free", dims=4)
    collection.upsert(range(n), vectors={"free": rows(n)})
    collection.wait_until_indexed()
    return collection


def test_graph_is_built_aside_and_used_when_it_is_there(tmp_path, built):
    """Nobody waits for it; when it is ready, searches say so and info counts it."""
    with with_graph(tmp_path / "c") as collection:
        assert built == [300]
        assert collection.info().fields["free"].in_graph == 300
        assert collection.search(vector=rows(1)[0]).plan.method == "hnsw"


def test_graph_that_is_being_built_is_waited_for_at_the_end(tmp_path, built):
    """Closing lets it be finished and cached: the work is not lost."""
    collection = em.Collection.open(tmp_path / "c")
    collection.add_field("free", dims=4)
    collection.upsert(range(300), vectors={"free": rows(300)})
    collection.close()
    assert (tmp_path / "c" / "indexes" / "vectors-1.safetensors").exists()


def test_graph_is_read_from_its_cache_when_reopened(tmp_path, built):
    """And built anew where the cache is gone; the answers are the same."""
    with with_graph(tmp_path / "c") as collection:
        expected = dense(collection)
    built.clear()
    with em.Collection.open(tmp_path / "c") as collection:
        assert dense(collection) == expected
        assert collection.info().fields["free"].in_graph == 300
    assert built == []
    shutil.rmtree(tmp_path / "c" / "indexes")
    with em.Collection.open(tmp_path / "c") as collection:
        assert dense(collection) == expected
        collection.wait_until_indexed()
        assert dense(collection) == expected
    assert built == [300]


def test_graph_cached_by_another_collection_is_not_used(tmp_path, built):
    """A copied cache is foreign, however well it would fit."""
    for name in ("one", "two"):
        with_graph(tmp_path / name).close()
    file = Path("indexes") / "vectors-1.safetensors"
    shutil.copy(tmp_path / "one" / file, tmp_path / "two" / file)
    built.clear()
    with em.Collection.open(tmp_path / "two") as collection:
        dense(collection)
        collection.wait_until_indexed()
    assert built == [300]


def test_graph_takes_in_what_was_written_while_it_was_built(tmp_path, monkeypatch):
    """Vectors that came, moved and went meanwhile are right when the graph is put to use."""
    building, go_on = threading.Event(), threading.Event()

    def slow(vectors):
        building.set()
        assert go_on.wait(30)
        return vector_index.grown(vectors)

    monkeypatch.setattr(vector_index, "EXACT_BELOW", 500)
    monkeypatch.setattr(mirror_module, "grown", slow)
    with em.Collection.open(tmp_path / "c") as collection:
        collection.add_field("free", dims=4)
        collection.upsert(range(300), vectors={"free": rows(300)})
        assert building.wait(30)
        collection.delete(range(30))
        collection.upsert(range(100, 130), vectors={"free": rows(30, seed=2)})
        collection.upsert(range(300, 350), vectors={"free": rows(50, seed=3)})
        assert collection.search(vector=rows(1)[0]).plan.method == "exact scan"
        expected = dense(collection)
        go_on.set()
        collection.wait_until_indexed()
        assert collection.search(vector=rows(1)[0]).plan.method == "hnsw + exact tail"
        assert dense(collection) == expected
        assert not set(range(30)) & {id for hits in dense(collection) for id, _ in hits}
    with em.Collection.open(tmp_path / "c") as collection:
        assert dense(collection) == expected
