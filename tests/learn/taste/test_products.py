"""Laws of products of rows: X X' is added, whichever way is taken."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedry.learn.taste import products
from embedry.learn.taste.products import add_products


@given(st.integers(0, 2**32 - 1), st.integers(1, 20), st.integers(1, 9), st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_add_products_adds_what_a_dense_product_gives(seed, count, dims, density):
    """Mostly zeros or none, in blocks of any size: the same, to float32 rounding."""
    rng = np.random.default_rng(seed)
    rows = np.where(rng.random((count, dims)) < density, rng.standard_normal((count, dims)), 0)
    rows = rows.astype(np.float32)
    start = rng.standard_normal((count, count))
    for way in (0.0, 1e9):  # always the one, always the other
        matrix = start.copy()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(products, "_BLOCK", 7)
            patch.setattr(products, "_SPARSE", way or 1e-9)
            add_products(matrix, rows)
        expected = start + rows.astype(np.float64) @ rows.T
        np.testing.assert_allclose(matrix, expected, rtol=1e-5, atol=1e-5)
