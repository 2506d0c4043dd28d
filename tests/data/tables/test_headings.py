"""What the first lines of a table tell: where columns stand, what is a header, what is a time."""

from __future__ import annotations

import pytest

from embedry.data.graph import Graph
from embedry.data.interactions import Interactions
from embedry.errors import InputError


def read(folder, text, **options):
    """Read interactions from a file of this text."""
    (folder / "f.csv").write_text(text)
    return Interactions.from_file(folder / "f.csv", **options)


def lines_of(used):
    """Return what a report says beside the findings."""
    return used.report().reading


# --- times -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["timestamp", "Time", "date", "DATETIME", "ts", "when", "unix_time", "created_at"]
)
def test_headings_take_a_time_for_the_time(tmp_path, name):
    """A third column that is headed as a time is no value: each pair counts 1, and has a time."""
    text = f"userId,movieId,{name}\n1,2,1700000000\n1,3,1700000009\n"
    used = read(tmp_path, text)
    assert used.values.tolist() == [1, 1]
    assert used.times.tolist() == [1_700_000_000, 1_700_000_009]
    assert used.dropped == {"header line": 1}
    assert lines_of(used)[1] == f"column {name!r} taken as the time"


def test_headings_leave_out_a_time_that_is_no_whole_number(tmp_path):
    """Dates in words are left out, row by row counted, and said."""
    used = read(tmp_path, "user,item,date\nann,x,2020-01-01\nbob,y,2020-01-02\n")
    assert (used.values.tolist(), used.times) == ([1, 1], None)
    assert used.dropped == {"header line": 1, "time": 2}
    assert "column 'date' taken for nothing, as no value" in str(used.report())


def test_headings_take_what_is_asked_for(tmp_path):
    """A column that was named is taken, whatever it is called; a header that is none is data."""
    text = "user,item,time\nann,x,90\nbob,y,30\n"
    assert read(tmp_path, text, columns=("user", "item", "time")).values.tolist() == [90, 30]
    assert read(tmp_path, text, time="time").times.tolist() == [90, 30]
    with pytest.raises(InputError, match=r"line 1: the value must be .* got 'time'"):
        read(tmp_path, text, header=False)
    both = "user,item,date,timestamp\nann,x,monday,90\n"
    used = read(tmp_path, both, time="timestamp")
    assert (used.values.tolist(), used.times.tolist()) == ([1], [90])
    assert used.dropped == {"header line": 1}
    used = read(tmp_path, "a,x,7,5\nb,y,8,4\n", time=2)
    assert (used.values.tolist(), used.times.tolist()) == ([1, 1], [7, 8])


def test_headings_of_edges_leave_out_a_time(tmp_path):
    """A graph has no times: a column of them is no weight, and is counted."""
    (tmp_path / "e.csv").write_text("source,target,timestamp\na,b,1700000000\nb,c,1700000009\n")
    made = Graph.from_file(tmp_path / "e.csv")
    assert not made.is_weighted
    assert made.dropped == {"header line": 1, "time": 2}


@pytest.mark.parametrize("first", ["1700000000", "160000000000"])
def test_headings_missing_above_times_are_reported(tmp_path, first):
    """Without a header a time is read as a value; the report says that it looks like one."""
    used = read(tmp_path, f"1,2,{first}\n1,3,1700000009\n")
    assert used.report().counts["values like times"] == 2
    assert "pass columns=" in str(used.report())
    assert "values like times" not in read(tmp_path, "1,2,5\n1,3,1700000009\n").report().counts


# --- headers -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [
        "customer_id,product_id", "customerId,productID", "CUSTOMER ID,PRODUCT ID", "person,song",
        "Customer,Product", "listener,track", "movie,person", "id,book_id", "user,whatever",
        "tag_id,tag_name", "userName,Product Name",
    ],
)  # fmt: skip
def test_headings_are_known_by_their_names(tmp_path, header):
    """Two usual names of columns above names are a header."""
    used = read(tmp_path, f"{header}\nann,apple\nbob,pear\n")
    assert (used.user_ids, used.dropped) == (("ann", "bob"), {"header line": 1})
    first = ", ".join(map(repr, header.split(",")))
    assert lines_of(used) == (f"first line taken as a header: {first}",)


