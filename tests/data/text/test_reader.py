"""The fast reader against plain Python: blocks of every size, threads of any number."""

import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedry.data.text import reader
from embedry.data.text.draft import Draft
from embedry.data.text.lines import add_lines, lines_of
from embedry.data.text.reader import add_pieces
from embedry.kernels.text import tokens

# letters whose small form depends on others, space that is not ASCII, line ends that are none
ALPHABET = (
    "aZ9_ \t\n\r\x0b\x0c\x1c\x1f\0.,':^`-\x85\xa0\xadéÉßİıΣσςάΑ\u0345\u2028\u3000日ﬁ\ufeff\ufffd"
)
ALPHABET += "。\U0001f600\U00010400\u0301\u0307\u0338=<\u200c\u200dक\u094d\u0488\ufe0f\U0001e8d0"
BROKEN = [b"\xce", b"\xa3", b"\xff", b"\xe2\x82", b"\xed\xa0\x80", b"\xf0\x9f", b"\xc0\x80"]
PARTS = [*map(str.encode, ALPHABET), b"\r\n", *BROKEN]
texts = st.one_of(
    st.lists(st.sampled_from(PARTS), max_size=40).map(b"".join),
    st.lists(st.sampled_from("ΑΣσ'.:^`_1 \xad\u0301\u200d"), max_size=20)
    .map("".join)
    .map(str.encode),
    st.text(max_size=40).map(str.encode),
    st.binary(max_size=60),
)
tokenizers = pytest.mark.parametrize("tokenizer", ["words", "whitespace"])


def cut(data, size):
    """Cut into pieces of ``size`` bytes, the first of at least three."""
    cuts = [0, *range(max(size, 3), len(data), size)]
    return [data[first:last] for first, last in zip(cuts, [*cuts[1:], None], strict=True)]


def fast(data, tokenizer, size=7, threads=1, after_each=lambda: None):
    draft = Draft()
    pieces = cut(data, size)
    words, counts = add_pieces(draft, pieces, tokenizer, threads=threads, after_each=after_each)
    np.testing.assert_array_equal(draft_counts(draft, words), counts)
    return draft, words


def draft_counts(draft, words):
    held = draft.take()
    draft.take = lambda: held
    return np.bincount(held[0], minlength=len(words)) if words else []


def plain(data, tokenizer):
    draft = Draft()
    words = add_lines(draft, lines_of(data, draft), tokenizer)
    return draft, words


def assert_equal(left, right):
    (mine, words), (theirs, expected_words) = left, right
    assert words == expected_words
    assert (mine.empty_lines, mine.undecodable) == (theirs.empty_lines, theirs.undecodable)
    for found, expected in zip(mine.take(), theirs.take(), strict=True):
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == expected.dtype


@tokenizers
@settings(max_examples=1500, deadline=None)
@given(data=texts, size=st.integers(1, 50))
def test_reader_equals_plain(tokenizer, data, size):
    """Any bytes in pieces of any size give what the Python tokenizer gives line by line."""
    assert_equal(fast(data, tokenizer, size), plain(data, tokenizer))


NASTY = "ΑΣ'b.Σa Σ\r\n\r\n\rcafé “naïve”—word\n\n  İΣ.\tz\x1fa\0b \x85\u2028x\ry".encode()
NASTY += "e\u0301 हिन्दी-\u0301می\u200cخ J\u030c".encode() + b"\xff\xe2\x82 e\r"


@tokenizers
@pytest.mark.parametrize("size", range(1, len(NASTY) + 2))
def test_reader_may_cut_anywhere(tokenizer, size):
    """Borders of pieces at every byte: in line ends, in characters, in words."""
    for mark in (b"", b"\xef\xbb\xbf"):
        data = mark + NASTY
        assert_equal(fast(data, tokenizer, size), plain(data, tokenizer))


@tokenizers
@pytest.mark.parametrize(
    "data", [b"", b"\xef", b"\xef\xbb", b"\xef\xbb\xbf", b"\xef\xbb\xbfa", b"\r"]
)
def test_reader_of_almost_nothing(tokenizer, data):
    """A byte order mark, whole or cut short, is no text; a line end is an empty line."""
    assert_equal(fast(data, tokenizer), plain(data, tokenizer))


@pytest.mark.parametrize(("tokenizer", "mark"), [("words", "。"), ("whitespace", "\u3000")])
def test_reader_cuts_a_text_without_ascii(tokenizer, mark):
    """A script that uses no ASCII is read in blocks too, whatever the piece holds in halves."""
    data = (f"日本語{mark}早安Σ{mark}" * 300).encode() + "語".encode()
    for size in range(40, 60):
        blocks = 0

        def after_each():
            nonlocal blocks
            blocks += 1

        assert_equal(fast(data, tokenizer, size, after_each=after_each), plain(data, tokenizer))
        assert blocks > len(data) // (2 * size)


@tokenizers
@pytest.mark.parametrize("threads", [1, 2, 3, 7])
def test_reader_does_not_depend_on_threads(tokenizer, threads):
    """Codes are in order of first appearance in the text, whoever saw a word first."""
    rng = np.random.default_rng(0)
    chosen = (rng.pareto(0.7, 20_000) * 3).astype(int)
    ends = rng.choice([" ", " ", " ", "\n", ", É", "–ß"], len(chosen))
    data = "".join(f"w{word}{end}" for word, end in zip(chosen, ends, strict=True)).encode()
    assert_equal(fast(data, tokenizer, 999, threads), plain(data, tokenizer))


@tokenizers
@pytest.mark.parametrize("limit", [0, 10, 100])
def test_reader_goes_on_when_splitters_forget(monkeypatch, tokenizer, limit):
    """A splitter that starts anew learns its runs again, with the codes they had."""
    monkeypatch.setattr(tokens, "RUNS_AT_MOST", limit)
    data = " ".join(f"É{i * i % 97} w{i % 31}\r{'—' * (i % 3)}x" for i in range(2_000)).encode()
    data += b" \xff"
    for threads in (1, 2):
        assert_equal(fast(data, tokenizer, 300, threads), plain(data, tokenizer))


def test_reader_keeps_few_blocks_in_flight(monkeypatch):
    """Pieces are taken as they are needed: threads and two more are not yet merged."""
    taken = merged = most = 0

    def pieces():
        nonlocal taken, most
        for number in range(60):
            taken += 1
            most = max(most, taken - merged)
            yield b"word %d " % number

    def after_each():
        nonlocal merged
        merged += 1

    add_pieces(Draft(), pieces(), "words", threads=3, after_each=after_each)
    assert merged == 61  # the last is what was left, and the end of its line
    assert most <= 3 + 2


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("where", ["source", "merging"])
def test_reader_stops_at_ctrl_c(threads, where):
    """An interrupt of the calling thread ends the others too, and is passed on."""

    def pieces():
        for number in range(1_000):
            if number == 10 and where == "source":
                raise KeyboardInterrupt
            yield b"word %d\n" % number * 1_000

    def after_each():
        if where == "merging":
            raise KeyboardInterrupt

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        add_pieces(Draft(), pieces(), "words", threads=threads, after_each=after_each)
    deadline = time.monotonic() + 10
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= before


def test_reader_passes_on_what_a_thread_raises(monkeypatch):
    """An error in a splitter is the caller's to see."""

    def fails(self, block):
        raise MemoryError

    monkeypatch.setattr(reader.Splitter, "split", fails)
    for threads in (1, 2):
        with pytest.raises(MemoryError):
            add_pieces(Draft(), [b"a b"], "words", threads=threads, after_each=lambda: None)
