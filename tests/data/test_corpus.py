"""The corpus against a plain Counter."""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
from collections import Counter
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedry.data import corpus as module
from embedry.data.corpus import Corpus, tokenize
from embedry.data.text import draft
from embedry.errors import FileFormatError, InputError

LINES = ["The cat sat.", "", "  ...  ", "the CAT, the mat!", "Ένα δύο", "日本 語", "naïve café_1"]
# "x" first, so that there is a token
some_lines = st.lists(st.text(max_size=20)).map(lambda lines: ["x", *lines])
tokenizers = pytest.mark.parametrize("tokenizer", ["words", "whitespace"])


def assert_holds(corpus, sentences):
    """Hold a corpus against lists of words, the empty ones left out."""
    kept = [sentence for sentence in sentences if sentence]
    assert [corpus.sentence(index) for index in range(len(corpus))] == kept
    assert corpus.empty_lines == len(sentences) - len(kept)
    words = [word for sentence in kept for word in sentence]
    assert corpus.words == tuple(dict.fromkeys(words))
    assert dict(zip(corpus.words, corpus.counts.tolist(), strict=True)) == Counter(words)
    assert corpus.token_count == len(words) == len(corpus.tokens)
    np.testing.assert_array_equal(corpus.offsets, np.cumsum([0, *map(len, kept)]))
    assert (corpus.tokens.dtype, corpus.offsets.dtype) == (np.int32, np.int64)


@tokenizers
@settings(max_examples=50, deadline=None)
@given(lines=some_lines)
def test_corpus_equals_a_counter(tokenizer, lines):
    """Sentences, codes, counts and offsets are those of plain lists of words."""
    corpus = Corpus.from_lines(lines, tokenizer=tokenizer)
    assert corpus.tokenizer == tokenizer
    assert_holds(corpus, [tokenize(line, tokenizer) for line in lines])


def test_corpus_reads_a_generator_once():
    """A generator will do, over many batches of lines."""
    assert_holds(
        Corpus.from_lines(f"w{i % 7} w{i}" if i % 9 else "" for i in range(5_000)),
        [[f"w{i % 7}", f"w{i}"] if i % 9 else [] for i in range(5_000)],
    )


