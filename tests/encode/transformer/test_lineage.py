"""Laws of lineage: what is written is read, and a card tells it."""

import json

import pytest

from embedry.card import Card, Relation
from embedry.encode.transformer.lineage import Lineage, read_lineage, write_lineage
from embedry.errors import FileFormatError


def test_lineage_is_read_as_it_was_written(tmp_path):
    """With whatever else is told beside it; a folder without the file comes from nowhere."""
    assert read_lineage(tmp_path) == Lineage()
    for lineage in (Lineage("ab", 2, 0.5), Lineage("ab", 1)):
        write_lineage(tmp_path, lineage, {"settings": {"epochs": 1}})
        assert read_lineage(tmp_path) == lineage


def test_lineage_makes_a_child_of_its_parent():
    """The card is aligned with the parent's; without a parent it is as it was."""
    parent, child = Card("transformer", 4, "cosine", "ab"), Card("transformer", 4, "cosine", "cd")
    assert Lineage().told(child) is child
    told = Lineage("ab", 1, 0.9).told(child)
    assert told.relation_to(parent) is Relation.ALIGNED
    assert child.relation_to(parent) is Relation.FOREIGN
    assert (told.generation, told.fidelity, told.fingerprint) == (1, 0.9, "cd")


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"format": 1}', '{"format": 1, "parent": "a", "generation": "x"}',
     '{"format": 1, "parent": "a", "generation": 1, "fidelity": "much"}', "[" * 100_000],
)  # fmt: skip
def test_lineage_refuses_what_is_damaged(tmp_path, text):
    """By the name of the file."""
    (tmp_path / "embedry.json").write_text(text)
    with pytest.raises(FileFormatError, match=r"embedry\.json is damaged"):
        read_lineage(tmp_path)


def test_lineage_refuses_another_format(tmp_path):
    """A newer release may mean something else by it."""
    values = {"format": 2, "parent": "a", "generation": 1, "fidelity": None}
    (tmp_path / "embedry.json").write_text(json.dumps(values))
    with pytest.raises(FileFormatError, match="must be of format 1; it is 2"):
        read_lineage(tmp_path)
