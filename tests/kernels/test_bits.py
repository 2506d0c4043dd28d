"""Laws of the instructions for bytes and bits: they do what Python's integers do."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba.core.errors import TypingError

from embedry.kernels.bits import ask_for, bytes_within, eight_bytes, shift_bytes, trailing_zeros
from embedry.kernels.compiler import compiled

sixty_four = st.binary(min_size=70, max_size=70)
byte = st.integers(0, 255)


@compiled
def zeros(bits):
    return trailing_zeros(bits)


@compiled
def eight(data, offset):
    ask_for(data, offset)
    return eight_bytes(data, offset)


@compiled
def within(data, offset, low, span):
    return bytes_within(data, offset, low, span)


@compiled
def shift(data, offset, low, span, amount):
    shift_bytes(data, offset, low, span, amount)


@settings(deadline=None)
@given(place=st.integers(0, 63), above=st.integers(0, 2**64 - 1))
def test_trailing_zeros_is_the_place_of_the_lowest_bit(place, above):
    """Bits above the lowest do not matter."""
    bits = (above << place | 1 << place) % 2**64
    assert zeros(np.uint64(bits)) == place


@settings(deadline=None)
@given(data=sixty_four, offset=st.integers(0, 62))
def test_eight_bytes_are_one_number(data, offset):
    """The bytes from any offset on, the first one lowest on a little-endian machine."""
    number = int(eight(np.frombuffer(data, np.uint8), offset))
    assert number == int(np.frombuffer(data[offset : offset + 8], np.uint64)[0])


@settings(deadline=None)
@given(data=sixty_four, offset=st.integers(0, 6), low=byte, span=byte)
def test_bytes_within_sets_a_bit_a_byte(data, offset, low, span):
    """Bit i says whether byte i lies in the range, which may wrap around behind 255."""
    bits = int(within(np.frombuffer(data, np.uint8), offset, low, span))
    chosen = [(value - low) % 256 <= span for value in data[offset : offset + 64]]
    assert bits == sum(1 << place for place, inside in enumerate(chosen) if inside)


@settings(deadline=None)
@given(data=sixty_four, offset=st.integers(0, 6), low=byte, span=byte, amount=byte)
def test_shift_bytes_touches_the_range_alone(data, offset, low, span, amount):
    """Those of 64 bytes in the range are moved, others and those around stay."""
    moved = np.frombuffer(data, np.uint8).copy()
    shift(moved, offset, low, span, amount)
    for place, (before, after) in enumerate(zip(data, moved.tolist(), strict=True)):
        chosen = offset <= place < offset + 64 and (before - low) % 256 <= span
        assert after == ((before + amount) % 256 if chosen else before)


@pytest.mark.parametrize(
    "array", [np.zeros(80, np.int8), np.zeros(160, np.uint8)[::2], np.zeros(80, np.float32)]
)
def test_bits_refuse_other_arrays(array):
    """Raw addresses are of bytes side by side; anything else is refused when it is compiled."""
    with pytest.raises(TypingError, match="C-contiguous uint8"):
        eight(array, 0)
