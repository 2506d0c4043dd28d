"""Upserts: what is passed is checked whole, what is not passed stays, and nothing goes half way."""

import threading
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import embedry as em
from embedry.errors import (
    EncoderMissingError,
    ForeignSpaceError,
    InputError,
)
from embedry.store.values import Upserted

VALUES = st.fixed_dictionaries(
    {}, optional={"n": st.none() | st.integers(-9, 9), "tag": st.none() | st.sampled_from("ab")}
)
PATCHES = st.dictionaries(
    st.sampled_from([1, "1", "a"]), st.tuples(st.none() | st.text(max_size=5), VALUES), max_size=3
)


def contents(collection):
    """Return all that a collection holds, to see that nothing changed."""
    info = collection.info()
    ids = collection.mirror.items.ids
    vectors = {
        name: field.vectors.rows[field.vectors.live].tolist()
        for name, field in collection.mirror.fields.items()
    }
    return info.change, info.items, dict(info.columns), collection.get(dict.fromkeys(ids)), vectors


@pytest.fixture
def shelf(books, word_sum):
    """A collection with a field of each kind and two items."""
    books.add_field("content", encoder=word_sum())
    books.add_field("free", dims=2)
    books.upsert(
        ["a", 1], ["red fox", "grey wolf"], [{"n": 1}, {"tag": "x"}], {"free": [[1, 0], [0, 1]]}
    )
    return books


@settings(max_examples=40, deadline=None)
@given(history=st.lists(PATCHES, max_size=8))
def test_upsert_patches_what_is_there(tmp_path_factory, history):
    """Documents stay unless passed, keys merge, None deletes a key; as a dict would have it."""
    expected = {}
    path = tmp_path_factory.mktemp("c") / "c"
    with em.Collection.open(path, durability="os") as collection:
        for patches in history:
            done = collection.upsert(
                list(patches), [p[0] for p in patches.values()], [p[1] for p in patches.values()]
            )
            assert done.inserted == len(patches.keys() - expected.keys())
            assert done.updated == len(patches.keys() & expected.keys())
            for id, (document, metadata) in patches.items():
                old_document, old = expected.get(id, (None, {}))
                merged = {k: v for k, v in {**old, **metadata}.items() if v is not None}
                expected[id] = (old_document if document is None else document, merged)
        items = collection.get(expected)
    assert [(item.id, (item.document, item.metadata)) for item in items] == list(expected.items())
    assert [type(item.id) for item in items] == [type(id) for id in expected]


def test_upsert_of_one_thing_leaves_the_others(shelf):
    """Metadata alone keeps document and vectors; vectors alone keep document and metadata."""
    before = shelf.search(id="a", field="content", k=1, include_self=True)[0]
    shelf.upsert(["a"], metadata=[{"tag": "y"}])
    shelf.upsert(["a"], vectors={"free": [[3, 4]]})
    (item,) = shelf.get(["a"])
    assert (item.document, item.metadata) == ("red fox", {"n": 1, "tag": "y"})
    assert shelf.search(id="a", field="content", k=1, include_self=True)[0].score == before.score
    assert shelf.search(vector=[3, 4], field="free", k=1)[0].score == pytest.approx(1)


def test_upsert_keeps_every_kind_of_metadata(shelf):
    """What comes back equals what went in, datetimes in UTC, NumPy scalars as plain values."""
    moment = datetime(2024, 5, 1, 12, tzinfo=UTC)
    row = {"b": True, "i": np.int64(2**60), "f": 0.1, "s": "ünï", "d": moment, "l": ["a", "b"]}
    shelf.upsert(["m"], metadata=[row])
    assert shelf.get(["m"])[0].metadata == row


def test_upsert_of_documents_moves_their_vectors(shelf, word_sum):
    """A changed document is found where its new words are; other fields keep theirs."""
    shelf.upsert(["a"], ["gold mountain"])
    (hit,) = shelf.search("gold mountain", field="content", mode="dense", k=1)
    assert (hit.id, hit.score) == ("a", pytest.approx(1))
    assert shelf.search(vector=[1, 0], field="free", k=1).ids == ("a",)


