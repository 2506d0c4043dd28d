"""Laws of counts of items used together: those of a dense product, row range by row range."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedry.errors import InputError
from embedry.kernels.recommend.cooccurrence import Sparse, cooccurrences, cooccurrences_plain


def sides(seed, users, items, density=0.4):
    """A random matrix by user and by item, values in quarters, so that sums are exact."""
    rng = np.random.default_rng(seed)
    dense = np.where(
        rng.random((users, items)) < density, rng.integers(1, 9, (users, items)) / 4, 0
    )
    return dense, by_rows(dense), by_rows(dense.T)


def by_rows(dense):
    rows, columns = np.nonzero(dense)
    indptr = np.concatenate([[0], np.cumsum((dense != 0).sum(axis=1))]).astype(np.int64)
    values = np.ascontiguousarray(dense[rows, columns], np.float32)
    return Sparse(indptr, columns.astype(np.int32), values)


@given(st.integers(0, 2**32 - 1), st.integers(0, 9), st.integers(1, 12), st.data())
@settings(max_examples=60, deadline=None)
def test_cooccurrences_are_the_plain_product(seed, users, items, data):
    """Any range of rows is that of A'A, whatever was in the output before."""
    dense, by_user, by_item = sides(seed, users, items)
    first = data.draw(st.integers(0, items))
    last = data.draw(st.integers(first, items))
    found, plain = (np.full((last - first, items), 7, np.float32) for _ in range(2))
    cooccurrences(by_user, by_item, first, last, found)
    cooccurrences_plain(by_user, by_item, first, last, plain)
    assert (found == plain).all()
    assert (found == (dense.T @ dense)[first:last]).all()


def test_cooccurrences_refuse_what_does_not_fit():
    """Another dtype, shape or range is refused before anything is written."""
    _, by_user, by_item = sides(0, 4, 5)
    out = np.zeros((5, 5), np.float32)
    for first, last in ((-1, 2), (3, 2), (0, 6)):
        with pytest.raises(InputError, match="0 <= first <= last <= 5"):
            cooccurrences(by_user, by_item, first, last, out)
    with pytest.raises(InputError, match=r"out must have shape \(2, 5\)"):
        cooccurrences(by_user, by_item, 0, 2, out)
    with pytest.raises(InputError, match="out must be C-contiguous float32"):
        cooccurrences(by_user, by_item, 0, 5, out.astype(np.float64))
    wrong = by_user._replace(indices=by_user.indices.astype(np.int64))
    with pytest.raises(InputError, match="indices must be"):
        cooccurrences(wrong, by_item, 0, 5, out)
