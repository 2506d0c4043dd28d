"""Collections: the public contract, from opening to closing."""

import dataclasses
import shutil
import sqlite3

import numpy as np
import pytest

import embedry as em
from embedry.errors import (
    CollectionError,
    EncoderMissingError,
    FileFormatError,
    ForeignSpaceError,
    InputError,
    UnknownIdError,
)
from embedry.store.values import Upserted

FILE = "collection.sqlite3"
DOCUMENTS = ["red fox", "grey wolf in the wood", "gold under the mountain", "a knight rides"]


@pytest.fixture
def shelf(books):
    books.upsert(["a", "b", 3, "3"], DOCUMENTS, [{"n": 1}, {"n": 2}, {"n": 3}, {"tag": "x"}])
    return books


# --- open and close -----------------------------------------------------------------------------


def test_open_makes_a_directory_and_finds_it_again(tmp_path):
    """Also below folders that are not there, by str or Path; what was written is there."""
    path = tmp_path / "deep" / "down" / "c"
    with em.Collection.open(str(path)) as collection:
        collection.upsert(["a"], ["text"])
    with em.Collection.open(path, must_exist=True) as collection:
        assert collection.path == path
        assert collection.get(["a"])[0].document == "text"


def test_open_must_exist_refuses_to_make_one(tmp_path):
    """And makes nothing."""
    with pytest.raises(CollectionError, match="no collection") as caught:
        em.Collection.open(tmp_path / "c", must_exist=True)
    assert caught.value.path == str(tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_open_takes_an_empty_directory(tmp_path):
    """It becomes the collection, but not where one must exist."""
    with pytest.raises(CollectionError):
        em.Collection.open(tmp_path, must_exist=True)
    em.Collection.open(tmp_path).close()
    assert (tmp_path / FILE).exists()


@pytest.mark.parametrize("what", ["a file", "a full directory"])
def test_open_refuses_what_holds_something_else(tmp_path, what):
    """A file, or a directory with other things, is left as it was."""
    path = tmp_path / "c"
    if what == "a file":
        path.write_text("mine")
    else:
        path.mkdir()
        (path / "notes.txt").write_text("mine")
    with pytest.raises(CollectionError, match=r"holds something else\. Choose another path"):
        em.Collection.open(path)
    assert (path if what == "a file" else path / "notes.txt").read_text() == "mine"
    assert sorted(p.name for p in tmp_path.rglob("*")) == (
        ["c"] if what == "a file" else ["c", "notes.txt"]
    )


def test_open_refuses_a_newer_format(shelf):
    """With the formats and what to do."""
    path = shelf.path
    shelf.close()
    with sqlite3.connect(path / FILE) as raw:
        raw.execute("UPDATE meta SET value = '2' WHERE key = 'format'")
    raw.close()
    with pytest.raises(FileFormatError, match=r"format 2; .* Open it with the release"):
        em.Collection.open(path)


@pytest.mark.parametrize("start", [0, 4096])
def test_open_or_use_says_that_a_file_is_damaged(shelf, start):
    """Overwritten bytes are told as damage with the way out; never wrong answers."""
    path = shelf.path
    shelf.close()
    raw = bytearray((path / FILE).read_bytes())
    raw[start:] = b"\xff" * (len(raw) - start)
    (path / FILE).write_bytes(raw)

    def use():
        with em.Collection.open(path) as collection:
            collection.search("fox")

    with pytest.raises(FileFormatError, match=r"damaged .*Restore a copy"):
        use()


def test_open_refuses_wrong_arguments(tmp_path):
    """A durability that is none, encoders for a field that is not there."""
    with pytest.raises(InputError, match="durability"):
        em.Collection.open(tmp_path / "c", durability="never")
    with pytest.raises(InputError, match="field 'content'; there are: none"):
        em.Collection.open(tmp_path / "c", encoders={"content": None})


def test_closed_collection_says_so(shelf):
    """Whatever is asked of it; closing again is no error."""
    shelf.close()
    shelf.close()
    uses = [
        lambda: shelf.get(["a"]),
        lambda: shelf.search("fox"),
        lambda: shelf.search(id="a"),
        lambda: shelf.upsert(["a"], ["x"]),
        lambda: shelf.delete(["a"]),
        lambda: shelf.delete(where={}),
        shelf.count,
        lambda: shelf.count({"n": 1}),
        shelf.info,
        lambda: shelf.add_field("f", dims=2),
        lambda: shelf.field("f"),
        shelf.wait_until_indexed,
        lambda: "a" in shelf,
        lambda: len(shelf),
    ]
    for use in uses:
        with pytest.raises(CollectionError, match=r"is closed\. Open it again"):
            use()
    assert repr(shelf).endswith("closed)")


def test_close_happens_at_the_end_of_with_also_after_an_error(tmp_path):
    """The error passes through."""

    def fail():
        with em.Collection.open(tmp_path / "c") as collection:
            opened.append(collection)
            raise KeyError("mine")

    opened = []
    with pytest.raises(KeyError, match="mine"):
        fail()
    with pytest.raises(CollectionError):
        len(opened[0])


# --- ids, get, count, delete --------------------------------------------------------------------


def test_ids_of_two_types_are_two_items(books):
    """1 and "1" are kept apart by every call; NumPy ids are plain ones; True is none."""
    books.upsert([1, "1", np.int64(2), np.str_("zwei"), "ünï", "東京"], list("abcdef"))
    assert [(i.id, i.document) for i in books.get(["1", 1])] == [("1", "b"), (1, "a")]
    assert [type(i.id) for i in books.get([np.int64(2), "zwei"])] == [int, str]
    assert 1 in books
    assert "1" in books
    assert np.int64(1) in books
    assert "東京" in books
    for stranger in (True, 1.0, None, b"1", [1], "2"):
        assert stranger not in books
    assert books.delete(["1"]) == 1
    assert [i.id for i in books.get([1, "1"])] == [1]


def test_get_gives_items_in_the_order_asked(shelf):
    """What is missing is left out."""
    assert [item.id for item in shelf.get(["3", "never", "a", 3])] == ["3", "a", 3]
    assert shelf.get([]) == []
    with pytest.raises(InputError):
        shelf.get("a")
    with pytest.raises(InputError):
        shelf.get([1.5])


def test_count_counts_all_or_what_passes(shelf):
    """As len does; a filter that is none is refused."""
    assert shelf.count() == len(shelf) == shelf.count({}) == 4
    assert shelf.count({"n": {"$gte": 2}}) == 2
    with pytest.raises(InputError):
        shelf.count([])


def test_delete_by_ids_passes_over_what_is_missing(shelf):
    """It says how many went; their text, metadata and vectors go along."""
    assert shelf.delete(["a", "never", "a", "3"]) == 2
    assert shelf.count() == 2
    assert "a" not in shelf
    assert shelf.search("fox").ids == ()
    assert shelf.info().columns == {"n": "int"}
    assert shelf.delete(["a"]) == 0


def test_delete_by_where(shelf):
    """What passes goes; {} passes everything."""
    assert shelf.delete(where={"n": {"$lte": 2}}) == 2
    assert [item.id for item in shelf.get(["a", "b", 3, "3"])] == [3, "3"]
    assert shelf.delete(where={}) == 2
    assert (shelf.count(), shelf.info().columns) == (0, {})


def test_delete_refuses_both_and_neither(shelf):
    """And a wrong filter, and a single id; nothing is deleted."""
    wrong = [{}, {"ids": ["a"], "where": {}}, {"where": []}, {"ids": "a"}, {"where": {"$x": 1}}]
    for kwargs in wrong:
        with pytest.raises(InputError):
            shelf.delete(**kwargs)
    assert (shelf.count(), shelf.info().change) == (4, 1)


def test_delete_of_nothing_is_no_change(shelf):
    """The log gets no entry."""
    assert shelf.delete(["never"]) == shelf.delete(where={"n": 99}) == 0
    assert shelf.info().change == 1


def test_delete_then_insert_is_a_new_item(shelf):
    """It has nothing of the old one, and comes last."""
    shelf.delete(["a"])
    assert shelf.upsert(["a"], ["a fox again"]) == Upserted(inserted=1)
    assert shelf.get(["a"])[0].metadata == {}
    shelf.upsert(["z"], ["a fox again"])
    assert shelf.search("fox").ids == ("a", "z")


# --- info ---------------------------------------------------------------------------------------


def test_info_tells_what_is_there_and_is_frozen(shelf, words):
    """Items, fields by name, columns, the change, the bytes; none of it can be written to."""
    shelf.add_field("content", encoder=words)
    shelf.add_field("free", dims=2, metric="dot")
    info = shelf.info()
    assert (info.path, info.items, info.columns) == (shelf.path, 4, {"n": "int", "tag": "str"})
    assert list(info.fields) == ["content", "free"]
    content, free = info.fields.values()
    assert (content.card, content.vectors, content.encoder) == (words.card, 4, "word2vec")
    assert (free.card.kind, free.card.metric) == ("declared", "dot")
    assert (free.vectors, free.encoder) == (0, None)
    assert info.bytes_on_disk > 10_000
    with pytest.raises(dataclasses.FrozenInstanceError):
        info.items = 3
    with pytest.raises(TypeError):
        info.fields["x"] = free
    with pytest.raises(TypeError):
        info.columns["x"] = "int"


def test_repr_tells_items_and_fields(shelf):
    """In one line."""
    shelf.add_field("free", dims=2)
    assert repr(shelf) == f"Collection({str(shelf.path)!r}, 4 items, fields: free)"


# --- fields -------------------------------------------------------------------------------------


def test_add_field_with_an_encoder_places_what_is_there(shelf, words):
    """Every document that is here and that will come; what yields no vector is counted."""
    shelf.upsert(["zz"], ["xyzzy plugh"])
    shelf.upsert(["none"])
    assert shelf.add_field("content", encoder=words) == Upserted(updated=4, unplaced=1)
    assert shelf.search("red fox", k=1, mode="dense").ids == ("a",)
    shelf.upsert(["new"], ["dragons guard gold"])
    assert shelf.search("dragons guard gold", k=1, mode="dense").ids == ("new",)


def test_add_field_rebuilds_its_encoder_when_reopened(shelf, words):
    """From the copy in the collection, without being given it; scores are the same."""
    shelf.add_field("content", encoder=words)
    before = shelf.search("wolf and gold", k=4)
    shelf.close()
    with em.Collection.open(shelf.path) as again:
        hits = again.search("wolf and gold", k=4)
        assert (hits.ids, hits.scores, hits.plan.mode) == (before.ids, before.scores, "hybrid")
        assert again.upsert(["new"], ["red fox"]).unplaced == 0


def test_add_field_with_an_encoder_nobody_can_load(shelf, word_sum):
    """Reopened: id and vector searches answer, text says how to supply it, and that works."""
    shelf.add_field("content", encoder=word_sum())
    near, text = shelf.search(id="a").ids, shelf.search("red fox").ids
    card = shelf.info().fields["content"].card
    query = em.Embeddings(["q"], word_sum().encode(["red fox"]).vectors, card=card)
    shelf.close()
    with em.Collection.open(shelf.path) as again:
        assert again.search(id="a").ids == near
        assert again.search(vector=query, k=1).ids == ("a",)
        assert again.search("fox", mode="text").ids == ("a",)
        with pytest.raises(EncoderMissingError, match=r"encoders=\{'content'") as caught:
            again.search("red fox")
        assert caught.value.field == "content"
    with em.Collection.open(shelf.path, encoders={"content": word_sum()}) as again:
        assert again.search("red fox").ids == text


def test_open_refuses_an_encoder_of_another_space(shelf, word_sum):
    """At once, and the collection stays usable."""
    shelf.add_field("content", encoder=word_sum())
    shelf.close()
    with pytest.raises(ForeignSpaceError):
        em.Collection.open(shelf.path, encoders={"content": word_sum(seed=9)})
    with pytest.raises(InputError, match="must have a card"):
        em.Collection.open(shelf.path, encoders={"content": "minilm"})
    with em.Collection.open(shelf.path) as again:
        assert len(again) == 4


def test_add_field_places_what_is_written_while_it_encodes(shelf, word_sum):
    """New documents, changed ones and removed ones: the field is right when it is there."""

    class Interrupted(word_sum):
        def encode(self, items, role="document"):
            if self.calls == 0 and role == "document":
                self.calls = 1
                with em.Collection.open(shelf.path) as other:
                    other.upsert(["late", "b"], ["a late knight", "red dragons"])
                    other.delete(["a"])
            return super().encode(items, role)

    assert shelf.add_field("content", encoder=Interrupted()).updated == 4
    assert shelf.info().fields["content"].vectors == 4
    for id, text in {"late": "a late knight", "b": "red dragons"}.items():
        (hit,) = shelf.search(text, k=1, mode="dense")
        assert (hit.id, hit.score) == (id, pytest.approx(1))


def test_add_field_with_embeddings_takes_their_space(shelf):
    """Items by id in any order; queries must come from that space, arrays must say so."""
    rows = np.eye(4, dtype=np.float32)[:3]
    taste = em.Embeddings([3, "a", "b"], rows)
    assert shelf.add_field("taste", embeddings=taste) == Upserted(updated=3)
    assert shelf.info().fields["taste"].card == taste.card
    assert shelf.search(vector=taste.subset(["b"]), field="taste").ids == ("b", "a", 3)
    with pytest.raises(InputError, match="bare array"):
        shelf.search(vector=rows[0], field="taste")
    with pytest.raises(InputError, match="bare array"):
        shelf.upsert(["a"], vectors={"taste": rows[:1]})
    with pytest.raises(ForeignSpaceError):
        shelf.search(vector=em.Embeddings(["q"], rows[:1]), field="taste")
    named = em.Embeddings(["3"], rows[2:], card=taste.card)
    shelf.upsert(["3"], vectors={"taste": named})
    assert shelf.search(vector=named, field="taste").ids[:2] == ("b", "3"), "ties: as inserted"


def test_add_field_with_missing_ids_refuses_skips_or_creates(shelf):
    """Each counted; a refusal changes nothing; an item that is there keeps what it has."""
    taste = em.Embeddings(["a", "new", 4], np.eye(3))
    with pytest.raises(UnknownIdError, match=r'2 are not, such as .*missing="skip"') as caught:
        shelf.add_field("taste", embeddings=taste)
    assert caught.value.ids == ("new", 4)
    assert (list(shelf.info().fields), shelf.info().change) == ([], 1)
    done = shelf.add_field("skipped", embeddings=taste, missing="skip")
    assert done == Upserted(updated=1, skipped=2)
    done = shelf.add_field("created", embeddings=taste, missing="create")
    assert done == Upserted(inserted=2, updated=1)
    assert len(shelf) == 6
    assert shelf.get(["a"])[0].document == "red fox"
    assert shelf.search(id="new", field="created", k=9).ids == ("a", 4)


def test_add_field_with_dims_takes_bare_arrays(shelf):
    """Its card is its own: another declared field of the same dims is foreign."""
    assert shelf.add_field("free", dims=2, metric="euclidean") == Upserted()
    shelf.add_field("other", dims=2, metric="euclidean")
    shelf.upsert(["a", "b"], vectors={"free": [[0, 0], [3, 4]]})
    hits = shelf.search(vector=[0, 0], field="free")
    assert (hits.ids, hits.scores) == (("a", "b"), (0.0, -5.0))
    stranger = em.Embeddings(["q"], [[1, 1]], card=shelf.info().fields["other"].card)
    with pytest.raises(ForeignSpaceError):
        shelf.search(vector=stranger, field="free")


EYE = em.Embeddings(["a"], [[1.0, 0.0]])
WRONG_FIELDS = {
    "no way": ("f", {}),
    "two ways": ("f", {"dims": 2, "embeddings": EYE}),
    "no dims": ("f", {"dims": 0}),
    "dims of a float": ("f", {"dims": 1.5}),
    "dims of a bool": ("f", {"dims": True}),
    "dims of text": ("f", {"dims": "2"}),
    "metric": ("f", {"dims": 2, "metric": "manhattan"}),
    "metric of another card": ("f", {"embeddings": EYE, "metric": "dot"}),
    "missing": ("f", {"embeddings": EYE, "missing": "maybe"}),
    "taken": ("there", {"dims": 2}),
    "text": ("text", {"dims": 2}),
    "empty": ("", {"dims": 2}),
    "no name": (None, {"dims": 2}),
    "no encoder": ("f", {"encoder": "minilm"}),
    "no embeddings": ("f", {"embeddings": [[1, 2]]}),
    "zero vector": ("f", {"embeddings": em.Embeddings(["a", "b"], [[1, 0], [0, 0]])}),
}


@pytest.mark.parametrize("what", WRONG_FIELDS)
def test_add_field_refuses_what_must_not_be_and_changes_nothing(shelf, what):
    """The collection is as before, and still answers."""
    name, kwargs = WRONG_FIELDS[what]
    shelf.add_field("there", dims=3)
    before = shelf.info()
    with pytest.raises(InputError) as caught:
        shelf.add_field(name, **kwargs)
    assert len(str(caught.value)) > 20
    after = shelf.info()
    assert (after.change, dict(after.fields)) == (before.change, dict(before.fields))
    assert shelf.search("fox").ids == ("a",)


def test_add_field_twice_at_once_is_refused_by_the_log(tmp_path):
    """The second of two processes hears that the name is taken."""
    with em.Collection.open(tmp_path / "c") as one, em.Collection.open(tmp_path / "c") as two:
        one.add_field("free", dims=2)
        with pytest.raises(InputError, match="field 'free' already"):
            two.add_field("free", dims=2)


def test_field_gives_a_field_or_says_which_there_are(shelf):
    """For rooms that read it."""
    shelf.add_field("free", dims=2)
    assert shelf.field("free").name == "free"
    with pytest.raises(InputError, match="'nowhere'; there are: free"):
        shelf.field("nowhere")


# --- search -------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", ["cosine", "dot", "euclidean"])
def test_search_by_vector_equals_numpy(books, metric):
    """Scores of the metric, larger is nearer; k > n gives n; ties by insertion order."""
    random = np.random.default_rng(0)
    rows = random.standard_normal((50, 4)).astype(np.float32)
    rows[40] = rows[10]
    books.add_field("free", dims=4, metric=metric)
    order = random.permutation(50)
    books.upsert(order, vectors={"free": rows[order]})
    query = rows[10] + np.float32(0.01)
    scores = {
        "cosine": rows @ query / np.linalg.norm(rows, axis=1) / np.linalg.norm(query),
        "dot": rows @ query,
        "euclidean": -np.linalg.norm(rows - query, axis=1),
    }[metric]
    expected = sorted(order, key=lambda i: (-round(float(scores[i]), 5), list(order).index(i)))
    hits = books.search(vector=query, k=99)
    assert hits.ids == tuple(expected)
    np.testing.assert_allclose(hits.scores, scores[expected], atol=1e-5)
    assert books.search(vector=query, k=7).ids == tuple(expected[:7])


def test_search_text_breaks_ties_by_insertion(books):
    """Equal texts answer in the order they came, however they are called."""
    books.upsert([5, 3, 1, 4], ["fox"] * 4)
    books.upsert([3], ["fox"])
    assert books.search("fox").ids == (5, 3, 1, 4)
    assert books.search("fox", k=2).ids == (5, 3)


def test_search_results_are_frozen(shelf):
    """Hits are a sequence that cannot be changed."""
    hits = shelf.search("fox")
    with pytest.raises(dataclasses.FrozenInstanceError):
        hits.hits = ()
    with pytest.raises(TypeError):
        hits[0] = None
    with pytest.raises(dataclasses.FrozenInstanceError):
        hits[0].score = 1.0


def test_search_finds_an_item_by_its_name(books):
    """A text id counts as text, beside the document or without one."""
    books.upsert(["dragonfly", 7], [None, "nothing of it"])
    assert books.search("dragonfly").ids == ("dragonfly",)


def test_search_where_of_unknown_keys_is_told(shelf):
    """The plan names keys that no item has: a typing error does not look like an empty shelf."""
    hits = shelf.search("fox", where={"yaer": {"$gte": 1}})
    assert (len(hits), hits.plan.passed, hits.plan.unknown_keys) == (0, 0, ("yaer",))


def test_collection_copied_as_files_is_the_same_collection(shelf, words, tmp_path):
    """A closed collection is its directory: copied, it answers alike."""
    shelf.add_field("content", encoder=words)
    expected = shelf.search("gold and wolf")
    shelf.close()
    shutil.copytree(shelf.path, tmp_path / "copy")
    with em.Collection.open(tmp_path / "copy") as copy:
        assert copy.search("gold and wolf") == expected
