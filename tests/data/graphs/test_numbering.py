"""Numbers of names: arrays against the dict, and what a column may be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedry.data.graphs import numbering
from embedry.data.graphs.numbering import as_column, columns_of, number_nodes
from embedry.errors import InputError

near = st.integers(-4, 4)
# near each other, far apart, and at both ends of int64
integers = near | near.map(lambda n: n * 10**17) | st.sampled_from([-(2**63), 2**63 - 1])


@settings(max_examples=100, deadline=None)
@given(st.lists(integers, max_size=5), st.lists(st.tuples(integers, integers), max_size=30))
def test_number_nodes_of_arrays_equals_the_dict(nodes, edges):
    """Whatever the integers, arrays give what the dict of names gives."""
    columns = (nodes, [edge[0] for edge in edges], [edge[1] for edge in edges])
    ids, sources, targets = number_nodes(*(np.array(column, np.int64) for column in columns))
    names, starts, ends = number_nodes(*(list(map(str, column)) for column in columns))
    assert tuple(map(str, ids)) == names
    assert sources.tolist() == starts.tolist()
    assert targets.tolist() == ends.tolist()
    assert sources.dtype == targets.dtype == starts.dtype == np.int32
    assert [ids[number] for number in sources.tolist()] == columns[1]


@pytest.mark.parametrize("factor", [1, 10**12])
def test_number_nodes_is_the_same_in_one_piece_or_many(monkeypatch, factor):
    """Long columns are numbered piece by piece, near or far."""
    columns = np.random.default_rng(0).integers(0, 50, (2, 200)) * factor
    empty = np.empty(0, np.int64)
    whole = number_nodes(empty, *columns)
    monkeypatch.setattr(numbering, "_AT_ONCE", 7)
    parts = number_nodes(empty, *columns)
    assert parts[0] == whole[0] == tuple(dict.fromkeys(columns.T.ravel().tolist()))
    np.testing.assert_array_equal(parts[1:], whole[1:])


def test_as_column_keeps_integers_as_an_array():
    """Integers in arrays, ranges and lists are int64; all else is a list of what came."""
    for values in (
        np.array([3, 1], np.uint8),
        [3, 1],
        range(3, 0, -2),
        np.array([3, 1], np.uint64),
    ):
        column = as_column(values)
        assert column.dtype == np.int64
        assert column.tolist() == [3, 1]
    assert as_column([1, "1", True]) == [1, "1", True]
    assert as_column([True, False]) == [True, False]
    assert as_column(iter(["a"])) == ["a"]
    assert as_column(np.array(["a"])) == ["a"]
    assert as_column([1, 2**64]) == [1, 2**64]
    given = np.array([1, 2])
    number_nodes(as_column([]), as_column(given), as_column(given))
    assert given.tolist() == [1, 2]  # what was passed is not written to


@pytest.mark.parametrize("values", ["ab", b"ab", 3, None, np.ones((2, 2), int), np.array(1)])
def test_as_column_refuses(values):
    """A column is flat, and no single text."""
    with pytest.raises(InputError, match="A column of ids must be"):
        as_column(values)


def test_columns_of_tells_pairs_from_columns():
    """A tuple of two that are not tuples is columns; all else is pairs."""
    assert columns_of([(1, 2), (3, 4)]) == ([1, 3], [2, 4])
    assert columns_of(((1, 2), (3, 4))) == ([1, 3], [2, 4])
    assert columns_of(([1, 2], [3, 4])) == ([1, 2], [3, 4])
    assert columns_of([[1, 2], [3, 4]]) == ([1, 3], [2, 4])
    with pytest.raises(InputError, match="edges must be pairs"):
        columns_of(None)
