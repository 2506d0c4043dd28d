"""Laws of bytes and cuts: what belongs to runs, and where a text may be cut in two."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedry.kernels.text.bytekinds import byte_kinds, last_break, last_break_plain
from embedry.kernels.text.tokens import Splitter

KINDS = byte_kinds(b"abc_X1", b"'.", lower=True)
texts = st.one_of(
    st.binary(max_size=40),
    st.lists(st.sampled_from([*b"ab '.\r\n-", 0xC3]), max_size=40).map(bytes),
)


@settings(deadline=None)
@given(inside=st.binary(max_size=20))
def test_byte_kinds_ranges_are_the_bytes_inside(inside):
    """Ranges and kinds say the same; bytes from 0x80 on are inside, line ends never."""
    found = byte_kinds(inside, b"", lower=False)
    covered = {low + step for low, span in found.ranges.tolist() for step in range(span + 1)}
    assert covered == set(np.flatnonzero(found.kinds == 3).tolist())
    assert covered == (set(inside) | set(range(128, 256))) - set(b"\r\n")


@settings(deadline=None, max_examples=300)
@given(text=texts)
def test_last_break_equals_plain(text):
    """The compiled search from the end finds what looking at every byte finds."""
    assert last_break(text, KINDS) == last_break_plain(text, KINDS)


@pytest.mark.parametrize(
    ("text", "place"),
    [(b"", 0), (b"abc", 0), (b"a b", 2), (b"a\r", 0), (b"a\rb", 2), (b"a\r\n", 3), (b"a'b.", 0)],
)
def test_last_break_by_hand(text, place):
    """A return at the very end may be half a line end, and a joint ends nothing."""
    assert last_break(text, KINDS) == last_break_plain(text, KINDS) == place


@settings(deadline=None, max_examples=300)
@given(text=texts)
def test_last_break_cuts_no_run_and_no_line_end(text):
    """The two parts hold what the whole holds."""
    place, splitter = last_break(text, KINDS), Splitter(KINDS)
    parts = [splitter.split(part) for part in (text[:place], text[place:])]
    whole = Splitter(KINDS).split(text)
    assert np.concatenate([part.codes for part in parts]).tolist() == whole.codes.tolist()
    assert sum(part.ends.size for part in parts) == whole.ends.size
