"""Tokens: as the model's file cuts, with the model's length, and no padding."""

from __future__ import annotations

import pytest
from tests.encode.transformer.made import PIECES, plain_model, write_tokenizer

import embedry as em
from embedry.encode.transformer.tokens import Tokens


@pytest.fixture
def model(tmp_path):
    """A folder whose tokenizer.json cuts at 4 and pads to 9."""
    return plain_model(tmp_path / "model")


def named(ids):
    return [PIECES[number] for number in ids]


def test_tokens_are_neither_padded_nor_cut_as_the_file_says(model):
    """The model's length counts; special tokens are within it."""
    cut = Tokens(model, 7).cut(["the bank", "the river bank of the lake", "a b c a b", ""])
    assert [named(ids) for ids in cut.ids] == [
        ["[CLS]", "the", "bank", "[SEP]"],
        ["[CLS]", "the", "river", "bank", "of", "the", "[SEP]"],
        ["[CLS]", "a", "b", "c", "a", "b", "[SEP]"],
        ["[CLS]", "[SEP]"],
    ]
    assert [bool(one) for one in cut.truncated] == [False, True, False, False]


def test_tokens_of_a_pair_say_which_text_they_are_of(model):
    """Of a pair that is too long, the longer text is cut."""
    cut = Tokens(model, 8).cut([("the bank", "a b c a b c")])
    assert named(cut.ids[0]) == ["[CLS]", "the", "bank", "[SEP]", "a", "b", "c", "[SEP]"]
    assert cut.segments[0].tolist() == [0, 0, 0, 0, 1, 1, 1, 1]


def test_tokens_digest_is_of_how_texts_are_cut(model):
    """Padding and length in the file do not count; what cuts does."""
    first = Tokens(model, 8).digest
    write_tokenizer(model, truncation=None, padding=None)
    assert Tokens(model, 9).digest == first
    write_tokenizer(model, normalizer=None)
    assert Tokens(model, 8).digest != first


def test_tokens_need_a_whole_file(model):
    """Missing or damaged, it is named, and how to make it."""
    (model / "tokenizer.json").write_text("{")
    with pytest.raises(em.FileFormatError, match=r"tokenizer\.json is damaged"):
        Tokens(model, 8)
    (model / "tokenizer.json").unlink()
    with pytest.raises(FileNotFoundError, match="AutoTokenizer"):
        Tokens(model, 8)
