"""Arrays of vectors: what passes, what is refused, and what is copied."""

from __future__ import annotations

import numpy as np
import pytest

from embedry.errors import InputError
from embedry.vectors import as_queries, as_row, as_rows, check_k

REFUSED = [
    ([[1, 2], [3]], "same length"),
    ([[1, 2], [3, None]], "dtype object"),
    ([["1", "2"]], "real numbers"),
    ([[1j, 2]], "real numbers"),
    ([[True, False]], "real numbers"),
    (np.zeros((2, 2), "datetime64[s]"), "real numbers"),
    ([1.0, 2.0], "shape"),
    (np.zeros((2, 0)), "dims at least 1"),
    (np.zeros((2, 2, 2)), "shape"),
    (5.0, "shape"),
    ([[1, np.nan], [1, 1]], "1 rows hold NaN or infinity, the first is row 0"),
    ([[1, 1], [np.inf, -np.inf]], "1 rows hold NaN or infinity, the first is row 1"),
    ([[1, 1], [1e300, 1]], "first is row 1"),
]


@pytest.mark.parametrize(("vectors", "message"), REFUSED)
def test_as_rows_refuses_what_are_no_vectors(vectors, message):
    """Ragged, empty, not real, not finite: each says what came."""
    with pytest.raises(InputError, match=message):
        as_rows(vectors)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int64, np.uint8, ">f4"])
def test_as_rows_gives_contiguous_float32(dtype):
    """Any real dtype and order becomes float32 rows of the same values."""
    table = np.arange(6).reshape(2, 3).astype(dtype)
    for vectors in (table, table.T, table[:, ::2], table.tolist()):
        rows = as_rows(vectors)
        assert rows.dtype == np.float32
        assert rows.flags.c_contiguous
        np.testing.assert_array_equal(rows, vectors)


def test_as_rows_does_not_copy_what_is_right():
    """float32 rows come back as they are."""
    rows = np.ones((2, 3), np.float32)
    assert as_rows(rows) is rows


def test_as_rows_of_large_finite_numbers_pass():
    """A sum may overflow while every number is finite."""
    rows = np.full((50, 4), 3e38, np.float32)
    assert as_rows(rows) is rows


def test_as_rows_checks_the_width():
    """Dims must be those wanted, under the name the caller gives."""
    with pytest.raises(InputError, match=r"taste must have shape \(n, 4\); got \(2, 3\)"):
        as_rows(np.ones((2, 3)), 4, "taste")


def test_as_row_takes_one_vector():
    """A flat vector, or a table of one row."""
    for vector in ([1, 2], [[1, 2]], np.array([1, 2])):
        np.testing.assert_array_equal(as_row(vector, 2), [1, 2])


@pytest.mark.parametrize("vector", [[[1, 2], [3, 4]], [1, 2, 3], 1, [], [[1], [2, 3]], ["a", "b"]])
def test_as_row_refuses_what_is_not_one_vector(vector):
    """Several rows, another width, or no numbers."""
    with pytest.raises(InputError, match="vector must"):
        as_row(vector, 2)


def test_as_queries_tells_one_from_several():
    """A flat vector is single; a table of one row is a batch."""
    rows, single = as_queries([1, 2], 2)
    assert (rows.shape, single) == ((1, 2), True)
    rows, single = as_queries([[1, 2]], 2)
    assert (rows.shape, single) == ((1, 2), False)
    with pytest.raises(InputError, match="same length"):
        as_queries([[1], [2, 3]], 2)


@pytest.mark.parametrize("k", [0, -1, 1.0, True, None, "3", np.float64(2)])
def test_check_k_refuses_what_is_no_count(k):
    """k is an int of at least 1."""
    with pytest.raises(InputError, match="k must be an int of at least 1"):
        check_k(k)


def test_check_k_normalises_numpy_ints():
    """A NumPy int comes back as an int."""
    assert type(check_k(np.int64(3))) is int
