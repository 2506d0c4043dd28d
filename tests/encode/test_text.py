"""Laws of TextEncoder without a name: there at once, small, sensible, and kept by collections."""

from importlib.resources import files

import numpy as np
import pytest

import embedry as em
from embedry.errors import FileFormatError, ForeignSpaceError, InputError

TEXTS = ["A cat sat on the mat.", "Kittens like rugs.", "Shares fell on Monday.", ""]


@pytest.fixture(scope="module")
def encoder():
    return em.TextEncoder(threads=1)


def test_text_encoder_comes_with_the_package_in_at_most_8_mb():
    """All its files take less than 8,000,000 bytes."""
    room = files("embedry.encode.static")
    sizes = [
        len(file.read_bytes()) for file in room.iterdir() if file.name.endswith(".safetensors")
    ]
    table = len((files("embedry.kernels.text") / "characters.npz").read_bytes())
    assert sum(sizes) + table < 8_000_000


def test_text_encoder_puts_alike_texts_nearer(encoder):
    """Of hand-made triples, the first two texts are nearer to each other than to the third."""
    triples = [
        ("A cat sat on the mat.", "Kittens like rugs.", "Shares fell on Monday."),
        ("The doctor prescribed medicine.", "A physician treats the ill.", "Goals decided it."),
        ("How do I cook rice?", "Boil the grains in water.", "The court ruled against him."),
        ("The rocket reached orbit.", "Astronauts flew into space.", "He plays the violin."),
    ]
    for texts in triples:
        one, two, three = encoder.encode(texts).vectors
        assert one @ two > max(one @ three, two @ three) + 0.1


def test_text_encoder_is_an_encoder_of_one_space(encoder):
    """Two encoders are one space; it knows two roles; vectors have length 1."""
    assert isinstance(encoder, em.encode.encoder.Encoder)
    assert encoder.card == em.TextEncoder().card
    assert encoder.card.roles == ("document", "query")
    documents, queries = (encoder.encode(iter(TEXTS), role=role) for role in encoder.card.roles)
    for encoded in (documents, queries):
        assert encoded.empty == 1
        lengths = np.linalg.norm(encoded.vectors, axis=1)
        np.testing.assert_allclose(lengths, [1, 1, 1, 0], atol=1e-6)
    assert (np.sum(documents.vectors * queries.vectors, axis=1)[:3] > 0.5).all()


def test_text_encoder_mixes_with_no_other_space(encoder):
    """Vectors of another space of the same width are refused."""
    ours = em.Embeddings(range(3), encoder.encode(TEXTS[:3]).vectors, card=encoder.card)
    other = em.Embeddings(range(3), ours.vectors.copy())
    with pytest.raises(ForeignSpaceError):
        ours.nearest(vector=other.subset([1]))


def test_text_encoder_is_kept_by_a_collection(encoder, tmp_path):
    """A field is filled by it, and finds it again when reopened."""
    with em.Collection.open(tmp_path / "c") as items:
        items.upsert(range(4), documents=TEXTS)
        added = items.add_field("content", encoder=encoder)
        assert (added.updated, added.unplaced) == (3, 1)
    with em.Collection.open(tmp_path / "c") as items:
        assert items.search("price of shares", field="content", mode="dense", k=1).ids == (2,)


def test_text_encoder_refuses_odd_settings_and_items():
    """What is no name, precision, role or list of texts is named."""
    with pytest.raises(InputError, match='precision must be "auto"'):
        em.TextEncoder(precision="int8")
    with pytest.raises(InputError, match="precision must be one of"):
        em.TextEncoder(precision="half")
    with pytest.raises(InputError, match="name must be None"):
        em.TextEncoder(" ")
    with pytest.raises(InputError, match=r"\[text\] for a single one"):
        em.TextEncoder().encode("a text")
    with pytest.raises(InputError, match="role must be one of document, query"):
        em.TextEncoder().encode(["a"], role="passage")
    with pytest.raises(InputError, match="threads"):
        em.TextEncoder(threads=0)


def test_text_encoder_says_what_it_is(encoder, tmp_path):
    """Its repr names the space; a saved file given as a name is told what reads it."""
    assert repr(encoder).startswith("TextEncoder(): static space ")
    encoder.save(tmp_path / "saved")
    with pytest.raises(InputError, match=r"is a file\. A saved encoder is read by embedry\.load"):
        em.TextEncoder(tmp_path / "saved")


def test_text_encoder_reads_nothing_into_what_it_does_not_know(encoder):
    """A text of unknown pieces alone has no vector; beside known words they change nothing."""
    found = encoder.encode(["🍕", "🇩🇪 🍕", "pizza 🍕", "pizza"])
    assert found.placed.tolist() == [False, False, True, True]
    np.testing.assert_allclose(found.vectors[2], found.vectors[3], atol=1e-6)
    assert "🍕" in found.unknown


def test_text_encoder_refuses_a_file_whose_weights_changed(encoder, tmp_path):
    """Weights that are not those of the card are damage, wherever they lie."""
    path = tmp_path / "encoder"
    encoder.save(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match="damaged"):
        em.load(path)


def test_search_takes_what_an_encoder_gives(encoder, tmp_path):
    """A vector with its card is searched by; that of another space is refused."""
    with em.Collection.open(tmp_path / "shelf") as shelf:
        shelf.upsert(["cat", "share"], documents=["Kittens like rugs.", "Shares fell."])
        shelf.add_field("content", encoder=encoder)
        query = encoder.encode(["a cat"], role="query")
        assert shelf.search(vector=query, field="content", k=1).ids == ("cat",)
        other = em.TagEncoder().fit([["cat"], ["share"]]).encode([["cat"]])
        with pytest.raises(em.ForeignSpaceError):
            shelf.search(vector=other, field="content")
