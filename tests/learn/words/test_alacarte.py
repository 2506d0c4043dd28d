"""Laws of a la carte: a new word's features are those the map was fitted on, from all the text."""

import numpy as np
import pytest

from embedry.card import Card
from embedry.data.corpus import Corpus
from embedry.embeddings import Embeddings
from embedry.kernels.sampling.contexts import add_contexts_plain
from embedry.learn.word2vec import Word2Vec
from embedry.learn.words import alacarte
from embedry.learn.words.alacarte import ContextMap, context_map
from embedry.learn.words.space import ROLES, WordSpace
from embedry.learn.words.vocabulary import Vocabulary


def random_space(lines, min_count=1, dims=6):
    """A space of the words of a text, with vectors at random."""
    corpus = Corpus.from_lines(lines)
    vocabulary = Vocabulary.of(corpus, min_count)
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((len(vocabulary), dims)).astype(np.float32)
    embeddings = Embeddings(vocabulary.words, vectors, Card("test", dims, "cosine", "0", ROLES))
    common = np.zeros(dims, np.float32)
    return WordSpace(embeddings, vocabulary.counts, common, "words"), corpus, vocabulary


def random_lines(count, words=30, seed=1):
    rng = np.random.default_rng(seed)
    return [
        " ".join(f"w{n}" for n in rng.integers(0, words, rng.integers(1, 15))) for _ in range(count)
    ]


@pytest.mark.parametrize("window", [1, 3])
def test_place_sees_a_word_as_the_fit_saw_it(window):
    """Rare words are dropped before the window is laid, in the fit and in place alike."""
    lines = [f"{line} rare{n} w1 w2" for n, line in enumerate(random_lines(80))]
    space, corpus, vocabulary = random_space(lines, min_count=2)
    all_of_them = np.ones(len(vocabulary), bool)
    known = alacarte._known(space, alacarte._looked_at(corpus, vocabulary), window, all_of_them)
    placing = ContextMap(window, None)
    for word in ("w1", "w7"):
        own = space.ids[word]
        texts = [line for line in lines if word in line.split()]
        feature, seen = placing._feature(space, word, texts)
        np.testing.assert_allclose(feature, known.features[own], atol=1e-5)
        assert seen == known.support[own]


def test_contexts_are_those_of_the_kernel():
    """Occurrence by occurrence they sum to what the kernel's oracle adds up."""
    space, corpus, vocabulary = random_space(random_lines(60, words=5))
    text = alacarte._looked_at(corpus, vocabulary)
    slot_of = np.array([-1, -1, 0, -1, -1], np.int32)
    sums, around, seen = np.zeros((1, 6)), np.zeros(1, np.int64), np.zeros(1, np.int64)
    vectors = space.embeddings.vectors
    add_contexts_plain(
        vectors, space.weights, text.tokens, text.offsets, 4, slot_of, sums, around, seen
    )
    found, near = alacarte._contexts(space, text, np.flatnonzero(text.tokens == 2), 4)
    np.testing.assert_allclose(found.sum(axis=0), sums[0], atol=1e-3)
    assert near.sum() == around[0]


