"""Laws of the half step of alternating least squares."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedry.errors import InputError
from embedry.kernels.least_squares import (
    GROUP,
    check_csr,
    gram_matrix,
    loss,
    solve_rows,
    solve_rows_plain,
)
from embedry.kernels.simd import aligned

problems = st.fixed_dictionaries(
    {
        "rows": st.integers(1, 3 * GROUP),
        "columns": st.integers(1, 40),
        "dims": st.integers(1, 130),
        "seed": st.integers(0, 2**32 - 1),
    }
)
few = settings(max_examples=60, deadline=None)


def make_problem(rows, columns, dims, seed, scale=0.5):
    """Return the arguments of `solve_rows` up to the regularization, rows of all lengths."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, columns + 1, rows)
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    chosen = [np.sort(rng.permutation(columns)[:length]) for length in lengths]
    indices = np.concatenate(chosen).astype(np.int32)
    confidence = (1 + rng.exponential(5, len(indices))).astype(np.float32)
    targets, fixed = aligned(rows, dims), aligned(columns, dims)
    targets[:, :dims] = rng.normal(0, scale, (rows, dims))
    fixed[:, :dims] = rng.normal(0, scale, (columns, dims))
    regularization = rng.uniform(0.5, 20, rows).astype(np.float32)
    check_csr(indptr, indices, confidence, rows, columns)
    return indptr, indices, confidence, targets, fixed, gram_matrix(fixed), regularization


def with_targets(problem, targets):
    """Return the problem with another start of its own."""
    return (*problem[:3], targets.copy(), *problem[4:])


def exact(indptr, indices, confidence, targets, fixed, gram, regularization):
    """Return the rows that solve the systems, in float64 from the definition alone."""
    result = np.zeros(targets.shape)
    fixed = fixed.astype(np.float64)
    for row in range(len(targets)):
        trust = np.ones(len(fixed))
        wanted = np.zeros(len(fixed))
        for entry in range(indptr[row], indptr[row + 1]):
            trust[indices[entry]] = confidence[entry]
            wanted[indices[entry]] = confidence[entry]
        matrix = fixed.T @ np.diag(trust) @ fixed + regularization[row] * np.eye(len(gram))
        result[row] = np.linalg.solve(matrix, fixed.T @ wanted)
    return result


@few
@given(problem=problems, steps=st.integers(0, 4))
def test_solve_rows_equals_the_plain_oracle(problem, steps):
    """A few steps in registers are the same few steps in NumPy, for every width and length."""
    problem = make_problem(**problem)
    rows = len(problem[3])
    plain = with_targets(problem, problem[3])
    solve_rows(*problem, 0, rows, steps)
    solve_rows_plain(*plain, 0, rows, steps)
    # conjugate gradients amplify rounding: float64 and float32 drift apart by some 1e-4
    np.testing.assert_allclose(problem[3], plain[3], rtol=2e-3, atol=2e-3)


@few
@given(problem=problems)
def test_solve_rows_to_the_end_equals_the_exact_solution(problem):
    """From zero, with many steps and a small tolerance, the rows solve their systems."""
    problem = make_problem(**problem)
    problem[3][:] = 0
    solve_rows(*problem, 0, len(problem[3]), steps=1000, tolerance=1e-6)
    np.testing.assert_allclose(problem[3], exact(*problem), rtol=0, atol=1e-4)


@few
@given(problem=problems)
def test_solve_rows_plain_equals_the_exact_solution(problem):
    """The oracle itself solves the systems."""
    problem = make_problem(**problem)
    problem[3][:] = 0
    solve_rows_plain(*problem, 0, len(problem[3]), steps=1000, tolerance=1e-7)
    np.testing.assert_allclose(problem[3], exact(*problem), rtol=0, atol=1e-5)


@few
@given(problem=problems, cuts=st.lists(st.integers(0, 3 * GROUP), max_size=4))
def test_solve_rows_in_pieces_equals_the_whole(problem, cuts):
    """Ranges of rows, in any split, give the bytes of one call over all rows."""
    problem = make_problem(**problem)
    rows = len(problem[3])
    pieces = with_targets(problem, problem[3])
    solve_rows(*problem, 0, rows, steps=3, tolerance=1e-3)
    cuts = [0, *sorted(min(cut, rows) for cut in cuts), rows]
    for first, last in itertools.pairwise(cuts):
        solve_rows(*pieces, first, last, steps=3, tolerance=1e-3)
    assert problem[3].tobytes() == pieces[3].tobytes()