def test_upsert_counts_documents_without_a_vector(shelf):
    """They are kept, found by id and by words, and their old vector is gone; once per field."""
    done = shelf.upsert(["a", "b"], ["qa qb", ""])
    assert (done.inserted, done.updated, done.unplaced) == (1, 1, 2)
    assert shelf.info().fields["content"].vectors == 1
    assert shelf.search("fox", field="content", mode="dense").ids == (1,)
    assert shelf.search("qa", mode="text").ids == ("a",)
    assert [item.document for item in shelf.get(["a", "b"])] == ["qa qb", ""]
    with pytest.raises(InputError, match="'a' has no vector in the field 'content'"):
        shelf.search(id="a", field="content")
    assert shelf.upsert(["a"], ["red fox"]).unplaced == 0
    assert shelf.search("red fox", field="content", mode="dense", k=1).ids == ("a",)


def test_upsert_counts_what_an_encoder_cuts_off(books, word_sum):
    """Documents longer than an encoder reads are counted."""

    class Short(word_sum):
        def encode(self, items, role="document"):
            encoded = super().encode([text[:5] for text in items], role)
            cut = sum(len(text) > 5 for text in items)
            return type(encoded)(encoded.vectors, encoded.card, truncated=cut)

    books.upsert(["a"], ["a long document"])
    assert books.add_field("content", encoder=Short()).truncated == 1
    assert books.upsert(["b", "c"], ["another long one", "no"]).truncated == 1


def test_upsert_takes_vectors_in_place_of_encoding(shelf, word_sum):
    """A vector passed with a document wins; it must lie in the field's space."""
    card = shelf.info().fields["content"].card
    given = em.Embeddings(["z"], [[0, 0, 0, 0, 0, 2.0]], card=card)
    assert shelf.upsert(["z"], ["qq"], vectors={"content": given}).unplaced == 0
    hits = shelf.search(vector=given, field="content", k=1)
    assert (hits.ids, hits.plan.relation) == (("z",), "same")


def test_upsert_of_nothing_changes_nothing(shelf):
    """No ids, no change."""
    before = contents(shelf)
    assert shelf.upsert([]) == shelf.upsert([], [], [], {}) == Upserted()
    assert contents(shelf) == before


WRONG = {
    "ids repeat": (["a", "a"], {}),
    "ids repeat as numpy": ([1, np.int32(1)], {}),
    "one id": ("a", {}),
    "bool id": ([True], {}),
    "float id": ([1.0], {}),
    "huge id": ([2**63], {}),
    "half a surrogate": (["\ud800"], {}),
    "documents as text": (["b"], {"documents": "b"}),
    "too few documents": (["b", "c"], {"documents": ["x"]}),
    "document of another type": (["b"], {"documents": [3]}),
    "document of half a surrogate": (["b"], {"documents": ["\ud800"]}),
    "documents no list": (["b"], {"documents": 3}),
    "metadata as dict": (["b"], {"metadata": {"n": 1}}),
    "metadata no dict": (["b"], {"metadata": [3]}),
    "too much metadata": (["b"], {"metadata": [{}, {}]}),
    "column type": (["b"], {"metadata": [{"n": "text"}]}),
    "two types in one call": (["b", "c"], {"metadata": [{"new": 1}, {"new": "x"}]}),
    "value type": (["b"], {"metadata": [{"n": {"deep": 1}}]}),
    "naive datetime": (["b"], {"metadata": [{"d": datetime(2024, 1, 1)}]}),  # noqa: DTZ001
    "NaN metadata": (["b"], {"metadata": [{"n": float("nan")}]}),
    "key with $": (["b"], {"metadata": [{"$n": 1}]}),
    "unknown field": (["b"], {"vectors": {"nowhere": [[1, 0]]}}),
    "vectors no dict": (["b"], {"vectors": [[1, 0]]}),
    "vectors an array": (["b"], {"vectors": np.ones((1, 2))}),
    "wrong dims": (["b"], {"vectors": {"free": [[1, 0, 0]]}}),
    "too many vectors": (["b"], {"vectors": {"free": [[1, 0], [0, 1]]}}),
    "zero vector": (["b", "c"], {"vectors": {"free": [[1, 0], [0, 0]]}}),
    "NaN vector": (["b", "c"], {"vectors": {"free": [[1, 0], [0, np.nan]]}}),
    "bare array": (["b"], {"vectors": {"content": np.ones((1, 6))}}),
}


@pytest.mark.parametrize("what", WRONG)
def test_upsert_refuses_what_must_not_be_and_changes_nothing(shelf, what):
    """Whatever part is wrong, the good parts beside it are not written either."""
    ids, rest = WRONG[what]
    before = contents(shelf)
    good = {"documents": ["good"] * len(ids), "metadata": [{"n": 7}] * len(ids)}
    with pytest.raises(InputError) as caught:
        shelf.upsert(ids, **{**good, **rest})
    assert len(str(caught.value)) > 20
    assert contents(shelf) == before


