"""Compressed rows against SciPy, edges in any order and number."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from embedry.data.graphs.edges import Edges
from embedry.data.graphs.rows import check_rows, compress, is_symmetric
from embedry.errors import InputError

NODES = 6
arcs = st.lists(
    st.tuples(st.integers(0, NODES - 1), st.integers(0, NODES - 1), st.integers(1, 9)), min_size=1
)


def edges_of(found, weights=True):
    """Turn triples into edges, weights in quarters, which add up exactly."""
    sources, targets, values = np.array(found, np.int32).T
    return Edges(sources, targets, values / 4 if weights else None)


def table(rows):
    """Turn rows into a table by way of SciPy, which checks them."""
    weights = np.ones(len(rows.indices)) if rows.weights is None else rows.weights
    check_rows(NODES, *rows.arrays)
    matrix = sparse.csr_array((weights, rows.indices, rows.indptr), shape=(NODES, NODES))
    matrix.check_format()
    assert matrix.has_canonical_format
    return matrix.toarray()


def summed(edges):
    """Add up the weights of edges by SciPy."""
    weights = np.ones(len(edges.sources)) if edges.weights is None else edges.weights
    places = (edges.sources, edges.targets)
    return sparse.coo_array((weights, places), shape=(NODES, NODES)).toarray()


@settings(max_examples=100, deadline=None)
@given(arcs, st.booleans())
def test_compress_directed_is_scipys_sum(found, weights):
    """Weights of repeats are added up; without weights they are one."""
    edges = edges_of(found, weights)
    rows = compress(edges, range(NODES), directed=True)
    expected = summed(edges)
    np.testing.assert_array_equal(table(rows), expected if weights else expected > 0)
    assert rows.merged == len(found) - np.count_nonzero(expected)


@settings(max_examples=100, deadline=None)
@given(arcs, st.booleans())
def test_compress_undirected_adds_up_when_told(found, weights):
    """The sum and its mirror image, the diagonal once."""
    edges = edges_of(found, weights)
    rows = compress(edges, range(NODES), directed=False, both_ways="add")
    expected = summed(edges)
    expected = expected + expected.T - np.diag(np.diag(expected))
    np.testing.assert_array_equal(table(rows), expected if weights else expected > 0)
    assert rows.merged == len(found) - np.count_nonzero(np.triu(expected))


@settings(max_examples=100, deadline=None)
@given(arcs)
def test_compress_undirected_takes_both_directions_if_they_are_the_same(found):
    """Equal sums there and back are one edge, a single direction is one; else it is refused."""
    edges = edges_of(found)
    total = summed(edges)
    clash = (total > 0) & (total.T > 0) & (total != total.T)
    if clash.any():
        with pytest.raises(InputError, match=rf"; {clash.sum() // 2} do not, the first from"):
            compress(edges, range(NODES), directed=False)
        return
    rows = compress(edges, range(NODES), directed=False)
    np.testing.assert_array_equal(table(rows), np.maximum(total, total.T))


def test_compress_sums_stay_within_float32():
    """A sum that float32 cannot hold is refused."""
    edges = Edges(np.zeros(4, np.int32), np.ones(4, np.int32), np.full(4, 1e38))
    with pytest.raises(InputError, match="stay below 3e38; got 4e\\+38"):
        compress(edges, range(2), directed=True)


@settings(max_examples=100, deadline=None)
@given(arcs, st.booleans(), st.booleans())
def test_is_symmetric_compares_with_the_mirror_image(found, weights, mirrored):
    """As NumPy compares the table with its transpose; the first difference is named."""
    both = found + [(t, s, w) for s, t, w in found] if mirrored else found
    rows = compress(edges_of(both, weights), range(NODES), directed=True)
    sources = np.repeat(np.arange(NODES, dtype=np.int32), np.diff(rows.indptr))
    edges = Edges(sources, rows.indices, rows.weights)
    dense = table(rows)
    differs = np.argwhere((dense != dense.T) & (dense > 0))
    assert is_symmetric(edges, NODES) == (len(differs) == 0)
    if len(differs):
        row, column = differs[0]
        wanted = f"row {row}, column {column}: {dense[row, column]:g} there and "
        with pytest.raises(InputError, match=wanted + f"{dense[column, row]:g} back"):
            is_symmetric(edges, NODES, required=True)
