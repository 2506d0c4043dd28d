"""The word2vec formats: what gensim writes we read, what we write gensim reads."""

from __future__ import annotations

import numpy as np
import pytest
from gensim.models import KeyedVectors
from hypothesis import given, settings
from hypothesis import strategies as st

from embedry.embeddings import Embeddings
from embedry.errors import FileFormatError, InputError

WORDS = ["the", "café", "日本語", "naïve", "🦜", "x" * 300, "1", '"quoted"', "a,b"]
ROWS = np.random.default_rng(0).standard_normal((len(WORDS), 5)).astype(np.float32)
EXTREMES = np.array(
    [[0.1, -0.0, 1e-45, 3.4028235e38, 1 / 3], [1e-38, 16777217, np.pi, -1e20, 2**-149]], np.float32
)

both_modes = pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])


@both_modes
def test_word2vec_file_of_ours_is_read_by_gensim(tmp_path, binary):
    """Gensim reads the same words and, to the bit, the same numbers."""
    path = tmp_path / "words.txt"
    Embeddings(WORDS, ROWS).write_word2vec(path, binary=binary)
    found = KeyedVectors.load_word2vec_format(path, binary=binary)
    assert found.index_to_key == WORDS
    np.testing.assert_array_equal(found.vectors, ROWS)


@both_modes
def test_word2vec_file_of_gensim_is_read_by_us(tmp_path, binary):
    """We read the same words and numbers that gensim saved."""
    path = str(tmp_path / "words.txt")
    peer = KeyedVectors(5)
    peer.add_vectors(WORDS, ROWS)
    peer.save_word2vec_format(path, binary=binary)
    found = Embeddings.read_word2vec(path, binary=binary)
    assert found.ids == tuple(WORDS)
    np.testing.assert_allclose(found.vectors, ROWS, rtol=1e-6)
    expected = KeyedVectors.load_word2vec_format(path, binary=binary)
    np.testing.assert_array_equal(found.vectors, expected.vectors)


@both_modes
@settings(max_examples=50, deadline=None)
@given(
    numbers=st.lists(
        st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=9
    )
)
def test_word2vec_round_trip_is_exact(tmp_path_factory, binary, numbers):
    """Every float32 comes back to the bit, in text too."""
    path = tmp_path_factory.mktemp("words") / "words"
    Embeddings(["w", "v"], [numbers, numbers[::-1]]).write_word2vec(path, binary=binary)
    found = Embeddings.read_word2vec(path, binary=binary)
    expected = np.array([numbers, numbers[::-1]], np.float32)
    assert found.vectors.tobytes() == expected.tobytes()


@both_modes
def test_word2vec_round_trip_keeps_extremes(tmp_path, binary):
    """The smallest, the largest and the longest numbers come back to the bit."""
    Embeddings(["a", "b"], EXTREMES).write_word2vec(tmp_path / "w", binary=binary)
    found = Embeddings.read_word2vec(tmp_path / "w", binary=binary)
    assert found.vectors.tobytes() == EXTREMES.tobytes()


@both_modes
def test_word2vec_ids_come_back_as_text(tmp_path, binary):
    """The format knows words alone: 1 is read as "1", in the metric asked for."""
    Embeddings([1, "b"], [[1, 2], [3, 4]]).write_word2vec(tmp_path / "w", binary=binary)
    found = Embeddings.read_word2vec(tmp_path / "w", binary=binary, metric="dot")
    assert found.ids == ("1", "b")
    assert found.card.metric == "dot"


@both_modes
def test_word2vec_refuses_one_beside_its_text(tmp_path, binary):
    """1 and "1" would become one word, so nothing is written."""
    with pytest.raises(InputError, match="cannot tell 1 from '1'"):
        Embeddings([1, "1"], np.eye(2)).write_word2vec(tmp_path / "w", binary=binary)
    assert not list(tmp_path.iterdir())


@both_modes
@pytest.mark.parametrize(
    "word", ["", " ", "a b", "a\nb", " a", "a\t", "a\u00a0b", "\u2028", "\x85"]
)
def test_word2vec_refuses_white_space_in_words(tmp_path, binary, word):
    """A word with white space of any kind would be read as two."""
    with pytest.raises(InputError, match="without white space"):
        Embeddings([word], [[1.0]]).write_word2vec(tmp_path / "w", binary=binary)
    assert not list(tmp_path.iterdir())


@both_modes
def test_word2vec_of_no_words(tmp_path, binary):
    """No words are a file too."""
    Embeddings([], np.empty((0, 3))).write_word2vec(tmp_path / "w", binary=binary)
    assert len(Embeddings.read_word2vec(tmp_path / "w", binary=binary)) == 0


def number(value):
    """Return a float32 as bytes."""
    return np.array([value], "<f4").tobytes()


