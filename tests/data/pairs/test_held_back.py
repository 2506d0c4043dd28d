"""What is held back is nowhere else."""

from __future__ import annotations

import re

import pytest

from embedry.data.interactions import Interactions
from embedry.data.pairs.held_back import refuse_shared
from embedry.errors import InputError


def test_refuse_shared_counts_pairs_and_names_the_first_three():
    """By names, whatever the values; nothing is said where no pair is shared."""
    held = Interactions.from_triples(["u", "u", 1, 1, "v"], ["a", "b", "a", "c", "a"])
    others = Interactions.from_triples([1, 1, "w", "u", "u"], ["c", "a", "a", "b", "a"], [5] * 5)
    message = (
        "training must hold no pair of the test; they hold 4 of 5, such as "
        "('u', 'a'), ('u', 'b'), (1, 'a'). Split first."
    )
    with pytest.raises(InputError, match=re.escape(message)):
        refuse_shared(held, others, ("the test", "training"), "Split first.")
    apart = Interactions.from_triples(["u", "1"], ["c", "a"])
    refuse_shared(held, apart, ("the test", "training"), "Split first.")
