"""The laws of files of negatives."""

import gzip

import pytest

from embedry.errors import InputError
from embedry.trust.evaluate import read_negatives


def test_read_negatives_of_users_and_of_pairs(tmp_path):
    """A user, or a user and the test item in brackets, and items parted by tabs; gzipped too."""
    text = "(0,25)\t1064\t174\nλ u\tx y\n(0,26)\t174\t3\n\n(a,b,c)\td\n"
    (tmp_path / "negatives").write_text(text, encoding="utf-8")
    expected = {"0": ("1064", "174", "3"), "λ u": ("x y",), "a,b": ("d",)}
    assert read_negatives(tmp_path / "negatives") == expected
    (tmp_path / "negatives.gz").write_bytes(gzip.compress(text.encode()))
    assert read_negatives(tmp_path / "negatives.gz") == expected


@pytest.mark.parametrize("text", ["(0,25)\t1\n(1,2)\n", "(0,25)\t1\n(1,2)\t\n", "0\t1\n\t3\n"])
def test_read_negatives_names_the_line_that_is_short(tmp_path, text):
    """A user without items, or items without a user."""
    (tmp_path / "negatives").write_text(text)
    with pytest.raises(InputError, match="line 2: must hold a user and negative items"):
        read_negatives(tmp_path / "negatives")


def test_read_negatives_refuses_nothing(tmp_path):
    """An empty file, and none."""
    (tmp_path / "negatives").write_text("\n")
    with pytest.raises(InputError):
        read_negatives(tmp_path / "negatives")
    with pytest.raises(FileNotFoundError):
        read_negatives(tmp_path / "nowhere")
