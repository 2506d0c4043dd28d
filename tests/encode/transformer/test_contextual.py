"""Words in context: offsets, the mean of tokens, and that a context changes a word."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from tests.encode.transformer.made import change_json, plain_model, sentence_model, write_json

import embedry as em
from embedry.encode.transformer.model.architecture import Architecture
from embedry.encode.transformer.model.checkpoint import Checkpoint
from embedry.encode.transformer.model.plain import forward
from embedry.encode.transformer.model.weights import Weights
from embedry.encode.transformer.tokens import Tokens

TEXT = "The rivers' bank, don't fishing 我 you"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return plain_model(tmp_path_factory.mktemp("models") / "model")


@pytest.fixture(scope="module")
def encoder(model):
    return em.TextEncoder(model, "float32")


def test_tokens_and_words_stand_where_they_say(encoder):
    """Every stretch is the text between its offsets; special tokens have none."""
    found = encoder.encode_tokens(TEXT)
    for spans in (found.tokens, found.words):
        places = zip(spans.starts, spans.ends, strict=True)
        assert list(spans.texts) == [TEXT[start:end] for start, end in places]
        assert spans.vectors.shape == (len(spans), 16)
        assert spans.vectors.dtype == np.float32
    assert found.words.texts == ("The", "rivers", "bank", "don't", "fishing", "我", "you")
    assert found.tokens.texts[:4] == ("The", "river", "s", "'")
    assert not found.truncated


@pytest.mark.parametrize("layers", [(0,), (1,), (-1,), (1, 2), (0, 1, 2)])
def test_tokens_are_what_the_layers_give(encoder, model, layers):
    """The mean of the chosen layers of the plain forward."""
    shape = Architecture.of(json.loads((model / "config.json").read_text()))
    (ids,) = Tokens(model, 32).cut([TEXT]).ids
    states = forward(Weights(Checkpoint(model), shape), ids[None], np.ones((1, len(ids)), "f4"))
    wanted = np.mean([states[layer][0] for layer in layers], axis=0)[1:-1]
    found = encoder.encode_tokens(TEXT, layers=layers).tokens.vectors
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_words_are_the_mean_of_their_tokens(encoder):
    """Of one token: it; of several: their mean."""
    found = encoder.encode_tokens(TEXT)
    tokens = dict(zip(found.tokens.texts, found.tokens.vectors, strict=True))
    np.testing.assert_allclose(found.words["bank"], tokens["bank"], atol=1e-6)
    wanted = (tokens["fish"] + tokens["ing"]) / 2
    np.testing.assert_allclose(found.words["fishing"], wanted, atol=1e-6)


def test_a_word_has_another_vector_in_another_context(encoder):
    """At the same place, too; only the layer before any context knows no difference."""
    river, loan = "the river bank rose", "the loan bank rose"
    last = [encoder.encode_tokens(text).words["bank"] for text in (river, loan)]
    assert not np.allclose(*last, atol=1e-2)
    first = [encoder.encode_tokens(text, layers=(0,)).words["bank"] for text in (river, loan)]
    np.testing.assert_allclose(*first, atol=1e-6)


def test_tokens_have_a_card_of_their_own(encoder):
    """They do not mix with vectors of texts, nor with those of other layers."""
    last, first = (encoder.encode_tokens(TEXT, layers=layers).card for layers in ((-1,), (0,)))
    assert last == encoder.encode_tokens("the bank", layers=(2,)).card
    assert last.relation_to(first) is em.Relation.FOREIGN
    assert last.relation_to(encoder.card) is em.Relation.FOREIGN


def test_tokens_of_another_precision_prove_themselves(encoder, model):
    """bfloat16 is the same space, by probes; int8 is it quantised; weights moved are another."""
    exact = encoder.encode_tokens(TEXT).card
    rounded = em.TextEncoder(model, "int8").encode_tokens(TEXT).card
    assert (exact.precision, rounded.precision) == ("float32", "int8")
    assert exact.relation_to(rounded) is em.Relation.QUANTIZED
    with contextlib.suppress(em.InputError):  # not every CPU has it
        brief = em.TextEncoder(model, "bfloat16").encode_tokens(TEXT).card
        assert brief.runtime != exact.runtime
        assert exact.relation_to(brief) is em.Relation.EQUIVALENT
    other = dataclasses.replace(exact, runtime="torch")
    assert exact.relation_to(other) is em.Relation.EQUIVALENT
    assert len(exact.probes.items) == 8


def test_tokens_of_several_threads_with_other_layers(encoder):
    """A choice made by one thread takes nothing away from another that is at work."""
    choices = [(0,), (1,), (2,), (0, 1)]
    wanted = [encoder.encode_tokens(TEXT, layers).tokens.vectors for layers in choices]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            made = [pool.submit(encoder.encode_tokens, TEXT, c) for _ in range(8) for c in choices]
            found = [each.result().tokens.vectors for each in made]
    finally:
        sys.setswitchinterval(before)
    for place, vectors in enumerate(found):
        np.testing.assert_allclose(vectors, wanted[place % 4], atol=1e-6)


def test_tokens_of_a_text_that_is_too_long_end(encoder):
    """What the model did not read has no vector, and this is said."""
    found = encoder.encode_tokens("the " * 40 + "bank")
    assert found.truncated
    assert len(found.tokens) == len(found.words) == 30


@pytest.mark.parametrize("text", ["", "   ", "!"])
def test_tokens_of_a_text_without_words(encoder, text):
    """No words, no vectors, no error."""
    found = encoder.encode_tokens(text)
    assert len(found.words) == 0
    assert found.words.vectors.shape == (0, 16)
    assert len(found.tokens) == len(text.strip())


def test_words_are_asked_for_by_name(encoder):
    """The first of several; one that is not there is named."""
    found = encoder.encode_tokens("the bank the bank")
    np.testing.assert_array_equal(found.words["bank"], found.words.vectors[1])
    with pytest.raises(em.UnknownIdError, match="must hold 'lake'; it holds the, bank") as caught:
        found.words["lake"]
    assert caught.value.ids == ("lake",)


def test_tokens_of_a_lowered_text_stand_where_they_stood(tmp_path):
    """do_lower_case makes two characters of an İ; offsets and texts are of what came."""
    folder = sentence_model(tmp_path / "model")
    write_json(folder / "sentence_bert_config.json", {"do_lower_case": True})
    parts = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    change_json(folder / "tokenizer.json", normalizer={**parts["normalizer"], "lowercase": False})
    encoder, text = em.TextEncoder(folder, "float32"), "İİİİ River Bank"
    found = encoder.encode_tokens(text)
    assert found.words.texts == ("İİİİ", "River", "Bank")
    assert found.tokens.texts[-2:] == ("River", "Bank")
    spans = encoder.spans(text)
    places = zip(spans.begins, spans.ends, strict=True)
    assert [text[begin:end] for begin, end in places][-2:] == ["River", "Bank"]
    np.testing.assert_allclose(*encoder.encode(["THE BANK", "the bank"]).vectors, atol=1e-6)


def test_tokens_of_half_a_pair_keep_their_places(encoder):
    """Half a surrogate pair is no character, and moves nothing."""
    text = "the \ud800 bank\udc00"
    found, wanted = (encoder.encode_tokens(some) for some in (text, "the \ufffd bank\ufffd"))
    np.testing.assert_array_equal(found.tokens.vectors, wanted.tokens.vectors)
    assert found.words.texts == ("the", "bank")
    assert found.words.starts.tolist() == wanted.words.starts.tolist() == [0, 6]
    assert encoder.spans(text).begins.tolist() == encoder.spans("the   bank").begins.tolist()


@pytest.mark.parametrize("layers", [(3,), (-4,), (), ("1",), (1.0,), 0, None, (True,), "12"])
def test_tokens_refuse_layers_that_are_not_there(encoder, layers):
    """Which there are is in the message."""
    with pytest.raises(em.InputError, match=r"layers must be ints in \[-3, 2\]"):
        encoder.encode_tokens(TEXT, layers=layers)


def test_tokens_take_layers_of_numpy(encoder):
    """An array of ints is ints."""
    found, wanted = (encoder.encode_tokens(TEXT, some) for some in (np.array([0, 1]), (0, 1)))
    np.testing.assert_array_equal(found.tokens.vectors, wanted.tokens.vectors)
    assert found.card == wanted.card


def test_tokens_refuse_what_is_no_text(encoder):
    """A list of texts is the likeliest mistake."""
    with pytest.raises(em.InputError, match="is list"):
        encoder.encode_tokens(["the bank"])


def test_static_encoder_has_no_contexts():
    """It says what has."""
    with pytest.raises(em.InputError, match="needs a transformer"):
        em.TextEncoder().encode_tokens("the bank")
