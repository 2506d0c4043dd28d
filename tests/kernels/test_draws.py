"""Laws of the random numbers of kernels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedry.errors import InputError
from embedry.kernels.compiler import compiled
from embedry.kernels.draws import (
    Dice,
    below,
    draw,
    draw_long,
    draw_many,
    keep_thresholds,
    negative_table,
    share,
    start_state,
)

KEEP_ALL = np.uint32(2**32 - 1)


def test_dice_are_splitmix64():
    """The random bits are the upper halves of the published first numbers of seed 1234567."""
    published = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    state = np.array([1234567, 0], np.uint64)
    dice = Dice(1234567)
    for number in published:
        assert _draw(state, 0) == number >> 32
        assert dice.draw() == number >> 32


@settings(deadline=None)
@given(seed=st.integers(0, 2**64 - 1), bound=st.integers(1, 2**31 - 1))
def test_below_equals_plain_dice(seed, bound):
    """Compiled and plain numbers below a bound are the same, rejections included."""
    state, dice = np.array([seed, 0], np.uint64), Dice(seed)
    for _ in range(5):
        number = _below(state, bound)
        assert number == dice.below(bound)
        assert 0 <= number < bound


def test_below_rejects_what_would_favour_small_numbers():
    """For a bound of 3 * 2**29, a third of the 32-bit numbers kept plain would count double."""
    bound = 3 * 2**29
    state = np.array([1, 0], np.uint64)
    thirds = [_below(state, bound) * 3 // bound for _ in range(6000)]
    assert np.abs(np.bincount(thirds) - 2000).max() < 5 * np.sqrt(6000 * 2 / 9)


@settings(deadline=None)
@given(
    counts=st.lists(st.integers(0, 10**9), min_size=1, max_size=50).filter(any),
    exponent=st.floats(-1, 2),
)
def test_negative_table_holds_every_counted_word(counts, exponent):
    """Words with a count are there at least once, words without are not."""
    table = negative_table(np.array(counts), exponent, np.random.default_rng(0), size=500)
    assert table.dtype == np.int32
    assert set(table.tolist()) == {word for word, count in enumerate(counts) if count}


def test_negative_table_is_in_proportion_and_shuffled():
    """Copies follow counts ** exponent, in an order the seed decides."""
    counts = np.array([16, 81, 1])
    table = negative_table(counts, 0.75, np.random.default_rng(0), size=3600)
    np.testing.assert_array_equal(np.bincount(table), [800, 2700, 100])
    np.testing.assert_array_equal(
        table, negative_table(counts, 0.75, np.random.default_rng(0), size=3600)
    )
    assert (np.diff(table) < 0).sum() > 500


@pytest.mark.parametrize(
    ("counts", "exponent"), [([0, 0], 0.75), ([], 0.75), ([-1, 3], 0.75), ([1], np.nan)]
)
def test_negative_table_refuses(counts, exponent):
    """Counts that no table can follow are refused."""
    with pytest.raises(InputError):
        negative_table(np.array(counts, np.int64), exponent, np.random.default_rng(0))


def test_keep_thresholds_follow_word2vec():
    """Share sqrt(t / f) + t / f, at most all; sample=0 keeps all."""
    counts = np.array([900, 99, 1, 0])
    share = keep_thresholds(counts, 1e-2) / 2**32
    frequency = counts[:2] / 1000
    expected = np.sqrt(1e-2 / frequency) + 1e-2 / frequency
    np.testing.assert_allclose(share[:2], expected, rtol=1e-6)
    assert (keep_thresholds(counts, 1e-2)[2:] == KEEP_ALL).all()
    assert (keep_thresholds(counts, 0) == KEEP_ALL).all()
    with pytest.raises(InputError, match="sample"):
        keep_thresholds(counts, -1)


def test_start_state_follows_the_generator():
    """The same generator gives the same state, with no token done."""
    states = [start_state(np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert states[0].tolist() == states[1].tolist() != states[2].tolist()
    assert all(state[1] == 0 for state in states)


@given(st.integers(0, 2**64 - 1), st.integers(1, 2**32))
def test_share_is_the_share_of_all_bits(bits, bound):
    """64 bits become the whole part of their share of the bound."""
    assert int(_share(np.uint64(bits), np.uint64(bound))) == bits * bound >> 64


def test_draw_long_begins_with_draw():
    """The 32 bits of `draw` are the upper ones of 64, from whichever state."""
    one, many = np.array([5], np.uint64), np.array([9, 5], np.uint64)
    for _ in range(5):
        assert _draw(one, 0) == int(_draw_long(many, 1)) >> 32


@given(st.integers(0, 2**64 - 1), st.integers(0, 70))
def test_draw_many_is_draw_long_again_and_again(start, count):
    """The same numbers as one by one in a kernel, and the same state afterwards."""
    one, many = np.array([start, 3], np.uint64), np.array([start, 3], np.uint64)
    numbers = draw_many(many, count)
    assert numbers.dtype == np.uint64
    assert numbers.tolist() == [int(_draw_long(one, 0)) for _ in range(count)]
    assert many.tolist() == one.tolist()


@compiled
def _draw(state, at):
    return draw(state, at)


@compiled
def _draw_long(state, at):
    return draw_long(state, at)


@compiled
def _below(state, bound):
    return below(state, bound)


@compiled
def _share(bits, bound):
    return share(bits, bound)
