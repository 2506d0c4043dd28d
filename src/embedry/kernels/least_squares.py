"""Half a step of alternating least squares for implicit feedback, by conjugate gradients.

What it is: with one side of a factorisation held fixed (say the items Y), the best factors of
each row (say a user) solve a linear system of their own::

    (Y'Y + sum_i (c_i - 1) y_i y_i' + lambda I) x = sum_i c_i y_i

where i runs over the row's entries and c_i is the confidence in entry i; everything that is not
an entry counts as a zero of confidence 1. `solve_rows` takes a few steps of conjugate gradients
from where the row stands, and never forms the matrix. What it is not: a learner. It draws no
start, makes no threads and checks no ids beyond `check_csr`.

All products are made here and none by BLAS, and rows do not see each other. So the result is
the same to the bit for any split of the rows over threads.

References
----------
Hu, Koren, Volinsky, "Collaborative filtering for implicit feedback datasets" (2008), equations
3 and 4; Takács, Pilászy, Tikk, "Applications of the conjugate gradient method for implicit
feedback collaborative filtering" (2011); Rendle, Krichene, Zhang, Koren, "Revisiting the
performance of iALS on item recommendation benchmarks" (2021), for a lambda per row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from embedry.errors import InputError
from embedry.kernels.arrays import check_array
from embedry.kernels.compiler import compiled
from embedry.kernels.simd import (
    LANES,
    add,
    aligned,
    fma,
    load,
    load_eight,
    multiply,
    splat,
    store,
    subtract,
    sums_of_eight,
    total,
    zero,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["check_csr", "gram_matrix", "loss", "solve_rows", "solve_rows_plain"]

# So many rows are solved side by side: a line of the Gram matrix is read once for all, and their
# sums fill the registers. `_add_product` spells out eight.
GROUP = 8

# A Gram matrix is summed over so many rows at a time, as long sums in float32 lose precision.
GRAM_BLOCK = 512

# The loss gathers the factors of so many entries at a time.
LOSS_BLOCK = 16384

# Below this ratio to its start a squared gradient in float32 is rounding, and says no more.
NOISE = float(np.finfo(np.float32).eps) ** 2


class System(NamedTuple):
    """What the rows to be solved are made of; shapes as in `solve_rows`."""

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    confidence: NDArray[np.float32]
    fixed: NDArray[np.float32]
    gram: NDArray[np.float32]
    regularization: NDArray[np.float32]


def check_csr(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    values: NDArray[np.float32],
    rows: int,
    columns: int,
) -> None:
    """Refuse a sparse matrix that would send a kernel outside its arrays.

    Call it once for each matrix; the kernels follow its indices without another look.

    Parameters
    ----------
    indptr : ndarray, shape (rows + 1,), int64
        Where the entries of each row begin and end.
    indices : ndarray, shape (entries,), int32
        The column of each entry. Order and repetition are free: twice is two entries.
    values : ndarray, shape (entries,), float32
        The value of each entry; finite.
    rows, columns : int
        The shape that the matrix must fit.

    Raises
    ------
    InputError
        If a dtype, a length, an offset or a column does not fit, or a value is not finite.

    Notes
    -----
    Time and memory are linear in the entries.

    Examples
    --------
    >>> indptr = np.array([0, 2, 2])
    >>> check_csr(indptr, np.array([0, 2], np.int32), np.ones(2, np.float32), rows=2, columns=3)
    >>> check_csr(indptr, np.array([0, 3], np.int32), np.ones(2, np.float32), rows=2, columns=3)
    ... # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    embedry.errors.InputError: indices must be at least 0 and below the 3 columns; got 3. ...
    """
    for name, array, dtype in (
        ("indptr", indptr, np.int64),
        ("indices", indices, np.int32),
        ("values", values, np.float32),
    ):
        check_array(name, array, dtype, dimensions=1)
    if len(indptr) != rows + 1:
        raise InputError(
            f"indptr must be one longer than the {rows} rows; got {len(indptr)}. "
            "Pass the indptr of this very matrix."
        )
    if not len(indices) == len(values) == indptr[-1]:
        raise InputError(
            f"indices and values must be as many as indptr says, {indptr[-1]}; "
            f"got {len(indices)} and {len(values)}. Pass the three arrays of one matrix."
        )
    if indptr[0] != 0 or (np.diff(indptr) < 0).any():
        raise InputError(
            "indptr must begin with 0 and never fall; got other offsets. "
            "Build the matrix anew, for example with scipy.sparse.csr_matrix."
        )
    if len(indices) and not 0 <= indices.min() <= indices.max() < columns:
        wrong = indices.min() if indices.min() < 0 else indices.max()
        raise InputError(
            f"indices must be at least 0 and below the {columns} columns; got {wrong}. "
            "Pass the number of columns of this very matrix."
        )
    if not np.isfinite(values).all():
        raise InputError("values must be finite; got NaN or infinity. Drop or replace them.")


def solve_rows(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    confidence: NDArray[np.float32],
    targets: NDArray[np.float32],
    fixed: NDArray[np.float32],
    gram: NDArray[np.float32],
    regularization: NDArray[np.float32],
    first: int,
    last: int,
    steps: int,
    tolerance: float = 0.0,
) -> None:
    """Improve the factors of rows ``first`` to ``last - 1`` in place, the other side held fixed.

    It releases the GIL: threads may solve ranges of rows that do not overlap at the same time.

    Parameters
    ----------
    indptr : ndarray, shape (n + 1,), int64
    indices : ndarray, shape (entries,), int32
        The entries of each row, passed by `check_csr` with the shape (n, m).
    confidence : ndarray, shape (entries,), float32
        The confidence in each entry, at least 1.
    targets : ndarray, shape (n, width), float32
        The factors to improve. Columns that are zero here and in ``fixed`` stay exactly zero.
    fixed : ndarray, shape (m, width), float32
        The factors of the other side. The width is a multiple of 16; rows that start at cache
        lines (see `embedry.kernels.simd.aligned`) are read faster.
    gram : ndarray, shape (width, width), float32
        ``fixed.T @ fixed``; see `gram_matrix`.
    regularization : ndarray, shape (n,), float32
        The lambda of each row, at least 0.
    first, last : int
        The range of rows.
    steps : int
        The most steps of conjugate gradients for a row. 3 are enough while sides alternate.
    tolerance : float, default 0.0
        A row is done once its residual is at most this share of what it was at the start. To
        solve rows to the end, start them at zero and pass for example 1e-5 and 1,000 steps.

    Raises
    ------
    InputError
        If the arrays do not fit each other, or the range is not inside the rows.

    Notes
    -----
    Time: steps + 1 passes of width * (width * rows + 2 * entries) multiply-adds. Memory: 32 rows
    of ``width``. A row without entries ends as zeros. Sums are in float32: a residual falls no
    further than to about 1e-7 of its start, and a row whose squared residual float32 cannot
    hold (beyond 3e38) stays as it is.

    Examples
    --------
    One user, who likes the first of two items:

    >>> items, users = aligned(2, 16), aligned(1, 16)
    >>> items[:, :2] = np.eye(2)
    >>> liked = np.array([0, 1]), np.array([0], np.int32), np.array([3], np.float32)
    >>> solve_rows(
    ...     *liked, users, items, gram_matrix(items), np.ones(1, np.float32), 0, 1, steps=3
    ... )
    >>> users[0, :2]  # the first is 3 / (3 + 1)
    array([0.75, 0.  ], dtype=float32)
    """
    system = System(indptr, indices, confidence, fixed, gram, regularization)
    _check_system(system, targets, first, last)
    # solutions, gradients, directions and images of a group
    scratch = aligned(4 * GROUP, fixed.shape[1]).reshape(4, GROUP, -1)
    _solve_rows(system, targets, scratch, first, last, steps, tolerance)


def _check_system(system: System, targets: NDArray[np.float32], first: int, last: int) -> None:
    """Compare the shapes; what is inside the sparse matrix was seen by `check_csr`."""
    check_array("targets", targets, np.float32, dimensions=2)
    check_array("fixed", system.fixed, np.float32, dimensions=2)
    check_array("gram", system.gram, np.float32, dimensions=2)
    check_array("regularization", system.regularization, np.float32, dimensions=1)
    rows, width = len(system.indptr) - 1, system.fixed.shape[1]
    if width % 16 or targets.shape[1] != width or system.gram.shape != (width, width):
        raise InputError(
            "targets, fixed and gram must have one width, a multiple of 16; got shapes "
            f"{targets.shape}, {system.fixed.shape} and {system.gram.shape}. "
            "Make room with aligned(rows, dims)."
        )
    if not len(targets) == len(system.regularization) == rows:
        raise InputError(
            f"targets and regularization must have the {rows} rows of indptr; got "
            f"{len(targets)} and {len(system.regularization)}. Pass one of each for a row."
        )
    if not 0 <= first <= last <= rows:
        raise InputError(
            f"first and last must hold 0 <= first <= last <= {rows}; got {first} and {last}. "
            f"Pass 0 and {rows} for all rows."
        )


@compiled
def _solve_rows(
    system: System,
    targets: NDArray[np.float32],
    scratch: NDArray[np.float32],
    first: int,
    last: int,
    steps: int,
    tolerance: float,
) -> None:
    """Solve groups of rows by conjugate gradients; directions point uphill, steps go back."""
    width = system.fixed.shape[1]
    solutions, gradients, directions, images = scratch[0], scratch[1], scratch[2], scratch[3]
    pulls, zeros, ones = np.zeros(8, np.float32), np.zeros(8, np.float32), np.ones(8, np.float32)
    left = np.zeros(GROUP, np.float32)  # squared lengths of the gradients
    enough = np.zeros(GROUP, np.float32)
    for start in range(first, last, GROUP):
        count = min(GROUP, last - start)
        for k in range(count):
            empty = system.indptr[start + k] == system.indptr[start + k + 1]
            for column in range(width):
                solutions[k, column] = 0.0 if empty else targets[start + k, column]
        _gradients(system, start, count, solutions, ones, gradients, pulls)
        for k in range(count):
            for column in range(width):
                directions[k, column] = gradients[k, column]
            left[k] = _dot(gradients, k * width, gradients, k * width, width)
            enough[k] = max(tolerance * tolerance, NOISE) * left[k]
        for _ in range(steps):
            going = 0
            for k in range(count):
                going += left[k] > enough[k]
            if not going:
                break
            _gradients(system, start, count, directions, zeros, images, pulls)
            for k in range(count):
                at = k * width
                curvature = _dot(directions, at, images, at, width)
                if not (left[k] > enough[k] and curvature > 0):  # done, or numbers have run out
                    left[k] = enough[k]
                    continue
                before, back = left[k], -left[k] / curvature
                _move(solutions, at, back, directions, at, width)
                _move(gradients, at, back, images, at, width)
                left[k] = _dot(gradients, at, gradients, at, width)
                _turn(directions, at, left[k] / before, gradients, width)
        for k in range(count):
            for column in range(width):
                targets[start + k, column] = solutions[k, column]


@compiled
def _gradients(
    system: System,
    start: int,
    count: int,
    vectors: NDArray[np.float32],
    wanted: NDArray[np.float32],
    out: NDArray[np.float32],
    pulls: NDArray[np.float32],
) -> None:
    """Write A v - wanted * b of a group: the gradients (1), or the images of directions (0)."""
    width = system.fixed.shape[1]
    for k in range(count):
        for column in range(width):
            out[k, column] = system.regularization[start + k] * vectors[k, column]
    # (8, width) @ (width, width) -> (8, width)
    _add_product(vectors, 0, width, 1, system.gram, 0, width, out, 0)
    for k in range(count):
        _add_entries(system, start + k, vectors, k * width, wanted, out, pulls)


@compiled
def _add_product(
    left: NDArray[np.float32],
    corner: int,
    down: int,
    along: int,
    right: NDArray[np.float32],
    top: int,
    length: int,
    out: NDArray[np.float32],
    place: int,
) -> None:
    """Add eight rows times ``length`` rows of ``right`` to eight rows of ``out``.

    Element (k, j) of the eight rows is number ``corner + k * down + j * along`` of ``left``;
    ``right`` begins at row ``top`` and ``out`` at number ``place``. Eight sums stay in registers
    and hide each other's latency; they are spelled out because Numba keeps no array there.
    """
    width = right.shape[1]
    numbers = left.reshape(-1)
    for column in range(0, width, LANES):
        s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = zero()
        for j in range(length):
            line = load(right, (top + j) * width + column)
            at = corner + j * along
            s0 = fma(splat(numbers[np.uint64(at)]), line, s0)
            s1 = fma(splat(numbers[np.uint64(at + down)]), line, s1)
            s2 = fma(splat(numbers[np.uint64(at + 2 * down)]), line, s2)
            s3 = fma(splat(numbers[np.uint64(at + 3 * down)]), line, s3)
            s4 = fma(splat(numbers[np.uint64(at + 4 * down)]), line, s4)
            s5 = fma(splat(numbers[np.uint64(at + 5 * down)]), line, s5)
            s6 = fma(splat(numbers[np.uint64(at + 6 * down)]), line, s6)
            s7 = fma(splat(numbers[np.uint64(at + 7 * down)]), line, s7)
        at = place + column
        for sums in (s0, s1, s2, s3, s4, s5, s6, s7):
            store(add(sums, load(out, at)), out, at)
            at += width


@compiled
def _add_entries(
    system: System,
    row: int,
    vectors: NDArray[np.float32],
    at: int,
    wanted: NDArray[np.float32],
    out: NDArray[np.float32],
    pulls: NDArray[np.float32],
) -> None:
    """Add sum_i ((c_i - 1) y_i'v - wanted * c_i) y_i over the entries of a row.

    Eight entries at a time: eight products with v in registers, their sums in one tree, and
    one pass over ``out`` for all; the second reading of the eight y_i finds them in cache.
    Unsigned indices spare a test for counting from the end.
    """
    first, last = system.indptr[row], system.indptr[row + 1]
    indices, confidence, fixed = system.indices, system.confidence, system.fixed
    width = fixed.shape[1]
    rest = last - (last - first) % 8  # from here on one entry at a time
    share = load_eight(wanted, 0)
    for entry in range(first, rest, 8):
        y0 = np.int64(indices[np.uint64(entry)]) * width
        y1 = np.int64(indices[np.uint64(entry + 1)]) * width
        y2 = np.int64(indices[np.uint64(entry + 2)]) * width
        y3 = np.int64(indices[np.uint64(entry + 3)]) * width
        y4 = np.int64(indices[np.uint64(entry + 4)]) * width
        y5 = np.int64(indices[np.uint64(entry + 5)]) * width
        y6 = np.int64(indices[np.uint64(entry + 6)]) * width
        y7 = np.int64(indices[np.uint64(entry + 7)]) * width
        s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = zero()
        for column in range(0, width, LANES):
            line = load(vectors, at + column)
            s0 = fma(line, load(fixed, y0 + column), s0)
            s1 = fma(line, load(fixed, y1 + column), s1)
            s2 = fma(line, load(fixed, y2 + column), s2)
            s3 = fma(line, load(fixed, y3 + column), s3)
            s4 = fma(line, load(fixed, y4 + column), s4)
            s5 = fma(line, load(fixed, y5 + column), s5)
            s6 = fma(line, load(fixed, y6 + column), s6)
            s7 = fma(line, load(fixed, y7 + column), s7)
        scores = sums_of_eight(s0, s1, s2, s3, s4, s5, s6, s7)
        misses = subtract(scores, share)
        store(subtract(multiply(load_eight(confidence, entry), misses), scores), pulls, 0)
        p0, p1, p2, p3 = splat(pulls[0]), splat(pulls[1]), splat(pulls[2]), splat(pulls[3])
        p4, p5, p6, p7 = splat(pulls[4]), splat(pulls[5]), splat(pulls[6]), splat(pulls[7])
        for column in range(0, width, LANES):
            line = load(out, at + column)
            line = fma(p0, load(fixed, y0 + column), line)
            line = fma(p1, load(fixed, y1 + column), line)
            line = fma(p2, load(fixed, y2 + column), line)
            line = fma(p3, load(fixed, y3 + column), line)
            line = fma(p4, load(fixed, y4 + column), line)
            line = fma(p5, load(fixed, y5 + column), line)
            line = fma(p6, load(fixed, y6 + column), line)
            line = fma(p7, load(fixed, y7 + column), line)
            store(line, out, at + column)
    for entry in range(rest, last):
        y = np.int64(indices[np.uint64(entry)]) * width
        score = _dot(vectors, at, fixed, y, width)
        pull = confidence[np.uint64(entry)] * (score - wanted[0]) - score
        _move(out, at, pull, fixed, y, width)


@compiled
def _dot(
    left: NDArray[np.float32], i: int, right: NDArray[np.float32], j: int, width: int
) -> np.float32:
    """Return the product of ``width`` numbers of ``left`` from i and of ``right`` from j on."""
    lanes = zero()
    for column in range(0, width, LANES):
        lanes = fma(load(left, i + column), load(right, j + column), lanes)
    product: np.float32 = total(lanes)
    return product


@compiled
def _move(
    x: NDArray[np.float32], i: int, factor: np.float32, y: NDArray[np.float32], j: int, width: int
) -> None:
    """Add ``factor`` times ``width`` numbers of y from j on to those of x from i on."""
    lanes = splat(factor)
    for column in range(0, width, LANES):
        moved = fma(lanes, load(y, j + column), load(x, i + column))
        store(moved, x, i + column)


@compiled
def _turn(
    x: NDArray[np.float32], i: int, factor: np.float32, y: NDArray[np.float32], width: int
) -> None:
    """Multiply ``width`` numbers of x from i on by ``factor`` and add those of y."""
    lanes = splat(factor)
    for column in range(i, i + width, LANES):
        store(fma(lanes, load(x, column), load(y, column)), x, column)


def gram_matrix(factors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return ``factors.T @ factors``, the same to the bit on any number of threads.

    Parameters
    ----------
    factors : ndarray, shape (rows, width), float32
        C-contiguous; the width is a multiple of 16.

    Returns
    -------
    ndarray, shape (width, width), float32
        Rows start at cache lines.

    Raises
    ------
    InputError
        If the dtype, the layout or the width is another.

    Notes
    -----
    Time: rows * width**2 multiply-adds. Sums are in float32 within blocks of rows, then over
    the blocks, which keeps their error near that of pairwise sums.

    Examples
    --------
    >>> gram_matrix(np.full((3, 16), 2, np.float32))[0, 0]
    np.float32(12.0)
    """
    check_array("factors", factors, np.float32, dimensions=2)
    width = factors.shape[1]
    if width % 16:
        raise InputError(
            f"the width of factors must be a multiple of 16; got {width}. "
            "Make room with aligned(rows, dims)."
        )
    gram = aligned(width, width)
    _add_gram(factors, gram)
    return gram


@compiled
def _add_gram(factors: NDArray[np.float32], gram: NDArray[np.float32]) -> None:
    rows, width = factors.shape
    for top in range(0, rows, GRAM_BLOCK):
        length = min(GRAM_BLOCK, rows - top)
        for k in range(0, width, 8):
            # (8, length) @ (length, width) -> (8, width)
            _add_product(factors, top * width + k, 1, width, factors, top, length, gram, k * width)


def solve_rows_plain(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    confidence: NDArray[np.float32],
    targets: NDArray[np.float32],
    fixed: NDArray[np.float32],
    gram: NDArray[np.float32],
    regularization: NDArray[np.float32],
    first: int,
    last: int,
    steps: int,
    tolerance: float = 0.0,
) -> None:
    """Do what `solve_rows` does, in plain NumPy and float64: its oracle in the tests.

    Parameters, units and result are those of `solve_rows`; any width will do.

    Notes
    -----
    Forms the matrix of every row: entries * width**2 multiply-adds.

    Examples
    --------
    >>> user = np.zeros((1, 1), np.float32)
    >>> liked = np.array([0, 1]), np.array([0], np.int32), np.array([3], np.float32)
    >>> one = np.ones((1, 1), np.float32)
    >>> solve_rows_plain(*liked, user, one, one, one[0], 0, 1, steps=1)
    >>> user  # 3 / (3 + 1)
    array([[0.75]], dtype=float32)
    """
    for row in range(first, last):
        entries = slice(indptr[row], indptr[row + 1])
        seen = fixed[indices[entries]].astype(np.float64)  # (entries of the row, width)
        trust = confidence[entries].astype(np.float64)
        matrix = gram + regularization[row] * np.eye(len(gram)) + (trust - 1) * seen.T @ seen
        x = targets[row].astype(np.float64) * bool(len(seen))
        residual = trust @ seen - matrix @ x
        targets[row] = _conjugate_gradients(matrix, x, residual, steps, tolerance)


def _conjugate_gradients(
    matrix: NDArray[np.float64],
    x: NDArray[np.float64],
    residual: NDArray[np.float64],
    steps: int,
    tolerance: float,
) -> NDArray[np.float64]:
    direction, left = residual, residual @ residual
    enough = max(tolerance**2, NOISE) * left
    for _ in range(steps):
        if left <= enough:
            break
        image = matrix @ direction
        step = left / (direction @ image)
        x = x + step * direction
        residual = residual - step * image
        before, left = left, residual @ residual
        direction = residual + left / before * direction
    return x


def loss(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    confidence: NDArray[np.float32],
    rows: NDArray[np.float32],
    columns: NDArray[np.float32],
    row_regularization: NDArray[np.float32],
    column_regularization: NDArray[np.float32],
) -> float:
    """Return what the alternation makes small, over all pairs of a row and a column.

    The sum of c (1 - x'y)^2 over the entries, of (x'y)^2 over all other pairs, and of
    lambda x'x over the factors of both sides.

    Parameters
    ----------
    indptr, indices, confidence : ndarray
        The entries, as in `solve_rows`.
    rows, columns : ndarray, shapes (n, width) and (m, width), float32
        The factors of both sides.
    row_regularization, column_regularization : ndarray, shapes (n,) and (m,), float32
        The lambda of each row and of each column.

    Returns
    -------
    float
        In float64 throughout.

    Notes
    -----
    The pairs that are no entries are never visited: all pairs together are the product of two
    Gram matrices. Time: width * ((n + m) * width + entries). Memory: a few million numbers.

    References
    ----------
    Hu, Koren, Volinsky (2008), equation 3.

    Examples
    --------
    One entry of confidence 3 and one other pair, each with a score of 0.5:

    >>> half, one = np.array([[0.5]], np.float32), np.ones((2, 1), np.float32)
    >>> entries = np.array([0, 1]), np.array([0], np.int32), np.array([3], np.float32)
    >>> loss(*entries, half, one, np.zeros(1, np.float32), np.zeros(2, np.float32))
    1.0
    """
    left, right = rows.astype(np.float64), columns.astype(np.float64)
    result = float(((left.T @ left) * (right.T @ right)).sum())
    result += float(row_regularization @ (left**2).sum(1))
    result += float(column_regularization @ (right**2).sum(1))
    owners = np.repeat(np.arange(len(rows)), np.diff(indptr))
    for start in range(0, len(indices), LOSS_BLOCK):
        some = slice(start, start + LOSS_BLOCK)
        scores = (left[owners[some]] * right[indices[some]]).sum(1)
        result += float((confidence[some] * (1 - scores) ** 2 - scores**2).sum())
    return result
