"""The laws of tables of words: what was learned goes on, what is new starts at random."""

import numpy as np
import pytest

from embedry.learn.tables import random_rows
from embedry.learn.words.ngrams import Subwords
from embedry.learn.words.tables import WordTables

WORDS = ["cat", "cats", "dog"]
MORE = [*WORDS, "dogs", "bird"]


def learned(subwords, dims=5):
    """Tables that look trained, and what is kept of them."""
    generator = np.random.default_rng(0)
    tables = WordTables.started(WORDS, dims, "skipgram", subwords, generator, threads=1)
    tables.tables.contexts[:, :dims] = generator.random((len(WORDS), dims))
    return {"vectors": tables.tables.vectors[: len(WORDS), :dims].copy(), **tables.arrays()}


@pytest.mark.parametrize("subwords", [None, Subwords(2, 3)])
@pytest.mark.parametrize("threads", [1, 2])
def test_tables_that_grow_keep_what_is_known(subwords, threads):
    """Known words and n-grams have their rows, new ones random rows, in the order drawn."""
    arrays = learned(subwords)
    before = {name: array.copy() for name, array in arrays.items()}
    old = WordTables.from_arrays(arrays, WORDS, "skipgram", subwords)
    grown = old.grown(MORE, np.random.default_rng(7), threads)
    vectors, contexts = grown.tables.vectors, grown.tables.contexts
    known = arrays["vectors" if subwords is None else "rows"]
    drawn = np.random.default_rng(7)
    np.testing.assert_array_equal(vectors[:3, :5], known[:3])
    np.testing.assert_array_equal(vectors[3:5, :5], random_rows(2, 5, drawn))
    np.testing.assert_array_equal(contexts[:3, :5], arrays["contexts"])
    assert not contexts[3:].any()
    if subwords is not None:
        many = len(arrays["buckets"])
        np.testing.assert_array_equal(grown.pieces.buckets[:many], arrays["buckets"])
        np.testing.assert_array_equal(vectors[5 : 5 + many, :5], known[3:])
        fresh = random_rows(len(vectors) - 5 - many, 5, drawn)
        assert len(fresh) > 0
        np.testing.assert_array_equal(vectors[5 + many :, :5], fresh)
    assert vectors.shape[1] == contexts.shape[1] == 16
    assert not vectors[:, 5:].any()
    vectors += 1  # trained on, they leave the parent alone
    contexts += 1
    for name, array in before.items():
        np.testing.assert_array_equal(arrays[name], array)


def test_tables_that_do_not_fit_their_words_are_refused():
    """A file whose arrays have other shapes than its words is damaged."""
    arrays = learned(None)
    with pytest.raises(ValueError, match="do not fit"):
        WordTables.from_arrays(arrays, MORE, "skipgram", None)
    with pytest.raises(KeyError):
        WordTables.from_arrays(arrays, WORDS, "skipgram", Subwords(2, 3))
