"""Interactions against SciPy's sparse matrices and plain dicts."""

from __future__ import annotations

import dataclasses
import gzip
import importlib.util
from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from embedry.data.interactions import Interactions
from embedry.errors import FileFormatError, InputError, UnknownIdError

plain_ids = st.one_of(st.integers(-3, 3), st.sampled_from(["1", "a", "b", "é"]))
# multiples of 1/4 add up exactly
triples = st.lists(st.tuples(plain_ids, plain_ids, st.integers(0, 9).map(lambda n: n / 4))).map(
    lambda rows: [*rows, ("u", "i", 1.0)]
)


def as_dense(interactions):
    """Turn interactions into a table by way of SciPy, which checks the rows."""
    parts = (interactions.values, interactions.indices, interactions.indptr)
    matrix = sparse.csr_array(parts, shape=interactions.shape)
    matrix.check_format()
    assert matrix.has_canonical_format
    return matrix.toarray()


def same(one, other):
    """Tell whether two interactions are equal, counts and all."""
    arrays = ("indptr", "indices", "values")
    return (
        one.user_ids == other.user_ids
        and one.item_ids == other.item_ids
        and (one.merged, one.dropped) == (other.merged, other.dropped)
        and all(np.array_equal(getattr(one, a), getattr(other, a)) for a in arrays)
        and all(getattr(one, a).dtype == getattr(other, a).dtype for a in arrays)
    )


@settings(max_examples=50, deadline=None)
@given(triples)
def test_interactions_from_triples_equal_a_dict(rows):
    """Names in order of appearance, values added up, repeats and zeros counted."""
    users, items, values = zip(*rows, strict=True)
    made = Interactions.from_triples(users, items, values)
    expected = defaultdict(float)
    for user, item, value in rows:
        if value:
            expected[user, item] += value
    assert made.user_ids == tuple(dict.fromkeys(users))
    assert made.item_ids == tuple(dict.fromkeys(items))
    dense = as_dense(made)
    places = zip(*np.nonzero(dense), strict=True)
    found = {(made.user_ids[u], made.item_ids[i]): dense[u, i] for u, i in places}
    assert found == expected
    assert len(made) == len(expected)
    zeros = values.count(0)
    assert made.merged == len(rows) - zeros - len(expected)
    assert made.dropped == ({"value of zero": zeros} if zeros else {})


@settings(max_examples=50, deadline=None)
@given(triples)
def test_interactions_transposed_twice_is_the_same(rows):
    """Transposing is SciPy's, and twice gives back what was there."""
    made = Interactions.from_triples(*zip(*rows, strict=True))
    turned = made.transposed()
    np.testing.assert_array_equal(as_dense(turned), as_dense(made).T)
    assert (turned.user_ids, turned.item_ids) == (made.item_ids, made.user_ids)
    assert same(turned.transposed(), made)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 99), st.integers(1, 9), st.integers(1, 9), st.floats(0, 1))
def test_interactions_from_scipy_keep_all_rows(seed, users, items, density):
    """The matrix comes back, the ids are the numbers of all rows and columns."""
    matrix = sparse.random_array(
        (users, items), density=density, format="coo", rng=np.random.default_rng(seed)
    )
    for form in (matrix, matrix.tocsr(), matrix.tocsc(), sparse.coo_matrix(matrix)):
        made = Interactions.from_scipy(form)
        assert made.user_ids == tuple(range(users))
        assert made.item_ids == tuple(range(items))
        np.testing.assert_array_equal(as_dense(made), matrix.toarray().astype(np.float32))


def test_interactions_from_scipy_count_what_they_change():
    """Stored zeros are left out and repeats added up, both counted; empty rows stay."""
    places = ([0, 0, 2, 2], [1, 1, 0, 3])
    made = Interactions.from_scipy(sparse.coo_array(([1, 2, 0, 5], places), shape=(4, 5)))
    assert made.shape == (4, 5)
    assert (made.merged, made.dropped) == (1, {"value of zero": 1})
    assert made.history(0) == (1,)
    assert made.history(1) == ()
    assert made.history(2) == (3,)
    assert made.values.tolist() == [3, 5]


