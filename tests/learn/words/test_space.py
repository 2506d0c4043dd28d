"""Laws of a word space: texts are placed in room for their words, not for their tokens."""

import tracemalloc

import numpy as np
import pytest

from embedry.data.corpus import Corpus
from embedry.errors import InputError
from embedry.learn.word2vec import Word2Vec
from embedry.learn.words.ngrams import Subwords


@pytest.fixture(scope="module")
def words():
    lines = [" ".join(f"w{n}" for n in row) for row in np.arange(1200).reshape(-1, 12) % 60]
    return Word2Vec(200, min_count=1, epochs=1, threads=1, subwords=Subwords(2, 3, 500)).fit(
        Corpus.from_lines(lines)
    )


@pytest.mark.parametrize("word", ["w1", "w1unseen"])
def test_encode_of_a_long_text_takes_no_vector_a_token(words, word):
    """A text of 200,000 tokens, known or guessed, takes what its list of tokens takes."""
    text = f"{word} w2 " * 100_000
    words.encode([text[:100]])
    tracemalloc.start()
    found = words.encode([text, f"{word} w2"]).vectors
    shares = words.word_shares(text, found[1] / np.linalg.norm(found[1]))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40 * 2**20  # a vector a token would be 160 MB
    np.testing.assert_allclose(found[0], found[1], atol=1e-6)
    assert list(shares) == [word, "w2"]
    assert sum(shares.values()) == pytest.approx(1, abs=1e-4)


def test_encode_with_subwords_refuses_a_lone_surrogate():
    """N-grams are of Unicode text; what is none is refused, not guessed."""
    corpus = Corpus.from_lines(["aa bb", "bb aa"], tokenizer="whitespace")
    words = Word2Vec(4, min_count=1, epochs=1, threads=1, subwords=Subwords(2, 3, 50)).fit(corpus)
    with pytest.raises(InputError, match="Unicode"):
        words.encode(["aa \udc80"])
