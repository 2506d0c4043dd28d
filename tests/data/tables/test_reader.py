"""Text tables: what a field is, and what a line is, whoever reads them."""

from __future__ import annotations

import csv

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedry.data.graph import Graph
from embedry.data.interactions import Interactions
from embedry.errors import InputError


def written(folder, text):
    """Write a file of this text, byte by byte."""
    path = folder / "table.txt"
    path.write_bytes(text.encode())
    return path


# --- fields ------------------------------------------------------------------------------------


@pytest.mark.parametrize("mark", [",", "\t", ";", "::"])
@pytest.mark.parametrize("before", [" ", "  "])
@pytest.mark.parametrize("weight", ["", "2"])
def test_table_leaves_out_blanks_around_a_name(tmp_path, mark, before, weight):
    """A blank before or after a delimiter belongs to no name, in graphs or in interactions."""
    pairs = [("1", "2"), ("2", "3"), ("3", "1")]
    rows = [[*pair, weight] if weight else pair for pair in pairs]
    lines = ((before + mark + " ").join(row) + " \r\n" for row in rows)
    path = written(tmp_path, "".join(lines))
    assert Graph.from_file(path).ids == ("1", "2", "3")
    assert Interactions.from_file(path).history("2") == ("3",)


def test_table_keeps_blanks_within_quotes(tmp_path):
    """What is quoted is the name, blanks and all, also beside a field that is not quoted."""
    path = written(tmp_path, '" a ",b \nb\t, " a ""\n"\n" a ",c\n')
    assert Graph.from_file(path).ids == (" a ", "b", ' a "\n', "c")


fields = st.text(st.sampled_from('a "\n,\t'), min_size=1, max_size=5)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(fields, st.booleans(), fields, st.booleans()), min_size=1))
def test_table_strips_the_fields_that_are_not_quoted(tmp_path_factory, rows):
    """Fields of any kind, quoted or bare, beside each other."""
    path = tmp_path_factory.mktemp("csv") / "edges.csv"
    lines, expected = ["n1,n2\n"], ["n1", "n2"]
    for row in rows:
        texts = []
        for field, quoted in zip(row[::2], row[1::2], strict=True):
            bare = field.translate({ord(mark): None for mark in '"\n,'}) + "b "
            texts.append('"' + field.replace('"', '""') + '"' if quoted else bare)
            expected.append(field if quoted else bare.strip())
        lines.append(",".join(texts) + "\n")
    path.write_text("".join(lines), encoding="utf-8", newline="")
    found = Graph.from_file(path, delimiter=",", header=False, self_loops="keep")
    assert found.ids == tuple(dict.fromkeys(expected))
    with path.open(newline="", encoding="utf-8") as file:
        assert len(list(csv.reader(file))) == len(rows) + 1


# --- headers -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "counted"),
    [
        ("citing,cited\n0,1\n1,2\n", 1),
        ("u v\n1 2\n", 1),
        ("quoting\tquoted\n1.5\t-2\n", 1),
        ("u v\na 2\n", 0),
        ("u 7\n1 2\n", 0),
        ("7b 1st\n1 2\n", 0),  # begins with a digit: rather a name than a heading
        ("nan null\n1 2\n", 0),
        ("u u\n1 2\n", 0),
        ("u v\n", 0),
        ("u v w\n1 2 3\n", 1),
    ],
)
def test_table_takes_two_words_above_two_numbers_for_a_header(tmp_path, text, counted):
    """Names of columns are no nodes, users or items; the line is counted, and can be kept."""
    path = written(tmp_path, text)
    for made in (Graph.from_file(path), Interactions.from_file(path)):
        assert made.dropped.get("header line", 0) == counted
    assert len(Interactions.from_file(path)) == text.count("\n") - counted
    if len(text.split("\n")[0].replace("\t", " ").replace(",", " ").split()) == 2:
        assert "header line" not in Graph.from_file(path, header=False).dropped


@pytest.mark.parametrize(
    "weight", ["NA", "n/a", "nan", "", "NULL", "None", "0,5", "1,5e3", "-", "?", "5kg", "-inf"]
)
@pytest.mark.parametrize("read", [Graph.from_file, Interactions.from_file])
def test_table_refuses_a_first_line_whose_weight_is_missing(tmp_path, weight, read):
    """A gap or a decimal comma is a fault of that line, not the name of a column."""
    with pytest.raises(InputError, match=r"line 1: the (weight|value) must be"):
        read(written(tmp_path, f"a;b;{weight}\nb;c;2\n"))


# --- lines -------------------------------------------------------------------------------------


@pytest.mark.parametrize("mark", [" ", ",", "\t", "::"])
@pytest.mark.parametrize("first", ["", "  # one\n", "   \n", "# one\n"])
def test_table_leaves_out_comments_and_blank_lines_after_blanks(tmp_path, mark, first):
    """An indented comment is one, a line of blanks is empty, first in the file or not."""
    lines = f"{first}1{mark}2\n  # two{mark}words\n   \n2{mark}3\n"
    made = Graph.from_file(written(tmp_path, lines))
    assert made.ids == ("1", "2", "3")
    empty = 1 + (first == "   \n")
    assert made.dropped == {"comment line": 1 + ("#" in first), "empty line": empty}


def test_table_keeps_a_name_that_begins_with_a_comment_mark_when_told(tmp_path):
    """Without marks nothing is a comment, and no blank line is counted as one."""
    path = written(tmp_path, "\n  \n #a,b\n")
    made = Graph.from_file(path, comments="")
    assert (made.ids, made.dropped) == (("#a", "b"), {"empty line": 2})
    assert Graph.from_file(written(tmp_path, " \t \n\t#c d\na b\n")).ids == ("a", "b")
    path = written(tmp_path, "a\tb\n\t#c\n")
    with pytest.raises(InputError, match="line 2: source and target must not be empty"):
        Graph.from_file(path)


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("1\t\t2\n2\t\t3\n", "pass delimiter=' ' if several tabs"),
        ("a\t\tb\nb\t\tc\n", "pass delimiter=' ' if several tabs"),
        ("a,b\nb,\n", r"Drop the line\.$"),
        ("a|b\nb|c\n", "Pass delimiter= if"),
    ],
)
def test_table_says_how_columns_may_be_parted(tmp_path, text, advice):
    """A delimiter that was not found is asked for."""
    with pytest.raises(InputError, match=advice):
        Graph.from_file(written(tmp_path, text))
