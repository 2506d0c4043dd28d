"""Gensim and fastnode2vec with the settings that the benchmarks share, one thread."""

from __future__ import annotations

import logging
from functools import cache

SETTINGS = {"window": 5, "negative": 5, "sample": 1e-3, "min_count": 5}


def gensim_words(dims: int, *, seed: int = 1, epochs: int, cbow: bool = False, **more):
    """Return gensim's Word2Vec; with ``sentences`` or ``corpus_file`` it is trained."""
    from gensim.models import Word2Vec

    logging.getLogger("gensim").setLevel(logging.ERROR)
    settings = SETTINGS | {"workers": 1, "seed": seed, "epochs": epochs} | more
    return Word2Vec(vector_size=dims, sg=int(not cbow), **settings)


def gensim_subwords(dims: int, subwords, *, seed: int = 1, epochs: int, cbow: bool = False, **more):
    """Return gensim's FastText, with n-grams of characters; trained as `gensim_words` is."""
    from gensim.models import FastText

    logging.getLogger("gensim").setLevel(logging.ERROR)
    settings = SETTINGS | {"workers": 1, "seed": seed, "epochs": epochs} | more
    grams = {"min_n": subwords.shortest, "max_n": subwords.longest, "bucket": subwords.buckets}
    return FastText(vector_size=dims, sg=int(not cbow), **grams, **settings)


def gensim_nodes(sentences, dims: int, nodes: int, *, seed: int, alpha: float):
    """Return gensim's skip-gram of nodes, (nodes, dims): ours but for the kernel.

    Walks are lists of the numbers of nodes, as str; each node is on one of them.
    """
    from gensim.models import Word2Vec

    logging.getLogger("gensim").setLevel(logging.ERROR)
    same = {"window": 10, "negative": 5, "sample": 0, "min_count": 1, "epochs": 1}
    more = {"sg": 1, "hs": 0, "workers": 1, "seed": seed, "alpha": alpha}
    model = Word2Vec(sentences, vector_size=dims, **same, **more)
    return model.wv[[str(node) for node in range(nodes)]]


class FastWalks:
    """Fastnode2vec's walks on one of our graphs, one from each node that has an edge."""

    def __init__(self, graph, p: float, q: float, length: int) -> None:
        from fastnode2vec import Graph

        sources, targets, _ = graph.edges()
        edges = list(zip(sources.tolist(), targets.tolist(), strict=True))
        self._graph = Graph(edges, directed=False, weighted=False, verbose=False)
        self._settings = length, p, q

    def called(self) -> int:
        """Walk by a call a walk, as its trainer does; return the steps taken."""
        nodes = range(len(self._graph.node_names))
        found = [self._graph.generate_random_walk(*self._settings, node) for node in nodes]
        return sum(map(len, found)) - len(nodes)

    def compiled(self) -> int:
        """Walk by its compiled function in a compiled loop; return the steps taken."""
        return _walk_all(self._graph.indptr, self._graph.indices, *self._settings)


def _walk_all(indptr, indices, length: int, p: float, q: float) -> int:
    return _compiled_loop()(indptr, indices, length, p, q)


@cache
def _compiled_loop():
    from fastnode2vec.graph import _random_walk
    from numba import njit

    @njit
    def loop(indptr, indices, length, p, q):
        steps = 0
        for node in range(len(indptr) - 1):
            steps += len(_random_walk(indptr, indices, length, p, q, node)) - 1
        return steps

    return loop
