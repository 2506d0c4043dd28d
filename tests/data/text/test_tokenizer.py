"""Laws of tokenizers: what they say about bytes is what they do to text."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedry.data.text.tokenizer import (
    bytes_of,
    rule_of,
    ruled_by,
    tokenize,
    tokenize_lines,
)
from embedry.errors import InputError

greek = st.text("ΑΣσ'._1\r\x85İ", max_size=9)


@pytest.mark.parametrize("name", ["words", "whitespace"])
@settings(max_examples=500)
@given(
    lines=st.lists(
        st.one_of(st.text(max_size=9), st.text("ΑΣσ'._1\r\x85İ", max_size=9)), min_size=1
    )
)
def test_tokenize_lines_is_tokenize_line_by_line(name, lines):
    """Many lines at once give what each gives alone, also where a shorter way is taken."""
    lines = [line.replace("\n", "") for line in lines]
    assert tokenize_lines("\n".join(lines), name) == [tokenize(line, name) for line in lines]


def test_tokenize_lines_of_single_characters():
    """No character of Unicode is treated otherwise by the shorter way."""
    every = [chr(code) for code in [*range(10), *range(11, 0xD800), *range(0xE000, 0x110000)]]
    found = tokenize_lines("\n".join(every))
    forms = (unicodedata.normalize("NFC", character.lower()) for character in every)
    assert found == [[form] if form[0].isalnum() or form == "_" else [] for form in forms]


@pytest.mark.parametrize("name", ["words", "whitespace"])
def test_rule_of_is_the_name_of_one_tokenizer(name):
    """A rule leads back to its tokenizer; those of other releases to none."""
    assert ruled_by(rule_of(name)) == name
    for other in ("words", "words-1", "words-3", "", None, ["words-2"]):
        assert ruled_by(other) is None
    with pytest.raises(InputError, match="tokenizer must be one of"):
        rule_of("bpe")


def test_tokenize_by_white_space_changes_nothing():
    """Capitals, marks apart and joiners stay as they are written."""
    text = "Cafe\u0301 \u0301a İ\u200d"
    assert tokenize(text, "whitespace") == text.split()


@pytest.mark.parametrize("name", ["words", "whitespace"])
def test_bytes_of_say_what_separates(name):
    """A byte is inside exactly where it does not cut a token in two."""
    found = bytes_of(name)
    for byte in range(128):
        whole = len(tokenize(f"a{chr(byte)}a", name)) == 1
        assert whole == (byte in found.inside)
    assert not set(found.inside) & set(b"\r\n \t\x0b\x0c\x1c\x1d\x1e\x1f")


@pytest.mark.parametrize("before", ["", "Α", "Α1", "1"])
@pytest.mark.parametrize("behind", ["", "Α", "1", " Α"])
def test_bytes_of_joints_are_all_that_sigma_looks_through(before, behind):
    """Through a separator that is no joint, nothing is seen: each side can be read alone."""
    found = bytes_of("words")
    for byte in set(range(128)) - set(found.inside) - set(found.joints):
        for left, right in [(f"{before}Σ", behind), (before, f"Σ{behind}")]:
            assert tokenize(f"{left}{chr(byte)}{right}") == tokenize(left) + tokenize(right)


@pytest.mark.parametrize("name", ["words", "whitespace"])
@given(left=greek, right=greek)
def test_bytes_of_marks_cut_a_text_in_two(name, left, right):
    """Whatever stands on both sides of a mark is read as if it stood alone."""
    for mark in bytes_of(name).marks:
        whole = tokenize(left + mark.decode() + right, name)
        assert tokenize(left + mark.decode(), name) + tokenize(right, name) == whole


def test_bytes_of_whitespace_leave_capitals_alone():
    """Nothing becomes small, so that no letter looks for another."""
    assert bytes_of("whitespace").joints == b""
    assert not bytes_of("whitespace").lower
    assert bytes_of("whitespace").marks == ("\u3000".encode(), "\xa0".encode())
    assert bytes_of("words").joints == b"'.:^`"
    assert "。".encode() in bytes_of("words").marks
    assert bytes_of("words").lower


def test_bytes_of_refuses_unknown_names():
    """The message lists the tokenizers there are."""
    for call in (bytes_of, lambda name: tokenize_lines("a", name)):
        with pytest.raises(InputError, match="must be one of words, whitespace; got 'bpe'"):
            call("bpe")


@pytest.mark.parametrize("text", [5, None, b"bytes", ["a", "b"]])
def test_tokenize_refuses_what_is_no_text(text):
    """Any type but str, by name."""
    with pytest.raises(InputError, match="text must be a str; got"):
        tokenize(text)
