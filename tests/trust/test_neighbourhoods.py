"""The laws of neighbourhoods: what stays is what the retrain's own search finds."""

import numpy as np
import pytest

from embedry.embeddings import Embeddings
from embedry.metrics import COSINE
from embedry.neighbours import nearest_of_each
from embedry.trust.neighbourhoods import staying


def space(metric="cosine", count=60, dims=4, seed=0, ids=None):
    """Small whole numbers, so that many scores tie."""
    rows = np.random.default_rng(seed).integers(-2, 3, (count, dims)).astype(float)
    rows[~rows.any(axis=1), 0] = 1
    return Embeddings(ids or [f"n{place}" for place in range(count)], rows, metric=metric)


def near_in(reference, k=6):
    """The k nearest of each row."""
    return nearest_of_each(reference.vectors, np.arange(60), COSINE, k)[0]


@pytest.mark.parametrize("metric", ["cosine", "dot", "euclidean"])
def test_staying_knows_rows_by_their_ids(metric):
    """Rows come in another order, some are new, some lack: ids alone count, and rows break ties."""
    reference = space(metric)
    ids = [*(f"new{n}" for n in range(30)), *reference.ids[39:9:-1]]
    replica = space(metric, seed=3, ids=ids)
    near = near_in(reference, 5)
    stays, missing = staying(replica, reference, np.arange(60), near)
    assert missing == 30
    among = replica.subset(ids[30:])
    for place in range(10, 40):
        found = among.nearest(id=f"n{place}", k=5).ids
        assert stays[place].tolist() == [reference.ids[n] in found for n in near[place]]
    assert np.isnan(stays[:10]).all()


def test_staying_is_counted_one_by_one():
    """A neighbour stays if the retrain's own search finds it among its k nearest."""
    reference, replica = space(seed=1), space(seed=2)
    near = near_in(reference)
    stays, missing = staying(replica, reference, np.arange(60), near)
    assert missing == 0
    for place in range(60):
        found = replica.nearest(id=f"n{place}", k=6).ids
        assert stays[place].tolist() == [reference.ids[n] in found for n in near[place]]


def test_staying_in_itself_is_whole():
    """A space keeps all its neighbours, in whatever order its rows come."""
    reference = Embeddings(range(60), np.random.default_rng(0).normal(size=(60, 5)))
    turned = reference.subset(reference.ids[::-1])
    near = near_in(reference)
    stays, missing = staying(turned, reference, np.arange(60), near)
    assert stays.all()
    assert missing == 0


def test_staying_counts_ids_that_are_missing():
    """An id that the retrain lacks has no share; as a neighbour it does not stay."""
    reference = Embeddings(range(60), np.random.default_rng(0).normal(size=(60, 5)))
    smaller = reference.subset(range(50))
    near = near_in(reference)
    stays, missing = staying(smaller, reference, np.arange(60), near)
    assert missing == 10
    assert np.isnan(stays[50:]).all()
    assert ((near[:50] < 50) == stays[:50].astype(bool)).all()
    alone = Embeddings([3, "new"], np.ones((2, 5)))
    nothing, missing = staying(alone, reference, np.arange(60), near)
    assert missing == 59
    assert np.isnan(nothing).all()
