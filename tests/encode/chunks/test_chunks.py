"""Laws of chunks: nothing lost, none too long, offsets exact, sentences whole where they fit."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedry import InputError, chunk
from embedry.encode.chunks.sentences import sentences

WORDS = st.lists(
    st.sampled_from(["a", "river", "flows.", "Why?", "then,", "\n\n", "東京。", "unwantedness"]),
    max_size=80,
)


class Letters:
    """A tokenizer whose pieces are characters that are no blanks."""

    def spans(self, text):
        places = np.array([n for n, letter in enumerate(text) if not letter.isspace()], np.int32)
        return SimpleNamespace(pieces=places, begins=places, ends=places + 1)


@given(WORDS, st.integers(1, 40), st.data())
def test_chunk_holds_everything_within_its_size(words, size, data):
    """All that is no blank is in a chunk; sizes, overlaps and offsets are as they say."""
    text, overlap = " ".join(words), data.draw(st.integers(0, size - 1))
    parts = chunk(text, size=size, overlap=overlap, encoder=Letters())
    last, begin = 0, -1
    for part in parts:
        assert part.text == text[part.begin : part.end] == part.text.strip()
        assert part.pieces == len("".join(part.text.split())) <= size
        assert begin < part.begin
        assert last < part.end
        assert not text[last : max(last, part.begin)].strip()
        shared = text[part.begin : last] if part.begin < last else ""
        assert len("".join(shared.split())) <= overlap
        last, begin = part.end, part.begin
    assert not text[last:].strip()


@given(WORDS, st.integers(12, 60))
def test_chunk_keeps_sentences_whole_where_they_fit(words, size):
    """A chunk begins and ends with sentences, unless one alone is longer than it."""
    text = " ".join(words)
    whole = sentences(text)
    longest = max((len("".join(text[b:e].split())) for b, e in whole), default=0)
    parts = chunk(text, size=max(size, longest), overlap=size // 2, encoder=Letters())
    begins, ends = {begin for begin, _ in whole}, {end for _, end in whole}
    assert {part.begin for part in parts} <= begins
    assert {part.end for part in parts} <= ends


def test_chunk_cuts_long_sentences_between_words():
    """A sentence that does not fit is cut before a word; only a word that does not fit is cut."""
    text = "seven letters " * 6
    parts = chunk(text, size=20, overlap=0, encoder=Letters())
    assert {word for part in parts for word in part.text.split()} == {"seven", "letters"}
    parts = chunk("x" * 25, size=10, overlap=0, encoder=Letters())
    assert [part.pieces for part in parts] == [10, 10, 5]


def test_chunk_overlaps_by_sentences():
    """The next chunk begins with the last sentences that the overlap has room for."""
    text = "Aaa. Bbb. Ccc. Ddd. Eee."
    parts = chunk(text, size=12, overlap=4, encoder=Letters())
    assert [part.text for part in parts] == ["Aaa. Bbb. Ccc.", "Ccc. Ddd. Eee."]
    parts = chunk(text, size=12, overlap=3, encoder=Letters())
    assert [part.text for part in parts] == ["Aaa. Bbb. Ccc.", "Ddd. Eee."]


def test_chunk_counts_pieces_of_the_encoder_that_comes_with_the_package():
    """Without an encoder, pieces are those of the built-in tokenizer."""
    (part,) = chunk("  Snow melts. ")
    assert (part.text, part.begin, part.end, part.pieces) == ("Snow melts.", 2, 13, 3)
    assert chunk("") == chunk(" \n ") == ()


@pytest.mark.parametrize(
    ("text", "settings", "message"),
    [
        (b"text", {}, "text must be a str; got bytes"),
        (["text"], {}, "Chunk texts one by one"),
        ("text", {"size": 0}, "size must be"),
        ("text", {"size": 10, "overlap": 10}, "overlap must be an int in"),
        ("text", {"overlap": -1}, "overlap must be"),
    ],
)
def test_chunk_refuses(text, settings, message):
    """What is no text, or a number out of range, is refused."""
    with pytest.raises(InputError, match=message):
        chunk(text, **settings)


@pytest.mark.parametrize("overlap", [0, 1, 2, 5, 9])
def test_chunk_cuts_no_word_that_fits(overlap):
    """However small the overlap, a word shorter than a chunk is whole."""
    words = "antidisestablish menta ri an isms were discussed at unimaginable length " * 6
    parts = chunk(words, size=20, overlap=overlap, encoder=Letters())
    assert {word for part in parts for word in part.text.split()} == set(words.split())


def test_chunk_overlaps_by_a_fifth_unless_told():
    """A size alone is enough."""
    text = "One two three. " * 40
    for size in (1, 4, 24, 200):
        assert chunk(text, size=size) == chunk(text, size=size, overlap=size // 5)


@pytest.mark.parametrize("mark", [".", "!", "…", ")", "。", "\n", "\n ", ". ", ".)"])
def test_chunk_takes_long_runs_of_marks(mark):
    """A table of contents is no trap: a million marks are read in a moment."""
    parts = chunk(mark * 200_000, size=200)
    assert sum(part.pieces for part in chunk(mark * 200_000, size=200, overlap=0)) >= len(parts)
