"""Laws of examples from files: as the rows in them, and refused by the line."""

import gzip

import pytest

from embedry.errors import InputError
from embedry.learn.finetune.examples import Pairs, ScoredPairs, Triplets
from embedry.learn.finetune.files import read_examples


def written(tmp_path, text, name="rows.csv"):
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
    return path


@pytest.mark.parametrize(
    ("text", "name", "told", "kind", "rows"),
    [
        ('q,"a, b"\nr,c\n', "rows.csv", {}, Pairs, (("q", "a, b"), ("r", "c"))),
        ("q\ta, b\nr\tc\n", "rows.tsv", {}, Pairs, (("q", "a, b"), ("r", "c"))),
        ("q\ta, b\n", "rows.tsv.gz", {}, Pairs, (("q", "a, b"),)),
        ("q\ta, b\n", "rows.csv", {"delimiter": "\t"}, Pairs, (("q", "a, b"),)),
        ("anchor,positive\nq,a\n", "rows.csv", {}, Pairs, (("q", "a"),)),
        ("Query,Answer\nq,a\n", "rows.csv", {}, Pairs, (("q", "a"),)),
        ("a,b,c\nd,e,3\n", "rows.csv", {}, Triplets, (("a", "b", "c"), ("d", "e", "3"))),
        ("a,b,1\nd,e,0.5\n", "r", {}, ScoredPairs, (("a", "b", 1.0), ("d", "e", 0.5))),
        ("sentence1,sentence2,score\na,b,1\nd,e,2\n", "r", {}, ScoredPairs,
         (("a", "b", 1.0), ("d", "e", 2.0))),
        ("id,title,text\n7,t,x\n", "r", {"columns": ["title", "text"]}, Pairs, (("t", "x"),)),
        ("7,t,x\n8,u,y\n", "r", {"columns": [2, 1]}, Pairs, (("x", "t"), ("y", "u"))),
    ],
)  # fmt: skip
def test_read_examples_are_the_rows_of_the_file(tmp_path, text, name, told, kind, rows):
    """Quotes, tabs, packed, headings by their names, columns chosen."""
    examples = read_examples(written(tmp_path, text, name), **told)
    assert type(examples) is kind
    assert examples.rows == rows


def test_read_examples_count_what_is_empty(tmp_path):
    """A line with one empty field is a row left out; a blank line is no row."""
    examples = read_examples(written(tmp_path, "q,a\n\nr,\nq,a\n"))
    assert examples.dropped == {"empty text": 1, "duplicate": 1}


@pytest.mark.parametrize(
    ("text", "told", "message"),
    [
        ("", {}, "at least one line"),
        ("q,a\nr,b,c\n", {}, r"line 2: every line must have 2 columns.*got 3"),
        ("a,b,1\n\nc,d,much\n", {}, r"line 3: a score must be a number.*got 'much'"),
        ("q,a\n", {"columns": [0, 2]}, r"columns must be in the first line.*got 2"),
        ("q,a\n", {"columns": ["title", "a"]}, r"columns must be in the first line.*got 'title'"),
        ("q\n", {}, "the first is"),
        ("anchor,positive\n", {}, "At least one example"),
    ],
)
def test_read_examples_refuses_by_the_line(tmp_path, text, told, message):
    """What must hold, and where it does not."""
    with pytest.raises(InputError, match=message):
        read_examples(written(tmp_path, text), **told)