BAD_TEXT = [
    (b"", "first line"),
    (b"the 1 2\n", "first line.*read_glove"),
    (b"the 1 " + b"0.25 " * 99 + b"\n", "first line.*read_glove"),
    (b"1 2\na " + number(1) * 2, "binary=True"),
    (b"2 2\na " + number(1) * 2 + b"b " + number(0.3) * 2, "binary=True"),
    (b"1\n", "first line"),
    (b"-1 2\n", "first line"),
    (b"1 0\na\n", "promises"),
    (b"1.0 2\na 1 2\n", "first line"),
    (b"99999999999999999999 2\n", "first line"),
    (b"1000000000000 300\na 1 2\n", "promises"),
    (b"2 2\na 1 2\n", "promises"),
    (b"2 2\na 1.00 2.00\n", "promises 2 rows but holds 1"),
    (b"2 2\na 1 2\nb 3\n\n", "line 3 has 1 numbers"),
    (b"1 2\na 1 2 3\n", "line 2 has 3 numbers"),
    (b"2 2\na 1 2\nb c 4\n", "line 3 holds what is no number"),
    (b"1 2\na 1 2\nb 3 4\n", "holds more"),
    (b"1 2\n\xff\xfe 1 2\n", "not UTF-8"),
    (b"1 2\n1 2      \n", "line 2 has 1 numbers"),
]
BAD_BINARY = [
    (b"", "first line"),
    (b"2 2\na " + number(1) * 2, "promises"),
    (b"1 2\nabcdefghijklmnop", "ends within row 1"),
    (b"2 1\nabcdef " + number(1) + b"b ", "ends within row 2"),
    (b"1 2\na " + number(1) * 3, "holds more"),
    (b"1 2\na 0.123456 0.123456\n", "binary=False"),
    (b"1 1\n\xff " + number(1), "not UTF-8"),
    (b"2 1\na " + number(1) + b" " + number(1), "row 2 .* b''.*binary=False"),
    (b"1 1\na\tb " + number(1), r"row 1 .* b'a\\tb'"),
    (b"2 1\na " + number(1) + b"b\nc " + number(1), r"row 2 .* b'b\\nc'"),
    (b"1 1\n" + b"x" * 65_536 + b" " + number(1), "row 1 .* fewer than 65536 bytes"),
    (b"1000000 1000000\na " + number(1), "promises"),
]


@pytest.mark.parametrize(
    ("binary", "data", "message"),
    [(False, *case) for case in BAD_TEXT] + [(True, *case) for case in BAD_BINARY],
)
def test_word2vec_refuses_a_file_that_lies(tmp_path, binary, data, message):
    """A header or row that is not what the file holds is an error that says where."""
    (tmp_path / "w").write_bytes(data)
    with pytest.raises(FileFormatError, match=message) as caught:
        Embeddings.read_word2vec(tmp_path / "w", binary=binary)
    assert caught.value.path == str(tmp_path / "w")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"2 1\na 1\na 2\n", "must differ"),
        (b"1 2\na nan 1\n", "finite"),
        (b"1 2\na 1e39 1\n", "finite"),
        (b"1 2\na 1e999 1\n", "finite"),
    ],
)
def test_word2vec_refuses_what_embeddings_refuse(tmp_path, data, message):
    """Repeated words and numbers that are not finite in float32."""
    (tmp_path / "w").write_bytes(data)
    with pytest.raises(InputError, match=message):
        Embeddings.read_word2vec(tmp_path / "w")


def test_word2vec_reads_what_others_write(tmp_path):
    """Windows line ends, a missing last line end, trailing spaces, exponents."""
    (tmp_path / "w").write_bytes(b"2 2\r\na 1e0 2 \r\nb -3.5 +4")
    found = Embeddings.read_word2vec(tmp_path / "w")
    np.testing.assert_array_equal(found.vectors, [[1, 2], [-3.5, 4]])
    (tmp_path / "b").write_bytes(b"2 1\na " + number(32) + b"\nb " + number(2) + b"\n")
    assert Embeddings.read_word2vec(tmp_path / "b", binary=True).ids == ("a", "b")


def test_word2vec_read_of_no_file_says_so(tmp_path):
    """A missing file is FileNotFoundError."""
    with pytest.raises(FileNotFoundError, match="There is no file"):
        Embeddings.read_word2vec(tmp_path / "nothing")


def test_word2vec_binary_refuses_words_that_cannot_be_read_back(tmp_path):
    """The longest word that is written is read; a longer one is for text."""
    path = tmp_path / "w"
    Embeddings(["é" + "x" * 65_533], [[1.0]]).write_word2vec(path, binary=True)
    assert len(Embeddings.read_word2vec(path, binary=True).ids[0]) == 65_534
    longer = Embeddings(["é" + "x" * 65_534], [[1.0]])
    with pytest.raises(InputError, match="fewer than 65536 bytes"):
        longer.write_word2vec(tmp_path / "other", binary=True)
    assert not (tmp_path / "other").exists()
    longer.write_word2vec(path)
    assert Embeddings.read_word2vec(path).ids == longer.ids


@both_modes
def test_word2vec_files_may_begin_with_a_byte_order_mark(tmp_path, binary):
    """It belongs to no word."""
    path = tmp_path / "w"
    Embeddings(["a", "\ufeffb"], np.eye(2)).write_word2vec(path, binary=binary)
    plain = path.read_bytes()
    for data in (plain, b"\xef\xbb\xbf" + plain):
        path.write_bytes(data)
        assert Embeddings.read_word2vec(path, binary=binary).ids == ("a", "\ufeffb")