@pytest.mark.parametrize("lines", [random_lines(400), [" ".join(random_lines(400))]])
def test_context_map_looks_evenly_over_a_long_text(monkeypatch, lines):
    """At most so many tokens, of each tenth of the text some, none twice."""
    monkeypatch.setattr(alacarte, "_TOKENS", 500)
    monkeypatch.setattr(alacarte, "_PIECES", 20)
    corpus = Corpus.from_lines(
        [" ".join(f"{t}x{n}" for t in line.split()) for n, line in enumerate(lines)]
    )
    vocabulary = Vocabulary.of(corpus, 1)
    corpus = Corpus(
        corpus.words, np.arange(corpus.token_count, dtype=np.int32), corpus.offsets, "words"
    )
    numbers = np.arange(corpus.token_count, dtype=np.int32)
    vocabulary = Vocabulary(vocabulary.words, vocabulary.counts, numbers)
    text = alacarte._looked_at(corpus, vocabulary)
    assert 400 <= len(text.tokens) <= 500
    assert len(np.unique(text.tokens)) == len(text.tokens)
    tenths = np.bincount(text.tokens * 10 // corpus.token_count, minlength=10)
    assert (tenths >= 25).all()
    assert text.offsets[0] == 0
    assert text.offsets[-1] == len(text.tokens)


def test_context_map_adds_a_text_to_those_before():
    """The sums of two texts are those of each; the window is that of the first."""
    lines = random_lines(300, words=120)
    space, corpus, vocabulary = random_space(lines)
    first = context_map(space, corpus, vocabulary, 3, None)
    twice = context_map(space, corpus, vocabulary, 5, first)
    assert twice.window == 3
    assert twice.evidence.items == 2 * first.evidence.items
    np.testing.assert_allclose(twice.evidence.grams, 2 * first.evidence.grams, rtol=1e-5)
    np.testing.assert_allclose(twice.evidence.crosses, 2 * first.evidence.crosses, rtol=1e-5)


def test_context_map_leaves_words_to_the_texts_that_tell_most_of_them():
    """A line says nothing of words seen often before; of new words, and of a large text, all."""
    space, corpus, vocabulary = random_space(random_lines(300, words=120))
    first = context_map(space, corpus, vocabulary, 3, None)
    for lines, joined in ((["w1 w2 w3"], 0), (random_lines(600, words=120, seed=2), 120)):
        more = Corpus.from_lines(lines)
        grown = Vocabulary.grown(vocabulary.words, vocabulary.counts, more, 1)
        found = context_map(space, more, grown, 3, first)
        assert found.evidence.items - first.evidence.items == joined


def meant_lines(sentences=6000, words=1000, seed=0):
    """Sentences of ten words, drawn by what the sentence means and how frequent they are."""
    rng = np.random.default_rng(seed)
    meant = 1.5 * rng.standard_normal((sentences, 6)) @ rng.standard_normal((6, words))
    meant -= 0.7 * np.log(np.arange(1, words + 1)) + np.log(-np.log(rng.random((sentences, words))))
    rows = np.argsort(-meant, axis=1)[:, :10]  # Gumbel: drawn without replacement
    return [" ".join(f"w{n}" for n in row) for row in rng.permuted(rows, axis=1)]


def directions(embeddings, ids):
    rows = np.array([embeddings[id] for id in ids])
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_confidence_holds_for_words_that_the_text_never_had():
    """Words are removed from the text, placed, and judged by a training that has them.

    What is promised is the cosine reached, within .06 for any number of contexts; the two spaces
    are laid over each other by the words that both have (orthogonal Procrustes).
    """
    lines = meant_lines()
    whole = Word2Vec(24, sample=0, epochs=4, threads=1, seed=1).fit(Corpus.from_lines(lines))
    frequent = [
        id for id, count in zip(whole.embeddings_.ids, whole.counts_, strict=True) if count >= 50
    ]
    gone = frequent[5::8]
    less = [" ".join(word for word in line.split() if word not in gone) for line in lines]
    without = Word2Vec(24, sample=0, epochs=4, threads=1, seed=1).fit(Corpus.from_lines(less))
    both = without.embeddings_.ids
    pairs = directions(whole.embeddings_, both).T @ directions(without.embeddings_, both)
    u, _, v = np.linalg.svd(pairs)
    truth = directions(whole.embeddings_, gone) @ u @ v
    for few in (1, 4, 16):
        contexts = [[line for line in lines if id in line.split()][:few] for id in gone]
        placed = without.place(gone, contexts=contexts)
        rows = placed.embeddings.vectors
        reached = (rows * truth).sum(axis=1) / np.linalg.norm(rows, axis=1)
        assert placed.confidence.mean() == pytest.approx(reached.mean(), abs=0.06)


def test_confidence_is_none_where_no_word_is_frequent():
    """A map of words that are all rare is there, but nobody knows what it is worth."""
    words = Word2Vec(8, min_count=1, threads=1).fit(Corpus.from_lines(random_lines(300, 150)))
    placed = words.place(["fresh"], contexts=[["w1 fresh w2"]])
    assert placed.embeddings.vectors.any()
    assert placed.confidence is None
