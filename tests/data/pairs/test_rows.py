"""Rows of pairs: the sort beneath them, for any keys."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from embedry.data.pairs.rows import Pairs, _order, compress


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 9), max_size=50), st.sampled_from([1, 1000, 2**58]))
def test_order_is_a_stable_argsort(values, step):
    """Keys with their places packed in, and keys too large for it, sort as NumPy does."""
    keys = np.array(values, np.int64) * step
    assert _order(keys).tolist() == np.argsort(keys, kind="stable").tolist()


def test_compress_of_nothing_is_empty_rows():
    """No pairs give rows without any."""
    nothing = np.empty(0, np.int32)
    rows = compress(Pairs(nothing, nothing, np.empty(0, np.float32), np.empty(0, np.int64)), (2, 0))
    assert rows.indptr.tolist() == [0, 0, 0]
    assert (len(rows.indices), len(rows.values), len(rows.times), rows.merged) == (0, 0, 0, 0)
