"""Laws of context sums: the running window adds what a look around each word adds."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from embedry.kernels.sampling.contexts import add_contexts, add_contexts_plain


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    words=st.integers(1, 12),
    dims=st.integers(1, 20),
    lengths=st.lists(st.integers(0, 30), min_size=1, max_size=5),
    window=st.integers(1, 50),
)
def test_add_contexts_equals_plain(seed, words, dims, lengths, window):
    """On any sentences: sums, words around and occurrences are those of plain NumPy."""
    rng = np.random.default_rng(seed)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    tokens = rng.integers(0, words, offsets[-1]).astype(np.int32)
    vectors = rng.standard_normal((words, dims)).astype(np.float32)
    weights = rng.random(words).astype(np.float32)
    asked = rng.random(words) < 0.7
    slot_of = np.where(asked, np.cumsum(asked) - 1, -1).astype(np.int32)
    results = []
    for how in (add_contexts, add_contexts_plain):
        slots = int(asked.sum())
        found = np.zeros((slots, dims)), np.zeros(slots, np.int64), np.zeros(slots, np.int64)
        how(vectors, weights, tokens, offsets, window, slot_of, *found)
        results.append(found)
    np.testing.assert_allclose(results[0][0], results[1][0], atol=1e-9)
    np.testing.assert_array_equal(results[0][1], results[1][1])
    np.testing.assert_array_equal(results[0][2], results[1][2])


def test_add_contexts_counts_by_hand():
    """a b a: both a see b and each other within two; nothing sees itself."""
    vectors = np.array([[1.0], [10.0]], np.float32)
    sums, around, seen = np.zeros((2, 1)), np.zeros(2, np.int64), np.zeros(2, np.int64)
    tokens, offsets = np.array([0, 1, 0], np.int32), np.array([0, 3], np.int64)
    slots = np.array([0, 1], np.int32)
    add_contexts(vectors, np.ones(2, np.float32), tokens, offsets, 2, slots, sums, around, seen)
    assert sums.ravel().tolist() == [22.0, 2.0]
    assert around.tolist() == [4, 2]
    assert seen.tolist() == [2, 1]
