"""Laws of examples: rows are checked, and what is left out is counted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedry.errors import InputError
from embedry.learn.finetune.examples import (
    Pairs,
    ScoredPairs,
    Triplets,
    as_examples,
    text_key,
)


def test_examples_leave_out_and_count_what_says_nothing():
    """Empty texts, and rows that came before but for case and blanks."""
    rows = [("q", "a"), ("", "a"), ("q", " \n"), ("Q ", "a"), ("q", "b"), ["r", "a"]]
    pairs = Pairs(iter(rows))
    assert pairs.rows == (("q", "a"), ("q", "b"), ("r", "a"))
    assert pairs.dropped == {"empty text": 2, "duplicate": 1}
    assert repr(pairs) == "Pairs(3 rows, left out: 2 empty text, 1 duplicate)"


def test_scored_pairs_keep_another_score_of_the_same_pair():
    """Two people may grade a pair differently; only the very same row is a duplicate."""
    scored = ScoredPairs([("a", "b", 1), ("a", "b", np.float32(2)), ("A", "b", 1.0)])
    assert scored.rows == (("a", "b", 1.0), ("a", "b", 2.0))
    assert scored.dropped == {"duplicate": 1}
    assert scored.scores.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("rows", "kind"),
    [
        ([("a", "b")], Pairs),
        ([("a", "b", "c")], Triplets),
        ([("a", "b", 1), ("a", "c", 0.5)], ScoredPairs),
        ([("a", "b", np.int64(3)), ("a", "c", np.float64(0.5))], ScoredPairs),
    ],
)
def test_as_examples_tells_the_kind_by_the_first_row(rows, kind):
    """Two texts, three texts, or two and a number; examples stay what they are."""
    examples = as_examples(rows)
    assert type(examples) is kind
    assert as_examples(examples) is examples


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "At least one"),
        ("ab", "must be rows"),
        (3, "must be rows"),
        ({"a": "b"}, "must be rows"),
        ([("a", "b"), "ab"], "row 1 is 'ab'"),
        ([("a", "b"), 7], "row 1 is 7"),
        ([("a",)], "the first is"),
        ([("a", "b", "c", "d")], "the first is"),
        ([("a", "b"), ("a", "b", "c")], r"\(anchor, positive\); row 1"),
        ([("a", "b"), ("a", None)], r"\(anchor, positive\); row 1"),
        ([("a", "b", "c"), ("a", "b", 1.0)], r"\(anchor, positive, negative\); row 1"),
        ([("a", "b", "c"), ("a", "B", " b")], "differ from its positive; in row 1"),
        ([("a", "b", 1.0), ("a", "b", "2")], "finite number; that of row 1"),
        ([("a", "b", 1.0), ("a", "b", True)], "finite number; that of row 1"),
        ([("a", "b", 1.0), ("a", "b", float("nan"))], "finite number; that of row 1"),
        ([("a", "b", 1.0), ("c", "b", float("inf"))], "finite number; that of row 1"),
        ([("a", "b", 1.0), ("c", "b", 1)], "Scores must differ; all 2 are 1"),
        ([("", "b"), ("c", " ")], "left out: 2 empty text"),
    ],
)
def test_as_examples_refuses_by_the_number_of_the_row(rows, message):
    """What must hold, which row does not, and what it is."""
    with pytest.raises(InputError, match=message):
        as_examples(rows)


@given(st.text(), st.text(" \t\n", max_size=2))
def test_text_key_ignores_case_and_blanks(text, blanks):
    """The key of a key is itself; blanks around and upper case change nothing."""
    key = text_key(text)
    assert text_key(key) == key
    assert text_key(blanks + text + blanks) == key


def test_keys_of_a_pair_do_not_depend_on_its_order_but_for_the_anchor():
    """Pairs are told by their texts in either order; anchors count for pairs and triplets."""
    one, other = Pairs([("a", "b"), ("b", "a")]).rows
    assert Pairs([one]).keys(one)[0] == Pairs([one]).keys(other)[0]
    assert Pairs([one]).keys(one)[1:] == ("a",)
    scored = ScoredPairs([("a", "b", 1.0)])
    assert scored.keys(scored.rows[0]) == (frozenset("ab"),)


def test_scored_pairs_have_shares_of_their_range():
    """The lowest score is 0, the highest 1, whatever the scale."""
    rows = [("a", "b", -3.0), ("c", "d", 1.0), ("e", "f", 5.0)]
    assert ScoredPairs(rows).shares.tolist() == [0, 0.5, 1]
    assert ScoredPairs(rows[:1]).shares.tolist() == [0]
