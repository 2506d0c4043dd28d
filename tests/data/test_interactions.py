"""Interactions against SciPy's sparse matrices and plain dicts."""

from __future__ import annotations

import copy
import dataclasses
import datetime as dt
import gzip
import pickle
import sys
from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from embedry.data.interactions import Interactions
from embedry.errors import FileFormatError, InputError, MissingExtraError, UnknownIdError

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
        (["a", "b"], ["x", "y"], [1, 10**400], "got 1000.* in row 1: int too large"),
        (["a", "b"], ["x", "y"], np.array([1, "3"], object), "got '3' in row 1: text is no"),
        (["a", None], ["x", "y"], None, r"users must be without gaps; row 1 \(from 0\)"),
        (["a", "b"], [np.nan, 7.0], None, "items must be without gaps; row 0"),
        (["a", float("nan")], ["x", "y"], None, "users must be without gaps; row 1"),
        (["a", "b"], ["x", b"y"], None, r"items, row 1 \(from 0\): An id must be"),
        (["a", "b"], [1, 2**70], None, "items, row 1 .* must fit 64 bits"),
        ("ab", ["x", "y"], None, "list of ids"),
    ],
)
def test_interactions_refuse_bad_columns(users, items, values, message):
    """What must not be is refused; a wrong value with its row."""
    with pytest.raises(InputError, match=message):
        Interactions.from_triples(users, items, values)


def with_index(place):
    """Return a sparse matrix, two by two, with an index beyond it."""
    matrix = sparse.csr_array(np.eye(2))
    matrix.indices[0] = place
    return matrix


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.eye(2), "SciPy sparse matrix"),
        ([[1]], "SciPy sparse matrix"),
        (sparse.coo_array(np.array([1, 2])), "users by items"),
        (sparse.coo_array([[1.0, 0], [0, -2]]), "row 1, column 1: -2"),
        (sparse.csr_array([[0, np.nan]]), "row 0, column 1: nan"),
        (sparse.coo_array([[1j]]), "must be numbers"),
        (with_index(7), r"must lie within its shape \(2, 2\)"),
        (with_index(-1), "must lie within its shape"),
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
    lines = len(TABLE) + header
    empty = {"empty line": lines} if line_end == "\n\n" else {}
    assert found.dropped == ({"header line": 1} if header else {}) | empty
    expected = Interactions.from_triples(*zip(*TABLE, strict=True))
    assert same(dataclasses.replace(found, dropped={}, reading=()), expected)


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
    for read in (Interactions.from_file, Interactions.from_parquet):
        for path in (None, 3):
            with pytest.raises(InputError, match=f"path must be a str or a Path; got {path}"):
                read(path)
    (tmp_path / "f").write_bytes(b"PAR1\x15\x04\x15,\x15PAR1")
    with pytest.raises(FileFormatError, match=r"it is a Parquet file\. Pass it to from_parquet"):
        Interactions.from_file(tmp_path / "f")
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
    reason = f"{library} is not installed"
    assert_read(pytest.importorskip(library, reason=reason).DataFrame(COLUMNS))


def test_interactions_from_frame_tell_a_lazy_frame_to_collect():
    """A LazyFrame of polars holds no rows yet."""
    polars = pytest.importorskip("polars", reason="polars is not installed")
    with pytest.raises(InputError, match=r"LazyFrame does not. Pass frame.collect\(\)"):
        Interactions.from_frame(polars.LazyFrame({"user": ["a"], "item": ["x"]}))


def test_interactions_from_frame_refuse_missing_columns():
    """The message names what is missing and what is there."""
    with pytest.raises(InputError, match="must have a column 'user'; it has who, what, how"):
        Interactions.from_frame(COLUMNS)
    with pytest.raises(InputError, match="'rating'"):
        Interactions.from_frame(COLUMNS, user="who", item="what", value="rating")