@pytest.mark.parametrize("name", ["text.txt", "text.gz"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_corpus_from_file_equals_from_lines(tmp_path, name, line_end):
    """A file, packed or not, gives what its lines give."""
    path = tmp_path / name
    data = line_end.join(LINES).encode()
    path.write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    corpus = Corpus.from_file(path)
    assert_holds(corpus, [tokenize(line) for line in LINES])
    assert corpus.undecodable == 0


def test_corpus_counts_empty_lines():
    """Lines without a token are left out and counted, white space and punctuation too."""
    corpus = Corpus.from_lines(LINES)
    assert (len(corpus), corpus.empty_lines) == (5, 2)


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@tokenizers
def test_corpus_from_file_skips_the_byte_order_mark(tmp_path, mark, tokenizer):
    """A mark at the start of a file is no part of the first word."""
    (tmp_path / "f").write_text(f"{mark}first word\n", encoding="utf-8")
    assert Corpus.from_file(tmp_path / "f", tokenizer=tokenizer).words == ("first", "word")


@pytest.mark.parametrize(
    ("data", "undecodable"),
    [
        (b"caf\xe9 au lait", 1),
        (b"\xff\xfd a", 2),
        (b"a \xe2\x82 b", 1),
        ("a \ufffd b".encode(), 0),
        ("\ufffd a ".encode() + b"\xff \xf0\x9f" + "\ufffd".encode(), 2),
        ("plain \U0001f600 é".encode(), 0),
    ],
)
def test_corpus_counts_what_is_not_utf8(tmp_path, data, undecodable):
    """Broken byte sequences are replaced and counted; a replacement that was there is not."""
    (tmp_path / "f").write_bytes(data + b"\nnext\n")
    corpus = Corpus.from_file(tmp_path / "f", tokenizer="whitespace")
    assert corpus.undecodable == undecodable
    text = (data + b"\nnext\n").decode("utf-8", "replace")
    assert_holds(corpus, [line.split() for line in text.splitlines()])


@pytest.mark.parametrize("limit", [0, 100, 10_000])
def test_corpus_in_a_temporary_file_equals_memory(monkeypatch, limit):
    """Past the limit the codes go to a file, and everything is as it was in memory."""
    lines = [f"a{i % 13} b{i % 301} c{i}" for i in range(7_000)]
    expected = Corpus.from_lines(lines)
    assert not isinstance(expected.tokens, np.memmap)
    monkeypatch.setattr(draft, "MEMORY_LIMIT", limit)
    monkeypatch.setattr(module, "_TOKENS_AT_ONCE", 1_000)
    corpus = Corpus.from_lines(lines)
    assert isinstance(corpus.tokens, np.memmap)
    assert corpus.words == expected.words
    np.testing.assert_array_equal(corpus.tokens, expected.tokens)
    np.testing.assert_array_equal(corpus.offsets, expected.offsets)
    np.testing.assert_array_equal(corpus.counts, np.bincount(expected.tokens))
    assert corpus.sentence(6_999) == expected.sentence(6_999)


@pytest.mark.parametrize(
    ("text", "words", "parts"),
    [
        ("The café, open!", ["the", "café", "open"], ["The", "café,", "open!"]),
        ("a_b c-d 3.5", ["a_b", "c", "d", "3", "5"], ["a_b", "c-d", "3.5"]),
        ("ΣΊΣΥΦΟΣ Straße", ["σίσυφος", "straße"], ["ΣΊΣΥΦΟΣ", "Straße"]),
        ("日本 語", ["日本", "語"], ["日本", "語"]),
        (" \t\n", [], []),
    ],
)
def test_tokenize_by_hand(text, words, parts):
    """Words of any script, lowercased; or split at white space and nothing else."""
    assert tokenize(text) == words
    assert tokenize(text, "whitespace") == parts


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "at least one token"),
        (["", " \t"], "at least one token"),
        ("a text", r"Pass \[text\]"),
        (b"a text", r"Pass \[text\]"),
        (["a", 5], "must be a str; got 5"),
        (["a", None], "must be a str; got None"),
        (["a", b"b"], "must be a str; got b'b'"),
        ([["a", "b"]], "Pass str, not tokens"),
    ],
)
@tokenizers
def test_corpus_refuses_what_is_no_text(tokenizer, lines, message):
    """Nothing to read, a single str, or lines that are none."""
    with pytest.raises(InputError, match=message):
        Corpus.from_lines(lines, tokenizer=tokenizer)


def test_corpus_refuses_unknown_tokenizers(tmp_path):
    """The message lists those there are."""
    (tmp_path / "f").write_text("a")
    for make in (
        lambda: tokenize("a", "bpe"),
        lambda: Corpus.from_lines(["a"], tokenizer="bpe"),
        lambda: Corpus.from_file(tmp_path / "f", tokenizer="bpe"),
    ):
        with pytest.raises(InputError, match="tokenizer must be one of words, whitespace"):
            make()


def test_corpus_from_file_refuses_missing_and_empty_files(tmp_path):
    """A missing file, a folder, no path at all, and a file without words are told apart."""
    with pytest.raises(FileNotFoundError, match="There is no file"):
        Corpus.from_file(tmp_path / "nothing")
    with pytest.raises(InputError, match="it is a folder"):
        Corpus.from_file(tmp_path)
    with pytest.raises(InputError, match="A path must be"):
        Corpus.from_file(None)
    (tmp_path / "f").write_text("\n\n")
    with pytest.raises(InputError, match=str(tmp_path / "f")):
        Corpus.from_file(tmp_path / "f")


