"""Laws of counting repeats on walks."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from embedry.kernels.graphs.repeats import add_repeats, add_repeats_plain


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 4), max_size=40), max_size=8))
def test_repeats_are_those_counted_pair_by_pair(walks):
    """The compiled counts are the plain ones, and both add to what was there."""
    offsets = np.cumsum([0, *map(len, walks)], dtype=np.int64)
    tokens = np.array([node for nodes in walks for node in nodes], np.int32)
    ours, theirs = np.ones((2, 5), np.int64), np.ones((2, 5), np.int64)
    add_repeats(tokens, offsets, *ours)
    add_repeats_plain(tokens, offsets, *theirs)
    np.testing.assert_array_equal(ours, theirs)


def test_repeats_by_hand():
    """On a b a, a comes again once for each a, of two near steps."""
    again, near = np.zeros((2, 2), np.int64)
    add_repeats(np.array([0, 1, 0], np.int32), np.array([0, 3]), again, near)
    assert again.tolist() == [2, 0]
    assert near.tolist() == [4, 2]
