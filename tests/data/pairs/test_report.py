"""What interactions report of themselves, counted; nothing is altered."""

from __future__ import annotations

import numpy as np
import pytest

from embedry.data.interactions import Interactions
from embedry.errors import InputError


def counts(*columns, **options):
    """Return what is found in columns of pairs."""
    return Interactions.from_triples(*columns).report(**options).counts


CLEAN = (["a", "a", "b", "b"], ["x", "y", "x", "y"], [1, 2, 3, 4], [1, 2, 3, 4])


def test_report_says_nothing_where_nothing_is_suspicious():
    """A clean table has no findings, and says so."""
    report = Interactions.from_triples(*CLEAN).report()
    assert (len(report), list(report), report.counts) == (0, [], {})
    assert str(report).splitlines() == [
        "Interactions(2 users, 2 items, 4 pairs), 100 % of the table",
        "Nothing is suspicious.",
    ]


def test_report_counts_what_was_merged_and_left_out():
    """Repeats and zeros, as they were counted on reading."""
    found = counts(["a", "a", "a", "b", "b"], ["x", "y", "x", "x", "y"], [1, 2, 3, 4, 0])
    assert found["merged pairs"] == 1
    assert found["left out: value of zero"] == 1


def test_report_counts_users_and_items_of_few_pairs():
    """One pair or none, each side apart, with examples in order."""
    sparse = pytest.importorskip("scipy.sparse")
    dense = np.array([[1, 2, 0, 0], [0, 3, 0, 0], [0, 0, 0, 0], [4, 5, 0, 6]])
    report = Interactions.from_scipy(sparse.csr_array(dense)).report()
    assert report.counts == {
        "users without pairs": 1,
        "users with one pair": 1,
        "items without pairs": 1,
        "items with one pair": 1,
    }
    assert [finding.examples for finding in report] == [(2,), (1,), (2,), (3,)]


def test_report_counts_busy_users():
    """Users of more than a share of all items, the busiest first; never among few items."""
    users = ["all"] * 40 + ["most"] * 30 + ["half"] * 20
    items = [*range(40), *range(30), *range(20)]
    report = Interactions.from_triples(users, items).report()
    busy = {finding.kind: finding for finding in report}["busy users"]
    assert (busy.count, busy.examples) == (2, ("all", "most"))
    assert "more than 50 % of all items, the first 40 of them" in str(busy)
    assert counts(users, items, busy=0.45)["busy users"] == 3
    assert counts(users, items, busy=0.9)["busy users"] == 1
    assert "busy users" not in counts(["a"] * 19, range(19))
    for share in (0, 1, True, "0.5"):
        with pytest.raises(InputError, match="busy must be a share"):
            counts(users, items, busy=share)


def test_report_counts_values_and_times_that_say_nothing():
    """Values all equal (but for 1, which is a click), times all equal, in milliseconds, or 0."""
    users, items, values, times = CLEAN
    assert counts(users, items, [3] * 4, times) == {"equal values": 4}
    assert counts(users, items, [1] * 4, times) == {}
    assert counts(users, items, values, [7] * 4) == {"equal times": 4}
    assert counts(users, items, values, [0, 1, 2, -3]) == {"times not above 0": 2}
    report = Interactions.from_triples(users, items, values, [1, 2, 3, 1_700_000_000_000]).report()
    assert report.counts == {"times beyond 2200": 1}
    assert "pass times // 1000" in str(report)


def test_report_counts_ids_that_look_alike():
    """Names that differ by case, blanks or type are named together, and stay apart."""
    users = ["ann", "Ann", " ann", "bob", 1, "1"]
    used = Interactions.from_triples(users * 2, ["x"] * 6 + ["X "] * 6)
    findings = {finding.kind: finding for finding in used.report()}
    assert findings["user ids alike"].count == 2
    assert findings["user ids alike"].examples == (("ann", "Ann", " ann"), (1, "1"))
    assert findings["item ids alike"].examples == (("x", "X "),)
    assert used.user_ids == tuple(users)
