"""Laws of model files: each kind finds its class, and what is damaged or foreign is refused."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from embedry.card import Card, fingerprint
from embedry.data.corpus import Corpus
from embedry.data.interactions import Interactions
from embedry.embeddings import Embeddings
from embedry.errors import FileFormatError
from embedry.files import read_arrays, write_arrays
from embedry.learn.modelfile import describe, load, read_model, write_model
from embedry.learn.taste.als import ALS
from embedry.learn.word2vec import Word2Vec

CARD = Card("word2vec", 2, "cosine", fingerprint("a"), settings=(("seed", 1),))


def words():
    corpus = Corpus.from_lines(["a b c", "c a b"] * 3)
    return Word2Vec(dims=3, min_count=1, epochs=1, threads=1).fit(corpus)


def taste():
    used = Interactions.from_triples(["u", "u", "v"], ["x", "y", "x"])
    return ALS(dims=3, iterations=1, threads=1).fit(used)


def vectors():
    return Embeddings(["a", 1], [[1.0, 2.0], [3.0, 4.0]])


MAKERS = {"word2vec": words, "als": taste, "embeddings": vectors}
kinds = pytest.mark.parametrize("kind", list(MAKERS))
learners = pytest.mark.parametrize("kind", ["word2vec", "als"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for kind, make in MAKERS.items():
        make().save(folder / kind)
    return folder


def rewritten(source, path, change):
    """Write the file anew with another header, as the format itself allows."""
    metadata = {"embedry": source.name, "format": "1"}
    header = {key: value for key, value in read_arrays(source).header.items() if key != "kind"}
    change(metadata, header)
    save_file(load_file(source), path, metadata | {"header": json.dumps(header)})
    return path


@kinds
def test_load_finds_the_class_of_a_kind(folder, kind):
    """What was saved comes back as an object of its own class."""
    found = load(folder / kind)
    assert type(found) is type(MAKERS[kind]())
    assert type(load(str(folder / kind))) is type(found)


@kinds
def test_describe_tells_what_a_file_is(folder, kind):
    """Kind, space and the shape of each array, without loading."""
    facts = describe(folder / kind)
    assert facts["kind"] == kind
    assert "dims, " in facts["space"]
    shown = {name for name in read_arrays(folder / kind).arrays if "." not in name}
    assert shown < set(facts)
    assert not any(name.startswith("_") or "." in name for name in facts)


def test_describe_gives_settings_and_shapes(folder):
    """The settings stand by their names, arrays as rows x columns."""
    facts = describe(folder / "word2vec")
    assert (facts["dims"], facts["min_count"], facts["vectors"]) == (3, 1, "3 x 3")
    assert describe(folder / "als")["items"] == "2 x 3"
    assert describe(folder / "embeddings")["vectors"] == "2 x 2"


@pytest.mark.parametrize("read", [load, describe, Word2Vec.load, ALS.load])
def test_reading_refuses_what_is_no_file_of_ours(tmp_path, read):
    """Nothing, text, a folder and the safetensors file of somebody else are told apart."""
    with pytest.raises(FileNotFoundError, match="There is no file"):
        read(tmp_path / "nothing")
    (tmp_path / "text").write_text("not a model, but long enough to be taken for one")
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(FileFormatError, match=r"it is a folder. A collection .*Collection\.open"):
        read(tmp_path)
    for name in ("text", "empty"):
        with pytest.raises(FileFormatError, match="damaged or not a file of Embedry"):
            read(tmp_path / name)
    save_file({"weight": np.ones(2, np.float32)}, tmp_path / "foreign")
    with pytest.raises(FileFormatError, match="not one that Embedry wrote") as caught:
        read(tmp_path / "foreign")
    assert caught.value.path == str(tmp_path / "foreign")


def test_load_refuses_an_unknown_kind(tmp_path):
    """A kind of a later release is named, with the way out."""
    write_arrays(tmp_path / "m", "hypergraph", {}, {"vectors": np.ones((1, 1), np.float32)})
    with pytest.raises(FileFormatError, match=r"holds hypergraph.*the release that wrote it"):
        load(tmp_path / "m")
    assert describe(tmp_path / "m") == {"kind": "hypergraph", "vectors": "1 x 1"}


@kinds
def test_load_refuses_a_newer_format(folder, tmp_path, kind):
    """A newer format is refused by its number, not read as far as it goes."""
    path = rewritten(folder / kind, tmp_path / "m", lambda meta, _: meta.update(format="2"))
    with pytest.raises(FileFormatError, match="format 2; this Embedry reads format 1"):
        load(path)


@kinds
def test_load_refuses_a_file_cut_short(folder, tmp_path, kind):
    """Wherever a file ends too early, it is refused."""
    whole = (folder / kind).read_bytes()
    for length in (0, 4, 9, len(whole) // 2, len(whole) - 1):
        (tmp_path / "m").write_bytes(whole[:length])
        with pytest.raises(FileFormatError):
            load(tmp_path / "m")


@learners
def test_load_sees_any_changed_number(folder, tmp_path, kind):
    """One flipped bit in any array is found by the checksum."""
    whole = (folder / kind).read_bytes()
    start = 8 + int.from_bytes(whole[:8], "little")
    step = max(1, (len(whole) - start) // 40)
    for place in range(start, len(whole), step):
        damaged = bytearray(whole)
        damaged[place] ^= 1
        (tmp_path / "m").write_bytes(damaged)
        with pytest.raises(FileFormatError, match="is damaged: settings or arrays are not those"):
            load(tmp_path / "m")


@learners
@pytest.mark.parametrize(
    "change",
    [
        lambda header: header.pop("card"),
        lambda header: header.pop("settings"),
        lambda header: header.pop("checksum"),
        lambda header: header.update(card=None),
        lambda header: header.update(card={"kind": "als"}),
        lambda header: header.update(settings="none"),
        lambda header: header.update(settings=[1]),
        lambda header: header["settings"].update(unheard_of=1),
        lambda header: header["card"].update(dims=7),
    ],
)
def test_load_refuses_a_header_that_does_not_fit(folder, tmp_path, kind, change):
    """A header without its parts, or that contradicts the arrays, is damage, not a crash."""
    path = rewritten(folder / kind, tmp_path / "m", lambda _, header: change(header))
    with pytest.raises(FileFormatError, match="is damaged"):
        load(path)


@pytest.mark.parametrize("change", [{"card": {"dims": 0}}, {"settings": 5}, {"settings": "none"}])
def test_describe_refuses_a_header_that_cannot_be_read(folder, tmp_path, change):
    """Describing a damaged file is a FileFormatError too."""
    path = rewritten(folder / "als", tmp_path / "m", lambda _, header: header.update(change))
    with pytest.raises(FileFormatError, match="is damaged"):
        describe(path)


def test_read_model_gives_back_what_write_model_took(tmp_path):
    """Card, settings and arrays round trip; another kind is refused."""
    arrays = {"b": np.arange(6, dtype=np.int64).reshape(2, 3), "a": np.ones(2, np.float32)}
    write_model(tmp_path / "m", CARD, {"seed": 1, "threads": None}, arrays)
    card, settings, file = read_model(tmp_path / "m", "word2vec")
    assert card == CARD
    assert settings == {"seed": 1, "threads": None}
    assert all((file.arrays[name] == array).all() for name, array in arrays.items())
    with pytest.raises(FileFormatError, match="must hold als; it holds word2vec"):
        read_model(tmp_path / "m", "als")


def test_write_model_leaves_what_was_there_where_it_fails(tmp_path):
    """A model that cannot be written leaves the old file whole."""
    write_model(tmp_path / "m", CARD, {"seed": 1}, {"a": np.ones(2, np.float32)})
    before = (tmp_path / "m").read_bytes()
    with pytest.raises(TypeError):
        write_model(tmp_path / "m", CARD, {"seed": object()}, {"a": np.ones(2, np.float32)})
    assert (tmp_path / "m").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["m"]
    with pytest.raises(FileNotFoundError):
        write_model(tmp_path / "no" / "m", CARD, {}, {"a": np.ones(2, np.float32)})
