"""The laws of arguments: what a text of the shell means."""

import os

import pytest

from embedry.cli.arguments import as_columns, check_folder_of, known_id
from embedry.errors import InputError


@pytest.mark.parametrize(
    ("known", "text", "id"),
    [({7}, "7", 7), ({"7", 7}, "7", "7"), ({-7}, "-7", -7), ({7}, "07", "07"), ({7}, "٧", "٧"),
     ({0}, "0", 0), ({0}, "-0", "-0"), ({0}, "00", "00"), ({10}, "10", 10), ({-7}, "-07", "-07"),
     ({7}, "x", "x"), ({7}, "8", "8"), ({7}, "", "")],
)  # fmt: skip
def test_known_id_is_a_number_only_where_that_is_known(known, text, id):
    """A text stays itself unless only the number it writes is known; no two are one number."""
    found = known_id(known, text)
    assert (found, type(found)) == (id, type(id))


@pytest.mark.parametrize(
    ("text", "columns"),
    [(None, None), ("0,1", [0, 1]), ("from, to,2", ["from", "to", 2]), ("-1", ["-1"]),
     ("٧", ["٧"]), ("", [""])],
)  # fmt: skip
def test_as_columns_reads_numbers_and_names(text, columns):
    """Digits are a place, all else is a name; nothing passed stays nothing."""
    assert as_columns(text) == columns


def test_check_folder_of_tells_what_cannot_be_written(tmp_path, monkeypatch):
    """A missing folder, a folder in the place of the file, and a folder that is read only."""
    check_folder_of(tmp_path / "model")
    for out in (tmp_path, tmp_path / "missing" / "model"):
        with pytest.raises(InputError, match="must be a file in a folder that is there"):
            check_folder_of(out)
    monkeypatch.setattr(os, "access", lambda path, mode: (path, mode) != (tmp_path, os.W_OK))
    with pytest.raises(InputError, match="must be a file in a folder that can be written"):
        check_folder_of(tmp_path / "model")
