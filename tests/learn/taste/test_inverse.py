"""Laws of the inverse by halves: it is the inverse, in place, for any size."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedry.learn.taste.inverse import invert


@given(st.integers(1, 40), st.integers(1, 9), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_invert_is_the_inverse(size, smallest, seed):
    """Times the matrix it is the identity, and it is NumPy's inverse, for any size and block."""
    rows = np.random.default_rng(seed).standard_normal((size + 3, size))
    matrix = rows.T @ rows + 0.1 * np.eye(size)
    found = matrix.copy()
    invert(found, smallest)
    np.testing.assert_allclose(found, np.linalg.inv(matrix), rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(found @ matrix, np.eye(size), atol=1e-8)


@pytest.mark.parametrize("size", [257, 700])
def test_invert_takes_sizes_beyond_a_block(size):
    """Halves of odd sizes fit together."""
    rows = np.random.default_rng(1).standard_normal((2 * size, size))
    matrix = rows.T @ rows
    found = matrix.copy()
    invert(found)
    np.testing.assert_allclose(found, np.linalg.inv(matrix), rtol=1e-7, atol=1e-10)
