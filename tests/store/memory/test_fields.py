"""Fields: one space each. What is of another space, or of no known one, stays outside."""

import shutil

import numpy as np
import pytest

import embedry as em
from embedry.card import Card
from embedry.embeddings import Embeddings
from embedry.errors import EncoderMissingError, ForeignSpaceError, InputError
from embedry.store.disk.records import FieldRow
from embedry.store.memory import fields as fields_module
from embedry.store.memory.fields import Field, keep_encoder


def field(card, folder=None, encoder=None):
    return Field(FieldRow(1, "f", card, encoder, {}), folder)


@pytest.fixture
def declared():
    return field(Card.declared(3))


@pytest.fixture
def learned(words):
    return field(words.card)


def test_field_takes_bare_arrays_where_the_card_is_declared(declared):
    """A field made with dims= takes arrays, lists and float64, as query and as rows."""
    query, relation = declared.query_from([0, 3.0, 4])
    np.testing.assert_allclose(query, [0, 0.6, 0.8])
    assert relation == "same"
    rows = declared.rows_from(np.array([[1.0, 2, 3]]), 1)
    assert (rows.dtype, rows.tolist()) == (np.float32, [[1, 2, 3]])


def test_field_refuses_bare_arrays_where_the_maker_is_known(learned):
    """The message says how to hand them over; a card of the field is that way."""
    row = np.ones((1, 8), np.float32)
    with pytest.raises(InputError, match=r"bare array .* Pass Embeddings\(ids, vectors, card="):
        learned.query_from(row[0])
    with pytest.raises(InputError, match="bare array"):
        learned.rows_from(row, 1)
    named = Embeddings(["x"], row, card=learned.card)
    assert learned.rows_from(named, 1).tolist() == row.tolist()
    assert learned.query_from(named)[1] == "same"


def test_field_refuses_a_foreign_space(declared, learned):
    """Embeddings of another space are refused with both cards, also at the same width."""
    stranger = Embeddings(["x"], np.ones((1, 3), np.float32))
    for use in (declared.query_from, lambda given: declared.rows_from(given, 1)):
        with pytest.raises(ForeignSpaceError) as caught:
            use(stranger)
        assert (caught.value.have, caught.value.want) == (stranger.card, declared.card)
    with pytest.raises(ForeignSpaceError):
        learned.query_from(Embeddings(["x"], np.ones((1, 3)), card=declared.card))


@pytest.mark.parametrize(
    "vector",
    [
        [1, 2],
        [[1, 2, 3], [4, 5, 6]],
        [np.nan, 1, 1],
        [np.inf, 1, 1],
        [0, 0, 0],
        ["a", "b", "c"],
        [[1, 2, 3], [4, 5]],
        [[[1, 2, 3]]],
        7,
        None,
    ],
)
def test_field_refuses_what_is_no_query(declared, vector):
    """Wrong width, two vectors, NaN, infinity, zero, text, ragged lists and scalars."""
    with pytest.raises(InputError):
        declared.query_from(vector)


@pytest.mark.parametrize(
    "rows", [[[1, 2]], [[1, 2, 3]] * 2, [[np.nan, 1, 1]], [[0, 0, 0]], [1, 2, 3], [["a", "b", "c"]]]
)
def test_field_refuses_what_are_no_rows(declared, rows):
    """Wrong width, wrong number, NaN, zero, one dimension, text."""
    with pytest.raises(InputError):
        declared.rows_from(rows, 1)


def test_field_of_several_embeddings_is_no_query(declared):
    """A query is one vector."""
    two = Embeddings(["a", "b"], np.eye(3)[:2], card=declared.card)
    with pytest.raises(InputError, match="one vector; got 2"):
        declared.query_from(two)


@pytest.mark.parametrize("metric", ["dot", "euclidean"])
def test_field_takes_zero_vectors_where_they_have_a_place(metric):
    """Zero is refused only where direction is all that counts."""
    assert field(Card.declared(2, metric)).rows_from([[0, 0]], 1).tolist() == [[0, 0]]


def test_field_without_an_encoder_says_so(declared):
    """It has none and cannot make one."""
    with pytest.raises(EncoderMissingError, match="has no encoder") as caught:
        declared.encoder()
    assert caught.value.field == "f"


