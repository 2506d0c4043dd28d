"""The fast reader against plain Python: blocks of every size, threads of any number."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedry.data.text.draft import Draft
from embedry.data.text.lines import add_lines, lines_of
from embedry.data.text.reader import add_pieces

# letters whose small form depends on others, space that is not ASCII, line ends that are none
ALPHABET = (
    "aZ9_ \t\n\r\x0b\x0c\x1c\x1f\0.,':^`-\x85\xa0\xadéÉßİıΣσςάΑ\u0345\u2028\u3000日ﬁ\ufeff\ufffd😀𐐀"
)
PARTS = [*map(str.encode, ALPHABET), b"\r\n", b"\xce", b"\xa3", b"\xff", b"\xe2\x82", b"\xed\xa0"]
texts = st.one_of(
    st.lists(st.sampled_from(PARTS), max_size=40).map(b"".join),
    st.text(max_size=40).map(str.encode),
    st.binary(max_size=60),
)
tokenizers = pytest.mark.parametrize("tokenizer", ["words", "whitespace"])


def fast(data, tokenizer, size=7, threads=1, after_each=lambda: None):
    """Read in pieces of ``size`` bytes, the first of at least three."""
    draft = Draft()
    cuts = [0, *range(max(size, 3), len(data), size)]
    pieces = [data[first:last] for first, last in zip(cuts, [*cuts[1:], None], strict=True)]
    add_pieces(draft, pieces, tokenizer, threads=threads, after_each=after_each)
    return draft


def plain(data, tokenizer):
    draft = Draft()
    add_lines(draft, lines_of(data, draft), tokenizer)
    return draft


def assert_equal(left, right):
    assert list(left.codes) == list(right.codes)
    assert (left.empty_lines, left.undecodable) == (right.empty_lines, right.undecodable)
    (tokens, offsets, counts), (expected, expected_offsets, _) = left.take(), right.take()
    np.testing.assert_array_equal(tokens, expected)
    np.testing.assert_array_equal(offsets, expected_offsets)
    if len(tokens):
        np.testing.assert_array_equal(counts, np.bincount(tokens))


@tokenizers
@settings(max_examples=1000, deadline=None)
@given(data=texts, size=st.integers(1, 50))
def test_reader_equals_plain(tokenizer, data, size):
    """Any bytes in pieces of any size give what the Python tokenizer gives line by line."""
    assert_equal(fast(data, tokenizer, size), plain(data, tokenizer))
