"""Search of the Python library by questions written by hand: words and meaning beat either alone.

The slowest test of all: it reads the library of this installation and learns as the demo does.
"""

import importlib.util
from pathlib import Path

import pytest

from embedry.cli.demo import _keep, _material
from embedry.data.interactions import Interactions
from embedry.learn.graph import Node2Vec
from embedry.learn.taste.als import ALS
from embedry.learn.word2vec import Word2Vec
from embedry.store.collection import Collection

BEST = 10
MARGIN = 0.05
FLOOR = 0.75
MODES = {"BM25": "text", "dense": "dense", "hybrid": "hybrid"}


def questions():
    """Return the questions kept for reporting, with the answers that would satisfy."""
    path = Path(__file__).parent.parent / "store" / "library_queries.py"
    spec = importlib.util.spec_from_file_location("library_queries", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.TEST


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    """Return the demo's collection of the library; tastes and modules play no part, stay small."""
    folder = tmp_path_factory.mktemp("library")
    material = _material(None)
    words = Word2Vec(dims=100, window=10, sample=1e-4, epochs=10, seed=1).fit(material.text)
    taste = ALS(dims=2, regularization=0.1, iterations=1).fit(
        Interactions.from_triples(["ann"] * 40, material.ids[:40])
    )
    modules = Node2Vec(dims=2, walks=1, length=2).fit(material.imports)
    _keep(material, words, taste, modules, folder)
    with Collection.open(folder / "python.embedry", must_exist=True) as items:
        yield items


def answered(items):
    """Return the questions with the answers that exist in this installation, if any does."""
    there = {query: {id for id in ids if id in items} for query, ids in questions().items()}
    return {query: ids for query, ids in there.items() if ids}


def measured(items, mode):
    """Return hit@10 and mean reciprocal rank of the first answer among the best 10."""
    ranks = []
    for query, ids in answered(items).items():
        found = items.search(query, field="content", mode=mode, k=BEST).ids
        ranks.append(next((rank for rank, id in enumerate(found, 1) if id in ids), 0))
    hit = sum(rank > 0 for rank in ranks) / len(ranks)
    return hit, sum(1 / rank for rank in ranks if rank) / len(ranks)


def test_library_search_hybrid_is_best_of_both(library, record_property, capsys):
    """Hybrid hits no less than BM25 and than dense, by 0.05 at most, and 3 of 4 questions."""
    figures = {name: measured(library, mode) for name, mode in MODES.items()}
    count = len(answered(library))
    lines = [f"{count} questions to the Python library    hit@10     MRR"]
    lines += [f"{name:>40}{hit:10.3f}{mrr:8.3f}" for name, (hit, mrr) in figures.items()]
    record_property("library search", figures)
    with capsys.disabled():
        print("", *lines, sep="\n")  # noqa: T201
    hits = {name: hit for name, (hit, _) in figures.items()}
    assert count >= 30
    assert hits["hybrid"] >= max(hits["BM25"], hits["dense"]) - MARGIN
    assert hits["hybrid"] >= FLOOR