awkward = st.text(st.sampled_from(' a,"\n\r\t;:#\u2028'), max_size=3).map("n{}".format)
padded = st.sampled_from([" n", "n ", "\tn", "N", "1", "01", "timestamp", "user", "NA"])


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.tuples(
            *[awkward | padded] * 2,
            st.floats(2.0**-99, 2.0**39, width=32) | st.integers(1, 9).map(float),
            st.integers(-(2**62), 2**62),
        ),
        min_size=1,
        max_size=9,
    ),
    st.booleans(),
)
def test_interactions_to_file_come_back(tmp_path_factory, rows, with_times):
    """Names of any kind, values to the last bit, times: what was written is read."""
    users, items, values, times = zip(*rows, strict=True)
    made = Interactions.from_triples(
        users, items, values, times if with_times else None, repeated="latest"
    )
    path = tmp_path_factory.mktemp("pairs") / "f.csv"
    made.to_file(path)
    back = Interactions.from_file(path, time="time" if with_times else None)
    assert entries(back) == entries(made)
    assert back.dropped == {"header line": 1}


def test_interactions_to_file_write_plain_csv(tmp_path):
    """Whole numbers without a point, quotes only where they are needed."""
    made = Interactions.from_triples(["ann", "bob"], ["a,b", 7], [5, 0.1], [1, 2])
    made.to_file(tmp_path / "f.csv")
    assert (tmp_path / "f.csv").read_bytes() == (
        b'user,item,value,time\nann,"a,b",5,1\nbob,7,0.1,2\n'
    )
    with pytest.raises(InputError, match="path must be a str or a Path"):
        made.to_file(None)
    for name in ("", "a\0b"):
        with pytest.raises(InputError, match="nor hold a NUL; 1 are or do, such as '"):
            Interactions.from_triples(["a", name], ["x", "y"]).to_file(tmp_path / "g.csv")
    assert not (tmp_path / "g.csv").exists()


# --- times, ratings, parts ---------------------------------------------------------------------

timed = st.lists(
    st.tuples(plain_ids, plain_ids, st.integers(0, 9).map(lambda n: n / 4), st.integers(-5, 5)),
).map(lambda rows: [*rows, ("u", "i", 1.0, 3)])


def entries(used):
    """Return what is there as a dict of pair to value and time, in order."""
    users, items, values = used.triples()
    times = [None] * len(used) if used.times is None else used.times.tolist()
    parts = zip(users, items, values, times, strict=True)
    return {(user, item): (value, time) for user, item, value, time in parts}


@settings(max_examples=50, deadline=None)
@given(timed, st.sampled_from(["add", "latest"]), st.booleans())
def test_interactions_merge_as_a_dict_does(rows, repeated, with_times):
    """A repeated pair has the sum or the latest value, and the latest time; 0 takes it back."""
    users, items, values, times = zip(*rows, strict=True)
    when = times if with_times else None
    made = Interactions.from_triples(users, items, values, when, repeated=repeated)
    expected = {}
    for user, item, value, time in rows:
        if repeated == "add" and not value:
            continue
        before, last = expected.get((user, item), (0.0, -99))
        later = not with_times or time >= last
        worth = before + value if repeated == "add" else value if later else before
        expected[user, item] = (worth, max(time, last))
    zeros = sum(not value for value, _ in expected.values())
    expected = {pair: found for pair, found in expected.items() if found[0]}
    if repeated == "latest":
        assert made.dropped.get("value of zero", 0) == zeros
        assert len(made) + made.merged + zeros == len(rows)
    if not with_times:
        expected = {pair: (value, None) for pair, (value, _) in expected.items()}
    assert entries(made) == expected


