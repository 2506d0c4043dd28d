"""The laws of arguments: what a text of the shell means."""

import pytest

from embedry.cli.arguments import as_columns, known_id


@pytest.mark.parametrize(
    ("known", "text", "id"),
    [({7}, "7", 7), ({"7", 7}, "7", "7"), ({-7}, "-7", -7), ({7}, "07", 7), ({7}, "٧", "٧"),
     ({7}, "x", "x"), ({7}, "8", "8"), ({7}, "", "")],
)  # fmt: skip
def test_known_id_is_a_number_only_where_that_is_known(known, text, id):
    """A text stays itself unless only the number it writes is known."""
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
