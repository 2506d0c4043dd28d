"""The values of a query: immutable sequences of hits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import FrozenInstanceError

import pytest

from embedry.query import Hit, Hits, Plan

HITS = Hits((Hit("a", 0.9), Hit(1, 0.5)), "id 'q'", Plan("dense"), ("word",))


def test_hits_are_a_sequence():
    """Length, index, slice, order and membership are those of the tuple of hits."""
    assert isinstance(HITS, Sequence)
    assert list(HITS) == [Hit("a", 0.9), Hit(1, 0.5)]
    assert HITS[-1] == Hit(1, 0.5)
    assert HITS[:1] == (Hit("a", 0.9),)
    assert Hit("a", 0.9) in HITS
    assert HITS.ids == ("a", 1)
    assert HITS.scores == (0.9, 0.5)
    assert not Hits(())


@pytest.mark.parametrize("value", [HITS, HITS[0], HITS.plan], ids=["hits", "hit", "plan"])
def test_query_values_are_frozen(value):
    """Nothing of an answer can be set."""
    for name in vars(value):
        with pytest.raises(FrozenInstanceError):
            setattr(value, name, None)


def test_hit_has_nothing_unless_told():
    """What a hit was not given is empty, and cannot be filled in."""
    hit = Hit("a", 0.5)
    assert (hit.document, dict(hit.metadata), dict(hit.parts), hit.because) == (None, {}, {}, ())
    for mapping in (hit.metadata, hit.parts):
        with pytest.raises(TypeError):
            mapping["a"] = 1


def test_hits_read_well():
    """A line for the question, and a line a hit, with the parts of its score."""
    assert repr(HITS) == "2 hits for id 'q'\n  Hit('a', 0.9000)\n  Hit(1, 0.5000)"
    assert repr(Hit("a", 0.75, parts={"taste": 0.5, "text": 0.25})) == (
        "Hit('a', 0.7500, taste 0.500, text 0.250)"
    )
    assert repr(Hits(())) == "0 hits"
