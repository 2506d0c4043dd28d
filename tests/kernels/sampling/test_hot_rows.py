"""Laws of hot rows: which are chosen, and that merges add up what threads have gained."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedry.errors import InputError
from embedry.kernels.sampling.hot_rows import (
    HotRows,
    OwnRows,
    hot_rows,
    merge_plain,
    spare_rows,
    steps_of,
)
from embedry.kernels.simd import aligned


def hot_of(rows, *tiers, shares=1):
    """Make the value by hand."""
    shares = np.full(len(rows), 1, np.float32) * np.float32(shares)
    return HotRows(np.array(rows, np.int64), np.array(tiers, np.int64), shares, 1000)


def table_of(seed, rows, dims, threads):
    """Make a table of random rows with room for the copies of some threads."""
    table = aligned(rows + threads * (rows + 1) + 1, dims)
    table[:rows] = np.random.default_rng(seed).normal(size=(rows, table.shape[1]))
    return table


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**32),
    rows=st.integers(1, 40),
    dims=st.integers(1, 40),
    steps=st.integers(1, 20),
    data=st.data(),
)
def test_merge_equals_plain(seed, rows, dims, steps, data):
    """For any tiers, threads and steps the kernel merges the rows that plain NumPy does."""
    rng = np.random.default_rng(seed)
    hot = rng.permutation(rows)[: data.draw(st.integers(1, rows))]
    inner = data.draw(st.lists(st.integers(0, len(hot)), max_size=4))
    shares = rng.choice([1, 0.4], len(hot))
    hot = hot_of(hot, 0, *sorted(inner), len(hot), shares=shares)
    table = table_of(seed, rows, dims, 2)
    threads = [OwnRows(table, rows, hot, thread) for thread in (0, 1)]
    plain = table.copy()
    before = [plain[hot.rows], plain[hot.rows]]
    for turn in range(steps):
        for thread, own in enumerate(threads):
            gained = rng.normal(size=(len(hot), table.shape[1])).astype(np.float32)
            first = rows + thread * (len(hot) + 1)
            for copy in (table, plain):
                copy[first : first + len(hot)] += gained
            own.merge()
            merge_plain(plain, before[thread], hot, first, turn)
    np.testing.assert_allclose(table, plain, atol=1e-4)


def test_merge_adds_what_all_threads_gained():
    """Whatever threads gain between merges, once settled the shared rows have gained the sum."""
    rng = np.random.default_rng(0)
    hot = hot_of([4, 0, 7, 2, 5], 0, 1, 3, 5)
    table = table_of(0, 9, 20, 3)
    expected = table[:9].astype(float)
    threads = [OwnRows(table, 9, hot, thread) for thread in range(3)]
    for number in range(300):
        own, row = threads[number % 3], rng.choice(hot.rows)
        gained = rng.normal(size=table.shape[1]).astype(np.float32)
        own.table[own.of[row]] += gained
        expected[row] += gained
        if rng.random() < 0.3:
            own.merge()
    for own in threads:
        own.settle()
    np.testing.assert_allclose(table[:9], expected, atol=1e-4)


def test_merge_takes_each_row_once_in_its_period():
    """A row of tier i is merged exactly once in any 2**i steps, however large the tiers are."""
    hot = hot_of(range(12), 0, 1, 4, 4, 12)
    table = table_of(0, 12, 4, 1)
    own = OwnRows(table, 12, hot, 0)
    for start in (0, 5):
        own.settle()
        for _ in range(start):
            own.merge()
        merged = np.zeros(12, int)
        for _ in range(8):
            own.table[own.of] += 1
            before = table[:12, 0].copy()
            own.merge()
            merged += table[:12, 0] != before
        assert merged.tolist() == [8, 4, 4, 4, *[1] * 8]


def test_merge_brings_what_others_gained():
    """After a merge a thread sees what another has merged, on rows it did not touch as well."""
    table = table_of(0, 3, 4, 2)
    hot = hot_of([0, 1, 2], 0, 3)
    one, other = (OwnRows(table, 3, hot, thread) for thread in (0, 1))
    one.table[one.of] += 1
    np.testing.assert_array_equal(other.table[other.of], table[:3])
    one.merge()
    other.merge()
    np.testing.assert_array_equal(other.table[other.of], table[:3])
    np.testing.assert_array_equal(other.table[other.of], one.table[one.of])


def test_own_rows_leave_other_rows_where_they_are():
    """Rows that are not hot are shared; copies of threads do not overlap; the last row is zero."""
    table = table_of(0, 5, 4, 2)
    hot = hot_of([3, 1], 0, 2)
    one, other = (OwnRows(table, 5, hot, thread) for thread in (0, 1))
    assert one.of.tolist() == [0, 6, 2, 5, 4]
    assert other.of.tolist() == [0, 9, 2, 8, 4]
    for own in (one, other):
        np.testing.assert_array_equal(own.table[own.of], table[:5])
        assert np.shares_memory(own.table, table)
        assert own.with_nothing.shape[0] == own.table.shape[0] + 1
        assert not own.with_nothing[-1].any()


def test_own_rows_without_hot_rows_share_all():
    """No hot rows: every row is itself, and a merge changes nothing."""
    table = table_of(0, 5, 4, 2)
    own = OwnRows(table, 5, hot_of([], 0, 0), 1)
    before = table.copy()
    own.merge()
    own.settle()
    assert own.of.tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(table, before)


@pytest.mark.parametrize(
    "table",
    [
        aligned(8, 4),
        aligned(20, 4).astype(float),
        np.zeros((20, 4), np.float32),
        aligned(40, 4)[::2],
        np.zeros(320, np.float32),
    ],
)
def test_own_rows_refuse_tables_without_room(table):
    """The copies must fit behind the shared rows of an array that kernels take."""
    with pytest.raises(InputError, match="spare_rows"):
        OwnRows(table, 5, hot_of([3, 1, 0], 0, 3), 0)


def test_merge_damps_what_would_overshoot():
    """A share below one brings that share of the gain, and the copy goes on from there."""
    table = table_of(0, 2, 4, 2)
    hot = hot_of([0, 1], 0, 2, shares=[1, 0.25])
    own = OwnRows(table, 2, hot, 1)
    expected = table[:2] + np.array([[8], [2]])
    own.table[own.of] += 8
    own.merge()
    np.testing.assert_allclose(table[:2], expected, atol=1e-6)
    np.testing.assert_array_equal(own.table[own.of], table[:2])


@settings(deadline=None, max_examples=80)
@given(
    touches=st.lists(st.floats(0, 10), max_size=60),
    strength=st.floats(0, 10),
    tokens=st.integers(0, 10**9),
    threads=st.integers(1, 64),
    dims=st.integers(1, 1024),
)
def test_hot_rows_keep_what_they_promise(touches, strength, tokens, threads, dims):
    """The most touched rows come first, and none is touched too strongly between its merges."""
    touches = np.array(touches, np.float64)
    hot = hot_rows(touches, dims, strength=strength, tokens=tokens, threads=threads)
    assert len(set(hot.rows.tolist())) == len(hot) == len(hot.shares) <= len(touches)
    assert hot.tiers[0] == 0
    assert hot.tiers[-1] == len(hot)
    assert (np.diff(hot.tiers) >= 0).all()
    chosen = touches[hot.rows]
    assert (np.diff(chosen) <= 0).all()
    assert (chosen > 0).all()
    assert (hot.shares > 0).all()
    assert (hot.shares <= 1).all()
    if len(hot):
        assert np.sort(touches)[-len(hot) :].sum() == pytest.approx(chosen.sum())
    for tier, (begin, end) in enumerate(zip(hot.tiers[:-1], hot.tiers[1:], strict=True)):
        strong = strength * chosen[begin:end] * hot.step * 2**tier
        assert (strong <= 40 * (2 / threads) ** 2 * (1 + 1e-9)).all()


def test_hot_rows_of_two_threads_count_in_full():
    """Two threads cannot overshoot by more than was missing: no gain is damped; of four, some."""
    touches = np.geomspace(0.1, 0.0001, 500)
    assert (hot_rows(touches, 100, strength=0.15, tokens=10**6, threads=2).shares == 1).all()
    shares = hot_rows(touches, 100, strength=0.15, tokens=10**6, threads=4).shares
    way = 1 - np.exp(-0.1 * 10)  # the hottest row: all of the strength that is allowed
    assert shares[0] == pytest.approx(2 / (4 * way), rel=1e-2)
    assert shares[-1] == 1


def test_hot_rows_are_none_where_copies_do_not_pay():
    """A few words that every token touches, rows all seldom touched, one thread: shared plainly."""
    usual = {"strength": 0.15, "tokens": 10**6, "threads": 2}
    assert len(hot_rows(np.array([0.3, 0.2]), 100, **usual)) == 2
    assert len(hot_rows(np.array([0.3, 0.2]), 100, strength=0.15, tokens=10**6, threads=1)) == 0
    assert len(hot_rows(np.array([3.0, 2.0]), 100, **usual)) == 0
    assert len(hot_rows(np.full(100_000, 1e-5), 100, **usual)) == 0
    assert len(hot_rows(np.array([0.3, 0.2]), 100, **usual | {"tokens": 10_000})) == 0
    assert len(hot_rows(np.zeros(5), 100, **usual)) == 0
    assert len(hot_rows(np.zeros(0), 100, **usual)) == 0


def test_hot_rows_fit_a_mebibyte():
    """The wider the rows, the fewer are copied; spare_rows has room for them all."""
    for dims, most in ((1, 16384), (100, 2340), (300, 862), (1024, 256)):
        hot = hot_rows(
            np.geomspace(0.1, 0.01, 50_000), dims, strength=0.15, tokens=10**6, threads=2
        )
        assert len(hot) == most
        assert spare_rows(50_000, dims, 3) == 3 * (most + 1)
    assert spare_rows(10, 100, 2) == 22
    assert spare_rows(10, 100, 1) == 0


@pytest.mark.parametrize("touches", [[-1.0], [np.nan], [np.inf], [[1.0]]])
def test_hot_rows_refuse(touches):
    """Touches are counts a token."""
    with pytest.raises(InputError, match="touches"):
        hot_rows(np.array(touches), 100, strength=0.15, tokens=10**6, threads=2)


@settings(deadline=None, max_examples=100)
@given(lengths=st.lists(st.integers(0, 60), max_size=30), step=st.integers(1, 20))
def test_steps_cut_sentences_and_lose_none(lengths, step):
    """All old borders stay, no piece is longer than 4 steps, stops go from first to last."""
    offsets = np.concatenate([[3], 3 + np.cumsum(lengths, dtype=np.int64)]).astype(np.int64)
    pieces, stops = steps_of(offsets, step)
    assert set(offsets.tolist()) <= set(pieces.tolist())
    assert pieces[0] == offsets[0]
    assert pieces[-1] == offsets[-1]
    assert (np.diff(pieces) >= 0).all()
    assert np.diff(pieces).max(initial=0) <= 4 * step
    assert pieces.dtype == np.int64
    assert stops[0] == 0
    assert stops[-1] == len(pieces) - 1
    assert (np.diff(stops) > 0).all()
    tokens = np.diff(pieces[stops])
    assert tokens.max(initial=0) < 5 * step