def test_upsert_names_the_row_that_does_not_fit(shelf):
    """The message has the row, its id, the key, and both types."""
    with pytest.raises(InputError, match=r"row 1 \(id 'c'\), key 'n': .* int, got the str 'x'"):
        shelf.upsert(["b", "c"], metadata=[{"n": 2}, {"n": "x"}])


def test_upsert_refuses_vectors_of_a_foreign_space(shelf, word_sum):
    """Also of the same width, and of the same ids in another order; nothing is changed."""
    before = contents(shelf)
    with pytest.raises(ForeignSpaceError):
        shelf.upsert(["a"], ["x"], vectors={"content": em.Embeddings(["a"], np.ones((1, 6)))})
    card = shelf.info().fields["content"].card
    swapped = em.Embeddings(["a", 1], np.ones((2, 6)), card=card)
    with pytest.raises(InputError, match=r"in their order\. Pass embeddings\.subset\(ids\)"):
        shelf.upsert([1, "a"], vectors={"content": swapped})
    assert contents(shelf) == before


@pytest.mark.parametrize("harm", ["NaN", "width", "number", "type"])
def test_upsert_refuses_what_a_broken_encoder_gives(books, word_sum, harm):
    """NaN, another width, another number of rows, a bare array: refused, nothing is changed."""

    class Broken(word_sum):
        broken = False

        def encode(self, items, role="document"):
            encoded = super().encode(items, role)
            if not self.broken:
                return encoded
            if harm == "type":
                return encoded.vectors
            rows = {
                "NaN": encoded.vectors * np.nan,
                "width": encoded.vectors[:, :2],
                "number": np.tile(encoded.vectors, (2, 1)),
            }[harm]
            return type(encoded)(rows, encoded.card)

    encoder = Broken()
    books.add_field("content", encoder=encoder)
    books.upsert(["a"], ["red fox"])
    before = contents(books)
    encoder.broken = True
    for use in (
        lambda: books.upsert(["b"], ["gold"]),
        lambda: books.search("gold"),
    ):
        with pytest.raises(InputError, match="ncoder"):
            use()
    assert contents(books) == before
    with pytest.raises(InputError, match="ncoder"):
        books.add_field("more", encoder=encoder)
    assert list(books.info().fields) == ["content"]


def test_upsert_needs_the_encoder_only_for_documents(word_sum, tmp_path):
    """Without it metadata and vectors go in, a document does not, and nothing of that call does."""
    with em.Collection.open(tmp_path / "c") as collection:
        collection.add_field("content", encoder=word_sum())
        collection.upsert(["a"], ["red fox"])
    with em.Collection.open(tmp_path / "c") as collection:
        collection.upsert(["a"], metadata=[{"n": 1}])
        before = contents(collection)
        with pytest.raises(EncoderMissingError, match=r"encoders=\{'content'"):
            collection.upsert(["b"], ["gold"], [{"n": 2}])
        assert contents(collection) == before


def test_upsert_places_documents_in_a_field_that_came_meanwhile(word_sum, tmp_path):
    """A field added by another process while documents were encoded gets their vectors too."""
    path = tmp_path / "c"
    late = word_sum(seed=5)

    class Interrupted(word_sum):
        def encode(self, items, role="document"):
            if role == "document" and len(items):
                with em.Collection.open(path) as other:
                    if "late" not in other.info().fields:
                        other.add_field("late", encoder=late)
            return super().encode(items, role)

    with em.Collection.open(path) as collection:
        collection.add_field("content", encoder=Interrupted())
        with pytest.raises(EncoderMissingError, match="'late'"):
            collection.upsert(["a"], ["red fox"])
        assert len(collection) == 0
        collection.field("late").give(late)
        collection.upsert(["a"], ["red fox"])
        assert collection.info().fields["late"].vectors == 1


def test_upsert_of_many_threads_loses_nothing(books):
    """Threads that write at once are served one after the other."""

    def write(thread):
        for n in range(10):
            books.upsert([f"{thread}-{n}", "shared"], metadata=[{"n": n}, {f"t{thread}": n}])

    threads = [threading.Thread(target=write, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(books) == 41
    assert books.get(["shared"])[0].metadata == {f"t{thread}": 9 for thread in range(4)}
    assert books.info().change == 40
