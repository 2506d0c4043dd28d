"""Laws of sentences: nothing lost, and ends where a reader sees them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedry.encode.chunks.sentences import sentences

TEXTS = st.text(st.sampled_from("aB .!?\n\r…。」)'\"é1"), max_size=60) | st.text(max_size=60)


@given(TEXTS)
def test_sentences_hold_all_that_is_no_blank(text):
    """They ascend, are apart, begin and end with no blank, and leave out nothing but blanks."""
    found, last = sentences(text), 0
    for begin, end in found:
        assert last <= begin < end <= len(text)
        assert not text[last:begin].strip()
        assert text[begin:end] == text[begin:end].strip()
        last = end
    assert not text[last:].strip()


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("One. Two! Three? Four… Five", ["One.", "Two!", "Three?", "Four…", "Five"]),
        ("Dr. Who met J. S. Bach. He left.", ["Dr. Who met J. S. Bach.", "He left."]),
        ("Pi is 3.14. See example.org for more.", ["Pi is 3.14.", "See example.org for more."]),
        ('He said "Go." Then he went.', ['He said "Go."', "Then he went."]),
        (
            "It works, e.g. in tests, i.e. here. Good.",
            ["It works, e.g. in tests, i.e. here.", "Good."],
        ),
        ("He paused ... and went on. End.", ["He paused ... and went on.", "End."]),
        ("今日は雨です。明日は晴れ！本当？", ["今日は雨です。", "明日は晴れ！", "本当？"]),
        ("「行け。」彼は言った。", ["「行け。」", "彼は言った。"]),
        ("A title\n\nIts text. More", ["A title", "Its text.", "More"]),
        ("A title\r\n\r\nText", ["A title", "Text"]),
        ("one line\nand the next", ["one line\nand the next"]),
        ("Was it the U.S. army? Yes.", ["Was it the U.S. army?", "Yes."]),
        ("So am I. You too.", ["So am I.", "You too."]),
        ("", []),
        (" \n\t", []),
    ],
)
def test_sentences_end_where_a_reader_sees_it(text, parts):
    """Marks, closing quotes and empty lines end a sentence; abbreviations and numbers do not."""
    assert [text[begin:end] for begin, end in sentences(text)] == parts
