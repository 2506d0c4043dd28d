"""Laws of words: marks and joiners belong to them, and the same text has the same words."""

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedry.data.text import words as module
from embedry.data.text.tokenizer import bytes_of
from embedry.data.text.words import words_as_written, words_of, words_of_lines
from embedry.kernels.text.bytekinds import byte_kinds, last_break
from embedry.kernels.text.tokens import Splitter

JOINERS = "\u200c\u200d"
EVERY = [chr(code) for code in [*range(0xD800), *range(0xE000, 0x110000)]]
MANY = [chr(code) for code in [*range(0x3400), *range(0xA000, 0xAD00), *range(0xF900, 0x13500)]]
MANY += [chr(code) for code in [*range(0x16000, 0x17000), *range(0x1B000, 0x20000)]]
# letters that marks are composed with, marks of the three kinds and beyond the first plane,
# joiners, Hangul in parts, characters that NFC replaces, what sigma looks through
NASTY = "aJIİéßΣσᾼ1_ \r-'=<.\xad“\u0301\u0307\u030c\u0327\u0338\u0345\u093e\u094d\u0488\u20e3\ufe0f"
NASTY += "कষ\u0958\u212b\u2126\u212a\u0374ᄀ\u1161\u11a8각\U0001e8d0\U00011131\U0001e900\u3099か"
texts = st.one_of(
    st.text(NASTY + JOINERS, max_size=12),
    st.text(max_size=12),
    st.text(st.characters(categories=["M", "Lo", "Zs", "Po"], include_characters=JOINERS)),
)


def is_mark(character):
    return unicodedata.category(character)[0] == "M"


def plain(text):
    """Word for word, from character to character."""
    found, word, joiners = [], "", ""
    for character in unicodedata.normalize("NFC", text.lower()):
        inside = character.isalnum() or character == "_" or (word and is_mark(character))
        if inside:
            word, joiners = word + joiners + character, ""
        elif word and character in JOINERS:
            joiners += character
        else:
            found, word, joiners = [*found, word], "", ""
    return [word for word in [*found, word] if word]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("தமிழ்", ["தமிழ்"]),
        ("العَرَبِيَّة", ["العَرَبِيَّة"]),
        ("İstanbul", ["i\u0307stanbul"]),
        ("Cafe\u0301 CAFÉ", ["caf\xe9", "caf\xe9"]),
        ("می\u200cخواهم", ["می\u200cخواهم"]),
        ("क्\u200dष", ["क्\u200dष"]),
        ("র\u200d্যাব", ["র\u200d্যাব"]),
        ("J\u030c", ["\u01f0"]),
        ("a\u0488b 1\ufe0f\u20e3", ["a\u0488b", "1\ufe0f\u20e3"]),
        ("\u0301a =\u0338b -\u200db a\u200d a\u200d-b", ["a", "b", "b", "a", "a", "b"]),
        ("\U0001e900\U0001e944x", ["\U0001e922\U0001e944x"]),
        ("👩\u200d💻", []),
        ("ภาษาไทยง่าย", ["ภาษาไทยง่าย"]),
    ],
)
def test_words_by_hand(text, words):
    """Scripts whose vowels are marks, accents in two forms, joiners; Thai is not divided."""
    assert words_of(text) == words


def test_words_as_written_keep_capitals():
    """Only the form is changed."""
    text = "Cafe\u0301 İ, parseHTML हिन्दी"
    assert words_as_written(text) == ["Caf\xe9", "İ", "parseHTML", "हिन्दी"]


@settings(max_examples=2000)
@given(text=texts)
def test_words_equal_plain(text):
    """Any text of Unicode gives what is found from character to character."""
    assert words_of(text) == plain(text)


@pytest.mark.parametrize("frame", ["a{}b {}", "a\u200d{0}-{0}\u0301"])
def test_words_of_many_characters(frame):
    """Each in a word, alone, at its end behind a joiner, and before a mark."""
    lines = [frame.format(character, character) for character in MANY if character != "\n"]
    assert words_of_lines("\n".join(lines)) == [plain(line) for line in lines]


@settings(max_examples=1000)
@given(lines=st.lists(texts, min_size=1))
def test_words_of_lines_are_words_line_by_line(lines):
    """Many lines at once give what each gives alone."""
    lines = [line.replace("\n", "") for line in lines]
    assert words_of_lines("\n".join(lines)) == [words_of(line) for line in lines]


@settings(max_examples=1000)
@given(text=texts)
def test_words_do_not_depend_on_the_form(text):
    """What Unicode calls the same text has the same words, composed or not."""
    for form in ("NFC", "NFD"):
        assert words_of(unicodedata.normalize(form, text)) == words_of(text)


@settings(max_examples=1000)
@given(text=texts)
def test_words_stay_what_they_are(text):
    """The words of words are the same, so that a word can be asked for by itself."""
    found = words_of(text)
    assert words_of(" ".join(found)) == found
    assert all(unicodedata.is_normalized("NFC", word) for word in found)


def test_words_know_every_mark():
    """The blocks that are gone through hold all marks of this Python's Unicode."""
    held = {chr(code) for codes in module._HOLD_MARKS for code in codes}
    assert {character for character in EVERY if is_mark(character)} <= held
    assert all(one.stop <= other.start for one, other in pairwise(module._HOLD_MARKS))


@settings(max_examples=500, deadline=None)
@given(text=texts)
def test_words_of_runs_are_words_of_the_text(text):
    """Cut into runs of bytes at ASCII separators, a text has the same words."""
    bytes_told = bytes_of("words")
    kinds = byte_kinds(bytes_told.inside, bytes_told.joints, lower=True)
    block = text.replace("\n", "").encode()
    cut = last_break(block, kinds)
    for part in ([block], [block[:cut], block[cut:]]):
        split = [Splitter(kinds).split(piece) for piece in part]
        runs = [
            each.text.decode().split("\n")[code] for each in split for code in each.codes.tolist()
        ]
        assert [word for run in runs for word in words_of(run)] == words_of(block.decode())
