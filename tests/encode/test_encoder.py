"""Laws of what an encoder gives: vectors with their card, and counts of what was lost."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from embedry.card import Card, fingerprint
from embedry.encode.encoder import Encoded, Encoder

CARD = Card("static", 2, "cosine", fingerprint("a"))
ROWS = np.array([[1, 2], [0, 0], [0, -3]], np.float32)


def test_encoded_is_also_its_array():
    """NumPy reads the vectors themselves, without a copy unless one is asked for."""
    encoded = Encoded(ROWS, CARD)
    assert len(encoded) == 3
    assert np.asarray(encoded) is ROWS
    copied = np.array(encoded)
    assert copied is not ROWS
    np.testing.assert_array_equal(copied, ROWS)
    assert np.asarray(encoded, np.float64).dtype == np.float64


def test_encoded_placed_is_where_a_row_has_a_direction():
    """A row of zeros is an item without a vector."""
    assert Encoded(ROWS, CARD).placed.tolist() == [True, False, True]
    none = Encoded(np.zeros((0, 2), np.float32), CARD)
    assert none.placed.shape == (0,)
    assert none.placed.dtype == bool


def test_encoded_counts_nothing_unless_told():
    """The counts begin at nothing lost, and the value is frozen."""
    encoded = Encoded(ROWS, CARD)
    assert (encoded.truncated, encoded.empty, encoded.unknown) == (0, 0, ())
    with pytest.raises(FrozenInstanceError):
        encoded.empty = 3


class Lengths:
    """The smallest encoder: how many letters and words."""

    card = CARD

    def encode(self, items, role="document"):
        rows = [[len(item), len(item.split())] for item in items]
        return Encoded(np.array(rows, np.float32), self.card)

    def save(self, path):
        raise NotImplementedError


def test_anything_with_card_encode_and_save_is_an_encoder():
    """Encoders are told by what they do, not by their class."""
    assert isinstance(Lengths(), Encoder)
    assert not isinstance(object(), Encoder)
    assert not isinstance(Encoded(ROWS, CARD), Encoder)
