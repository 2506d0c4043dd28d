"""Laws of WordPiece: the kernel does what plain Python does, and both what `tokenizers` does."""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedry.kernels.text import wordpiece as module
from embedry.kernels.text.characters import characters
from embedry.kernels.text.plainwordpiece import PlainCutter, plain_words
from embedry.kernels.text.wordpiece import PieceCutter

LETTERS = "abcdeghilnorstuwxμσςя가각ㄱ東京한\u1100\u1161\u11a8"
PIECES = [
    "[UNK]", *LETTERS, *(f"##{letter}" for letter in LETTERS), *".,!?'-#[]+$^`~،。",
    "the", "un", "##want", "##ed", "##ing", "toll", "ab", "##abc", "##", "###", "x" * 100,
    "##\u302e", "##\u1b44", "##\u0bcd", "\u302e", "ss",
]  # fmt: skip
FAST, PLAIN = PieceCutter(PIECES, 0), PlainCutter(PIECES, 0)
# all kinds of characters; accents, marks that stay, controls, spaces, and what becomes several
BITS = [
    "the", "UNwanted", "ab", "ABABC", "e\u0301", "é", "É", "İ", "ß", "Σ", "ς", "µ", "K", "Å", "각",
    "가", "東", "京都", "\U0002f800", "\ufa0e", "\U00020000", "\u302e", "\u1b44", "\u0903",
    "\u0300",
    "\u0900", "\U0001d15e", "\u0958", "\u0344", "\u00a0", "\u3000", "\u2028", "\t", "\n", "\r\n",
    " ", "\x00", "\x0b", "\x1c", "\x7f", "\x85", "\u200b", "\u200d", "\ufeff", "\ufffd", "\ue000",
    "\u0378", "\U0001f600", "\u2260", "\u037e", "\u1fef", "،", "。", "##", "[UNK]", "[SEP]",
    "#", "'", "-", "$", "x" * 99, "x", "\u07fd", "\u1e08", "ǅ", "ﬁ", "²", "Ⅷ",
]  # fmt: skip
texts = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    st.lists(st.sampled_from(BITS), max_size=30).map("".join),
)


@pytest.fixture(scope="module")
def theirs():
    """Return the tokenizer of the package `tokenizers`, with the same vocabulary."""
    tokenizers = pytest.importorskip("tokenizers", reason="the package tokenizers is the peer")
    numbers = {piece: number for number, piece in enumerate(PIECES)}
    return _theirs(tokenizers, numbers)


def _theirs(tokenizers, numbers):
    model = tokenizers.models.WordPiece(numbers, unk_token="[UNK]", max_input_chars_per_word=100)
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.normalizer = tokenizers.normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    return tokenizer


def pairs(spans):
    return list(zip(spans.begins.tolist(), spans.ends.tolist(), strict=True))


@settings(max_examples=500, deadline=None)
@given(many=st.lists(texts, max_size=5))
def test_cutter_equals_plain(many):
    """The pieces of many texts, and where each text begins, are those of plain Python."""
    got, expected = FAST.cut(many), PLAIN.cut(many)
    for name, mine, other in zip(got._fields, got, expected, strict=True):
        np.testing.assert_array_equal(mine, other, err_msg=name)
        assert mine.dtype == other.dtype, name


@settings(max_examples=500, deadline=None)
@given(text=texts)
def test_spans_equal_plain(text):
    """The pieces of one text and their spans are those of plain Python, and of `cut`."""
    got, expected = FAST.spans(text), PLAIN.spans(text)
    for name, mine, other in zip(got._fields, got, expected, strict=True):
        np.testing.assert_array_equal(mine, other, err_msg=name)
        assert mine.dtype == other.dtype, name
    np.testing.assert_array_equal(FAST.cut([text]).pieces, got.pieces)


@settings(max_examples=1_000, deadline=None)
@given(text=texts)
def test_cutter_equals_tokenizers(theirs, text):
    """The pieces are those of the package `tokenizers`, one by one."""
    encoding = theirs.encode(text, add_special_tokens=False)
    assert FAST.cut([text]).pieces.tolist() == encoding.ids


@settings(max_examples=1_000, deadline=None)
@given(text=texts)
def test_spans_equal_tokenizers(theirs, text):
    """Spans are the offsets of `tokenizers`, but around marks it puts in another order."""
    encoding = theirs.encode(text, add_special_tokens=False)
    spans = FAST.spans(text)
    assert spans.pieces.tolist() == encoding.ids
    if not any(mark in text for mark in "\u302e\u1b44\u0344"):
        assert pairs(spans) == encoding.offsets