@settings(max_examples=50, deadline=None)
@given(timed, timed, st.booleans(), st.booleans())
def test_interactions_joined_equals_a_dict(one, other, first_timed, second_timed):
    """Names of the first, then new ones; values added up, times the latest, counts of both."""
    parts = []
    for rows, with_times in ((one, first_timed), (other, second_timed)):
        users, items, values, times = zip(*rows, strict=True)
        parts.append(Interactions.from_triples(users, items, values, times if with_times else None))
    made = parts[0].joined(parts[1])
    both = [entries(part) for part in parts]
    timed_both = first_timed and second_timed
    expected = {}
    for pair in {**both[0], **both[1]}:
        found = [held[pair] for held in both if pair in held]
        time = max(time for _, time in found) if timed_both else None
        expected[pair] = (sum(value for value, _ in found), time)
    assert entries(made) == expected
    for side in ("user_ids", "item_ids"):
        ids = [getattr(part, side) for part in parts]
        assert getattr(made, side) == tuple(dict.fromkeys([*ids[0], *ids[1]]))
    assert len(made) + made.merged == sum(len(part) + part.merged for part in parts)
    lost = len(parts[not first_timed]) if first_timed != second_timed else 0
    assert made.dropped.get("time", 0) == lost


def test_interactions_joined_keep_rows_without_pairs():
    """Users and items that nobody used stay, of both."""
    empty = Interactions.from_scipy(sparse.coo_array((2, 3)))
    made = empty.joined(Interactions.from_triples([1, 7], [2, 9]))
    assert (made.user_ids, made.item_ids) == ((0, 1, 7), (0, 1, 2, 9))


@settings(max_examples=50, deadline=None)
@given(timed, st.data())
def test_interactions_chosen_and_without_part_the_pairs(rows, data):
    """What is chosen and what is left are all, each with value and time; nobody stays unused."""
    made = Interactions.from_triples(*zip(*rows, strict=True))
    size = len(made)
    keep = np.array(data.draw(st.lists(st.booleans(), min_size=size, max_size=size)))
    for mask in (keep, ~keep):
        if not mask.any():
            with pytest.raises(InputError, match="must be left; none is"):
                made.chosen(mask)
            continue
        part = made.chosen(mask)
        as_dense(part)
        places = np.flatnonzero(mask)
        all_of_them = list(entries(made).items())
        assert list(entries(part).items()) == [all_of_them[place] for place in places]
        assert (np.diff(part.indptr) > 0).all()
        assert (part.item_counts > 0).all()
        lost = part.dropped.get("user without pairs", 0), part.dropped.get("item without pairs", 0)
        assert lost == tuple(a - b for a, b in zip(made.shape, part.shape, strict=True))
        assert made.among(part).tolist() == mask.tolist()
        assert part.among(made).all()
        if not mask.all():
            assert entries(made.without(part)) == entries(made.chosen(~mask))
            assert not made.without(part).among(part).any()


@settings(max_examples=200, deadline=None)
@given(timed, timed)
def test_interactions_among_goes_by_names(one, other):
    """Whatever the order of their names, and with names that one alone has, a set says the same."""
    mine, theirs = (
        Interactions.from_triples(*list(zip(*rows, strict=True))[:2]) for rows in (one, other)
    )
    held = set(entries(theirs))
    assert mine.among(theirs).tolist() == [pair in held for pair in entries(mine)]


@settings(max_examples=50, deadline=None)
@given(timed, st.data())
def test_interactions_subset_is_what_names_say(rows, data):
    """The pairs of some users and items; `without` is the rest."""
    made = Interactions.from_triples(*zip(*rows, strict=True))
    users = data.draw(st.sets(st.sampled_from(made.user_ids), min_size=1))
    items = data.draw(st.sets(st.sampled_from(made.item_ids), min_size=1))
    held = entries(made)
    inside = {pair: v for pair, v in held.items() if pair[0] in users and pair[1] in items}
    outside = {pair: v for pair, v in held.items() if pair[0] not in users and pair[1] not in items}
    for expected, call in (
        (inside, lambda: made.subset(users, items)),
        (outside, lambda: made.without(users=users, items=items)),
    ):
        if expected:
            assert entries(call()) == expected
        else:
            with pytest.raises(InputError, match="none is"):
                call()