@pytest.mark.parametrize("name", ["text.txt", "text.gz"])
def test_corpus_from_file_tells_gzip_by_its_bytes(tmp_path, name):
    """Whatever its name, a packed file is unpacked and a plain one is not."""
    for data in (b"the cat\nsat", gzip.compress(b"the cat\nsat")):
        (tmp_path / name).write_bytes(data)
        assert_holds(Corpus.from_file(tmp_path / name), [["the", "cat"], ["sat"]])


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("the cat sat".encode("utf-16"), "UTF-16"),
        ("the cat sat".encode("utf-32"), "UTF-32"),
        (codecs.BOM_UTF16_BE + "猫".encode("utf-16-be"), "UTF-16"),
        (codecs.BOM_UTF32_BE + "猫".encode("utf-32-be"), "UTF-32"),
        ("the cat sat".encode("utf-16-le"), "11 of its first 22 bytes are 0"),
        ("η γάτα κάθεται".encode("utf-16-be"), "bytes are 0"),
        (lzma.compress(b"the cat sat"), "packed by xz"),
        (bz2.compress(b"the cat sat"), "packed by bzip2"),
        (b"PK\x03\x04\x14\x00", "packed by zip"),
        (b"\x28\xb5\x2f\xfd\x24", "packed by zstd"),
    ],
    ids=["16", "32", "16be", "32be", "16le bare", "16be bare", "xz", "bzip2", "zip", "zstd"],
)
def test_corpus_from_file_refuses_what_is_no_utf8_text(tmp_path, data, message, packed):
    """Other encodings and other packers are told by their bytes, not read as strange words."""
    (tmp_path / "f").write_bytes(gzip.compress(data) if packed else data)
    with pytest.raises(FileFormatError, match=message) as caught:
        Corpus.from_file(tmp_path / "f")
    assert caught.value.path == str(tmp_path / "f")


def test_corpus_from_file_takes_a_few_zero_bytes(tmp_path):
    """A stray one in a long text is a character like another."""
    (tmp_path / "f").write_bytes(b"the cat\0sat\n" * 2 + b"on the mat\n" * 99)
    assert len(Corpus.from_file(tmp_path / "f")) == 101


