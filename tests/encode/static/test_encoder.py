"""Laws of static encoders, on a table of eight pieces: what is counted, read and refused."""

import numpy as np
import pytest

import embedry as em
from embedry.encode.static.encoder import StaticEngine
from embedry.encode.static.table import StaticTable
from embedry.errors import FileFormatError, InputError
from embedry.files import read_arrays, write_arrays
from embedry.kernels.text.pooling import packed

PIECES = ("[UNK]", "cat", "dog", "##s", "share", "fell", ".", "kitten")


@pytest.fixture
def table():
    rows = np.random.default_rng(1).standard_normal((len(PIECES), 16)).astype(np.float32)
    rows[0], rows[7] = 0, rows[1] + 0.1
    codes, scales = packed(rows)
    weights = np.full(len(PIECES), 0.5, np.float16)
    weights[0] = 0
    return StaticTable.of(PIECES, codes, scales, weights, (0.5, 2), {"language": "none"})


def test_engine_counts_what_says_nothing(table):
    """Texts without a piece are empty; one of unknown words alone is not, and names them."""
    texts = ["cat fell.", "", " \n", "Zürich", "dogs xyz Zürich"]
    encoded = StaticEngine(table, 1).encode(texts, "document")
    assert (encoded.truncated, encoded.empty, encoded.unknown) == (0, 2, ("Zürich", "xyz"))
    assert encoded.placed.tolist() == [True, False, False, False, True]
    assert encoded.card is table.card
    assert encoded.vectors.shape == (5, 16 + 256)


def test_engine_gives_a_batch_what_it_gives_one_by_one(table):
    """Batches and threads change no bit."""
    texts = [f"{'cat ' * n}dog{'s' * (n % 3)} share." for n in range(60)]
    whole = StaticEngine(table, 1).encode(texts, "document").vectors
    apart = [StaticEngine(table, 1).encode([text], "document").vectors[0] for text in texts]
    np.testing.assert_array_equal(whole, apart)
    long = [text * 2_000 for text in texts]
    one, many = (StaticEngine(table, threads).encode(long, "query").vectors for threads in (1, 3))
    np.testing.assert_array_equal(one, many)


def test_engine_counts_words_more_in_a_query(table):
    """Texts that share a word are nearer as query and document than as two documents."""
    engine = StaticEngine(table, 1)
    documents, queries = (
        engine.encode(["cat fell", "cat share", "dog share"], role).vectors
        for role in ("document", "query")
    )
    apart, marks = slice(0, 16), slice(16, None)
    assert np.linalg.norm(queries[0, marks]) > 1.5 * np.linalg.norm(documents[0, marks])
    meaning = queries[:, apart] / np.linalg.norm(queries[:, apart], axis=1, keepdims=True)
    same = documents[:, apart] / np.linalg.norm(documents[:, apart], axis=1, keepdims=True)
    np.testing.assert_allclose(meaning, same, atol=1e-6)


def test_table_comes_back_from_its_file(table, tmp_path):
    """A table that was saved is the same space, and gives the same bits."""
    table.save(tmp_path / "t.embedry-model")
    again = em.load(tmp_path / "t.embedry-model")
    assert isinstance(again, em.TextEncoder)
    assert again.card == table.card
    texts = ["cats fell", "kitten"]
    np.testing.assert_array_equal(
        again.encode(texts).vectors, StaticEngine(table, 1).encode(texts, "document").vectors
    )


def test_table_has_a_fingerprint_of_all_that_makes_vectors(table):
    """Another row, weight or vocabulary is another space."""
    parts = [PIECES, table.codes, table.scales, table.weights, (0.5, 2)]
    same = StaticTable.of(*parts, {"language": "other"})
    assert same.card.fingerprint == table.card.fingerprint
    others = [(*PIECES[:-1], "kit"), table.codes ^ 1, table.scales * 2, table.weights * 2, (0.5, 1)]
    for place, other in enumerate(others):
        changed = [*parts[:place], other, *parts[place + 1 :]]
        assert StaticTable.of(*changed, {}).card.fingerprint != table.card.fingerprint


@pytest.mark.parametrize("name", ["codes", "scales", "weights", "shares", "pieces", "card"])
@pytest.mark.parametrize("harm", ["missing", "short", "nan"])
def test_table_refuses_a_damaged_file(table, tmp_path, name, harm):
    """A part that is missing, too short or not finite is refused, and never reaches a kernel."""
    path = tmp_path / "t.embedry-model"
    table.save(path)
    file = read_arrays(path)
    arrays, header = dict(file.arrays), dict(file.header)
    kind = header.pop("kind")
    if name == "card":
        header["card"] = {} if harm == "missing" else {**header["card"], "dims": 7}
    elif harm == "missing":
        del arrays[name]
    elif harm == "short":
        arrays[name] = arrays[name][: -7 if name == "pieces" else -2]
    elif name in {"scales", "weights", "shares"}:
        arrays[name] = np.full_like(arrays[name], np.nan)
    else:
        arrays[name] = arrays[name].astype(np.float32)
    write_arrays(path, kind, header, arrays)
    with pytest.raises(FileFormatError, match="damaged"):
        em.load(path)


def test_engine_refuses_what_is_no_text(table):
    """What is no str is named by its place."""
    with pytest.raises(InputError, match="text 1 is int"):
        StaticEngine(table, 1).encode(["cat", 3], "document")
