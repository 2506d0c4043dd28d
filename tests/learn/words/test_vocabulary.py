"""Laws of vocabularies: which words are learned, and a corpus in their ids, bite by bite."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedry import Corpus
from embedry.errors import InputError
from embedry.learn.words import vocabulary as module
from embedry.learn.words.vocabulary import Vocabulary, parts_of, sentences_of

LINES = ["b a b", "c a", "", "b d d a"]


def texts(sentences, words):
    """Return sentences in words again."""
    for bite in sentences:
        for first, last in zip(bite.offsets[:-1], bite.offsets[1:], strict=True):
            yield [words[id] for id in bite.tokens[first:last]]


def test_vocabulary_orders_by_count_then_appearance():
    """Most frequent first, ties as they came, rare ones left out."""
    found = Vocabulary.of(Corpus.from_lines(LINES), 2)
    assert found.words == ("b", "a", "d")
    assert found.counts.tolist() == [3, 3, 2]


def test_vocabulary_refuses_fewer_than_two_words():
    """There is nothing to tell a single word from."""
    with pytest.raises(InputError, match="At least two words must occur 3 times; 1 do"):
        Vocabulary.of(Corpus.from_lines(["a a a b"]), 3)


def test_grown_keeps_ids_and_adds_counts():
    """Known words stay where they were, also those that are absent; new ones follow."""
    found = Vocabulary.grown(["z", "a"], np.array([7, 5]), Corpus.from_lines(LINES), 2)
    assert found.words == ("z", "a", "b", "d")
    assert found.counts.tolist() == [7, 8, 3, 2]


@settings(deadline=None)
@given(
    lines=st.lists(st.lists(st.sampled_from("abcdef"), max_size=12), min_size=1, max_size=12),
    bite=st.integers(1, 20),
    threads=st.integers(1, 4),
    min_count=st.integers(1, 3),
)
def test_parts_say_the_corpus_once(lines, bite, threads, min_count):
    """All parts together give each sentence once, in order, less the words left out."""
    corpus = Corpus.from_lines([*map(" ".join, lines), "a b a b a b"])
    vocabulary = Vocabulary.of(corpus, min_count)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BITE", bite)
        parts = parts_of(corpus, vocabulary, threads, np.random.default_rng(0))
        bites = [list(part.sentences(0)) for part in parts]
    assert len(parts) <= threads
    assert [sum(b.seen for b in some) for some in bites] == [part.seen for part in parts]
    assert sum(part.seen for part in parts) == corpus.token_count
    flat = [word for some in bites for text in texts(some, vocabulary.words) for word in text]
    known = set(vocabulary.words)
    assert flat == [w for s in range(len(corpus)) for w in corpus.sentence(s) if w in known]
    assert all(b.seen <= bite for some in bites for b in some)


def test_sentences_are_cut_only_where_they_are_longer_than_a_bite():
    """A sentence that fits a bite comes in one piece; longer ones in pieces of a bite."""
    corpus = Corpus.from_lines(["a b", "a b a", "a a a a a b b"])
    vocabulary = Vocabulary.of(corpus, 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BITE", 4)
        found = list(
            texts(sentences_of(corpus, vocabulary, 0, corpus.token_count), vocabulary.words)
        )
    assert found == [list("ab"), list("aba"), list("aaaa"), list("abb")]
