"""Laws of the sums of histories: the compiled pass does what the plain one does."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedry.errors import InputError
from embedry.kernels.recommend.sums import row_sums, row_sums_plain


def problem(users=5, items=7, dims=3, share=0.5, seed=0):
    generator = np.random.default_rng(seed)
    used = generator.random((users, items)) < share
    indptr = np.concatenate([[0], np.cumsum(used.sum(axis=1))]).astype(np.int64)
    vectors = generator.normal(size=(items, dims)).astype(np.float32)
    return vectors, indptr, np.nonzero(used)[1].astype(np.int32)


@given(
    st.integers(1, 30),
    st.integers(1, 40),
    st.integers(1, 70),
    st.floats(0, 1),
    st.integers(0, 2**32 - 1),
)
@settings(max_examples=40, deadline=None)
def test_row_sums_are_the_plain_ones(users, items, dims, share, seed):
    """Added up in the same order, they are the same to the bit, empty histories included."""
    arrays = problem(users, items, dims, share, seed)
    np.testing.assert_array_equal(row_sums(*arrays), row_sums_plain(*arrays))


def test_row_sums_refuse_what_they_would_misread():
    """Another dtype, another order, and an indptr of other pairs are refused."""
    vectors, indptr, indices = problem()
    for wrong in (
        (vectors.astype(np.float64), indptr, indices),
        (np.asfortranarray(vectors), indptr, indices),
        (vectors, indptr.astype(np.int32), indices),
        (vectors, indptr, indices[1:].copy()),
        (vectors, indptr[:0], indices),
    ):
        with pytest.raises(InputError, match="must"):
            row_sums(*wrong)