def test_solve_rows_in_threads_equals_one_thread():
    """Threads over ranges of one table do not disturb each other."""
    problem = make_problem(rows=2000, columns=60, dims=48, seed=1)
    threaded = with_targets(problem, problem[3])
    solve_rows(*problem, 0, 2000, steps=20)
    with ThreadPoolExecutor(4) as pool:
        jobs = [
            pool.submit(solve_rows, *threaded, first, first + 500, 20)
            for first in range(0, 2000, 500)
        ]
    assert [job.result() for job in jobs] == [None] * 4
    assert problem[3].tobytes() == threaded[3].tobytes()


def test_solve_rows_touches_its_range_alone():
    """Rows outside ``first`` to ``last - 1`` keep their bytes."""
    problem = make_problem(rows=30, columns=20, dims=20, seed=2)
    before = problem[3].copy()
    solve_rows(*problem, 5, 17, steps=2)
    changed = (problem[3] != before).any(axis=1)
    assert not changed[:5].any()
    assert changed[5:17].all()
    assert not changed[17:].any()


@few
@given(problem=problems, steps=st.integers(0, 3))
def test_solve_rows_makes_empty_rows_exact_zeros(problem, steps):
    """A row without entries is zero, wherever it started, and no other row is."""
    problem = make_problem(**problem)
    solve_rows(*problem, 0, len(problem[3]), steps)
    empty = np.diff(problem[0]) == 0
    assert (problem[3][empty] == 0).all()
    assert problem[3][~empty].any(axis=1).all()


@few
@given(problem=problems)
def test_solve_rows_keeps_the_padding_at_zero(problem):
    """Columns beyond the dims, which no factor uses, stay exactly zero."""
    dims = problem["dims"]
    problem = make_problem(**problem)
    solve_rows(*problem, 0, len(problem[3]), steps=5)
    assert (problem[3][:, dims:] == 0).all()


def test_solve_rows_of_one_row_and_one_column_divides():
    """With one number everywhere, x = c y / (c y^2 + lambda), in one step."""
    indptr, indices = np.array([0, 1]), np.zeros(1, np.int32)
    targets, fixed = aligned(1, 1), aligned(1, 1)
    fixed[0, 0] = 2
    confidence, regularization = np.float32([3]), np.float32([0.5])
    gram = gram_matrix(fixed)
    solve_rows(indptr, indices, confidence, targets, fixed, gram, regularization, 0, 1, steps=1)
    np.testing.assert_allclose(targets[0, 0], 3 * 2 / (3 * 4 + 0.5), rtol=1e-6)


def test_solve_rows_of_no_rows_does_nothing():
    """A matrix without rows, or an empty range, is fine."""
    none = np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32)
    fixed = aligned(3, 16)
    solve_rows(*none, aligned(0, 16), fixed, gram_matrix(fixed), np.zeros(0, np.float32), 0, 0, 3)
    problem = make_problem(rows=4, columns=4, dims=4, seed=3)
    before = problem[3].copy()
    solve_rows(*problem, 2, 2, steps=3)
    assert (problem[3] == before).all()


def test_solve_rows_stops_at_the_tolerance():
    """A tolerance of 1 is met at once; a smaller one leaves a residual of at most that share."""
    problem = make_problem(rows=20, columns=30, dims=40, seed=4)
    problem[3][np.diff(problem[0]) > 0] += 1
    before = problem[3].copy()
    before[np.diff(problem[0]) == 0] = 0
    solve_rows(*problem, 0, 20, steps=10, tolerance=1.0)
    assert (problem[3] == before).all()
    first = residuals(*problem)
    solve_rows(*problem, 0, 20, steps=1000, tolerance=0.01)
    last = residuals(*problem)
    assert (last <= 0.0101 * first).all()
    assert last.max() > 1e-4 * first.max()