def test_interactions_values_are_one_unless_told():
    """Without values every pair counts 1, repeated ones more."""
    made = Interactions.from_triples(["a", "b", "a"], ["x", "x", "x"])
    assert made.values.tolist() == [2, 1]
    assert made.merged == 1
    assert made.item_counts.tolist() == [2]
    assert repr(made) == "Interactions(2 users, 1 items, 2 pairs)"


def test_interactions_tell_one_from_its_text():
    """1 and "1" are two users; NumPy's 1 is 1; True and 1.0 are none."""
    made = Interactions.from_triples([1, "1"], ["x", "y"])
    assert made.history(1) == ("x",)
    assert made.history(np.int64(1)) == ("x",)
    assert made.history("1") == ("y",)
    for user in (True, 1.0, None, [1]):
        with pytest.raises(InputError, match="An id must be"):
            made.history(user)
    with pytest.raises(UnknownIdError, match="There is no user 2") as caught:
        made.history(2)
    assert caught.value.ids == (2,)


@pytest.mark.parametrize(
    ("users", "items", "values", "message"),
    [
        (["a"], ["x", "y"], None, "equally long; got 1 and 2"),
        ([], [], None, "at least one pair"),
        (["a"], ["x"], [0], "at least one pair"),
        (["a", "b"], ["x", "y"], [1], "one a pair"),
        (["a", "b"], ["x", "y"], [[1], [2]], "one a pair"),
        (["a", "b"], ["x", "y"], [1, -1], "the first in row 1: -1"),
        (["a", "b"], ["x", "y"], [np.nan, 1], "the first in row 0: nan"),
        (["a", "b"], ["x", "y"], [1, np.inf], "the first in row 1: inf"),
        (["a", "b"], ["x", "y"], [1, 1e300], "the first in row 1: inf"),
        (["a", "b"], ["x", "y"], [1, None], "the first in row 1: nan"),
        (["a", "b"], ["x", "y"], ["1", "2"], "must be numbers"),
        (["a", "b"], ["x", "y"], [1j, 2], "must be numbers"),
        (["a", "b"], ["x", "y"], [1, {}], "must be numbers"),
        (["a", None], ["x", "y"], None, "An id must be"),
        (["a", float("nan")], ["x", "y"], None, "An id must be"),
        ("ab", ["x", "y"], None, "list of ids"),
    ],
)
def test_interactions_refuse_bad_columns(users, items, values, message):
    """What must not be is refused; a wrong value with its row."""
    with pytest.raises(InputError, match=message):
        Interactions.from_triples(users, items, values)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.eye(2), "SciPy sparse matrix"),
        ([[1]], "SciPy sparse matrix"),
        (sparse.coo_array(np.array([1, 2])), "users by items"),
        (sparse.coo_array([[1.0, 0], [0, -2]]), "row 1, column 1: -2"),
        (sparse.csr_array([[0, np.nan]]), "row 0, column 1: nan"),
        (sparse.coo_array([[1j]]), "must be numbers"),
    ],
)
def test_interactions_from_scipy_refuse_what_must_not_be(matrix, message):
    """Only sparse matrices of real numbers; a wrong value with its row and column."""
    with pytest.raises(InputError, match=message):
        Interactions.from_scipy(matrix)


TABLE = [("ann", "x", 2.0), ("bob", "y", 0.5), ("ann", "y", 1.0)]


