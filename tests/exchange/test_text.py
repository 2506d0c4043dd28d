"""Vectors as text: GloVe and word2vec lines, fast and plain, and the words of real files."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
from gensim.models import KeyedVectors
from hypothesis import example, given, settings
from hypothesis import strategies as st

from embedry.embeddings import Embeddings
from embedry.errors import FileFormatError, InputError
from embedry.exchange import text
from embedry.exchange.text import parse, parse_plain

WORDS = ["the", ",", "café", "日本語", "1", "\u00a0", "0.5", "x" * 300]
ROWS = np.random.default_rng(0).standard_normal((len(WORDS), 4)).astype(np.float32)


def glove(path, data, **options):
    """Write bytes and read them as a GloVe file."""
    path.write_bytes(data)
    return Embeddings.read_glove(path, **options)


# --- GloVe --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["words.txt", "words.txt.gz"])
def test_glove_round_trip_is_exact(tmp_path, name):
    """Every word and number comes back, packed or not."""
    words, rows = WORDS[:5], ROWS[:5]
    Embeddings(words, rows).write_glove(tmp_path / name)
    found = Embeddings.read_glove(tmp_path / name)
    assert found.ids == tuple(words)
    assert found.vectors.tobytes() == rows.tobytes()
    assert not found.mended
    packed = (tmp_path / name).read_bytes()[:2] == b"\x1f\x8b"
    assert packed == name.endswith(".gz")


def test_glove_file_of_ours_is_read_by_gensim(tmp_path):
    """With a first line put before it, which GloVe's files lack, gensim reads the same."""
    Embeddings(WORDS[:5], ROWS[:5]).write_glove(tmp_path / "w")
    (tmp_path / "v").write_bytes(b"5 4\n" + (tmp_path / "w").read_bytes())
    peer = KeyedVectors.load_word2vec_format(tmp_path / "v", binary=False)
    assert peer.index_to_key == WORDS[:5]
    np.testing.assert_array_equal(peer.vectors, ROWS[:5])


def test_glove_words_may_hold_spaces(tmp_path):
    """The last fields are the numbers, whatever comes before; in the first line too."""
    data = b". . . 1 2\nthe 3 4\nat name@domain.com 5 6\n. . 7 8\n\xc2\xa0 9 10\n"
    found = glove(tmp_path / "w", data)
    assert found.ids == (". . .", "the", "at name@domain.com", ". .", "\u00a0")
    np.testing.assert_array_equal(found.vectors, np.arange(1, 11).reshape(5, 2))


def test_glove_files_may_begin_with_a_byte_order_mark(tmp_path):
    """It belongs to no word; a first word that begins so would lose it, and is not written."""
    assert glove(tmp_path / "w", b"\xef\xbb\xbfa 1 2\nb 3 4\n").ids == ("a", "b")
    Embeddings(["a", "\ufeffb"], np.eye(2)).write_glove(tmp_path / "w")
    assert Embeddings.read_glove(tmp_path / "w").ids == ("a", "\ufeffb")
    with pytest.raises(InputError, match="must not begin with U\\+FEFF"):
        Embeddings(["\ufeffb", "a"], np.eye(2)).write_glove(tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_glove_words_may_be_numbers(tmp_path):
    """A word that looks like a number is a word, in the first line too."""
    found = glove(tmp_path / "w", b"1 1 2\n0.5 3 4\nnan 5 6\n")
    assert found.ids == ("1", "0.5", "nan")
    assert found.dims == 2


def test_glove_words_hold_all_that_is_no_white_space_of_ascii(tmp_path):
    """Words that Python would split, such as a no-break space, are words of real files."""
    lines = [word.encode() + b" 1 2\n" for word in WORDS]
    assert glove(tmp_path / "w", b"".join(lines)).ids == tuple(WORDS)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "line 1 must be a word and its numbers"),
        (b"\n", "line 1 must be"),
        (b"the\n", "line 1 must be"),
        (b"the cat\n", "line 1 must be"),
        (b"2 2\na 1 2\nb 3 4\n", "read_word2vec"),
        (b"a 1 2\nb 3\n", "line 2 has 1 numbers, not 2"),
        (b"a 1 2\n\nb 3 4\n", "line 2 has 0 numbers, not 2"),
        (b"a 1 2\nb x 4\nc d 5\n", "line 2 holds what is no number: b'x'"),
        (b"a 1 2\nb 3 4\nc 5 6 7\n", "line 3 has more than 2 numbers"),
        (b"a 1 2\nb 3 1_0\n", "line 2 holds what is no number: b'1_0'"),
        (b"a 1 2\nb 3 0x10\n", "line 2 holds what is no number"),
        (b"a 1 2\n1 2\n", "line 2 has 1 numbers"),
        (b"a 1 2\n\xff 1 2\n", "not UTF-8. Pass errors="),
    ],
)
def test_glove_refuses_lines_by_number(tmp_path, data, message):
    """A line that is not a word and its numbers is named."""
    with pytest.raises(FileFormatError, match=message) as caught:
        glove(tmp_path / "w", data)
    assert caught.value.path == str(tmp_path / "w")


