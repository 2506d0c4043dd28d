"""Parquet: ids, vectors and card come back; other people's files are read, or refused by row."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedry.card import Card, Probes
from embedry.embeddings import Embeddings
from embedry.errors import FileFormatError, InputError, MissingExtraError
from embedry.exchange import parquet as ours

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
pq = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")

ROWS = np.random.default_rng(0).standard_normal((3, 4)).astype(np.float32)


def table(path, ids, vectors, names=("id", "vector")):
    """Write a table as somebody else would, and return its path."""
    pq.write_table(pa.table(dict(zip(names, (ids, vectors), strict=True))), path)
    return path


# --- ours ---------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(
    ids=st.one_of(
        st.lists(st.text(), unique=True, max_size=6),
        st.lists(st.integers(-(2**63), 2**63 - 1), unique=True, max_size=6),
    ),
    dims=st.integers(1, 5),
    seed=st.integers(0, 9),
)
def test_parquet_round_trip_keeps_everything(tmp_path_factory, ids, dims, seed):
    """Ids with their type, vectors to the bit, and the card, also of no rows."""
    rows = np.random.default_rng(seed).standard_normal((len(ids), dims)).astype(np.float32)
    emb = Embeddings(ids, rows, metric="dot")
    path = tmp_path_factory.mktemp("pq") / "e.parquet"
    emb.to_parquet(path)
    found = Embeddings.from_parquet(path)
    assert found.ids == emb.ids
    assert found.vectors.tobytes() == emb.vectors.tobytes()
    assert found.card == emb.card
    assert not found.mended


def test_parquet_round_trip_of_several_pieces(tmp_path, monkeypatch):
    """Rows written and read in pieces are all there, in order."""
    emb = Embeddings(range(10), np.random.default_rng(0).standard_normal((10, 3)))
    monkeypatch.setattr(ours, "_ROWS_AT_ONCE", 4)
    emb.to_parquet(tmp_path / "e")
    assert pq.ParquetFile(tmp_path / "e").metadata.num_row_groups == 3
    found = Embeddings.from_parquet(tmp_path / "e")
    assert found.ids == emb.ids
    assert found.vectors.tobytes() == emb.vectors.tobytes()


def test_parquet_file_is_what_others_expect(tmp_path):
    """Two columns without nulls, a fixed-size list of float32, the card in its field's metadata."""
    card = Card("x", 4, "cosine", "f" * 64, probes=Probes.of(("a",), ROWS[:1]), task="é")
    Embeddings(["a", "b", "c"], ROWS, card).to_parquet(tmp_path / "e")
    found = pq.read_table(tmp_path / "e")
    assert found.column("id").type == pa.string()
    assert found.column("vector").type == pa.list_(pa.float32(), 4)
    assert not any(field.nullable for field in found.schema)
    text = found.schema.field("vector").metadata[b"embedry.card"]
    assert Card.from_dict(json.loads(text)) == card
    assert found.column("vector").to_pylist() == ROWS.tolist()
    assert Embeddings.from_parquet(tmp_path / "e").card == card


def test_parquet_ids_are_of_one_type(tmp_path):
    """A column cannot hold 1 beside "1"; nothing is written."""
    with pytest.raises(InputError, match="1 are str and 1 int"):
        Embeddings([1, "1"], np.eye(2)).to_parquet(tmp_path / "e")
    assert not list(tmp_path.iterdir())


