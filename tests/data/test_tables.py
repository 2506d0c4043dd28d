"""Text tables: what a field is, and what a line is, whoever reads them."""

from __future__ import annotations

import csv

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedry.data.graph import Graph
from embedry.data.interactions import Interactions


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