def test_glove_names_lines_far_into_the_file(tmp_path, monkeypatch):
    """Lines are counted across the pieces that are read at once."""
    monkeypatch.setattr(text, "_LINES_AT_ONCE", 3)
    monkeypatch.setattr(text, "_BYTES_AT_ONCE", 12)
    good = b"".join(b"w%d 1 2\n" % number for number in range(10))
    assert len(glove(tmp_path / "w", good)) == 10
    with pytest.raises(FileFormatError, match="line 11 has 1 numbers"):
        glove(tmp_path / "w", good + b"bad 1\n")


def test_glove_writes_no_words_that_others_cannot_read(tmp_path):
    """White space in ids, and 1 beside "1", are refused; nothing is written."""
    for ids in (["a b", "c"], [1, "1"]):
        with pytest.raises(InputError):
            Embeddings(ids, np.eye(2)).write_glove(tmp_path / "w")
    with pytest.raises(InputError, match="no ids"):
        Embeddings([], np.empty((0, 2))).write_glove(tmp_path / "w")
    assert not list(tmp_path.iterdir())


def test_lines_without_an_end_are_refused(tmp_path, monkeypatch):
    """A line longer than any vector is not gathered up."""
    monkeypatch.setattr(text, "_LONGEST_LINE", 64)
    with pytest.raises(FileFormatError, match="line 2 is longer than 63 bytes"):
        glove(tmp_path / "w", b"a 1 2\n" + b"b" * 200 + b" 1 2\n")
    assert glove(tmp_path / "w", b"a 1 2\n" + b"b" * 58 + b" 1 2\n").ids[1] == "b" * 58


# --- fast and plain -----------------------------------------------------------------------------

numbers = st.one_of(
    st.floats(width=32).map(lambda x: f"{x:.9g}"),
    st.sampled_from(["1", "-0", "+4", "1e5", "1E-3", ".5", "5.", "1e999", "NaN", "-inf", "1e-46"]),
    st.sampled_from(
        ["", "x", "1_0", "0x1", "1,5", "1\r2", "#1", '"1"', "1e", "--1", "1\x0b2", "é"]
    ),
)
lines = st.builds(
    lambda word, fields, gap, end: (word + gap + gap.join(fields) + end).encode(),
    st.sampled_from(["a", "1", "b c", ". .", "", "é", "#", '"', "x\t1"]),
    st.lists(numbers, min_size=1, max_size=4),
    st.sampled_from([" ", "  ", "\t"]),
    st.sampled_from(["\n", "\r\n", " \n", ""]),
)


def outcome(parser, some, spaced):
    """Return words and bytes of rows, or the line and reason of the refusal."""
    try:
        words, rows = parser(some, 2, spaced=spaced)
    except ValueError as error:
        return error.place, error.why
    return words, np.where(np.isnan(rows), 7e7, rows).tobytes()


@settings(max_examples=300)
@given(some=st.lists(lines, min_size=1, max_size=4), spaced=st.booleans())
@example([b"a 1 2\r3 4\n", b"b\n"], False)
@example([b"a 1 2 3 4\n", b"b\n"], False)
@example([b"\n"], True)
@example([b"a 1\xa02\n"], False)
@example([b"a 1\x1c2\n"], False)
def test_parse_equals_parse_plain(some, spaced):
    """All numbers at once: the words, numbers and refusals of one line after the other."""
    assert outcome(parse, some, spaced) == outcome(parse_plain, some, spaced)


