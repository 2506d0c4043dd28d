"""Laws of holding out: nothing that is asked was learned."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedry.errors import InputError
from embedry.learn.finetune.examples import Pairs, ScoredPairs, Triplets
from embedry.learn.finetune.parting import groups, part

WORDS = st.sampled_from("abcdefghij")
ROWS = st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=40)


@given(ROWS)
def test_groups_are_what_a_plain_search_finds(rows):
    """Two rows are of one group when a chain of shared anchors or mirrored pairs joins them."""
    pairs = Pairs(rows)
    keys = [set(pairs.keys(row)) for row in pairs]
    found = groups(pairs)
    for start in range(len(keys)):
        reached, seen = set(keys[start]), {start}
        while more := {n for n in range(len(keys)) if n not in seen and keys[n] & reached}:
            seen |= more
            reached = reached.union(*(keys[n] for n in more))
        assert {n for n in range(len(keys)) if found[n] == found[start]} == seen


@given(st.lists(st.tuples(WORDS, st.sampled_from("uvwxyz")), min_size=25), st.integers(0, 5))
def test_part_shares_no_anchor_and_loses_no_row(rows, seed):
    """Each row is on one side; no key is on both."""
    pairs = Pairs(rows)
    try:
        parts = part(pairs, 0.3, seed)
    except InputError:
        return  # one anchor holds most rows
    assert sorted([*parts.learned, *parts.asked]) == sorted(pairs)
    learned = {key for row in parts.learned for key in pairs.keys(row)}
    assert learned.isdisjoint(key for row in parts.asked for key in pairs.keys(row))


def test_part_holds_out_about_the_share_and_the_same_for_a_seed():
    """Another seed draws others."""
    pairs = Pairs([(f"q{n}", f"a{n}") for n in range(200)])
    first, again, other = (part(pairs, 0.1, seed).asked.rows for seed in (1, 1, 2))
    assert len(first) == len(other) == 20
    assert first == again != other


def test_part_never_asks_a_group_of_half_of_all_rows():
    """A single anchor with most of the rows is learned, not asked."""
    pairs = Pairs([*(("big", f"a{n}") for n in range(30)), *((f"q{n}", "a") for n in range(9))])
    for seed in range(10):
        assert "big" not in {row[0] for row in part(pairs, 0.2, seed).asked}


def test_part_keeps_a_pair_and_its_mirror_together():
    """Of scored pairs, either order is the same pair."""
    rows = [row for n in range(20) for row in ((f"a{n}", f"b{n}", n), (f"b{n}", f"a{n}", n + 1))]
    parts = part(ScoredPairs(rows), 0.3, 0)
    learned = {frozenset(row[:2]) for row in parts.learned}
    assert learned.isdisjoint(frozenset(row[:2]) for row in parts.asked)


def test_part_counts_texts_on_both_sides():
    """A passage may answer an anchor that is learned and one that is asked; that is said."""
    parts = part(Pairs([("q1", "a1")]), [("q2", "A1 "), ("q3", "a3"), ("q4", "a4")], 0)
    assert parts.shared == 1
    assert len(parts.asked) == 3


@pytest.mark.parametrize(
    ("examples", "asked"),
    [
        (Pairs([("q", "a"), ("r", "b")]), [("Q", "x"), ("s", "y"), ("t", "z")]),
        (Pairs([("q", "a"), ("r", "b")]), [("a", "q"), ("s", "y"), ("t", "z")]),
        (Triplets([("q", "a", "n")]), [("q", "x", "n"), ("s", "y", "n"), ("t", "z", "n")]),
        (ScoredPairs([("q", "a", 1)]), [("a", "q", 2), ("q", "y", 1), ("q", "z", 3)]),
    ],
)
def test_part_refuses_rows_that_leak(examples, asked):
    """An anchor or a pair that is learned, in whatever case or order, must not be asked."""
    with pytest.raises(InputError, match="of 1 of 3 held-out rows is among the examples, first"):
        part(examples, asked, 0)


def test_part_lets_scored_pairs_share_a_sentence():
    """A sentence in another pair gives no score away."""
    parts = part(ScoredPairs([("q", "a", 1)]), [("q", "b", 2), ("q", "c", 1), ("d", "e", 3)], 0)
    assert parts.shared == 2


@pytest.mark.parametrize(
    ("held_out", "message"),
    [
        (0.0, "held_out must be a number"),
        (0.95, "held_out must be a number"),
        (True, "held_out must be a number"),
        ("abc", "must be rows"),
        ([("s", "t", 1.0), ("u", "v", 2)], "held_out must be pairs"),
        ([("s", "t"), ("u", "v")], "At least 3 pairs must be held out"),
        (Pairs([("s", "t"), ("u", "v")]), "At least 3 pairs must be held out"),
    ],
)
def test_part_refuses_what_cannot_be_asked(held_out, message):
    """Shares out of range, other kinds, too few."""
    with pytest.raises(InputError, match=message):
        part(Pairs([(f"q{n}", f"a{n}") for n in range(9)]), held_out, 0)


def test_part_refuses_too_few_rows():
    """Three are needed, and something to learn from."""
    with pytest.raises(InputError, match=r"of 3, 3 can be held out and 0 are left"):
        part(Pairs([(f"q{n}", f"a{n}") for n in range(3)]), 0.1, 0)
