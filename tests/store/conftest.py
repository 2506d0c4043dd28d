"""Encoders for the tests of the store: one of anybody's making, and a small learned one."""

import re
import zlib
from pathlib import Path

import numpy as np
import pytest

import embedry as em
from embedry.card import Card, fingerprint
from embedry.encode.encoder import Encoded

LINES = [
    "a red fox runs in the wood",
    "the red fox and the grey wolf hunt in the wood",
    "a grey wolf runs and hunts",
    "dragons guard gold under the mountain",
    "a knight fights dragons for gold",
    "the knight rides over the mountain",
] * 6


class WordSum:
    """An encoder nobody can load: the sum of one random vector for each word.

    Words that begin with "q" are unknown to it.
    """

    def __init__(self, seed=0, dims=6, metric="cosine"):
        self.card = Card("wordsum", dims, metric, fingerprint("wordsum", seed, dims, metric))
        self.seed = seed
        self.calls = 0

    def word(self, word):
        seed = [self.seed, zlib.crc32(word.encode())]
        return np.random.default_rng(seed).standard_normal(self.card.dims)

    def encode(self, items, role="document"):
        self.calls += 1
        rows = np.zeros((len(items), self.card.dims), np.float32)
        unknown = []
        for place, text in enumerate(items):
            for word in re.findall(r"\w+", text.lower()):
                if word.startswith("q"):
                    unknown.append(word)
                else:
                    rows[place] += self.word(word)
        return Encoded(rows, self.card, unknown=tuple(dict.fromkeys(unknown)))

    def save(self, path):
        Path(path).write_text("nothing that Embedry reads")


@pytest.fixture(scope="session")
def word_sum():
    """The class of a custom encoder whose copy cannot be loaded."""
    return WordSum


@pytest.fixture(scope="session")
def words():
    """A small learned encoder, of which a collection keeps a copy."""
    corpus = em.Corpus.from_lines(LINES)
    return em.Word2Vec(dims=8, min_count=1, epochs=3, seed=1, threads=1).fit(corpus)


@pytest.fixture
def books(tmp_path):
    """An empty collection."""
    with em.Collection.open(tmp_path / "books.embedry") as collection:
        yield collection
