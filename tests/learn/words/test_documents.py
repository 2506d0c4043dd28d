"""Laws of documents: the mean of their words, exact and small however long a sentence is."""

import tracemalloc

import numpy as np
import pytest

from embedry.data.corpus import Corpus
from embedry.learn.words import documents
from embedry.learn.words.documents import SentenceMoments, smooth_weights, weighted_sum
from embedry.learn.words.vocabulary import Vocabulary


def random_vectors(words, dims, seed=0):
    return np.random.default_rng(seed).standard_normal((words, dims)).astype(np.float32)


def test_weighted_sum_is_the_sum_of_all_tokens(monkeypatch):
    """Words counted once each, in bites, sum to what their tokens sum to one by one."""
    monkeypatch.setattr(documents, "_ROWS", 7)
    vectors, tokens = random_vectors(50, 6), np.random.default_rng(1).integers(0, 50, 400)
    weights = np.linspace(0.1, 1, 50, dtype=np.float32)
    found = weighted_sum(vectors, weights, *np.unique(tokens, return_counts=True))
    expected = (weights[tokens, None].astype(np.float64) * vectors[tokens]).sum(axis=0)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    nothing = np.empty(0, np.int64)
    assert not weighted_sum(vectors, weights, nothing, nothing).any()


def plain_direction(vectors, vocabulary, corpus):
    """Every sentence, token by token, and the first right singular vector of their means."""
    weights = smooth_weights(vocabulary.counts)
    means = []
    for first, last in zip(corpus.offsets[:-1], corpus.offsets[1:], strict=True):
        ids = vocabulary.id_of[corpus.tokens[first:last]]
        ids = ids[ids >= 0]
        if len(ids):
            means.append((weights[ids, None] * vectors[ids]).sum(axis=0) / len(ids))
    return np.linalg.svd(np.array(means), full_matrices=False)[2][0]


def test_common_direction_is_the_first_singular_one(monkeypatch):
    """Whatever the bites: long and short sentences, rare words, sentences of rare words alone."""
    monkeypatch.setattr(documents, "_BITE", 10)
    monkeypatch.setattr(documents, "_AT_ONCE", 7)
    rng = np.random.default_rng(2)
    lines = [" ".join(f"w{n}" for n in rng.integers(0, 30, rng.integers(1, 40))) for _ in range(60)]
    corpus = Corpus.from_lines([*lines, "rare", "w1 rarer w2"])
    vocabulary = Vocabulary.of(corpus, 2)
    vectors = random_vectors(len(vocabulary), 8)
    found = SentenceMoments.of(vectors, vocabulary, corpus).common_direction()
    assert abs(found @ plain_direction(vectors, vocabulary, corpus)) > 1 - 1e-6


def test_common_direction_looks_at_its_most_sentences_at_most(monkeypatch):
    """Of 19 sentences with room for 10, every other one counts."""
    monkeypatch.setattr(documents, "_SENTENCES", 10)
    corpus = Corpus.from_lines([f"a{n % 2} b{n % 2}" for n in range(19)])
    vocabulary = Vocabulary.of(corpus, 1)
    vectors = np.eye(4, dtype=np.float32)  # of a0 b0 a1 b1, in this order
    found = SentenceMoments.of(vectors, vocabulary, corpus).common_direction()
    assert vocabulary.words[:2] == ("a0", "b0")
    np.testing.assert_allclose(np.abs(found), [0.5**0.5, 0.5**0.5, 0, 0], atol=1e-6)


def test_moments_of_two_texts_are_those_of_both(monkeypatch):
    """Added up, texts count by their sentences, however few of them were looked at."""
    lines = [f"a{n % 3} b{n % 2} c{n % 5}" for n in range(90)]
    whole, first, rest = map(Corpus.from_lines, (lines, lines[:30], lines[30:]))
    vocabulary = Vocabulary.of(whole, 1)
    vectors = random_vectors(len(vocabulary), 5)
    both = SentenceMoments.of(vectors, vocabulary, whole)
    parts = []
    for corpus in (first, rest):
        grown = Vocabulary.grown(vocabulary.words, vocabulary.counts, corpus, 1)
        own = Vocabulary(vocabulary.words, vocabulary.counts, grown.id_of)
        parts.append(SentenceMoments.of(vectors, own, corpus))
    np.testing.assert_allclose((parts[0] + parts[1]).gram, both.gram, rtol=1e-6)
    assert (parts[0] + parts[1]).sentences == both.sentences == 90
    monkeypatch.setattr(documents, "_SENTENCES", 13)
    thinned = SentenceMoments.of(vectors, vocabulary, whole)
    assert thinned.sentences == 90
    assert np.trace(thinned.gram) == pytest.approx(np.trace(both.gram), rel=0.2)


def peak_of(work):
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_common_direction_of_a_long_line_is_as_small_as_of_short_ones():
    """A line of a million tokens takes no vector for each of them."""
    tokens = np.random.default_rng(3).integers(0, 500, 1_000_000).astype(np.int32)
    words = tuple(f"w{n}" for n in range(500))
    offsets = np.array([0, 999_990, 1_000_000])
    corpus = Corpus(words, tokens, offsets, "words")
    vocabulary = Vocabulary.of(corpus, 1)
    vectors = random_vectors(500, 100)
    peak = peak_of(lambda: SentenceMoments.of(vectors, vocabulary, corpus).common_direction())
    assert peak < 20 * 2**20  # a vector a token would be 400 MB