def test_interactions_subset_refuses_unknown_names():
    """Names that are not there are named; another is a set of Interactions."""
    made = Interactions.from_triples(["a", "b"], ["x", "y"])
    with pytest.raises(UnknownIdError, match=r"users must be in .*1 are not, such as 'c'"):
        made.subset(users=["a", "c"])
    with pytest.raises(UnknownIdError, match="items"):
        made.without(items=[1])
    for call in (made.joined, made.among, made.without):
        with pytest.raises(InputError, match="must be Interactions; got list"):
            call([("a", "x")])
    for mask in ([True], [1, 0], np.ones(3, bool)):
        with pytest.raises(InputError, match="keep must be bool"):
            made.chosen(mask)


def test_interactions_take_numbers_of_numpy():
    """A scalar of NumPy is a number like any other; a bool of either is none."""
    stars = Interactions.from_triples(["a", "a", "b"], ["x", "y", "y"], [5, 2, 3])
    for least in (np.int64(3), np.float32(3), np.float64(3)):
        assert same(stars.implicit(least), stars.implicit(3))
    assert len(stars.report(busy=np.float32(0.5))) == len(stars.report())
    for least in (True, np.True_, np.float64("nan"), np.timedelta64(3), "3", None):
        with pytest.raises(InputError, match="least must be a finite number, such as 4"):
            stars.implicit(least)


def test_interactions_implicit_keep_ratings_from_least():
    """At or above counts 1, below is left out and counted, and who is left without a pair."""
    made = Interactions.from_triples(["a", "a", "b", "c"], ["x", "y", "y", "x"], [5, 4, 3.5, 4])
    likes = made.implicit(4)
    assert entries(likes) == dict.fromkeys([("a", "x"), ("a", "y"), ("c", "x")], (1, None))
    assert likes.dropped == {"value below 4": 1, "user without pairs": 1}
    for least in (6, float("nan"), True, "4"):
        with pytest.raises(InputError, match=r"none is|must be a finite number"):
            made.implicit(least)


def test_interactions_weighted_multiply_values():
    """Each value times its weight; 0 leaves out; a wrong weight is named."""
    made = Interactions.from_triples(["a", "a", "b"], ["x", "y", "y"], [2, 3, 4], [1, 2, 3])
    found = made.weighted([0.5, 0, 2])
    assert entries(found) == {("a", "x"): (1, 1), ("b", "y"): (8, 3)}
    assert found.dropped == {"value of zero": 1}
    for weights in ([1, 1], 2.0, [1, 1, -1], [1, 1, np.nan], [[1, 1, 1]]):
        with pytest.raises(InputError, match="values must"):
            made.weighted(weights)


def test_interactions_transposed_and_damped_keep_times():
    """Times go with their pairs."""
    made = Interactions.from_triples(["a", "a", "b"], ["x", "y", "x"], None, [1, 2, 3])
    expected = {(item, user): held for (user, item), held in entries(made).items()}
    assert entries(made.transposed()) == expected
    assert made.damped().times.tolist() == [1, 2, 3]
    assert made.rows.tolist() == [0, 0, 1]


def test_interactions_are_read_only():
    """Neither arrays nor counts can be written to, and what was passed stays writeable."""
    values = np.ones(2, np.float32)
    made = Interactions.from_triples(["a", "b"], ["x", "x"], values, [1, 2])
    for part in (made, made.transposed(), made.damped(), made.joined(made), made.implicit(1)):
        for name in ("indptr", "indices", "values", "times", "item_counts"):
            with pytest.raises(ValueError, match="read-only"):
                getattr(part, name)[0] = 1
        with pytest.raises(TypeError):
            part.dropped["x"] = 1
    values[0] = 2
    assert made.values.tolist() == [1, 1]
    indptr = np.array([0, 1])
    by_hand = Interactions(("a",), ("x",), indptr, np.array([0], np.int32), np.ones(1, np.float32))
    indptr[0] = 0
    with pytest.raises(ValueError, match="read-only"):
        by_hand.indptr[0] = 1


