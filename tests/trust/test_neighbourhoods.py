"""The laws of neighbourhoods: the exact search of the space, whatever the block."""

import numpy as np
import pytest

from embedry.embeddings import Embeddings
from embedry.trust.neighbourhoods import nearest_of_each, staying


def space(metric="cosine", count=60, dims=4, seed=0, ids=None):
    """Small whole numbers, so that many scores tie."""
    rows = np.random.default_rng(seed).integers(-2, 3, (count, dims)).astype(float)
    rows[~rows.any(axis=1), 0] = 1
    return Embeddings(ids or [f"n{place}" for place in range(count)], rows, metric=metric)


@pytest.mark.parametrize("metric", ["cosine", "dot", "euclidean"])
@pytest.mark.parametrize("block", [2**24, 100])
def test_nearest_of_each_is_the_exact_search(monkeypatch, metric, block):
    """Ids and scores are those of `Embeddings.nearest`, ties too."""
    monkeypatch.setattr("embedry.trust.neighbourhoods._NUMBERS_AT_ONCE", block)
    vectors, asked = space(metric), np.array([3, 0, 59, 17])
    near, scores = nearest_of_each(vectors, np.arange(60), asked, 7)
    for row, place in enumerate(asked):
        hits = vectors.nearest(id=vectors.ids[place], k=7)
        assert tuple(vectors.ids[n] for n in near[row]) == hits.ids
        assert scores[row].tolist() == [hit.score for hit in hits]


def test_nearest_of_each_leaves_out_rows_that_are_not_placed():
    """Neighbours come from the rows that have a place, and are told by it."""
    vectors = space()
    placed = np.full(60, -1)
    placed[10:40] = np.arange(30)[::-1]
    near, _ = nearest_of_each(vectors, placed, np.arange(30), 5)
    among = vectors.subset(vectors.ids[10:40])
    for place in range(30):
        hits = among.nearest(id=f"n{39 - place}", k=5)
        assert [f"n{39 - n}" for n in near[place]] == list(hits.ids)


def test_staying_is_counted_one_by_one():
    """A neighbour stays if the retrain's own search finds it among its k nearest."""
    reference, replica = space(seed=1), space(seed=2)
    near, _ = nearest_of_each(reference, np.arange(60), np.arange(60), 6)
    stays, missing = staying(replica, reference, np.arange(60), near)
    assert missing == 0
    for place in range(60):
        found = replica.nearest(id=f"n{place}", k=6).ids
        assert stays[place].tolist() == [reference.ids[n] in found for n in near[place]]


def test_staying_in_itself_is_whole():
    """A space keeps all its neighbours, in whatever order its rows come."""
    reference = Embeddings(range(60), np.random.default_rng(0).normal(size=(60, 5)))
    turned = reference.subset(reference.ids[::-1])
    near, _ = nearest_of_each(reference, np.arange(60), np.arange(60), 6)
    stays, missing = staying(turned, reference, np.arange(60), near)
    assert stays.all()
    assert missing == 0


def test_staying_counts_ids_that_are_missing():
    """An id that the retrain lacks has no share; as a neighbour it does not stay."""
    reference = Embeddings(range(60), np.random.default_rng(0).normal(size=(60, 5)))
    smaller = reference.subset(range(50))
    near, _ = nearest_of_each(reference, np.arange(60), np.arange(60), 6)
    stays, missing = staying(smaller, reference, np.arange(60), near)
    assert missing == 10
    assert np.isnan(stays[50:]).all()
    assert ((near[:50] < 50) == stays[:50].astype(bool)).all()
    alone = Embeddings([3, "new"], np.ones((2, 5)))
    nothing, missing = staying(alone, reference, np.arange(60), near)
    assert missing == 59
    assert np.isnan(nothing).all()
