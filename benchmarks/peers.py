"""Gensim with the settings that the benchmarks share, one thread."""

from __future__ import annotations

import logging

SETTINGS = {"window": 5, "negative": 5, "sample": 1e-3, "min_count": 5}


def gensim_words(dims: int, *, seed: int = 1, epochs: int, cbow: bool = False, **more):
    """Return gensim's Word2Vec; with ``sentences`` or ``corpus_file`` it is trained."""
    from gensim.models import Word2Vec

    logging.getLogger("gensim").setLevel(logging.ERROR)
    settings = SETTINGS | {"workers": 1, "seed": seed, "epochs": epochs} | more
    return Word2Vec(vector_size=dims, sg=int(not cbow), **settings)


def gensim_subwords(dims: int, subwords, *, seed: int = 1, epochs: int, **more):
    """Return gensim's FastText, skip-gram with n-grams of characters."""
    from gensim.models import FastText

    logging.getLogger("gensim").setLevel(logging.ERROR)
    settings = SETTINGS | {"workers": 1, "seed": seed, "epochs": epochs} | more
    grams = {"min_n": subwords.shortest, "max_n": subwords.longest, "bucket": subwords.buckets}
    return FastText(vector_size=dims, sg=1, **grams, **settings)
