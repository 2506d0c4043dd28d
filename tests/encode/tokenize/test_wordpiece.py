"""Laws of WordPiece as users meet it: vocabularies are checked, words that are unknown named."""

import pytest

from embedry.encode.tokenize.wordpiece import WordPiece
from embedry.errors import FileFormatError, InputError

PIECES = ["[PAD]", "[UNK]", "un", "##want", "##ed", "!", "the"]


def test_wordpiece_names_unknown_words_once_as_they_stand():
    """Words that cannot be cut come once, in order of appearance, with capitals and accents."""
    texts = ["The Zürich!", "unwanted", "Oslo zürich", "Zürich the Oslo"]
    assert WordPiece(PIECES).unknown_words(texts) == ("Zürich", "Oslo", "zürich")
    assert WordPiece(PIECES).unknown_words(["the"]) == ()


def test_wordpiece_is_the_same_by_any_number_of_threads():
    """Threads change nothing."""
    texts = [f"unwanted the{'!' * (n % 4)}" for n in range(50)]
    one, many = (WordPiece(PIECES).cut(texts, threads) for threads in (1, 5))
    assert one.pieces.tolist() == many.pieces.tolist()
    assert one.starts.tolist() == many.starts.tolist()


def test_wordpiece_reads_a_file(tmp_path):
    """A piece a line, whether or not the last line ends."""
    for end in ("", "\n"):
        (tmp_path / "vocab.txt").write_text("\n".join(PIECES) + end, encoding="utf-8")
        read = WordPiece.from_file(tmp_path / "vocab.txt")
        assert read.pieces == tuple(PIECES)
        assert (read.number("the"), read.number("nothing")) == (6, None)


@pytest.mark.parametrize("content", [b"[UNK]\na\n\nb\n", b"[UNK]\n\xff\n", b"a\n", b"[UNK]\na\na"])
def test_wordpiece_refuses_a_file_that_is_no_vocabulary(tmp_path, content):
    """Empty and double pieces, none for unknown words, and bytes that are no UTF-8 are refused."""
    (tmp_path / "vocab.txt").write_bytes(content)
    with pytest.raises(FileFormatError, match="a piece a line"):
        WordPiece.from_file(tmp_path / "vocab.txt")


def test_wordpiece_refuses_what_is_no_vocabulary_and_no_text():
    """Each refusal names what came."""
    with pytest.raises(InputError, match="'a' is number 1 and 2"):
        WordPiece(["[UNK]", "a", "a"])
    with pytest.raises(InputError, match="piece 1 is 7"):
        WordPiece(["[UNK]", 7])
    with pytest.raises(InputError, match="one of the pieces"):
        WordPiece(["a"])
    with pytest.raises(InputError, match="one str"):
        WordPiece(PIECES).cut("the")
    with pytest.raises(InputError, match="text 1 is NoneType"):
        WordPiece(PIECES).cut(["the", None])
    with pytest.raises(InputError, match="must be a str; got bytes"):
        WordPiece(PIECES).spans(b"the")
