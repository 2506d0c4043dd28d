"""Subwords: the buckets of fastText, to the last one."""

from __future__ import annotations

import numpy as np
import pytest
from gensim.models.fasttext_inner import compute_ngrams_bytes, ft_hash_bytes
from hypothesis import example, given
from hypothesis import strategies as st

from embedry.errors import InputError
from embedry.subwords import END_OF_SENTENCE, ngram_hashes, ngrams_of

# as fastText 0.9.2 itself printed them, get_subwords of a model with 2,000,000 buckets
FASTTEXT = {
    "a": [1087600],
    "as": [1429031, 419163, 1039177],
    "straße": [
        1131652, 64706, 922521, 931, 1748752, 102627, 1121005, 610456, 963910, 733376, 90303,
        1020947, 1840342, 1392329, 1151573, 910809, 31141, 679512,
    ],
}  # fmt: skip

words = st.text(st.sampled_from("abß日🦜<>/s é\u0301\n") | st.characters(exclude_categories=["Cs"]))
lengths = st.integers(0, 7)


@pytest.mark.parametrize("word", FASTTEXT)
def test_ngram_hashes_are_those_of_fasttext(word):
    """The buckets that fastText prints for a word of ASCII, and one beyond it."""
    assert ngram_hashes(word, 3, 6, 2_000_000).tolist() == FASTTEXT[word]


@given(word=words, shortest=st.integers(1, 7), longest=lengths, buckets=st.integers(1, 2**31 - 1))
def test_ngram_hashes_equal_gensim(word, shortest, longest, buckets):
    """Any word, any lengths: the n-grams of gensim, in its order."""
    expected = [
        ft_hash_bytes(ngram) % buckets for ngram in compute_ngrams_bytes(word, shortest, longest)
    ]
    found = ngram_hashes(word, shortest, longest, buckets)
    assert found.dtype == np.int32
    assert found.tolist() == (expected if word != END_OF_SENTENCE else [])


@given(
    many=st.lists(words | st.binary() | st.just(END_OF_SENTENCE), max_size=6),
    shortest=lengths,
    longest=lengths,
    buckets=st.integers(1, 2**31 - 1),
)
@example(["ab", "c"], 1, 1, 1000)
@example([b"\x80", b"\xff\x80\x80", b"", "</s>", b"<\x80"], 1, 3, 1000)
def test_ngrams_of_equal_one_by_one(many, shortest, longest, buckets):
    """All words at once get what each gets alone, bytes that are no UTF-8 included."""
    starts, found = ngrams_of(many, shortest, longest, buckets)
    each = [ngram_hashes(word, shortest, longest, buckets) for word in many]
    assert (starts.dtype, found.dtype) == (np.int64, np.int32)
    assert starts.tolist() == [0, *np.cumsum([len(one) for one in each]).tolist()]
    assert found.tolist() == [bucket for one in each for bucket in one]


def test_ngram_hashes_read_bytes_as_text():
    """A word and its UTF-8 bytes are one word; the end of a sentence has no n-grams."""
    assert (
        ngram_hashes("日本", 2, 3, 99).tolist() == ngram_hashes("日本".encode(), 2, 3, 99).tolist()
    )
    assert len(ngram_hashes("日本", 1, 9, 99)) == 2 + 3 + 2 + 1
    assert not len(ngram_hashes(b"</s>", 1, 6, 99))


def test_ngram_hashes_count_repeats():
    """An n-gram that is there twice counts twice."""
    found = ngram_hashes("aaa", 2, 2, 2_000_000).tolist()
    assert len(found) == 4
    assert found[1] == found[2]


@pytest.mark.parametrize(
    ("word", "sizes", "message"),
    [
        (1, (3, 6, 9), "must be a str"),
        (None, (3, 6, 9), "must be a str"),
        ("\ud800", (3, 6, 9), "surrogate"),
        ("a", (-1, 6, 9), "shortest"),
        ("a", (3, 1001, 9), "longest"),
        ("a", (3.0, 6, 9), "shortest"),
        ("a", (3, True, 9), "longest"),
        ("a", (3, 6, 0), "buckets"),
        ("a", (3, 6, 2**31), "buckets"),
    ],
)
def test_ngram_hashes_refuse(word, sizes, message):
    """What is no word, and sizes that no model has, are refused by name; one word or many."""
    with pytest.raises(InputError, match=message):
        ngram_hashes(word, *sizes)
    with pytest.raises(InputError, match=message):
        ngrams_of([word], *sizes)