def residuals(indptr, indices, confidence, targets, fixed, gram, regularization):
    """Return how far each row is from solving its system."""
    lengths = []
    for row, x in enumerate(targets.astype(np.float64)):
        entries = slice(indptr[row], indptr[row + 1])
        seen = fixed[indices[entries]].astype(np.float64)
        trust = confidence[entries]
        image = gram @ x + ((trust - 1) * (seen @ x)) @ seen + regularization[row] * x
        lengths.append(np.linalg.norm(trust @ seen - image))
    return np.array(lengths)


@pytest.mark.parametrize("scale", [1e-30, 1e-24, 1e-23, 1e-22, 1e-18, 1e-9, 1e6])
def test_solve_rows_stays_finite_at_any_scale(scale):
    """Numbers too small or large to be squared in float32 end a row's steps, not in NaN."""
    problem = make_problem(rows=10, columns=10, dims=10, seed=5, scale=scale)
    problem[-1][:] = 1e-6
    solve_rows(*problem, 0, 10, steps=50)
    assert np.isfinite(problem[3]).all()


@few
@given(problem=problems)
def test_gram_matrix_equals_numpy(problem):
    """It is the product of the transpose with the matrix, in float32."""
    factors = make_problem(**problem)[4]
    wanted = factors.T.astype(np.float64) @ factors
    np.testing.assert_allclose(gram_matrix(factors), wanted, rtol=1e-5, atol=1e-4)


def test_gram_matrix_of_many_rows_keeps_its_precision():
    """Many equal terms, which a plain float32 sum rounds away, are summed in blocks."""
    factors = np.full((300_000, 16), 0.1, np.float32)
    wanted = 300_000 * np.float64(np.float32(0.1)) ** 2
    np.testing.assert_allclose(gram_matrix(factors), wanted, rtol=2e-5)


@few
@given(problem=problems)
def test_loss_equals_the_sum_over_all_pairs(problem):
    """It is the objective of Hu, Koren and Volinsky, written out pair by pair."""
    indptr, indices, confidence, rows, columns, _, regularization = make_problem(**problem)
    other = np.linspace(1, 2, len(columns), dtype=np.float32)
    trust, wanted = np.ones((2, len(rows), len(columns)))
    wanted[:] = 0
    owners = np.repeat(np.arange(len(rows)), np.diff(indptr))
    trust[owners, indices], wanted[owners, indices] = confidence, 1
    left, right = rows.astype(np.float64), columns.astype(np.float64)
    total = (trust * (wanted - left @ right.T) ** 2).sum()
    total += (regularization[:, None] * left**2).sum() + (other[:, None] * right**2).sum()
    got = loss(indptr, indices, confidence, rows, columns, regularization, other)
    np.testing.assert_allclose(got, total, rtol=1e-9)


def test_loss_sees_every_entry_of_a_long_matrix():
    """Entries are taken in blocks, and the last block is as good as the first."""
    count = 40_000
    indptr, indices = np.array([0, count]), np.zeros(count, np.int32)
    confidence = np.full(count, 2, np.float32)
    none, no_lambda = np.zeros((1, 1), np.float32), np.zeros(1, np.float32)
    assert loss(indptr, indices, confidence, none, none, no_lambda, no_lambda) == 2 * count


@few
@given(problem=problems, steps=st.integers(1, 3))
def test_solve_rows_never_raises_the_loss(problem, steps):
    """Every step of conjugate gradients goes down the objective of the rows it moves."""
    problem = make_problem(**problem)
    indptr, indices, confidence, targets, fixed, _, regularization = problem
    other = np.zeros(len(fixed), np.float32)

    def objective():
        return loss(indptr, indices, confidence, targets, fixed, regularization, other)

    before = objective()
    solve_rows(*problem, 0, len(targets), steps)
    assert objective() <= before * (1 + 1e-6)


