"""The laws of labels: files as published, and tables in which every id is counted."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
    [("0 8\n1\n", "line 2"), ("\n# nothing\n", "at least one node"), ("caf\xe9 1\n", "UTF-8")],
)
def test_read_labels_says_what_is_wrong(write, text, message):
    """A node alone, an empty file, another encoding."""
    with pytest.raises(InputError, match=message):
        read_labels(write(text))


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