@given(st.lists(st.floats(width=32, allow_nan=False), min_size=2, max_size=2))
def test_parse_is_exact(values):
    """Nine digits bring back each float32 to the bit."""
    line = b"w %.9g %.9g\n" % tuple(values)
    assert parse([line], 2, spaced=False)[1].tobytes() == np.float32([values]).tobytes()


# --- gzip, and words that break the rules -------------------------------------------------------


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
def test_word2vec_files_may_be_gzipped(tmp_path, binary):
    """Written packed by name, the same bytes each time; read packed whatever the name."""
    emb = Embeddings(["a", "b", "日"], np.random.default_rng(0).standard_normal((3, 4)))
    emb.write_word2vec(tmp_path / "one.gz", binary=binary)
    emb.write_word2vec(tmp_path / "two.gz", binary=binary)
    assert (tmp_path / "one.gz").read_bytes() == (tmp_path / "two.gz").read_bytes()
    assert (tmp_path / "one.gz").read_bytes()[4:8] == b"\0\0\0\0"  # where gzip puts the time
    (tmp_path / "one.gz").rename(tmp_path / "plain")
    found = Embeddings.read_word2vec(tmp_path / "plain", binary=binary)
    assert found.ids == emb.ids
    assert found.vectors.tobytes() == emb.vectors.tobytes()
    peer = KeyedVectors.load_word2vec_format(tmp_path / "two.gz", binary=binary)
    np.testing.assert_array_equal(peer.vectors, emb.vectors)


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
def test_gzipped_files_are_not_believed_either(tmp_path, binary):
    """Cut short, overwritten, or with a header that promises a terabyte: refused."""
    path = tmp_path / "w.gz"
    Embeddings(range(99), np.random.default_rng(0).standard_normal((99, 8))).write_word2vec(
        path, binary=binary
    )
    whole = path.read_bytes()
    for damaged in (whole[:-20], whole[:200], whole[:300] + b"\xff" * 9 + whole[309:]):
        path.write_bytes(damaged)
        with pytest.raises(FileFormatError):
            Embeddings.read_word2vec(path, binary=binary)
    path.write_bytes(gzip.compress(b"1000000000 300\na 1 2\n"))
    with pytest.raises(FileFormatError):
        Embeddings.read_word2vec(path, binary=binary)


def broken(binary):
    """Return a file of five words: two are the same, and two are not UTF-8 and the same."""
    words = [b"a", b"\xff", b"a", b"b", b"\xffz"]
    row = np.float32([1, 2]).tobytes() if binary else b"1 2"
    end = b"" if binary else b"\n"
    return b"5 2\n" + b"".join(word + b" " + row + end for word in words)


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
def test_words_that_break_the_rules_are_mended_when_asked_and_counted(tmp_path, binary):
    """Nothing is left out or replaced unasked; what was is counted."""
    (tmp_path / "w").write_bytes(broken(binary))

    def read(**options):
        return Embeddings.read_word2vec(tmp_path / "w", binary=binary, **options)

    with pytest.raises(FileFormatError, match="Pass errors='replace'"):
        read()
    with pytest.raises(InputError, match=r"1 of .* came again, such as 'a'. Pass repeats='skip'"):
        read(errors="skip")
    found = read(errors="skip", repeats="skip")
    assert found.ids == ("a", "b")
    assert found.mended == {"word not UTF-8, left out": 2, "word repeated, left out": 1}
    found = read(errors="replace", repeats="skip")
    assert found.ids == ("a", "\ufffd", "b", "\ufffdz")
    assert found.mended == {"word not UTF-8, replaced": 2, "word repeated, left out": 1}
    with pytest.raises(TypeError):
        found.mended["more"] = 1


def test_words_that_are_left_out_take_their_rows_along(tmp_path):
    """The rows of the words that stay are their own."""
    found = glove(tmp_path / "w", b"a 1 2\na 3 4\n\xff 5 6\nb 7 8\n", errors="skip", repeats="skip")
    np.testing.assert_array_equal(found.vectors, [[1, 2], [7, 8]])


@pytest.mark.parametrize("options", [{"errors": "ignore"}, {"repeats": "last"}, {"metric": "l1"}])
def test_reading_refuses_options_it_does_not_know(tmp_path, options):
    """A wrong option is named."""
    with pytest.raises(InputError, match=f"{next(iter(options))} must be one of"):
        glove(tmp_path / "w", b"a 1 2\n", **options)