def test_interactions_can_be_copied_and_pickled():
    """A copy is equal, and read-only too."""
    made = Interactions.from_triples(["a", "b", "a"], ["x", "x", "x"], [1, 0, 1], [1, 2, 3])
    for found in (copy.copy(made), copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert same(found, made)
        assert not found.values.flags.writeable


def arrays_of(**changed):
    """Return the parts of two users and two items, some changed."""
    parts = {
        "user_ids": ("a", "b"),
        "item_ids": ("x", "y"),
        "indptr": np.array([0, 2, 3]),
        "indices": np.array([0, 1, 0], np.int32),
        "values": np.ones(3, np.float32),
        "times": np.array([1, 2, 3]),
    }
    return parts | changed


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"user_ids": ("a", "a")}, "users of interactions must differ"),
        ({"item_ids": ("x", 1.5)}, "An id must be"),
        ({"indptr": np.array([0, 2, 3], np.int32)}, "indptr must be an array of int64"),
        ({"indptr": np.array([0, 3])}, r"shape \(3,\)"),
        ({"indptr": np.array([0, 4, 3])}, "indptr must lead from 0"),
        ({"indptr": np.array([1, 2, 3])}, "indptr must lead from 0"),
        ({"indices": np.array([1, 0, 0], np.int32)}, "ascending, each once"),
        ({"indices": np.array([0, 0, 0], np.int32)}, "ascending, each once"),
        ({"indices": np.array([0, 2, 0], np.int32)}, r"in \[0, 2\)"),
        ({"indices": np.array([-1, 1, 0], np.int32)}, r"in \[0, 2\)"),
        ({"values": np.array([1, 1, 0], np.float32)}, "above 0"),
        ({"values": np.array([1, 1, np.nan], np.float32)}, "above 0"),
        ({"values": np.ones(2, np.float32)}, "values must be an array"),
        ({"values": [1, 1, 1]}, "got list"),
        ({"times": np.array([1, 2])}, "times must be an array"),
    ],
)
def test_interactions_refuse_arrays_that_are_no_rows(changed, message):
    """What is made by hand is checked, for a kernel would leave memory over it."""
    assert len(Interactions(**arrays_of())) == 3
    with pytest.raises(InputError, match=message):
        Interactions(**arrays_of(**changed))


UTC = dt.UTC
NEW_YEAR = dt.datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "times",
    [
        [0, 86400],
        np.array([0, 86400], np.uint32),
        np.array([0.0, 86400.0]),
        np.array(["1970-01-01", "1970-01-02"], "datetime64[D]"),
        np.array(["1970-01-01T00:00:00.999", "1970-01-02"], "datetime64[ns]"),
        [NEW_YEAR, NEW_YEAR + dt.timedelta(days=1, microseconds=9)],
        [
            NEW_YEAR.astimezone(dt.timezone(dt.timedelta(hours=5))),
            np.int64(86400),
        ],
    ],
)
def test_interactions_times_are_seconds(times):
    """Whole numbers, datetime64 and aware datetimes are seconds since 1970."""
    made = Interactions.from_triples(["a", "b"], ["x", "y"], times=times)
    assert made.times.tolist() == [0, 86400]
    assert made.times.dtype == np.int64


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ([1], r"times must have shape \(2,\)"),
        ([1, 2.5], "first in row 1: 2.5"),
        ([1, 2**70], "fit 64 bits; got 11805.* in row 1"),
        ([1, float("nan")], "first in row 1: nan"),
        ([1, 1e30], "first in row 1: 1e"),
        ([1, None], "got None in row 1"),
        ([True, False], "got dtype bool"),
        (["1", "2"], "got dtype <U1"),
        (np.array(["1970-01-01", "NaT"], "datetime64[s]"), "first in row 1: NaT"),
        ([NEW_YEAR, NEW_YEAR.replace(tzinfo=None)], "know their zone; got .* in row 1"),
    ],
)
def test_interactions_refuse_what_is_no_time(times, message):
    """A missing, broken or zoneless time is refused, with its row."""
    with pytest.raises(InputError, match=message):
        Interactions.from_triples(["a", "b"], ["x", "y"], times=times)
    with pytest.raises(InputError, match="repeated must be"):
        Interactions.from_triples(["a"], ["x"], repeated="first")


