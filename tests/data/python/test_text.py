"""Laws of training text: what reads like prose, and names split into words."""

from __future__ import annotations

import io
import tokenize
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedry.data.python.text import TextLines, split_name


def lines(source: str, most: int = 10**9) -> list[str]:
    text = TextLines(most)
    text.add(dedent(source))
    return text.lines


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("OrderedDict", "ordered dict"),
        ("json.dumps", "json dumps"),
        ("HTTPServer", "http server"),
        ("parse_HTTPBasic_v2", "parse http basic v2"),
        ("__init__", "init"),
        ("größe_ändern", "größe ändern"),
        ("x", "x"),
        ("", ""),
    ],
)
def test_split_name_at_case_and_underscore(name, words):
    """A name is split where its parts begin, acronyms kept whole."""
    assert split_name(name) == words


@given(st.lists(st.from_regex("[a-z]{2,8}", fullmatch=True), min_size=1, max_size=5))
def test_split_name_agrees_in_every_style(words):
    """Snake case, camel case and dots of the same words are split into the same words."""
    expected = " ".join(words)
    assert split_name("_".join(words)) == expected
    assert split_name("".join(map(str.capitalize, words))) == expected
    assert split_name(".".join(words)) == expected


def test_text_lines_takes_each_kind_of_prose():
    """Docstrings, blocks of comments and prose in strings of any quotes give lines."""
    source = '''
        """First paragraph of it,
        on two lines.

        Second paragraph is here too.
        """
        # A comment that goes on
        # over two lines of it.
        #
        # Another paragraph of the comment.
        a = "double quotes hold prose here"
        b = 'single quotes hold "prose" as well'
        c = \'\'\'triple quotes hold it's prose too\'\'\'
        d = "with \\"escaped\\" quotes inside it"
        e = r"raw strings with prose count"  # and a comment beside it
    '''
    assert lines(source) == [
        "First paragraph of it, on two lines.",
        "Second paragraph is here too.",
        "A comment that goes on over two lines of it.",
        "Another paragraph of the comment.",
        "double quotes hold prose here",
        'single quotes hold "prose" as well',
        "triple quotes hold it's prose too",
        'with \\"escaped\\" quotes inside it',
        "raw strings with prose count",
        "and a comment beside it",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "three words only",
        "a b c d e f",
        "%s: %d (%s) -> {x!r} [%s] of %s",
        "0x12 0x34 0x56 0x78 word other more last",
        "https://example.org/a/path?with=query&more=12345678901234567890",
    ],
)
def test_text_lines_leaves_other_strings_out(text):
    """Strings of few words, and those made of other things than letters, are no prose."""
    assert lines(f"x = {text!r}") == []


def test_text_lines_cleans_prose():
    """Escaped white space, drawn rules and underscores are no part of words."""
    assert lines(r'x = "first line\nsecond line\tof the_long name"') == [
        "first line second line of the long name"
    ]
    assert lines('"""Some title here\n-----\nand the text"""') == ["Some title here and the text"]


def test_text_lines_splits_names_of_each_line_of_code():
    """A line of code gives the words of its names, without keywords, ``self``, and letters."""
    source = """
        def openFile(self, file_name, x, max_HTTPLength=10): return not file_name
            if "a string" in thing: # short
        import one
    """
    assert lines(source) == ["open file file name max http length file name"]


def test_text_lines_leaves_out_and_counts_what_was_there():
    """A paragraph or line of code is taken once, however often files repeat it."""
    text = TextLines(10**9)
    text.add("# This is a license text.\nfirst_name.second_name()\n")
    text.add("# This is a license text.\nfirst_name.second_name()\n" + "more_names(in_here)\n" * 2)
    assert text.lines == [
        "This is a license text.",
        "first name second name",
        "more names here",
    ]
    assert text.repeated == 3


def test_text_lines_stops_after_the_source_that_fills_it():
    """The source that reaches the number of words is read to its end, later ones are not."""
    text = TextLines(6)
    text.add("# one comment of five words\n")
    assert (text.words, text.full) == (5, False)
    text.add("# another comment of five words\n\n# and one more comment beside\n")
    assert (text.words, text.full) == (15, True)
    text.add("# nothing of this is taken\n")
    assert len(text.lines) == 3


def test_text_lines_survives_what_is_no_python():
    """Quotes that are never closed end with their line, and the rest is read."""
    assert lines('x = "never closed\n# a comment after the quote\n') == [
        "a comment after the quote"
    ]
    assert lines('"""never closed, however long') == ["never closed however long"]


_LITERALS = st.sampled_from(
    [
        '"""1 " alpha_beta_gamma "" # 2"""',
        '"a#b"',
        "'it''s'",
        '"""doc "quoted" # here"""',
        "'''a\n# b'''",
        r'"\""',
        r"'\\'",
        "'\"'",
        '""',
    ]
)
_COMMENTS = st.sampled_from(["# 1", "# '", '# "', "#", "# '''"])


@given(st.lists(st.one_of(_LITERALS, _COMMENTS), max_size=12))
def test_text_lines_tells_code_from_text_as_the_tokenizer_does(parts):
    """The names left as code are those that Python's own tokenizer finds."""
    source = "".join(
        part + "\n" if part.startswith("#") else f"first_second_third{'abcdefghijkl'[i]} = {part}\n"
        for i, part in enumerate(parts)
    )
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    assert lines(source) == [split_name(t.string) for t in tokens if t.type == tokenize.NAME]