def text_of(rows, delimiter):
    """Write rows as lines of text."""
    return "".join(delimiter.join(map(str, row)) + "\n" for row in rows)


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "::", " "])
@pytest.mark.parametrize("header", [False, True])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r", "\n\n"])
def test_interactions_from_file_find_out_the_form(tmp_path, delimiter, header, line_end):
    """Any usual delimiter, with or without a header, with blank lines and a mark at the start."""
    names = delimiter.join(["user", "item", "value"]) + "\n" if header else ""
    text = (names + text_of(TABLE, delimiter)).replace("\n", line_end)
    (tmp_path / "f").write_bytes(text.encode("utf-8-sig"))
    found = Interactions.from_file(tmp_path / "f")
    assert found.dropped == ({"header line": 1} if header else {})
    expected = Interactions.from_triples(*zip(*TABLE, strict=True))
    assert same(dataclasses.replace(found, dropped={}), expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("u1,i1,\nu2,i2,3\n", "line 1: the value must be a finite number"),
        ("u1,,3\nu2,i2,3\n", "line 1: user and item must not be empty"),
        (",i1,3\nu2,i2,3\n", "line 1: user and item must not be empty"),
        ("u1,i1\nu2,i2,3\n", "line 2: every line must have 2 columns"),
        ("u1,i1,1e39\n", "line 1: the value must be a finite number"),
    ],
)
def test_interactions_from_file_never_lose_or_invent_a_row(tmp_path, text, message):
    """What is neither a header nor a whole row is refused by its line."""
    (tmp_path / "f").write_text(text)
    with pytest.raises(InputError, match=message):
        Interactions.from_file(tmp_path / "f")


def test_interactions_from_file_count_a_header_of_two_columns(tmp_path):
    """Names of columns are not taken for a user, and the line is counted."""
    (tmp_path / "f").write_text("userId,item\nu1, i1\n")
    found = Interactions.from_file(tmp_path / "f")
    assert (found.user_ids, found.item_ids, found.dropped) == (("u1",), ("i1",), {"header line": 1})


def test_interactions_values_stay_finite_when_added_up():
    """The sum of a repeated pair is refused where a single value would be."""
    with pytest.raises(InputError, match="added up"):
        Interactions.from_triples(["a", "a"], ["x", "x"], [9e11, 9e11])


def test_interactions_from_file_read_two_columns(tmp_path):
    """Without a third column every line counts 1; ids stay text."""
    (tmp_path / "f").write_text("1,2\n1,3\n")
    made = Interactions.from_file(tmp_path / "f")
    assert made.history("1") == ("2", "3")
    assert made.values.tolist() == [1, 1]


def test_interactions_from_file_read_named_columns(tmp_path):
    """Columns by name or number, in any place; others are not looked at."""
    (tmp_path / "f").write_text("when,item,stars,user\nx,i,3,u\ny,j,4,u\n")
    made = Interactions.from_file(tmp_path / "f", columns=("user", "item", "stars"))
    assert made.history("u") == ("i", "j")
    assert made.values.tolist() == [3, 4]
    by_number = Interactions.from_file(tmp_path / "f", columns=(3, 1, 2))
    assert same(by_number, made)
    two = Interactions.from_file(tmp_path / "f", columns=(3, 1), header=True)
    assert two.values.tolist() == [1, 1]


def test_interactions_from_file_read_movielens(tmp_path):
    """The form of MovieLens: four columns, the fourth not asked for; packed too."""
    text = "1::1193::5::978300760\n1::661::3::978302109\n"
    (tmp_path / "f.gz").write_bytes(gzip.compress(text.encode()))
    made = Interactions.from_file(tmp_path / "f.gz")
    assert made.history("1") == ("1193", "661")
    assert made.values.tolist() == [5, 3]