@pytest.mark.parametrize(
    ("text", "options", "values"),
    [
        ("a,x,2,7\nb,y,3,8\n", {"time": 3}, [2, 3]),
        ("a,x,7\nb,y,8\n", {"time": 2}, [1, 1]),
        ("user,item,stars,when\na,x,2,7\nb,y,3,8\n", {"time": "when"}, [2, 3]),
        ("user,item,when\na,x,7\nb,y,8\n", {"time": "when"}, [1, 1]),
        ("who,what,when\na,x,7\nb,y,8\n", {"time": 2}, [1, 1]),
        ("7::x::a::2\n8::y::b::3\n", {"columns": (2, 1, 3), "time": 0}, [2, 3]),
        ("7 a x\n8 b y\n", {"columns": (1, 2), "time": 0}, [1, 1]),
    ],
)
def test_interactions_from_file_read_times(tmp_path, text, options, values):
    """A column of times, by number or name, with or without values and a header."""
    (tmp_path / "f").write_text(text)
    made = Interactions.from_file(tmp_path / "f", **options)
    assert (made.user_ids, made.item_ids) == (("a", "b"), ("x", "y"))
    assert (made.times.tolist(), made.values.tolist()) == ([7, 8], values)
    assert Interactions.from_file(tmp_path / "f", columns=(0, 1)).times is None


@pytest.mark.parametrize(
    ("text", "time", "message"),
    [
        ("a,x,1,7\nb,y,1,soon\n", 3, "line 2: the time must be a whole number.*'soon'"),
        ("a,x,1,7\nb,y,1,\n", 3, "line 2: the time must be a whole number.*''"),
        ("a,x,1,7\nb,y,1,7.5\n", 3, "line 2: the time"),
        (f"a,x,1,7\nb,y,1,{2**63}\n", 3, "line 2: the time"),
        ("a,x,1,7\nb,y,one,7\n", 3, "line 2: the value"),
        ("a,x,1\n", 3, "must have a column 3"),
        ("a,x,1\n", "when", "must have a column 'when'"),
    ],
)
def test_interactions_from_file_refuse_wrong_times(tmp_path, text, time, message):
    """A time that is none is refused by its line."""
    (tmp_path / "f").write_text(text)
    with pytest.raises(InputError, match=message):
        Interactions.from_file(tmp_path / "f", time=time)


def test_interactions_from_file_take_the_latest(tmp_path):
    """Ratings that came again are not added up where asked."""
    (tmp_path / "f").write_text("a,x,5,9\na,x,2,3\n")
    made = Interactions.from_file(tmp_path / "f", time=3, repeated="latest")
    assert entries(made) == {("a", "x"): (5, 9)}
    assert made.merged == 1


LOG = {
    "who": ["ann", "bob", "ann"],
    "what": [1, 2, 2],
    "how": [2.0, 1.0, 3.0],
    "when": np.array([5, 6, 7], "datetime64[s]"),
}
READ = {("ann", 1): (2, 5), ("ann", 2): (3, 7), ("bob", 2): (1, 6)}
CALLED = {"user": "who", "item": "what", "value": "how", "time": "when"}


