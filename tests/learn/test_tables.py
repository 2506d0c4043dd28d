"""Laws of tables in training: what diverged is never kept."""

import numpy as np
import pytest

from embedry import Corpus, Word2Vec
from embedry.errors import InputError
from embedry.learn import tables
from embedry.learn.tables import check_steady


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf, 1e4, -1e4])
def test_check_steady_refuses_what_ran_away(wrong):
    """NaN, infinity and numbers out of all bounds, of either sign, name the learning rate."""
    vectors = np.ones((3, 4), np.float32)
    check_steady(vectors, 0.5)
    vectors[1, 2] = wrong
    with pytest.raises(InputError, match=r"learning_rate must be low enough .* at 0\.5"):
        check_steady(vectors, 0.5)


def test_partial_fit_that_diverges_leaves_what_was_learned(monkeypatch):
    """The learner stays as it was: the same vectors, the same card."""
    corpus = Corpus.from_lines(["a b c d e f"] * 50)
    words = Word2Vec(8, min_count=1, threads=1).fit(corpus)
    before = words.embeddings_
    monkeypatch.setattr(tables, "_DIVERGED", 1e-6)
    with pytest.raises(InputError, match="learning_rate must be low enough"):
        words.partial_fit(corpus)
    assert words.embeddings_ is before
    assert words.card.generation == 0
    assert words.growth_ is None
