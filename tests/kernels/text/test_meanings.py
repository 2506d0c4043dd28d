"""Laws of the second half of reading: runs become words, none is lost, all are counted."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from embedry.kernels.text.bytekinds import byte_kinds
from embedry.kernels.text.meanings import Meaning, expand, expand_plain
from embedry.kernels.text.tokens import Splitter

KINDS = byte_kinds(b"abcde", b"", lower=False)


@settings(max_examples=300, deadline=None)
@given(
    text=st.lists(st.sampled_from([b"a ", b"bc ", b"d ", b" ", b"\n"]), max_size=60).map(b"".join),
    sizes=st.lists(st.integers(0, 3), min_size=3, max_size=3),
    words=st.lists(st.integers(0, 4), min_size=9, max_size=9),
)
def test_expand_equals_plain(text, sizes, words):
    """Runs of none, one or several words each give the tokens, ends and counts of plain NumPy."""
    found = Splitter(KINDS).split(text)
    firsts = np.cumsum([0, *sizes])
    words = np.array(words[: firsts[-1]], np.int32)
    single = np.array(
        [words[firsts[run]] if size == 1 else -1 for run, size in enumerate(sizes)], np.int32
    )
    counts, plain_counts = np.full(5, 7), np.full(5, 7)
    tokens, ends = expand(found, Meaning(single, firsts, words), counts)
    plain_tokens, plain_ends = expand_plain(found, Meaning(single, firsts, words), plain_counts)
    assert (tokens.dtype, ends.dtype) == (np.int32, np.int64)
    np.testing.assert_array_equal(tokens, plain_tokens)
    np.testing.assert_array_equal(ends, plain_ends)
    np.testing.assert_array_equal(counts, plain_counts)
    assert counts.sum() == 35 + len(tokens)
