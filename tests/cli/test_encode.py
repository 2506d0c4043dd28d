"""The laws of `embedry encode` and of fields by an encoder: texts in, vectors of a space out."""

import gzip
import json

import numpy as np
import pytest

from embedry import Collection, Embeddings, TextEncoder

TEXTS = ["A cat sat on the mat.", "", "Kittens like rugs.", "Shares fell."]


@pytest.fixture
def lines(tmp_path):
    path = tmp_path / "texts.txt"
    path.write_text("\n".join(TEXTS) + "\n", encoding="utf-8")
    return path


def test_encode_writes_what_the_library_encodes(embedry, lines, tmp_path):
    """Lines by their numbers, without the empty one, which is counted; and the space."""
    out = tmp_path / "vectors.embedry"
    done = embedry("encode", lines, "-o", out, "--json")
    assert done.code == 0
    facts = json.loads(done.out)
    assert {name: facts[name] for name in ("texts", "empty", "truncated", "left_out")} == {
        "texts": 4, "empty": 1, "truncated": 0, "left_out": 1,
    }  # fmt: skip
    found, encoder = Embeddings.load(out), TextEncoder()
    assert found.ids == (1, 3, 4)
    np.testing.assert_array_equal(found.vectors, encoder.encode(TEXTS).vectors[[0, 2, 3]])
    assert found.card == encoder.card
    asked = embedry("encode", lines, "-o", out, "--role", "query")
    assert asked.code == 0
    assert (Embeddings.load(out).vectors != found.vectors).any()


def test_encode_reads_jsonl_and_gzip(embedry, tmp_path):
    """Objects bring their own ids, str or int; packed files are unpacked."""
    path = tmp_path / "texts.jsonl.gz"
    rows = [{"id": "a", "document": "one cat"}, {"id": 7, "document": "two dogs"}]
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write("\n".join(map(json.dumps, rows)) + "\n\n")
    assert embedry("encode", path, "-o", tmp_path / "out").code == 0
    assert Embeddings.load(tmp_path / "out").ids == ("a", 7)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "must hold a text; it is empty"),
        (b"\n \n", "A text must have a known word; none of 2 has"),
        (b"caf\xe9\n", "line 1: texts must be UTF-8"),
    ],
)
def test_encode_refuses_with_one_line(embedry, tmp_path, content, message):
    """Nothing to encode, or no text: one line, and no file."""
    path = tmp_path / "texts.txt"
    path.write_bytes(content)
    done = embedry("encode", path, "-o", tmp_path / "out")
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert message in done.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("[1]", 'must be an object with "id" and "document"'),
        ('{"id": 1}', 'must be an object with "id" and "document"'),
        ('{"id": 1, "document": 2}', "document must be a text; got 2"),
        ('{"id": 1, "document": "a"}\n{"id": 1, "document": "b"}', "1"),
        ("{", 'must be an object with "id" and "document"'),
    ],
)
def test_encode_refuses_rows(embedry, tmp_path, row, message):
    """A row that is none, or an id that comes twice, is named."""
    (tmp_path / "texts.jsonl").write_text(row)
    done = embedry("encode", tmp_path / "texts.jsonl", "-o", tmp_path / "out")
    assert done.code == 1
    assert message in done.err


def test_add_field_takes_an_encoder(embedry, tmp_path):
    """A field by the encoder that comes with Embedry is searched, also when opened again."""
    path = tmp_path / "things.embedry"
    with Collection.open(path) as things:
        things.upsert(["cat", "share"], documents=["Kittens like rugs.", "Shares fell."])
    done = embedry("add-field", path, "content", "--encoder", "static", "--json")
    assert done.code == 0
    assert json.loads(done.out)["items"] == 2
    found = embedry("search", path, "a cat", "--field", "content", "--mode", "dense", "--json")
    assert json.loads(found.out)["hits"][0]["id"] == "cat"
    for words in ([], ["model.file", "--encoder", "static"]):
        refused = embedry("add-field", path, "more", *words)
        assert "Pass exactly one of a model file and --encoder" in refused.err
