"""Batches: every text once, those of like length together, none larger than allowed."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from embedry.encode.transformer.batches import batches, padded

LENGTHS = st.lists(st.integers(0, 300), max_size=60).map(lambda found: np.array(found, np.int64))


@given(LENGTHS, st.integers(1, 600), st.integers(1, 9))
def test_batches_hold_every_text_once_and_no_more_than_allowed(lengths, tokens, texts):
    """Padded to its longest, a batch has at most so many tokens, unless it is one text."""
    found = list(batches(lengths, tokens, texts))
    assert sorted(np.concatenate([*found, []]).tolist()) == list(range(len(lengths)))
    for part in found:
        assert len(part) <= texts
        assert len(part) == 1 or len(part) * lengths[part].max() <= tokens


@given(LENGTHS)
def test_batches_go_from_long_to_short(lengths):
    """Of one length, in the order given: the longest first, so that memory is known at once."""
    order = np.concatenate([*batches(lengths), []]).astype(int)
    keys = [(-lengths[place], place) for place in order]
    assert keys == sorted(keys)


def test_padded_rows_stand_side_by_side():
    """Filled up behind; the mask says where."""
    rows = [np.array(row, np.int32) for row in ([3, 4, 5], [6], [7, 8])]
    table, mask = padded(rows, 9)
    assert table.tolist() == [[3, 4, 5], [6, 9, 9], [7, 8, 9]]
    assert mask.tolist() == [[1, 1, 1], [1, 0, 0], [1, 1, 0]]
    assert (table.dtype, mask.dtype) == (np.int32, np.float32)
