"""The laws of histories in the rows and columns of a model."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from embedry.data.interactions import Interactions
from embedry.trust.evaluate.recommenders.pasts import match_pasts

ITEMS = tuple("abcdef")  # of the model
INFORMS = np.array([True, True, True, True, True, False])  # it knows nothing of f
HISTORIES = st.dictionaries(
    st.tuples(st.sampled_from(["u", "v", "w", 1]), st.sampled_from("abcdefyz")),
    st.sampled_from([0.5, 1.0, 4.0]),
    min_size=1,
)
ASKED = ("w", "1", "u", "x", 1)


def matched(table):
    (users, items), values = zip(*table, strict=True), list(table.values())
    return match_pasts(ASKED, Interactions.from_triples(users, items, values), ITEMS, INFORMS)


@given(HISTORIES)
def test_pasts_are_the_histories_of_who_is_asked(table):
    """By names and with values, of what the model knows; the rest of the pairs is counted."""
    pasts = matched(table)
    for row, user in enumerate(ASKED):
        mine = {item: value for (who, item), value in table.items() if who == user}
        known = {item: value for item, value in mine.items() if item in ITEMS and item != "f"}
        assert pasts.named(range(row, row + 1), ITEMS) == [known]
        assert pasts.known[row] == bool(known)
        assert pasts.strange[row] == len(mine) - len(known)
        columns = pasts.columns[pasts.starts[row] : pasts.starts[row + 1]].tolist()
        assert sorted(columns) == sorted(ITEMS.index(item) for item in mine if item in ITEMS)


@given(HISTORIES, st.lists(st.integers(0, len(ASKED) - 1)))
def test_pasts_of_some_users_are_theirs(table, rows):
    """Rows are picked; all that is said of each stays."""
    pasts = matched(table)
    part = pasts.only(np.array(rows, np.int64))
    told = pasts.named(range(len(ASKED)), ITEMS)
    assert part.named(range(len(rows)), ITEMS) == [told[row] for row in rows]
    assert part.known.tolist() == pasts.known[rows].tolist()
    assert part.strange.tolist() == pasts.strange[rows].tolist()