def test_interactions_from_file_keep_quoted_ids(tmp_path):
    """A quoted id may hold the delimiter, a line end, and separators that are none."""
    text = '"a,b","x\r\ny",1\nc\u2028d,z\x85,2\n'
    (tmp_path / "f").write_bytes(text.encode())
    made = Interactions.from_file(tmp_path / "f")
    assert made.user_ids == ("a,b", "c\u2028d")
    assert made.item_ids == ("x\r\ny", "z\x85")


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", {}, "it is empty"),
        ("\n\n", {}, "it is empty"),
        ("a,x,1\n\nb,y\n", {}, "line 3: every line must have 3 columns"),
        ("a,x,1\nb,y,two\n", {}, "line 2: the value must be a finite number.*'two'"),
        ("a,x,1\n\n\nb,y,-1\n", {}, "line 4: .*'-1'"),
        ("a,x,1\nb,y,nan\n", {}, "line 2: .*'nan'"),
        ("u,i,v\na,x,inf\n", {}, "line 2: .*'inf'"),
        ("a::x::1\n\nb::y::-1\n", {}, "line 3: .*'-1'"),
        ("a,x,0\n", {}, "at least one pair"),
        ("user,item,value\n", {}, "at least one pair"),
        ("a,x,1\nb,y,2\n", {"columns": ("user", "item")}, "must have a column 'user'"),
        ("a,x,1\n", {"columns": (0, 3)}, "must have a column 3"),
        ("a,x,1\n", {"columns": (0, -1)}, "must have a column -1"),
        ("a,x,1\n", {"columns": (0,)}, "columns must name user, item"),
        ("alone\n", {}, "must have a column 1"),
        ('a,x,1\n"b,y,2\nc,z,3\n', {}, "line 3: .*quotes"),
    ],
)
def test_interactions_from_file_refuse_what_cannot_be_read(tmp_path, text, options, message):
    """A wrong file is named, with the line where it goes wrong."""
    (tmp_path / "f").write_text(text)
    with pytest.raises(InputError, match=message):
        Interactions.from_file(tmp_path / "f", **options)


def test_interactions_from_file_refuse_other_files(tmp_path):
    """A missing file, bytes that are no text, a damaged archive."""
    with pytest.raises(FileNotFoundError, match="There is no file"):
        Interactions.from_file(tmp_path / "nothing")
    (tmp_path / "f").write_bytes(b"caf\xe9,x,1\n")
    with pytest.raises(InputError, match="must be UTF-8"):
        Interactions.from_file(tmp_path / "f")
    (tmp_path / "f").write_bytes(gzip.compress(b"a,x,1\n" * 99)[:-9])
    with pytest.raises(FileFormatError, match="whole gzip file"):
        Interactions.from_file(tmp_path / "f")
    (tmp_path / "f").write_bytes("a,x,1\n".encode("utf-16"))
    with pytest.raises(FileFormatError, match="UTF-16"):
        Interactions.from_file(tmp_path / "f")


COLUMNS = {"who": ["ann", "bob", "ann"], "what": [1, 2, 2], "how": [2.0, 1.0, 0.0]}


def assert_read(frame):
    """Hold what a frame of COLUMNS gives against its columns."""
    made = Interactions.from_frame(frame, user="who", item="what", value="how")
    assert (made.user_ids, made.item_ids) == (("ann", "bob"), (1, 2))
    assert made.dropped == {"value of zero": 1}
    np.testing.assert_array_equal(as_dense(made), [[2, 0], [0, 1]])
    plain = Interactions.from_frame(frame, user="who", item="what")
    assert Counter(plain.values.tolist()) == {1: 3}


def test_interactions_from_frame_read_a_mapping():
    """Lists or arrays by name are a frame."""
    assert_read(COLUMNS)
    assert_read({name: np.array(column) for name, column in COLUMNS.items()})


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_interactions_from_frame_read_data_frames(library):
    """DataFrames are read by their columns."""
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    assert_read(importlib.import_module(library).DataFrame(COLUMNS))


def test_interactions_from_frame_refuse_missing_columns():
    """The message names what is missing and what is there."""
    with pytest.raises(InputError, match="must have a column 'user'; it has who, what, how"):
        Interactions.from_frame(COLUMNS)
    with pytest.raises(InputError, match="'rating'"):
        Interactions.from_frame(COLUMNS, user="who", item="what", value="rating")