def test_field_rebuilds_its_encoder_from_the_copy(words, tmp_path):
    """The copy encodes as the original did."""
    spec = keep_encoder(words, tmp_path)
    assert spec["kind"] == "word2vec"
    rebuilt = field(words.card, tmp_path, spec).encoder()
    text = ["red fox", "knight"]
    np.testing.assert_array_equal(rebuilt.encode(text).vectors, words.encode(text).vectors)


def test_keep_encoder_keeps_one_copy_and_nothing_beside_it(words, tmp_path):
    """The same encoder twice is one file, and no half-written one is left."""
    assert keep_encoder(words, tmp_path) == keep_encoder(words, tmp_path)
    (copy,) = (tmp_path / "encoders").iterdir()
    assert em.load(copy).card == words.card


def test_keep_encoder_names_what_is_too_large(words, tmp_path, monkeypatch):
    """Beyond LARGEST_COPY there is no copy, and asking for the encoder says what to pass."""
    monkeypatch.setattr(fields_module, "LARGEST_COPY", 10)
    spec = keep_encoder(words, tmp_path)
    assert "copy" not in spec
    assert not list((tmp_path / "encoders").iterdir())
    with pytest.raises(EncoderMissingError, match=r"not kept .* encoders=\{'f': the_encoder\}"):
        field(words.card, tmp_path, spec).encoder()


def test_keep_encoder_takes_an_encoder_that_saves_nothing(word_sum, tmp_path):
    """One whose save leaves no file, or fails half way, leaves no copy either."""

    class Silent(word_sum):
        def save(self, path):
            pass

    class Failing(word_sum):
        def save(self, path):
            path.write_text("half")
            raise NotImplementedError

    class Folder(word_sum):
        def save(self, path):
            path.mkdir()

    assert "copy" not in keep_encoder(Silent(), tmp_path)
    assert "copy" not in keep_encoder(word_sum(), tmp_path)  # its file is none that load reads
    with pytest.raises(InputError, match="must write one file"):
        keep_encoder(Folder(), tmp_path)
    with pytest.raises(NotImplementedError):
        keep_encoder(Failing(), tmp_path)
    assert not list((tmp_path / "encoders").iterdir())


@pytest.mark.parametrize("harm", ["missing", "damaged", "not loadable"])
def test_field_with_a_useless_copy_says_how_to_supply_the_encoder(words, word_sum, tmp_path, harm):
    """Whatever is wrong with the copy, the way out is the same, and it works."""
    encoder = word_sum() if harm == "not loadable" else words
    spec = keep_encoder(encoder, tmp_path)
    if harm == "missing":
        shutil.rmtree(tmp_path / "encoders")
    elif harm == "damaged":
        copy = tmp_path / spec["copy"]
        copy.write_bytes(copy.read_bytes()[:-9])
    one = field(encoder.card, tmp_path, spec)
    with pytest.raises(EncoderMissingError, match=r"encoders=\{'f': the_encoder\}"):
        one.encoder()
    one.give(encoder)
    assert one.encoder() is encoder


def test_field_refuses_an_encoder_of_another_space(words, word_sum):
    """Neither a foreign encoder nor something that is none is given."""
    one = field(words.card, encoder={"kind": "word2vec"})
    with pytest.raises(ForeignSpaceError):
        one.give(word_sum())
    with pytest.raises(InputError, match=r"must have a card, encode\(\) and save\(\); got int"):
        one.give(7)


def test_field_notices_an_encoder_that_was_fitted_anew(word_sum):
    """An encoder that makes another space now is refused at its next use."""
    encoder = word_sum(seed=1)
    one = field(encoder.card)
    one.give(encoder)
    encoder.card = word_sum(seed=2).card
    with pytest.raises(ForeignSpaceError):
        one.encoder()


@pytest.mark.parametrize(
    ("metric", "bounds"), [("cosine", (-1, 1)), ("dot", (-1, 1)), ("euclidean", (-1, 0))]
)
def test_field_has_a_background_before_it_was_measured(metric, bounds):
    """The metric's own bounds, where it has any."""
    background = field(Card.declared(2, metric)).background("query")
    assert (background.low, background.high, background.items) == (*bounds, 0)