def test_interactions_from_frame_read_times():
    """Mappings, pandas (with zones and without) and Arrow tables, with times."""
    pandas = pytest.importorskip("pandas")
    arrow = pytest.importorskip("pyarrow")
    frame = pandas.DataFrame(LOG)
    zoned = frame.assign(when=frame["when"].dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo"))
    strings = frame.assign(who=frame["who"].astype("category"))
    for form in (LOG, frame, zoned, strings, arrow.table(LOG), arrow.Table.from_pandas(zoned)):
        assert entries(Interactions.from_frame(form, **CALLED)) == READ
    for form in ("who", None, 3):
        with pytest.raises(InputError, match="must be a DataFrame, a table or a mapping"):
            Interactions.from_frame(form)
    with pytest.raises(InputError, match="column 'when', row 1"):
        Interactions.from_frame(
            frame.assign(when=frame["when"].where(frame["what"] != 2)), **CALLED
        )


def test_interactions_from_parquet_equal_from_frame(tmp_path):
    """Text, dictionaries, integers, floats and timestamps come back as from a frame."""
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = arrow.table(LOG)
    encoded = table.set_column(0, "who", table["who"].dictionary_encode())
    zoned = table.set_column(3, "when", table["when"].cast(arrow.timestamp("us", "Asia/Tokyo")))
    for form in (table, encoded, zoned, table.append_column("other", table["how"])):
        parquet.write_table(form, tmp_path / "f", row_group_size=2)
        assert entries(Interactions.from_parquet(tmp_path / "f", **CALLED)) == READ
    plain = Interactions.from_parquet(tmp_path / "f", user="who", item="what")
    assert plain.times is None
    assert set(plain.values.tolist()) == {1}


def test_interactions_from_parquet_refuse_what_must_not_be(tmp_path, monkeypatch):
    """A missing file, no Parquet, a missing column, a gap, a bad value; and no pyarrow."""
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    with pytest.raises(FileNotFoundError, match="There is no file"):
        Interactions.from_parquet(tmp_path / "nothing")
    with pytest.raises(InputError, match="it is a folder"):
        Interactions.from_parquet(tmp_path)
    (tmp_path / "f").write_text("user,item\n")
    with pytest.raises(FileFormatError, match="whole Parquet file"):
        Interactions.from_parquet(tmp_path / "f")
    parquet.write_table(arrow.table({"user": ["a", None], "item": [1, 2]}), tmp_path / "g")
    with pytest.raises(FileFormatError, match=r"must have a 'user'; .* row 1"):
        Interactions.from_parquet(tmp_path / "g")
    with pytest.raises(FileFormatError, match=r"one column 'stars'.*Pass value="):
        Interactions.from_parquet(tmp_path / "g", value="stars")
    parquet.write_table(arrow.table({"user": ["a"], "item": [1.5]}), tmp_path / "h")
    with pytest.raises(InputError, match="An id must be"):
        Interactions.from_parquet(tmp_path / "h")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'embedry\[arrow\]'"):
        Interactions.from_parquet(tmp_path / "g")


def test_interactions_to_file_refuse_ids_that_are_one_as_text(tmp_path):
    """1 and "1" are two items and one text; an int user beside the same as an item is fine."""
    both = Interactions.from_triples(["a", "a"], [1, "1"])
    with pytest.raises(InputError, match="cannot tell the ids 1 and '1' apart"):
        both.to_file(tmp_path / "f.csv")
    Interactions.from_triples([1, 2], ["1", "2"]).to_file(tmp_path / "g.csv")


def test_interactions_to_file_keep_returns_within_ids(tmp_path):
    """A carriage return in an id comes back."""
    made = Interactions.from_triples(["a\r}", "b"], ["x", "y\r"])
    made.to_file(tmp_path / "f.csv")
    back = Interactions.from_file(tmp_path / "f.csv")
    assert (back.user_ids, back.item_ids) == (made.user_ids, made.item_ids)
