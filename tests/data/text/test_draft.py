"""Laws of a draft: what is appended is there, in memory and on disk, once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedry.data.text import draft as module
from embedry.data.text.draft import Draft, Growing


@given(parts=st.lists(st.lists(st.integers(-9, 9), max_size=30)))
def test_growing_equals_concatenated(parts):
    """However it grows, the numbers are those appended, without spare room at the end."""
    numbers = Growing(np.int64)
    for part in parts:
        numbers.append(np.array(part, np.int64))
    whole = [number for part in parts for number in part]
    assert numbers.array().tolist() == whole
    assert numbers.size == len(whole)
    taken = numbers.take()
    assert taken.tolist() == whole
    assert taken.dtype == np.int64


def test_growing_is_zero_where_nothing_was_written():
    """Room that is asked for holds zeros, also where there was spare room before."""
    numbers = Growing(np.int32)
    for size in (3, 4, 100, 101, 5_000):
        assert numbers.extend(size).tolist() == [0] * size


@pytest.mark.parametrize("limit", [2**30, 100, 0])
@given(lines=st.lists(st.lists(st.integers(0, 5), max_size=5), max_size=20), cut=st.integers(1, 9))
def test_draft_glues_lines_that_were_cut(limit, lines, cut):
    """Pieces of any length give the sentences of whole lines, the empty ones counted."""
    draft = Draft()
    tokens = [token for line in lines for token in line]
    ends = np.cumsum([len(line) for line in lines], dtype=np.int64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MEMORY_LIMIT", limit)
        for first in range(0, len(tokens) + 1, cut):
            last = min(first + cut, len(tokens))
            here = ends[(ends >= first) & (ends < last)]
            if last == len(tokens):
                here = ends[ends >= first]
            draft.add(np.array(tokens[first:last], np.int32), here - first)
            if last == len(tokens):
                break
        found, offsets = draft.take()
    kept = [line for line in lines if line]
    assert found.tolist() == tokens
    assert offsets.tolist() == np.cumsum([0, *map(len, kept)]).tolist()
    assert draft.empty_lines == len(lines) - len(kept)
    assert isinstance(found, np.memmap) == (4 * len(tokens) > limit)
