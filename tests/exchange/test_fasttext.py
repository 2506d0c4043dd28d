"""Models of fastText: vectors as gensim composes them, and files that lie."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from gensim.models import FastText
from gensim.models.fasttext import load_facebook_vectors, save_facebook_model
from hypothesis import given, settings
from hypothesis import strategies as st

from embedry.embeddings import Embeddings
from embedry.errors import FileFormatError, InputError
from embedry.exchange import fasttext
from embedry.exchange.fasttext import open_fasttext
from embedry.subwords import ngram_hashes

MAGIC = 793_712_314
SENTENCES = [
    ["the", "cat", "sat"],
    ["die", "straße", "日本語", "cat"],
    ["a", "ёлка", "🦜", "the"],
] * 3


@pytest.fixture(scope="module", params=[(3, 6, 500), (1, 3, 97)], ids=str)
def peer(request, tmp_path_factory):
    """Train a model of gensim and save it as fastText does."""
    shortest, longest, buckets = request.param
    model = FastText(
        SENTENCES, vector_size=7, min_count=1, epochs=1, workers=1, seed=1,
        min_n=shortest, max_n=longest, bucket=buckets,
    )  # fmt: skip
    path = tmp_path_factory.mktemp("fasttext") / "model.bin"
    save_facebook_model(model, str(path))
    return path, load_facebook_vectors(str(path))


def test_fasttext_vectors_equal_gensim(peer):
    """The words of the vocabulary, in its order, and their vectors."""
    path, vectors = peer
    found = Embeddings.read_fasttext(path)
    assert list(found.ids) == vectors.index_to_key
    np.testing.assert_allclose(found.vectors, vectors.vectors, atol=1e-6)
    assert np.abs(vectors.vectors).max() > 0.01


def test_fasttext_vectors_of_unknown_words_equal_gensim(peer):
    """Words beyond the vocabulary, and some of it, in the order asked for."""
    path, vectors = peer
    asked = ["cats", "straßen", "the", "日本", "zzz", "🦜🦜", "ёлки", "th", "a" * 50]
    found = Embeddings.read_fasttext(path, asked)
    assert list(found.ids) == asked
    expected = [vectors.get_vector(word) for word in asked]
    np.testing.assert_allclose(found.vectors, expected, atol=1e-6)


def test_fasttext_words_read_apart_lie_in_one_space(peer):
    """The card is that of the model: composed words are compared with the vocabulary."""
    path, _ = peer
    whole, one = Embeddings.read_fasttext(path), Embeddings.read_fasttext(path, ["cats"])
    assert whole.card == one.card
    assert (whole.card.kind, whole.card.metric) == ("fasttext", "cosine")
    assert len(whole.nearest(vector=one, k=3)) == 3
    assert Embeddings.read_fasttext(path, ["cats"], metric="dot").card != one.card
    assert Embeddings.read_fasttext(path, ["cats"], metric="dot").card.metric == "dot"


def made(
    words=(b"a", b"</s>", b"\xff"),
    labels=(),
    sizes=(2, 3, 10),
    dims=3,
    *,
    magic=MAGIC,
    version=12,
    model=2,
    quantized=False,
    pruned=-1,
    rows=None,
    promised=None,
    counts=None,
):
    """Build the bytes of a model by hand, and its rows."""
    shortest, longest, buckets = sizes
    if rows is None:
        rows = np.random.default_rng(0).standard_normal((len(words) + buckets, dims))
    rows = rows.astype("<f4")
    head = struct.pack("<ii", magic, version)
    settings = [dims, 5, 1, 1, 5, 1, 1, model, buckets, shortest, longest, 100]
    head += struct.pack("<12id", *settings, 1e-4)
    count, label_count = counts or (len(words), len(labels))
    head += struct.pack("<iiiqq", count + label_count, count, label_count, 99, pruned)
    for kind, entries in enumerate((words, labels)):
        head += b"".join(entry + b"\0" + struct.pack("<qb", 5, kind) for entry in entries)
    head += struct.pack("<?qq", quantized, *(promised or rows.shape))
    return head + rows.tobytes(), rows


def write(path, data):
    """Write bytes to a file and return its path."""
    path.write_bytes(data)
    return path


@settings(max_examples=30, deadline=None)
@given(
    words=st.lists(
        st.binary(max_size=12).filter(lambda word: b"\0" not in word), max_size=5, unique=True
    ),
    others=st.lists(st.text(max_size=9).map(str.encode), max_size=4),
    sizes=st.tuples(st.integers(0, 4), st.integers(0, 5), st.integers(1, 20)),
)
def test_fasttext_vectors_are_means_of_rows(tmp_path_factory, words, others, sizes):
    """The formula of the paper, word by word: own row and n-grams, each as often as it is there."""
    data, rows = made(words, sizes=sizes, labels=[b"__label__x"])
    model = open_fasttext(write(tmp_path_factory.mktemp("ft") / "m.bin", data))
    assert model.words == tuple(words)
    asked = [*words, *others]
    for word, vector in zip(asked, model.vectors(asked), strict=True):
        places = [words.index(word)] if word in words else []
        places += [len(words) + gram for gram in ngram_hashes(word, *sizes)]
        expected = rows[places].mean(axis=0) if places else np.zeros(3)
        np.testing.assert_allclose(vector, expected, atol=1e-6)


def test_fasttext_many_words_equal_few(tmp_path, monkeypatch):
    """Words are composed in pieces; a piece boundary changes nothing."""
    words = [b"word%d" % number for number in range(20)]
    path = write(tmp_path / "m.bin", made(words)[0])
    whole = open_fasttext(path)
    expected, card = whole.vectors(words), whole.card()
    monkeypatch.setattr(fasttext, "_WORDS_AT_ONCE", 3)
    np.testing.assert_array_equal(open_fasttext(path).vectors(words), expected)
    assert Embeddings.read_fasttext(path).card == card


def test_fasttext_end_of_sentence_is_its_own_row(tmp_path):
    """The end of a sentence has no n-grams."""
    data, rows = made()
    path = write(tmp_path / "m.bin", data)
    np.testing.assert_array_equal(Embeddings.read_fasttext(path, ["</s>"])["</s>"], rows[1])


@pytest.mark.parametrize(
    ("version", "model", "own_row_only"),
    [(12, 3, False), (12, 2, False), (11, 2, False), (11, 3, True)],
)
def test_fasttext_old_classifiers_have_no_ngrams(tmp_path, version, model, own_row_only):
    """Version 11 wrote n-gram settings into classifiers, which had none."""
    data, rows = made([b"word"], version=version, model=model)
    found = Embeddings.read_fasttext(write(tmp_path / "m.bin", data))
    assert np.array_equal(found.vectors, rows[:1]) == own_row_only


def test_fasttext_models_without_ngrams_have_rows_of_words(tmp_path):
    """The vectors are the rows; a word that is not there has none."""
    data, rows = made([b"a", b"b"], sizes=(0, 0, 0))
    path = write(tmp_path / "m.bin", data)
    np.testing.assert_array_equal(Embeddings.read_fasttext(path).vectors, rows)
    with pytest.raises(InputError, match="1 have neither, such as 'c'"):
        Embeddings.read_fasttext(path, ["b", "c"])


def test_fasttext_words_that_are_not_utf8_are_mended_when_asked(tmp_path):
    """The vector is that of the bytes, whatever the word is called."""
    data, rows = made([b"a", b"b\xff"])
    path = write(tmp_path / "m.bin", data)
    with pytest.raises(FileFormatError, match="errors='replace'"):
        Embeddings.read_fasttext(path)
    found = Embeddings.read_fasttext(path, errors="replace")
    assert found.ids == ("a", "b\ufffd")
    assert found.mended == {"word not UTF-8, replaced": 1}
    expected = rows[[1, *(2 + ngram_hashes(b"b\xff", 2, 3, 10))]].mean(axis=0)
    np.testing.assert_allclose(found["b\ufffd"], expected, atol=1e-6)
    found = Embeddings.read_fasttext(path, errors="skip")
    assert found.ids == ("a",)
    assert found.mended == {"word not UTF-8, left out": 1}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"magic": 1}, "begin with the number"),
        ({"version": 13}, "version must be 11 or 12"),
        ({"dims": 0, "rows": np.empty((13, 0))}, "plausible"),
        ({"sizes": (2, 2000, 10)}, "plausible"),
        ({"quantized": True}, "quantized, as in .ftz"),
        ({"pruned": 0}, "pruned"),
        ({"pruned": 5}, "pruned"),
        ({"promised": (2**40, 3)}, "bytes left"),
        ({"promised": (2**62, 2**62)}, "must be 3"),
        ({"promised": (-1, 3)}, "bytes left"),
        ({"promised": (13, 4)}, "must be 3"),
        ({"rows": np.ones((12, 3))}, "must have a row each"),
        ({"counts": (2**30, 0)}, "too short"),
        ({"counts": (-1, 4)}, "too short"),
        ({"counts": (2, 1)}, "promises 2 words; it has 3"),
        ({"words": [b"x" * 70_000]}, "ends within entry 1"),
    ],
)
def test_fasttext_refuses_a_file_that_lies(tmp_path, changes, message):
    """Sizes that do not fit the file, and what is not supported, are refused by name."""
    path = write(tmp_path / "m.bin", made(**changes)[0])
    with pytest.raises(FileFormatError, match=message) as caught:
        Embeddings.read_fasttext(path, errors="replace")
    assert caught.value.path == str(path)


def test_fasttext_refuses_a_file_cut_anywhere(tmp_path):
    """Each shorter file is refused, none is read as less."""
    data = made()[0]
    for length in range(len(data)):
        with pytest.raises(FileFormatError):
            open_fasttext(write(tmp_path / "m.bin", data[:length]))


def test_fasttext_text_files_are_sent_to_their_reader(tmp_path):
    """A .vec file is the word2vec format, and the error says so."""
    with pytest.raises(FileFormatError, match="read_word2vec"):
        Embeddings.read_fasttext(write(tmp_path / "m.vec", b"1 2\nword 1 2\n"))
    with pytest.raises(FileNotFoundError):
        Embeddings.read_fasttext(tmp_path / "nothing.bin")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("word", "list of ids"),
        ([1], "must be a str"),
        (["a", "a"], "words must differ"),
        (["\ud800"], "Unicode"),
    ],
)
def test_fasttext_refuses_what_are_no_words(tmp_path, words, message):
    """Words are different texts."""
    path = write(tmp_path / "m.bin", made([b"a"])[0])
    with pytest.raises(InputError, match=message):
        Embeddings.read_fasttext(path, words)
    with pytest.raises(InputError, match="metric"):
        Embeddings.read_fasttext(path, metric="l1")
