"""The laws of compressed rows: picked and put together, they are what sets of pairs are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedry.trust.evaluate.recommenders.rows import (
    named,
    parts_of,
    picked,
    places_of,
    starts_of,
    together,
    within,
)

WIDTH = 7
ROWS = st.lists(st.lists(st.integers(0, WIDTH - 1), max_size=5), min_size=1, max_size=6)


def compressed(rows):
    """Return where rows begin, and their entries."""
    starts = np.cumsum([0, *map(len, rows)]).astype(np.int64)
    return starts, np.array([entry for row in rows for entry in row], np.int32)


def spread(starts, entries):
    """Return each row as a list."""
    return [part.tolist() for part in np.split(entries, starts[1:-1])]


@given(ROWS, st.lists(st.integers(-1, 5), max_size=8))
def test_picked_are_the_rows_themselves(rows, wanted):
    """In the order asked for, also twice; -1 is an empty row."""
    wanted = [row for row in wanted if row < len(rows)]
    found = picked(*compressed(rows), np.array(wanted, np.int64))
    expected = [[] if row < 0 else rows[row] for row in wanted]
    assert (spread(*found) if wanted else []) == expected
    assert found[0].tolist() == compressed(expected)[0].tolist()


@given(ROWS, ROWS)
def test_together_is_the_union_of_each_row(one, other):
    """Each column once, ascending."""
    count = min(len(one), len(other))
    one, other = one[:count], other[:count]
    starts, entries = together(compressed(one), compressed(other), WIDTH)
    expected = [sorted({*mine, *theirs}) for mine, theirs in zip(one, other, strict=True)]
    assert spread(starts, entries) == expected
    assert (starts.dtype, entries.dtype) == (np.int64, np.int32)


@given(ROWS)
def test_starts_of_are_those_of_the_rows(rows):
    """Of the row of each entry, also where the last rows are empty."""
    starts, _ = compressed(rows)
    owners = np.repeat(np.arange(len(rows)), np.diff(starts))
    assert starts_of(owners, len(rows)).tolist() == starts.tolist()


@given(st.lists(st.integers(0, 9)), st.lists(st.integers(0, 9)))
def test_within_is_membership(keys, others):
    """Of a sorted array, empty ones too."""
    found = within(np.array(keys, np.int64), np.array(sorted(others), np.int64))
    assert found.tolist() == [key in others for key in keys]


@pytest.mark.parametrize(
    ("ids", "among", "places"),
    [
        (("a", 1, "z"), ("b", "1", "a"), [2, -1, -1]),
        ((), ("a",), []),
        (("a",), (), [-1]),
    ],
)
def test_places_of_ids(ids, among, places):
    """1 and "1" are two ids; what is not there is at -1."""
    found = places_of(ids, among)
    assert found.tolist() == places
    assert named(among, found[found >= 0]) == tuple(id for id in ids if id in among)


def test_places_of_the_same_ids_are_all():
    """Without a look-up."""
    ids = ("a", "b", 3)
    assert places_of(ids, ids).tolist() == [0, 1, 2]


@given(st.integers(0, 20), st.integers(0, 2**23))
def test_parts_are_all_rows_in_order_and_few_numbers_each(rows, width):
    """One row at least, and no more than two million numbers where there are several."""
    parts = list(parts_of(rows, width))
    assert [row for part in parts for row in range(part.start, part.stop)] == list(range(rows))
    assert all(part.stop > part.start for part in parts)
    assert all(
        (part.stop - part.start) * width <= 2**21 or part.stop == part.start + 1 for part in parts
    )