@pytest.mark.parametrize(
    "first", ["ann,apple", "david,movie", "customer,apple", "book,book", "android,iphone"]
)
def test_headings_are_not_made_of_names(tmp_path, first):
    """One usual name, the same twice, or none, is data; and the report says so."""
    used = read(tmp_path, f"{first}\nbob,pear\n")
    assert (len(used), used.dropped) == (2, {})
    assert lines_of(used)[0].startswith("first line taken as data: ")


def test_headings_that_were_told_are_not_told_again(tmp_path):
    """With header= or columns by name nothing was guessed."""
    text = "user,item,stars\nann,apple,3\n"
    assert lines_of(read(tmp_path, text, header=True)) == ()
    assert lines_of(read(tmp_path, text, columns=("user", "item", "stars"))) == ()
    assert lines_of(Interactions.from_triples(["a"], ["x"])) == ()


def test_headings_say_what_was_not_read(tmp_path):
    """Further columns are named; parts of interactions still say how these were read."""
    used = read(tmp_path, "user,item,stars,when\nann,apple,3,7\nbob,apple,4,8\n")
    told = (
        "first line taken as a header: 'user', 'item', 'stars', 'when'",
        "columns not read: 'when'",
    )
    assert lines_of(used) == told
    for part in (used.implicit(4), used.transposed(), used.subset(["ann"]), used.damped()):
        assert part.reading == told
    assert lines_of(read(tmp_path, "a,x,3,7\n"))[1] == "columns not read: 3"
    bare = lines_of(read(tmp_path, "user,item,stars,,\na,x,3,,\n"))
    assert bare == ("first line taken as a header: 'user', 'item', 'stars'",)


# --- wrong values ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("movieId,title,genres\n1,Toy Story,Fun\n", "line 2: .*'Fun'.*text, pass columns="),
        ("userId,movieId,tag,timestamp\n1,2,fun,7\n", "line 2: .*'fun'.*text, pass columns="),
        ("who knows,what,how\na,b,c\n", "line 1: .*'how'.*text, pass columns="),
        ("user;item;rating\n1;2;1,5\n", r"line 2: .*'1,5'. Decimals take a point: write 1\.5"),
        ("user,item,rating\n1,2,\n", "line 2: .*''. Drop that line"),
        ("user,item,rating\n1,2,NA\n", "line 2: .*'NA'"),
        ("1,2,1700000000000\n", "line 1: .*at most 1e.12; got '1700000000000'.*pass time=2"),
    ],
)
def test_headings_are_not_blamed_for_a_wrong_value(tmp_path, text, message):
    """The line that is wrong is named, with what is likely meant."""
    with pytest.raises(InputError, match=message):
        read(tmp_path, text)


@pytest.mark.parametrize(
    "options",
    [
        {"columns": (0, 0)},
        {"columns": (0, 1, 1)},
        {"columns": (0, 1), "time": 1},
        {"columns": ("user", 0), "header": True},
    ],
)
def test_headings_want_columns_of_their_own(tmp_path, options):
    """One column is not two things."""
    with pytest.raises(InputError, match="must be columns of their own"):
        read(tmp_path, "user,item,stars\na,b,1\n", **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"columns": None}, "columns must name user, item and perhaps value; got None"),
        ({"columns": 3}, "columns must name user"),
        ({"columns": "ab"}, "columns must name user"),
        ({"columns": (True, False)}, "must have a column True"),
        ({"header": "no"}, "header must be True, False or None"),
        ({"time": True}, "must have a column True"),
    ],
)
def test_headings_refuse_options_of_another_kind(tmp_path, options, message):
    """A setting that is none is said to be one, not taken for something else."""
    with pytest.raises(InputError, match=message):
        read(tmp_path, "a,x,1\nb,y,2\n", **options)