def test_cutter_equals_tokenizers_on_every_character():
    """Each of all characters, within a word, gives the pieces that `tokenizers` gives."""
    tokenizers = pytest.importorskip("tokenizers", reason="the package tokenizers is the peer")
    points = np.arange(sys.maxunicode + 1, dtype=np.uint32)
    cells = characters().cells(points)
    changes = (cells & 7 > 0) | (cells >> 3 & 0x1FFFFF > 0)
    changes &= (cells & 7 != 5) | (points > 0x2F7FF)  # of Chinese, what changes
    words = plain_words(" ".join(map(chr, points[changes].tolist())))
    became = {letter for word in words for letter in word}
    pieces = ["[UNK]", "a", "##a", "b", "##b", *became, *(f"##{letter}" for letter in became)]
    cutter = PieceCutter(list(dict.fromkeys(pieces)), 0)
    peer = _theirs(tokenizers, {piece: n for n, piece in enumerate(dict.fromkeys(pieces))})
    every = [chr(point) for point in range(sys.maxunicode + 1) if not 0xD800 <= point < 0xE000]
    lines = [
        " ".join(f"a{one}b" for one in every[first : first + 4096])
        for first in range(0, len(every), 4096)
    ]
    expected = [one.ids for one in peer.encode_batch_fast(lines, add_special_tokens=False)]
    got = cutter.cut(lines)
    for row, line in enumerate(lines):
        mine = got.pieces[got.starts[row] : got.starts[row + 1]]
        assert mine.tolist() == expected[row], line[:40]


def test_plain_words_equal_tokenizers_on_every_character():
    """Each of all characters becomes what the normaliser of `tokenizers` makes of it."""
    tokenizers = pytest.importorskip("tokenizers", reason="the package tokenizers is the peer")
    normaliser = tokenizers.normalizers.BertNormalizer()
    splitter = tokenizers.pre_tokenizers.BertPreTokenizer()
    for first in range(0, sys.maxunicode + 1, 1 << 14):
        points = [point for point in range(first, first + (1 << 14)) if point >> 11 != 27]
        text = " ".join(f"a{chr(point)}b" for point in points)
        words = splitter.pre_tokenize_str(normaliser.normalize_str(text))
        assert plain_words(text) == [word for word, _ in words]


def test_cutter_counts_characters_of_long_words():
    """A word of 100 characters is cut, one of 101 is unknown, accents and controls not counted."""
    words = ["x" * 100, "x" * 101, "x" * 100 + "\u0301\u200b", "東" * 300, "가" * 34]
    got = FAST.cut(words)
    assert np.diff(got.starts).tolist() == [1, 1, 1, 300, 68]
    assert got.pieces[[0, 1, 2]].tolist() == [PIECES.index("x" * 100), 0, PIECES.index("x" * 100)]
    assert pairs(FAST.spans("ab " + "x" * 300)) == [(0, 2), (3, 303)]


def test_cutter_puts_marks_in_order():
    """Marks that stay are ordered by class, but not across a letter or one that is taken out."""
    high, low, taken_out = "\u302e", "\u1b44", "\u0900"
    cutter = PieceCutter(["[UNK]", "a", "##a", f"##{high}", f"##{low}"], 0)
    texts = [f"a{high}{low}", f"a{high}\u200b{low}", f"a{high}{taken_out}{low}", f"a{high}a{low}"]
    got = cutter.cut(texts)
    assert got.pieces.tolist() == [1, 4, 3, 1, 4, 3, 1, 3, 4, 1, 3, 2, 4]


def test_cutter_leaves_out_lone_surrogates():
    """Half a surrogate pair, which no UTF-8 can hold, is left out as a control is."""
    assert FAST.cut(["th\ud800e"]).pieces.tolist() == [PIECES.index("the")]
    assert pairs(FAST.spans("th\udc00e ab")) == [(0, 4), (5, 7)]


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_cutter_that_forgets_and_splits_equals_plain(monkeypatch, threads):
    """Blocks, forgetting and threads change nothing."""
    monkeypatch.setattr(module, "RUNS_AT_MOST", 20)
    monkeypatch.setattr(module, "BLOCK", 100)
    many = [f"the {'un' * (n % 5)}wanted w{n} \n{BITS[n % len(BITS)]}" for n in range(400)]
    cutter = PieceCutter(PIECES, 0)
    for _ in range(2):
        got, expected = cutter.cut(many, threads), PLAIN.cut(many)
        np.testing.assert_array_equal(got.pieces, expected.pieces)
        np.testing.assert_array_equal(got.starts, expected.starts)


def test_cutter_of_nothing_gives_nothing():
    """No texts, and texts without a word, have no pieces."""
    assert FAST.cut([]).starts.tolist() == [0]
    assert FAST.cut(["", " \n", "\u200b"], 2).starts.tolist() == [0, 0, 0, 0]
    assert FAST.spans("").pieces.size == 0
