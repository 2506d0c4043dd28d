"""Laws of splitting text: the compiled pass does what plain Python does, and loses nothing."""

import string

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedry.kernels.text import tokens as module
from embedry.kernels.text.bytekinds import byte_kinds
from embedry.kernels.text.tokens import PlainSplitter, Splitter

WORDS = byte_kinds((string.ascii_letters + string.digits + "_").encode(), b"'.", lower=True)
VISIBLE = bytes(byte for byte in range(128) if not chr(byte).isspace())
PARTS = byte_kinds(VISIBLE, b"", lower=False)
# every kind of separator, runs around the lengths where keys change, sigma whole and in halves
BITS = [
    *(b" \n\r\t\0-'._"[place : place + 1] for place in range(9)),
    *(b"a", b"B", b"sevench", b"eightchr", b"sixteen_letters_", b"LongerWord1", b"longerWord2"),
    *("é".encode(), "日本語".encode(), b"\xce\xa3", b"\xce", b"\xa3", b"\xff", b"x" * 62),
]
texts = st.one_of(
    st.binary(max_size=300),
    st.lists(st.sampled_from(BITS), max_size=60).map(b"".join),
    st.text(max_size=60).map(str.encode),
)
kinds_of_two = pytest.mark.parametrize("kinds", [WORDS, PARTS], ids=["words", "whitespace"])


def assert_equal(got, expected):
    for name, mine, theirs in zip(got._fields, got, expected, strict=True):
        assert type(mine) is type(theirs), name
        np.testing.assert_array_equal(mine, theirs, err_msg=name)
        assert getattr(mine, "dtype", None) == getattr(theirs, "dtype", None), name


@kinds_of_two
@settings(max_examples=500, deadline=None)
@given(blocks=st.lists(texts, max_size=4))
def test_splitter_equals_plain(kinds, blocks):
    """Codes, line ends and new runs are those of plain Python, block after block."""
    fast, plain = Splitter(kinds), PlainSplitter(kinds)
    for block in blocks:
        assert_equal(fast.split(block), plain.split(block))


@kinds_of_two
def test_splitter_that_grows_equals_plain(monkeypatch, kinds):
    """A table that is full many times over gives what plain Python gives."""
    words = b" ".join(b"w%d longer_word_%d" % (i * i % 1009, i % 301) for i in range(3_000))
    monkeypatch.setattr(module, "FIRST_SLOTS", 64)
    assert_equal(Splitter(kinds).split(words), PlainSplitter(kinds).split(words))


def test_splitter_tells_apart_what_is_nearly_the_same():
    """Runs that differ in one byte, in length, or in bytes 0 behind, have codes of their own."""
    runs = [b"x" * length for length in range(1, 140)]
    runs += [b"x" * length + b"\0" for length in range(140)]
    runs += [b"x" * place + b"y" + b"x" * (30 - place) for place in range(31)]
    found = Splitter(PARTS).split(b" ".join(runs * 2))
    assert found.codes.tolist() == [*range(len(runs))] * 2
    assert found.text.split(b"\n") == [*runs, b""]


@pytest.mark.parametrize("shift", range(0, 200, 7))
def test_splitter_does_not_depend_on_where_a_run_lies(shift):
    """Runs of every length across every border of the 64 bytes that are looked at together."""
    runs = [b"r" * length for length in range(1, 70)]
    found = Splitter(WORDS).split(b"-" * shift + b" ".join(runs))
    assert found.text.split(b"\n") == [*runs, b""]


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
@kinds_of_two
def test_splitter_counts_runs_before_each_line_end(kinds, end):
    """A line ends with a newline, a return, or both; empty lines are lines."""
    for before in range(70):
        found = Splitter(kinds).split(end.join([b" " * before + b"a b", b"", b"c", b" ", b"a"]))
        assert found.ends.tolist() == [2, 2, 3, 3]
        assert found.codes.tolist() == [0, 1, 2, 0]


def test_splitter_keeps_together_what_decides_a_sigma():
    """Around a capital sigma joints do not separate, wherever it lies."""
    for before in range(70):
        text = " " * before + "a 'b'ΑΣ.c-d b"
        found = Splitter(WORDS).split(text.encode())
        assert found.text.decode() == "a\n'b'ΑΣ.c\nd\nb\n"
        assert found.codes.tolist() == [0, 1, 2, 3]
        assert found.opaque.tolist() == [1]


@pytest.mark.parametrize("limit", ["RUNS_AT_MOST", "TEXT_AT_MOST"])
def test_splitter_forgets_when_it_knows_too_much(monkeypatch, limit):
    """Past a limit the next block starts anew; one that must not forget goes on."""
    monkeypatch.setattr(module, limit, 3)
    blocks = [b"aa bb cc dd", b"dd aa", b"aa ee"]
    found = [list(map(Splitter(WORDS, forgets=forgets).split, blocks)) for forgets in (1, 0)]
    assert [block.known for block in found[0]] == [0, 0, 0 if limit == "TEXT_AT_MOST" else 2]
    assert [block.known for block in found[1]] == [0, 4, 4]
    assert [block.text for block in found[1]] == [b"aa\nbb\ncc\ndd\n", b"", b"ee\n"]


def test_splitter_runs_are_all_that_was_seen():
    """The distinct runs in order of their codes."""
    splitter = Splitter(WORDS)
    splitter.split("Éa B é".encode())
    splitter.split(b"b C")
    assert splitter.runs() == ["Éa", "b", "é", "c"]
    assert splitter.known == 4
    assert Splitter(WORDS).runs() == []


def mixed(bits):
    """SplitMix64 in Python's integers."""
    bits = (bits ^ bits >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    bits = (bits ^ bits >> 27) * 0x94D049BB133111EB % 2**64
    return bits ^ bits >> 31


@pytest.mark.parametrize("longer", [False, True])
def test_splitter_compares_runs_of_one_hash(longer):
    """Two runs with the same 64 bits of hash, made on purpose, are two runs; so is a prefix."""
    rng = np.random.default_rng(0)
    while True:
        first, last, other = (int(bits) for bits in rng.integers(2**64, size=3, dtype=np.uint64))
        wanted = mixed(16 ^ first) ^ last  # what the last mixing is given
        if longer:  # the same 16 bytes, and eight more
            parts = [first, last, mixed(mixed(24 ^ first) ^ last) ^ wanted]
        else:
            parts = [other, mixed(16 ^ other) ^ wanted]
        runs = [np.array(run, "<u8").tobytes() for run in ([first, last], parts)]
        if all(all(kind == 3 for kind in PARTS.kinds[list(run)]) for run in runs):
            break
    found = Splitter(PARTS).split(b" ".join(runs[::-1] + runs))
    assert found.codes.tolist() == [0, 1, 1, 0]
    assert found.text.split(b"\n") == [*runs[::-1], b""]