def test_parquet_that_fails_leaves_what_was_there(tmp_path, monkeypatch):
    """The file is written aside."""
    path = tmp_path / "e"
    Embeddings(["a"], [[1, 2]]).to_parquet(path)
    before = path.read_bytes()
    monkeypatch.setattr(pa, "table", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        Embeddings(["b"], [[1, 2]]).to_parquet(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_parquet_without_pyarrow_says_what_to_install(tmp_path, monkeypatch):
    """The error carries the line to run."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    for ask in (Embeddings(["a"], [[1]]).to_parquet, Embeddings.from_parquet):
        with pytest.raises(MissingExtraError, match=r"pip install 'embedry\[arrow\]'") as caught:
            ask(tmp_path / "e")
        assert caught.value.extra == "arrow"


# --- other people's -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind",
    [
        pa.list_(pa.float32()),
        pa.list_(pa.float64()),
        pa.large_list(pa.float16()),
        pa.list_(pa.float64(), 4),
        pa.list_(pa.int16()),
        pa.list_(pa.uint8(), 4),
    ],
    ids=str,
)
def test_parquet_of_others_is_read(tmp_path, kind):
    """Lists of any numbers, of fixed size or not, under any column names; rounded to float32."""
    rows = [[1, 2, 3, 4], [5, 6, 7, 8]]
    path = table(tmp_path / "e", ["x", "y"], pa.array(rows, kind), ("name", "embedding"))
    found = Embeddings.from_parquet(path, id="name", vector="embedding", metric="dot")
    assert found.ids == ("x", "y")
    np.testing.assert_array_equal(found.vectors, rows)
    assert (found.card.kind, found.card.metric) == ("array", "dot")
    assert Embeddings.from_parquet(path, id="name", vector="embedding").card.metric == "cosine"


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (pa.array(["x", "1"], pa.large_string()), ("x", "1")),
        (pa.array(["x", "1"]).dictionary_encode(), ("x", "1")),
        (pa.array([1, 7], pa.uint16()), (1, 7)),
        (pa.array([1, 7], pa.uint64()), (1, 7)),
    ],
    ids=["large_string", "dictionary", "uint16", "uint64"],
)
def test_parquet_ids_of_others_are_read(tmp_path, ids, expected):
    """Strings and whole numbers, however they are stored."""
    path = table(tmp_path / "e", ids, pa.array([[1.0], [2.0]]))
    assert Embeddings.from_parquet(path).ids == expected


@pytest.mark.parametrize(
    ("ids", "vectors", "message"),
    [
        (["a", None, "c"], [[1.0], [2.0], [3.0]], "row 1 has no id"),
        (["a", "b", "c"], [[1.0], [2.0], None], "row 2 has no vector"),
        (["a", "b", "c"], [[1.0, 2.0], [3.0, None], [5.0, 6.0]], "row 1 misses a number"),
        (["a", "b", "c"], [[1.0], [2.0, 3.0], [4.0]], "row 1 has 2 numbers, not 1"),
        (["a", "b", "c"], [[], [1.0], [2.0]], "row 0 has 0 numbers"),
        (["a"], [["x"]], "'vector' .* must be of lists of numbers; it is list"),
        (["a"], [[True]], "must be of lists of numbers"),
        (["a"], [1.0], "must be of lists of numbers; it is double"),
        ([1.5], [[1.0]], "'id' .* must be of str or int; it is double"),
        ([b"a"], [[1.0]], "must be of str or int"),
    ],
)
def test_parquet_refuses_rows_by_number(tmp_path, ids, vectors, message):
    """What is missing or ragged, and columns of other types, are named."""
    path = table(tmp_path / "e", ids, vectors)
    with pytest.raises(FileFormatError, match=message) as caught:
        Embeddings.from_parquet(path)
    assert caught.value.path == str(path)


@pytest.mark.parametrize("kind", [pa.list_(pa.float64()), pa.list_(pa.float32(), 2)], ids=str)
def test_parquet_counts_rows_across_pieces(tmp_path, monkeypatch, kind):
    """The row that is named is that of the file; fixed sizes miss rows and numbers too."""
    monkeypatch.setattr(ours, "_ROWS_AT_ONCE", 2)
    for bad, message in ((None, "row 5 has no vector"), ([1.0, None], "row 5 misses a number")):
        rows = [[1.0, 2.0]] * 5 + [bad] + [[3.0, 4.0]]
        path = table(tmp_path / "e", list(range(7)), pa.array(rows, kind))
        with pytest.raises(FileFormatError, match=message):
            Embeddings.from_parquet(path)


def test_parquet_refuses_columns_that_are_not_there(tmp_path):
    """The error names the columns there are, and the argument to pass."""
    path = table(tmp_path / "e", ["a"], [[1.0]], ("name", "embedding"))
    with pytest.raises(FileFormatError, match=r"'name', 'embedding'\. Pass id="):
        Embeddings.from_parquet(path)
    with pytest.raises(FileFormatError, match="Pass vector="):
        Embeddings.from_parquet(path, id="name")
    with pytest.raises(FileNotFoundError):
        Embeddings.from_parquet(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("ids", "vectors", "message"),
    [
        (["a", "a"], [[1.0], [2.0]], "must differ"),
        (["a", "b"], [[1.0], [float("nan")]], "finite"),
        (["a", "b"], [[1.0], [1e39]], "finite"),
        (pa.array([2**64 - 1], pa.uint64()), [[1.0]], "64 bits"),
    ],
)
def test_parquet_refuses_what_embeddings_refuse(tmp_path, ids, vectors, message):
    """Repeated ids, numbers that are not finite in float32, ids beyond 64 bits."""
    with pytest.raises(InputError, match=message):
        Embeddings.from_parquet(table(tmp_path / "e", ids, vectors))


def test_parquet_without_rows_needs_a_type_that_tells_dims(tmp_path):
    """No rows of a fixed size are embeddings; of any size they are not."""
    fixed = pa.array([], pa.list_(pa.float32(), 3))
    path = table(tmp_path / "e", pa.array([], pa.string()), fixed)
    assert Embeddings.from_parquet(path).vectors.shape == (0, 3)
    path = table(tmp_path / "e", pa.array([], pa.string()), pa.array([], pa.list_(pa.float32())))
    with pytest.raises(FileFormatError, match="tells the dims"):
        Embeddings.from_parquet(path)


@pytest.mark.parametrize(
    ("card", "message"),
    [
        (b"{", "card in .* damaged"),
        (b"\xff", "card in .* damaged"),
        (b"{}", "card in .* damaged"),
        (Card("x", 5, "cosine", "f" * 64).to_json().encode(), "row 0 has 4 numbers, not 5"),
    ],
)
def test_parquet_card_that_does_not_fit_is_refused(tmp_path, card, message):
    """The card is read with the same suspicion as the rows."""
    field = pa.field("vector", pa.list_(pa.float32(), 4), metadata={b"embedry.card": card})
    rows = pa.FixedSizeListArray.from_arrays(pa.array(ROWS.ravel()), 4)
    schema = pa.schema([pa.field("id", pa.string()), field])
    pq.write_table(pa.table([pa.array(["a", "b", "c"]), rows], schema=schema), tmp_path / "e")
    with pytest.raises(FileFormatError, match=message):
        Embeddings.from_parquet(tmp_path / "e")


def test_parquet_metric_must_be_that_of_the_card(tmp_path):
    """A card is not overruled by an argument."""
    Embeddings(["a"], [[1, 2]]).to_parquet(tmp_path / "e")
    with pytest.raises(InputError, match="metric must be that of the card"):
        Embeddings.from_parquet(tmp_path / "e", metric="dot")


def test_parquet_refuses_a_damaged_file(tmp_path):
    """Cut short or overwritten, it is an error, never fewer rows."""
    path = tmp_path / "e"
    Embeddings(["a", "b", "c"], ROWS).to_parquet(path)
    whole = path.read_bytes()
    for data in (b"", b"id,vector\n", whole[:-1], whole[:50], whole[: len(whole) // 2]):
        path.write_bytes(data)
        with pytest.raises(FileFormatError, match="whole Parquet file"):
            Embeddings.from_parquet(path)
