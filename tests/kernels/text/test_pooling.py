"""Laws of pooling: the kernel does what plain NumPy does, and packing loses little."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedry.kernels.text.marks import MARK_DIMS, MARKS, piece_marks
from embedry.kernels.text.pooling import RowTable, packed, pool, pool_plain
from embedry.kernels.text.wordpiece import Cut

PIECES = 50


def table(dims=32, seed=3):
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((PIECES, dims)).astype(np.float32)
    rows[0] = 0
    codes, scales = packed(rows)
    weights = rng.uniform(0, 2, PIECES).astype(np.float32)
    weights[0] = 0
    return rows, RowTable(codes, scales.astype(np.float32), weights, piece_marks(PIECES))


def cut(texts):
    starts = np.cumsum([0, *map(len, texts)])
    return Cut(np.array([piece for text in texts for piece in text], np.int32), starts)


@settings(max_examples=200, deadline=None)
@given(
    texts=st.lists(st.lists(st.integers(0, PIECES - 1), max_size=20), max_size=8),
    threads=st.integers(1, 4),
    share=st.sampled_from([0.0, 0.35, 1.0, 3.0]),
)
def test_pool_equals_plain(texts, threads, share):
    """Sums of packed rows and marks are those of plain NumPy, by any number of threads."""
    _, rows = table()
    got = pool(cut(texts), rows, share, threads)
    np.testing.assert_allclose(got, pool_plain(cut(texts), rows, share), atol=2e-6)
    np.testing.assert_array_equal(got, pool(cut(texts), rows, share))


@pytest.mark.parametrize("dims", [2, 6, 254, 256, 300])
def test_pool_takes_any_even_number_of_dims(dims):
    """Widths beside and at those of vectors of the machine give what plain NumPy gives."""
    _, rows = table(dims)
    texts = cut([[1, 2, 3], [4] * 40])
    got = pool(texts, rows)
    assert got.shape == (2, dims + MARK_DIMS)
    np.testing.assert_allclose(got, pool_plain(texts, rows), atol=2e-6)


def test_pool_gives_unit_rows_and_zeros_for_what_says_nothing():
    """Each vector has length 1, but for texts without pieces or of the empty piece alone."""
    _, rows = table()
    got = pool(cut([[1], [], [0, 0], [0, 5, 5]]), rows)
    np.testing.assert_allclose(np.linalg.norm(got, axis=1), [1, 0, 0, 1], atol=1e-6)
    np.testing.assert_allclose(got[3], pool(cut([[5]]), rows)[0], atol=1e-6)


def test_packed_is_near_and_keeps_zeros():
    """A packed row is within 13 % of its length of what it was, and a row of zeros is one."""
    rows, packed_rows = table(256)
    back = np.array([packed_rows.row(piece)[:256] for piece in range(PIECES)])
    assert not back[0].any()
    lost = np.linalg.norm(back - rows, axis=1)[1:] / np.linalg.norm(rows, axis=1)[1:]
    assert lost.max() < 0.13


def test_packed_takes_rows_of_any_size():
    """Lengths over four orders of magnitude fit the scales."""
    rows = np.random.default_rng(0).standard_normal((6, 64)).astype(np.float32)
    rows *= np.array([1e-2, 1e-1, 1, 10, 100, 1000], np.float32)[:, None]
    codes, scales = packed(rows)
    back = RowTable(codes, scales.astype(np.float32), np.zeros(6, np.float32), piece_marks(6))
    for piece, row in enumerate(rows):
        np.testing.assert_allclose(back.row(piece)[:64], row, atol=0.2 * np.abs(row).max())


def test_piece_marks_tell_pieces_apart():
    """Each piece has eight marks of one size, and two pieces hardly agree: 1 part in 256."""
    _, rows = table()
    many = rows._replace(
        codes=np.zeros((4000, 2), np.uint8),
        scales=np.zeros(4000, np.float32),
        weights=np.ones(4000, np.float32),
        marks=piece_marks(4000),
    )
    marks = np.array([many.row(piece)[4:] for piece in range(4000)])
    assert (np.abs(marks).sum(axis=1) == MARKS).all()
    alike = marks @ marks.T / MARKS
    apart = alike[~np.eye(4000, dtype=bool)]
    assert abs(apart.mean()) < 1e-3
    assert np.square(apart).mean() == pytest.approx(1 / MARK_DIMS, rel=0.05)
