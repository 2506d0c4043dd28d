"""Laws of reading text: the compiled pass does what plain Python does, and loses nothing."""

import string

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedry.kernels import tokens as module
from embedry.kernels.tokens import (
    byte_table,
    expand,
    expand_plain,
    last_break,
    last_break_plain,
    split,
    split_plain,
)

INSIDE = (string.ascii_letters + string.digits + "_").encode()
WORDS = byte_table(INSIDE, b"'.", lower=True)
VISIBLE = bytes(byte for byte in range(128) if not chr(byte).isspace())
TABLES = [WORDS, byte_table(VISIBLE, b"", lower=False)]
# every kind of separator, runs around the lengths where keys change, sigma whole and in halves
PARTS = [
    *(b" \n\r\t\0-'._"[place : place + 1] for place in range(9)),
    *(b"a", b"B", b"sevench", b"eightchr", b"sixteen_letters_", b"LongerWord1", b"longerWord2"),
    *("é".encode(), "日本語".encode(), b"\xce\xa3", b"\xce", b"\xa3", b"\xff"),
]
texts = st.one_of(
    st.binary(max_size=300),
    st.lists(st.sampled_from(PARTS), max_size=60).map(b"".join),
    st.text(max_size=60).map(str.encode),
)
tables = pytest.mark.parametrize("table", TABLES, ids=["words", "whitespace"])


def assert_equal(got, expected):
    for mine, theirs in zip(got, expected, strict=True):
        assert type(mine) is type(theirs)
        np.testing.assert_array_equal(mine, theirs)
        assert getattr(mine, "dtype", None) == getattr(theirs, "dtype", None)


@tables
@settings(max_examples=400, deadline=None)
@given(text=texts)
def test_split_equals_plain(table, text):
    """Codes, line ends, distinct runs and counts are those of plain Python."""
    assert_equal(split(text, table), split_plain(text, table))


@pytest.mark.parametrize("slots", [2, 4, 64])
@tables
def test_split_does_not_depend_on_the_first_room(monkeypatch, table, slots):
    """A table that grows many times gives what one that was large enough gives."""
    text = b" ".join(b"w%d longer_word_%d" % (i * i % 1009, i % 301) for i in range(3_000))
    text = text.replace(b"w8", b"\xce\xa3.x")
    expected = split(text, table)
    monkeypatch.setattr(module, "_FIRST_SLOTS", slots)
    assert_equal(split(text, table), expected)
    assert_equal(expected, split_plain(text, table))


def test_split_of_runs_that_share_a_slot_or_nearly_a_key():
    """Runs that differ in one byte, in length, or in bytes 0 behind, have codes of their own."""
    runs = [b"x" * length for length in range(1, 40)]
    runs += [b"x" * length + b"\0" for length in range(40)]
    runs += [b"x" * place + b"y" + b"x" * (30 - place) for place in range(31)]
    found = split(b" ".join(runs * 2), TABLES[1])
    assert found.codes.tolist() == [*range(len(runs))] * 2
    assert found.text.split(b"\n") == [*runs, b""]


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
@tables
def test_split_counts_runs_before_each_line_end(table, end):
    """A line ends with a newline, a return, or both; empty lines are lines."""
    found = split(end.join([b"a b", b"", b"c", b" ", b"a"]), table)
    assert found.ends.tolist() == [2, 2, 3, 3]
    assert found.codes.tolist() == [0, 1, 2, 0]


def test_split_keeps_together_what_decides_a_sigma():
    """Around a capital sigma joints do not separate; what stood before has no count."""
    found = split("a 'b'ΑΣ.c-d b".encode(), WORDS)
    assert found.text.decode() == "a\nb\n'b'ΑΣ.c\nd\n"
    assert found.codes.tolist() == [0, 2, 3, 1]
    assert found.counts.tolist() == [1, 1, 1, 1]
    assert found.opaque.tolist() == [2]
    assert split("'b'ΑΣ.c".encode(), WORDS).counts.tolist() == [0, 1]


@tables
@settings(max_examples=200, deadline=None)
@given(text=texts, sizes=st.lists(st.integers(0, 3), min_size=1, max_size=7))
def test_expand_equals_plain(table, text, sizes):
    """Runs become none, one or several words each."""
    found = split(text, table)
    firsts = np.cumsum([0, *np.resize(sizes, found.counts.size)])
    words = np.arange(firsts[-1], dtype=np.int32)[::-1].copy()
    assert_equal(expand(found, firsts, words), expand_plain(found, firsts, words))


@tables
@settings(max_examples=200, deadline=None)
@given(text=texts)
def test_last_break_equals_plain(table, text):
    """A block may end behind the last separator that is no joint, or a whole line end."""
    place = last_break(text, table)
    assert place == last_break_plain(text, table)
    whole, left, right = (split(part, table) for part in (text, text[:place], text[place:]))
    assert whole.codes.size == left.codes.size + right.codes.size
    assert whole.ends.size == left.ends.size + right.ends.size


@pytest.mark.parametrize(
    ("text", "place"),
    [(b"", 0), (b"abc", 0), (b"a b", 2), (b"a\r", 0), (b"a\rb", 2), (b"a\r\n", 3), (b"a'b.", 0)],
)
def test_last_break_by_hand(text, place):
    """A return at the very end may be half a line end, and a joint ends nothing."""
    assert last_break(text, WORDS) == last_break_plain(text, WORDS) == place