BAD_CSR = {
    "int32 indptr": ({"indptr": np.array([0, 1, 2], np.int32)}, "indptr must be"),
    "int64 indices": ({"indices": np.array([0, 1])}, "indices must be C-contiguous"),
    "float64 values": ({"values": np.ones(2)}, "values must be C-contiguous"),
    "a step in memory": ({"values": np.ones(4, np.float32)[::2]}, "values must be C-contiguous"),
    "two dimensions": ({"values": np.ones((2, 1), np.float32)}, "1 dimension"),
    "short indptr": ({"indptr": np.array([0, 2])}, "one longer than the 2 rows"),
    "empty indptr": ({"indptr": np.zeros(0, np.int64)}, "one longer than the 2 rows"),
    "more than indices": ({"indptr": np.array([0, 1, 3])}, "as many as indptr says, 3"),
    "fewer values": ({"values": np.ones(1, np.float32)}, "as many as indptr says, 2"),
    "falling": ({"indptr": np.array([0, 3, 2])}, "never fall"),
    "not from zero": ({"indptr": np.array([1, 1, 2])}, "begin with 0"),
    "column too large": ({"indices": np.array([0, 3], np.int32)}, "below the 3 columns; got 3"),
    "column negative": ({"indices": np.array([-1, 1], np.int32)}, "below the 3 columns; got -1"),
    "NaN": ({"values": np.float32([1, np.nan])}, "finite"),
    "infinite": ({"values": np.float32([1, np.inf])}, "finite"),
}


@pytest.mark.parametrize(("change", "message"), BAD_CSR.values(), ids=BAD_CSR)
def test_check_csr_refuses_what_would_leave_the_arrays(change, message):
    """Each fault of a sparse matrix is named."""
    good = {
        "indptr": np.array([0, 1, 2]),
        "indices": np.array([0, 2], np.int32),
        "values": np.ones(2, np.float32),
    }
    check_csr(**good, rows=2, columns=3)
    with pytest.raises(InputError, match=message):
        check_csr(**good | change, rows=2, columns=3)


def test_check_csr_takes_a_matrix_without_entries():
    """No rows and no columns are a matrix too."""
    check_csr(np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32), 0, 0)


BAD_SYSTEM = {
    "float64 targets": (3, np.zeros((4, 16)), "targets must be C-contiguous float32"),
    "one-dimensional fixed": (4, np.zeros(16, np.float32), "fixed must be"),
    "float64 gram": (5, np.zeros((16, 16)), "gram must be"),
    "float64 regularization": (6, np.zeros(4), "regularization must be"),
    "transposed": (3, np.zeros((16, 4), np.float32).T, "targets must be"),
    "narrow targets": (3, np.zeros((4, 8), np.float32), "one width"),
    "wide fixed": (4, np.zeros((6, 32), np.float32), "one width"),
    "flat gram": (5, np.zeros((16, 32), np.float32), "one width"),
    "fewer targets": (3, np.zeros((3, 16), np.float32), "the 4 rows of indptr"),
    "fewer lambdas": (6, np.zeros(3, np.float32), "the 4 rows of indptr"),
}


@pytest.mark.parametrize(("place", "array", "message"), BAD_SYSTEM.values(), ids=BAD_SYSTEM)
def test_solve_rows_refuses_arrays_that_do_not_fit(place, array, message):
    """No pointer is followed before the shapes agree."""
    problem = list(make_problem(rows=4, columns=6, dims=16, seed=6))
    problem[place] = array
    with pytest.raises(InputError, match=message):
        solve_rows(*problem, 0, 4, 3)


def test_solve_rows_refuses_a_width_of_its_own():
    """Rows that are no whole vectors would run into their neighbours."""
    indptr, indices, confidence, *_, regularization = make_problem(4, 6, 16, seed=7)
    factors, gram = np.zeros((4, 12), np.float32), np.zeros((12, 12), np.float32)
    with pytest.raises(InputError, match="a multiple of 16"):
        solve_rows(indptr, indices, confidence, factors, factors, gram, regularization, 0, 4, 3)
    with pytest.raises(InputError, match="a multiple of 16"):
        gram_matrix(factors)


@pytest.mark.parametrize(("first", "last"), [(-1, 2), (3, 2), (0, 5)])
def test_solve_rows_refuses_a_range_outside_the_rows(first, last):
    """The range is inside the rows."""
    with pytest.raises(InputError, match="first and last must hold"):
        solve_rows(*make_problem(rows=4, columns=6, dims=16, seed=8), first, last, 3)
