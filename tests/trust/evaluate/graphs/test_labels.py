"""The laws of labels: files as published, and tables in which every id is counted."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedry.data.graph import Graph
from embedry.embeddings import Embeddings
from embedry.errors import InputError
from embedry.trust.evaluate import read_labels
from embedry.trust.evaluate.graphs.labels import LabelTable

SPACE = Embeddings(["a", "b", "c", 1], np.eye(4))


@pytest.fixture
def write(tmp_path):
    def written(text):
        path = tmp_path / "labels.txt"
        path.write_bytes(text.encode("latin-1"))
        return path

    return written


def test_read_labels_joins_what_is_said_of_a_node(write):
    """One label a line or several; repeated ones once; comments and blank lines passed over."""
    found = read_labels(write("# node labels\n0 8\n\n1\t2 3\r\n0 9 8\n"))
    assert found == {"0": ("8", "9"), "1": ("2", "3")}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0 8\n1\n", "line 2"),
        ("0,8\n1,\n", "line 2.*node and its labels"),
        ("0,8\n,8\n", "line 2.*node and its labels"),
        ('0,8\n1,"8\n', "Mend the quotes"),
        ("n0|l0\n", "line 1.*delimiter="),
        ("\n# nothing\n", "at least one node"),
        ("node label\n", "at least one node"),
        ("caf\xe9 1\n", "UTF-8"),
    ],
)
def test_read_labels_says_what_is_wrong(write, text, message):
    """A node or a label alone, an empty file, another encoding, another delimiter."""
    with pytest.raises(InputError, match=message):
        read_labels(write(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("n0,l0\nn1,l1\n", {"n0": ("l0",), "n1": ("l1",)}),
        ("n0, l0\n", {"n0": ("l0",)}),
        ('n0, l0, "big, red"\n', {"n0": ("l0", "big, red")}),
        ("n0,l0,\nn1,l1,l2\n", {"n0": ("l0",), "n1": ("l1", "l2")}),
        ("n0;l0\n", {"n0": ("l0",)}),
        ("n0::l0::l1\n", {"n0": ("l0", "l1")}),
        ("New York\tbig city\tport\n", {"New York": ("big city", "port")}),
        ("n0\tSci-fi\r\n", {"n0": ("Sci-fi",)}),
        ("New York,city\n", None),
        ("Rome,city\nNew York,city\n", {"Rome": ("city",), "New York": ("city",)}),
        ("% said\n# said\nn0 l0\n", {"n0": ("l0",)}),
        ("node,label\nn0,l0\n", {"n0": ("l0",)}),
        ("% said\nNode ID\tClass\nn0\tl0\n", {"n0": ("l0",)}),
        ("n0 l0\nnode label\n", {"n0": ("l0",), "node": ("label",)}),
        ("n0 l0,l1\n", None),
        ("n0 l0\nn1 l1, l2\n", None),
        ("n0 l0\nn1, l1\n", None),
        ("n0\tl0,l1\n", None),
        ("n0,l0;l1\n", None),
        ("n0;l0,l1\n", None),
        ("York, UK\tcity\n", {"York, UK": ("city",)}),
    ],
)
def test_read_labels_finds_out_how_columns_are_parted(write, text, expected):
    """As graphs are read: by the first line; what can be read in two ways is refused (None)."""
    if expected is None:
        with pytest.raises(InputError, match=r"line [12].*two ways.*delimiter="):
            read_labels(write(text))
    else:
        assert read_labels(write(text)) == expected


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("n0 l0,l1\n", {"delimiter": " "}, {"n0": ("l0,l1",)}),
        ("n0\tl0,l1\n", {"delimiter": "\t"}, {"n0": ("l0,l1",)}),
        ("New York,city\n", {"delimiter": ","}, {"New York": ("city",)}),
        ("n0|l0\n", {"delimiter": "|"}, {"n0": ("l0",)}),
        ("node label\nn0 l0\n", {"header": False}, {"node": ("label",), "n0": ("l0",)}),
        ("paper topic\nn0 l0\n", {"header": True}, {"n0": ("l0",)}),
        ("#n0 l0\n", {"comments": ""}, {"#n0": ("l0",)}),
    ],
)
def test_read_labels_reads_as_told(write, text, options, expected):
    """What is passed is not found out."""
    assert read_labels(write(text), **options) == expected


def test_read_labels_reads_the_comments_and_columns_of_graphs(write):
    """The same file, as edges and as labels, has the same names in both."""
    for mark in (",", ", ", "\t", ";", "::", " "):
        path = write(f"# said\n% said\na{mark}b\nb{mark}c\n")
        found = read_labels(path)
        assert {*found, *found["b"]} == set(Graph.from_file(path).ids)


def test_read_labels_of_no_file(tmp_path):
    """The error says what to pass."""
    with pytest.raises(FileNotFoundError, match="Pass the path"):
        read_labels(tmp_path / "nowhere.txt")


def test_label_table_counts_every_id():
    """Labels without a vector, vectors without a label; 1 and "1" differ."""
    given_labels = {"c": "x", "a": ["y", 2], 1: {2}, "1": "z", "gone": "x", "b": []}
    table = LabelTable.of(SPACE, given_labels)
    assert table.names == (2, "x", "y")
    assert table.rows.tolist() == [0, 2, 3]
    assert table.carried.tolist() == [
        [True, False, True],
        [False, True, False],
        [True, False, False],
    ]
    assert (table.without_vector, table.without_label) == (2, 1)


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from([*"abcdefgh"]), st.frozensets(st.integers(0, 5), max_size=4), min_size=2
    )
)
def test_label_table_holds_what_it_was_given(labels):
    """Reading the table back gives the mapping, but for nodes without label or vector."""
    space = Embeddings([*"abcdef"], np.eye(6))
    kept = {node: names for node, names in labels.items() if names and node in space}
    if len(frozenset().union(*kept.values())) < 2:
        with pytest.raises(InputError, match="at least two labels"):
            LabelTable.of(space, labels)
        return
    table = LabelTable.of(space, labels)
    back = {
        space.ids[row]: {table.names[column] for column in np.flatnonzero(carried)}
        for row, carried in zip(table.rows, table.carried, strict=True)
    }
    assert back == kept
    assert len(table.rows) + table.without_label == len(space)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["x", "y"], "must map each id"),
        ({"a": 1.5, "b": "x"}, "node 'a'"),
        ({"a": ["x", None], "b": "x"}, "node 'a'"),
        ({"a": "x", "b": "x"}, "at least two labels"),
        ({"1": "x", "gone": "y"}, "1 and '1' differ"),
    ],
)
def test_label_table_refuses_what_are_no_labels(labels, message):
    """Lists, floats, None, one label for all, and ids of the other type."""
    with pytest.raises(InputError, match=message):
        LabelTable.of(SPACE, labels)
