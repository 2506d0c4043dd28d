"""The laws of opening a MODEL: each file is read as what it is, and said so where it cannot."""

import gzip
import struct

import numpy as np
import pytest

from embedry.cli.spaces import Format, open_space
from embedry.embeddings import Embeddings
from embedry.errors import FileFormatError

WORDS = Embeddings(["café", "東京", "7"], np.arange(12, dtype=np.float32).reshape(3, 4) + 1)
WRITERS = {
    "any": (WORDS.save, Format.EMBEDRY),
    "a.bin": (WORDS.save, Format.EMBEDRY),
    "a.vec": (WORDS.write_word2vec, Format.WORD2VEC),
    "a.vec.gz": (WORDS.write_word2vec, Format.WORD2VEC),
    "a.txt": (WORDS.write_word2vec, Format.WORD2VEC),
    "A.TXT": (WORDS.write_glove, Format.GLOVE),
    "b.txt.gz": (WORDS.write_glove, Format.GLOVE),
    "c.txt.gz": (WORDS.write_word2vec, Format.WORD2VEC),
    "b.bin": (lambda path: WORDS.write_word2vec(path, binary=True), Format.WORD2VEC_BINARY),
    "b.bin.gz": (lambda path: WORDS.write_word2vec(path, binary=True), Format.WORD2VEC_BINARY),
}


@pytest.mark.parametrize("name", WRITERS)
def test_open_space_tells_the_format(tmp_path, name):
    """The file's beginning and name tell what it is; ids and vectors come as written."""
    write, form = WRITERS[name]
    write(tmp_path / name)
    space = open_space(tmp_path / name)
    assert space.form is form
    assert space.embeddings.ids == WORDS.ids
    np.testing.assert_array_equal(space.embeddings.vectors, WORDS.vectors)


def test_open_space_reads_parquet(tmp_path):
    """A Parquet file is told by its name."""
    pytest.importorskip("pyarrow")
    WORDS.to_parquet(tmp_path / "a.parquet")
    space = open_space(tmp_path / "a.parquet")
    assert (space.form, space.embeddings.ids) == (Format.PARQUET, WORDS.ids)


def test_open_space_takes_the_format_it_is_told(tmp_path):
    """With a format the name means nothing; without, the refusal names the formats."""
    WORDS.write_glove(tmp_path / "noname")
    with pytest.raises(FileFormatError, match="--format: word2vec, word2vec-binary, glove"):
        open_space(tmp_path / "noname")
    assert open_space(tmp_path / "noname", Format.GLOVE).embeddings.ids == WORDS.ids


def test_open_space_mends_and_counts(tmp_path):
    """A repeated word is refused, and with mend left out and counted."""
    with gzip.open(tmp_path / "a.txt.gz", "wt") as file:
        file.write("a 1 2\nb 3 4\na 5 6\n")
    with pytest.raises(ValueError, match="'a'"):
        open_space(tmp_path / "a.txt.gz")
    space = open_space(tmp_path / "a.txt.gz", mend=True)
    assert space.embeddings.ids == ("a", "b")
    assert sum(space.embeddings.mended.values()) == 1


def fasttext_model(path, word, dims, buckets):
    """Write a model of fastText of one word with n-grams of 2 and 3 characters."""
    rows = np.random.default_rng(0).standard_normal((1 + buckets, dims)).astype("<f4")
    sizes = [dims, 5, 1, 1, 5, 1, 1, 2, buckets, 2, 3, 100]
    data = struct.pack("<ii", 793712314, 12) + struct.pack("<12id", *sizes, 1e-4)
    data += struct.pack("<iiiqq", 1, 1, 0, 99, -1) + word.encode() + b"\0"
    data += struct.pack("<qb", 5, 0) + struct.pack("<?qq", False, *rows.shape)
    path.write_bytes(data + rows.tobytes())


def test_open_space_tells_fasttext_from_word2vec_by_its_beginning(embedry, tmp_path):
    """A .bin that begins as fastText's does is read as such, and places unseen words."""
    path = tmp_path / "model.bin"
    fasttext_model(path, "λόγος", 4, 10)
    space = open_space(path)
    assert (space.form, space.embeddings.ids) == (Format.FASTTEXT, ("λόγος",))
    expected = Embeddings.read_fasttext(path, ["λόγου"])
    np.testing.assert_array_equal(space.placed("λόγου").vectors, expected.vectors)
    done = embedry("words", "nearest", path, "λόγου")
    assert (done.code, done.err) == (0, "")
    assert "Near λόγου, placed by its n-grams" in done.out


def test_open_space_takes_the_items_of_taste(shelf):
    """Of an ALS model it is the items that are asked about."""
    space = open_space(shelf.parent / "taste.embedry-model")
    assert "b1" in space.embeddings
    assert space.embeddings.ids == space.model.item_embeddings_.ids