@pytest.mark.parametrize("cut", ["short", "flipped"])
def test_corpus_from_file_refuses_damaged_gzip(tmp_path, cut):
    """A packed file that ends early, or is damaged."""
    packed = gzip.compress(b"\n".join(b"word %d" % i for i in range(9_999)))
    damaged = bytearray(packed)
    damaged[len(packed) // 2] ^= 255
    path = tmp_path / "f.gz"
    path.write_bytes({"short": packed[:-20], "flipped": damaged}[cut])
    with pytest.raises(FileFormatError, match="must be a whole gzip file") as caught:
        Corpus.from_file(path)
    assert caught.value.path == str(path)


def test_corpus_sentence_is_in_range():
    """A sentence has a number from 0; others are refused."""
    corpus = Corpus.from_lines(["a b", "c"])
    assert repr(corpus) == "Corpus(2 sentences, 3 tokens, 3 words)"
    assert corpus.sentence(np.int64(1)) == ["c"]
    for index in (-1, 2, "a", 0.0, True, None):
        with pytest.raises(InputError, match=r"index must be an int in \[0, 2\)"):
            corpus.sentence(index)


@pytest.mark.parametrize("characters", [1, 3, 7, 50])
@pytest.mark.parametrize("tokenizer", ["words", "whitespace"])
def test_corpus_does_not_depend_on_the_size_of_a_bite(monkeypatch, characters, tokenizer):
    """Long lines stay one sentence, however small the bites they are read in."""
    lines = ["a bc def", "", "x", "long  line of words\twith a tab", "   ", "é, ü; Straße 1"] * 3
    whole = Corpus.from_lines(lines, tokenizer=tokenizer)
    monkeypatch.setattr("embedry.data.text.lines.CHARACTERS_AT_ONCE", characters)
    bites = Corpus.from_lines(lines, tokenizer=tokenizer)
    assert bites.words == whole.words
    assert bites.tokens.tolist() == whole.tokens.tolist()
    assert bites.offsets.tolist() == whole.offsets.tolist()
    assert bites.empty_lines == whole.empty_lines


@pytest.fixture
def at_once(monkeypatch):
    """Read files with kernels, a few bytes at a time."""
    monkeypatch.setattr(module, "_PLAIN", 0)
    monkeypatch.setattr(module, "_BLOCK", 50)


@pytest.mark.parametrize("name", ["text.txt", "text.gz"])
@pytest.mark.parametrize("threads", [None, 1, 2])
@tokenizers
def test_corpus_from_file_is_the_same_with_kernels(tmp_path, at_once, name, threads, tokenizer):
    """Large files are read in blocks and threads, and give what their lines give."""
    lines = LINES * 20 + ["ΑΣ'α Σ", "word " * 100, "\ufffd\u2028\xa0x", "last without an end"]
    data = "\r\n".join(lines).encode().replace("日".encode(), b"\xe6\x97")
    path = tmp_path / name
    path.write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    corpus = Corpus.from_file(path, tokenizer=tokenizer, threads=threads)
    assert corpus.undecodable == 20
    assert corpus.tokenizer == tokenizer
    expected = [line.replace("日", "\ufffd") for line in lines]
    assert "counts" in vars(corpus)  # they came with the reading
    assert_holds(corpus, [tokenize(line, tokenizer) for line in expected])


@pytest.mark.parametrize("size", [0, 1])
def test_corpus_from_file_reads_small_files_plainly(tmp_path, monkeypatch, size):
    """A file is small below a size; either way the corpus is the same."""
    (tmp_path / "f").write_text("a b\nc a", encoding="utf-8")
    monkeypatch.setattr(module, "_PLAIN", 7 + size)
    corpus = Corpus.from_file(tmp_path / "f")
    assert ("counts" in vars(corpus)) == (size == 0)
    assert_holds(corpus, [["a", "b"], ["c", "a"]])


@pytest.mark.parametrize("threads", [0, -1, True, "2", 1.5])
def test_corpus_from_file_refuses_threads(tmp_path, threads):
    """None, or at least one."""
    (tmp_path / "f").write_text("a")
    with pytest.raises(InputError, match="threads must be None or at least 1"):
        Corpus.from_file(tmp_path / "f", threads=threads)


@pytest.mark.parametrize("cut", ["short", "flipped"])
@pytest.mark.parametrize("threads", [1, 2])
def test_corpus_from_file_refuses_damaged_gzip_with_kernels(tmp_path, at_once, cut, threads):
    """What is found out in the middle of a file is told as at its start."""
    packed = gzip.compress(b"\n".join(b"word %d" % i for i in range(9_999)))
    damaged = bytearray(packed)
    damaged[len(packed) // 2] ^= 255
    (tmp_path / "f.gz").write_bytes({"short": packed[:-20], "flipped": damaged}[cut])
    with pytest.raises(FileFormatError, match="must be a whole gzip file"):
        Corpus.from_file(tmp_path / "f.gz", threads=threads)


def test_corpus_from_file_moves_the_bar(tmp_path, at_once, monkeypatch):
    """The bar goes as far as the file is long."""
    steps = []

    @contextmanager
    def bar(description, total):
        yield steps.append
        assert sum(steps) == total

    monkeypatch.setattr(module, "bar", bar)
    for name, data in [("f", b"a b\n" * 9_999), ("f.gz", gzip.compress(b"a b\n" * 9_999))]:
        (tmp_path / name).write_bytes(data)
        Corpus.from_file(tmp_path / name, threads=2)
        assert steps
        steps.clear()
